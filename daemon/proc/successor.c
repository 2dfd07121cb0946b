/*
 * The side of the new master in an upgrade: see successor.h.
 */
#include "proc/successor.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "proc/master.h"
#include "proc/release.h"
#include "proc/sockets_change.h"

bool
successor_is_held(const struct successor *successor)
{
	return successor->phase != SUCCESSOR_NONE &&
	    successor->phase != SUCCESSOR_ALONE;
}

bool
successor_waits(const struct successor *successor)
{
	return successor->phase == SUCCESSOR_ALONE;
}

/* ---- the end of the other one ---- */

static void
free_channel(struct retired *retired)
{
	mem_free(container_of(retired, struct channel, retired));
}

static void
successor_hang_up(struct successor *successor)
{
	if (successor->channel == NULL)
		return;
	channel_close(successor->channel);
	loop_retire(successor->master->loop, &successor->channel->retired,
	    free_channel);
	successor->channel = NULL;
}

static void
successor_close_presence(struct successor *successor)
{
	if (successor->presence.fd == -1)
		return;
	io_close(&successor->presence);
	successor->presence.fd = -1;
}

/* Whoever has died without it being noticed holds something still. */
static void
successor_release(const struct successor *successor)
{
	struct master *master = successor->master;
	unsigned slots = state_slots(master->state), i;

	for (i = 0; successor->shares && i < master->state->shape.workers; i++)
		if (i / slots != master->sup.first / slots)
			release_worker(
			    &master->log, master->conf, master->state, i);
}

static void
successor_check_gone(struct successor *successor)
{
	struct master *master = successor->master;

	if (successor->phase != SUCCESSOR_ALONE || successor->presence.fd != -1)
		return;
	successor->phase = SUCCESSOR_NONE;
	loop_timer_cancel(master->loop, &successor->patience);
	successor_hang_up(successor);
	successor_release(successor);
	log_printf(&master->log, LOG_LEVEL_NOTICE,
	    "the muxd that was here before has ended");
	master_predecessor_gone(master);
}

/* Nobody else is left to end a worker that hangs. */
static void
successor_kill_workers(const struct successor *successor)
{
	struct master *master = successor->master;

	if (successor->shares)
		release_kill_orphans(
		    &master->log, master->state, master->sup.first);
}

void
successor_abandon(struct successor *successor)
{
	if (successor->phase != SUCCESSOR_ALONE)
		return;
	successor_tell(successor, MESSAGE_STOP);
	successor_close_presence(successor);
	loop_timer_cancel(successor->master->loop, &successor->patience);
	successor->phase = SUCCESSOR_NONE;
}

static void
successor_presence_over(struct io *io)
{
	struct successor *successor =
	    container_of(io, struct successor, presence);

	successor_close_presence(successor);
	successor_check_gone(successor);
}

/* ---- taking over ---- */

/* The daemon is this one's. */
static void
successor_serve(struct successor *successor)
{
	struct master *master = successor->master;

	successor->phase = SUCCESSOR_ALONE;
	if (strcmp(successor->handover->control, master->conf->control) != 0)
		(void)unlink(successor->handover->control);
	handover_free(successor->handover);
	successor->handover = NULL;
	conf_free(successor->before);
	successor->before = NULL;
	/* Not before: what is noted as used by this one alone is forgotten if
	 * it fails. */
	slots_use(&master->slots, master->conf, master->state,
	    master->sup.generation);
	master_take_over(master);
	successor_check_gone(successor);
	if (successor->terminate)
		master_terminate(master);
}

/* Either the other master hangs, or its workers do without it. */
static void
successor_impatient(struct timer *timer)
{
	struct successor *successor =
	    container_of(timer, struct successor, patience);

	if (successor->orphaned) {
		successor_kill_workers(successor);
		return;
	}
	if (successor->phase != SUCCESSOR_SERVING)
		return;
	log_printf(&successor->master->log, LOG_LEVEL_ERROR,
	    "the muxd that is here does not leave: serving without its word");
	successor_serve(successor);
}

void
successor_monitor_took(struct master *master)
{
	struct successor *successor = &master->successor;

	if (successor->phase != SUCCESSOR_TAKING)
		return;
	if (!supervisor_release(&master->sup)) {
		master_cannot_start(master);
		return;
	}
	master->sockets.held = false;
	/* The last to have them are workers of the other one then. */
	sockets_close_leftover(&master->sockets);
	successor->phase = SUCCESSOR_SERVING;
	if (successor->orphaned || successor->channel == NULL ||
	    channel_send(successor->channel, MESSAGE_SERVING, 0) == -1)
		successor_serve(successor);
	else
		loop_timer_set(
		    master->loop, &successor->patience, SUCCESSOR_PATIENCE_MS);
}

static void
successor_take(struct successor *successor)
{
	struct master *master = successor->master;
	struct conf_errors warnings = { 0 };

	successor->phase = SUCCESSOR_TAKING;
	sockets_settle(&master->sockets, &warnings);
	conf_errors_free(&warnings);
	slots_apply(&master->slots, master->conf,
	    successor->shares ? successor->before : NULL, master->state);
	successor_monitor_up(master);
}

void
successor_monitor_up(struct master *master)
{
	if (master->successor.phase == SUCCESSOR_TAKING)
		supervisor_tell_monitor(&master->sup, MESSAGE_TAKE);
}

/* Who waits there has nobody here.  -1 when that cannot be told. */
static int
successor_forgo(const struct successor *successor)
{
	const struct sockets *sockets = &successor->master->sockets;
	size_t i;

	for (i = 0; i < sockets->nleftover; i++)
		if (channel_send(successor->channel, MESSAGE_FORGO,
			sockets->leftover[i].id) == -1)
			return -1;
	return 0;
}

void
successor_ready(struct master *master)
{
	struct successor *successor = &master->successor;

	if (successor->phase != SUCCESSOR_HELD)
		return;
	successor->phase = SUCCESSOR_READY;
	log_printf(&master->log, LOG_LEVEL_INFO, "ready to take over");
	if (successor->orphaned) {
		successor_take(successor);
		return;
	}
	if (successor_forgo(successor) == -1 ||
	    channel_send(successor->channel, MESSAGE_READY, 0) == -1) {
		log_printf(&master->log, LOG_LEVEL_ERROR,
		    "the muxd before cannot be told: %s", strerror(errno));
		master_cannot_start(master);
	}
}

/* ---- what the other one says ---- */

static void
successor_message(struct channel *channel, const struct message *message)
{
	struct successor *successor = channel->owner;

	if (message->type == MESSAGE_TAKE &&
	    successor->phase == SUCCESSOR_READY)
		successor_take(successor);
	else if (message->type == MESSAGE_LEFT &&
	    successor->phase == SUCCESSOR_SERVING) {
		loop_timer_cancel(
		    successor->master->loop, &successor->patience);
		successor_serve(successor);
	}
}

/* It has died, or it has ended with its last session. */
static void
successor_broken(struct channel *channel)
{
	struct successor *successor = channel->owner;

	successor->orphaned = true;
	loop_timer_set(successor->master->loop, &successor->patience,
	    SUCCESSOR_PATIENCE_MS);
	switch (successor->phase) {
	case SUCCESSOR_READY:
		successor_take(successor);
		break;
	case SUCCESSOR_SERVING:
		successor_serve(successor);
		break;
	case SUCCESSOR_NONE:
	case SUCCESSOR_HELD:
	case SUCCESSOR_TAKING:
	case SUCCESSOR_ALONE:
		break;
	}
}

static const struct channel_ops successor_channel_ops = {
	.message = successor_message,
	.broken = successor_broken,
};

/* It must be known when the processes here are gone before there are any. */
int
successor_watch(struct master *master)
{
	struct successor *successor = &master->successor;
	const struct handover *handover = successor->handover;
	int fd = master->sup.presence.read_fd;

	timer_init(&successor->patience, successor_impatient);
	successor->channel = mem_zalloc(sizeof(*successor->channel));
	if (successor->channel == NULL ||
	    channel_open(successor->channel, master->loop, handover->channel_fd,
		&successor_channel_ops, successor) == -1)
		goto fail;
	io_init(&successor->presence, handover->presence_fd,
	    successor_presence_over, IO_SHARED);
	if (io_add(master->loop, &successor->presence, IO_READ) == -1 ||
	    channel_send_fds(successor->channel, MESSAGE_PRESENCE, 0, &fd, 1) ==
		-1)
		goto fail;
	return 0;
fail:
	log_errno(&master->log, LOG_LEVEL_ERROR, errno,
	    "cannot speak with the muxd that is here");
	return -1;
}

void
successor_tell(const struct successor *successor, enum message_type type)
{
	if (successor->phase == SUCCESSOR_ALONE && successor->channel != NULL)
		(void)channel_send(successor->channel, type, 0);
}

void
successor_close(struct successor *successor)
{
	if (successor->master == NULL)
		return;
	if (successor->channel != NULL) {
		loop_timer_cancel(
		    successor->master->loop, &successor->patience);
		successor_hang_up(successor);
	}
	if (successor->master->loop != NULL) {
		successor_close_presence(successor);
	}
	handover_free(successor->handover);
	conf_free(successor->before);
}
