/*
 * The supervisor of the children: who is started when, and what follows from
 * their ends.
 */
#include "proc/supervisor.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "proc/heir.h"
#include "proc/release.h"
#include "proc/spawn.h"
#include "proc/supervisor_common.h"
#include "proc/vitals.h"

static bool
supervisor_all_ready(const struct supervisor *sup)
{
	unsigned slot;

	if (sup->monitor.phase != CHILD_RUNNING)
		return false;
	for (slot = 0; slot < sup->plan->slots; slot++)
		if (sup->workers[slot].wanted &&
		    sup->workers[slot].phase != CHILD_RUNNING)
			return false;
	return true;
}

void
supervisor_tell_drain(struct supervisor *sup, struct child *worker)
{
	uint64_t now = loop_now(sup->loop);
	uint64_t left = sup->drain_until > now ? sup->drain_until - now : 0;

	(void)channel_send(worker->channel, MESSAGE_DRAIN, (uint32_t)left);
}

/* False if a socket does not listen. */
static bool
supervisor_listen(struct supervisor *sup, const struct child *worker)
{
	const struct owned *failed;
	char name[ENDPOINT_STRLEN];

	/* Nobody can wait where nobody has listened yet. */
	if (sup->phase >= SUPERVISOR_DRAINING ||
	    sockets_listen(sup->sockets, worker->slot, &failed) == 0)
		return true;
	log_errno(sup->log, LOG_LEVEL_ERROR, errno, "cannot listen on %s",
	    endpoint_format(&failed->endpoint, name, sizeof(name)));
	return false;
}

/* From now on clients come in, though the worker is yet to hear of it; who asks
 * whether muxd is well must not hear otherwise once it is said to be ready. */
static void
supervisor_note_serving(struct supervisor *sup, const struct child *worker)
{
	uint32_t starting = WORKER_STARTING;

	if (sup->phase < SUPERVISOR_DRAINING)
		(void)atomic_compare_exchange_strong(
		    &sup->state->workers[worker->number].phase, &starting,
		    WORKER_SERVING);
}

static void
supervisor_worker_ready(struct supervisor *sup, struct child *worker)
{
	/* It was about to start when the master let go of its sockets. */
	if (worker->emptied)
		return;
	if (sup->phase == SUPERVISOR_STOPPING || sup->held)
		return;
	/* It is retired, or about to be: nothing is there for it to do. */
	if (!sup->sockets->used[worker->slot])
		return;
	if (!supervisor_listen(sup, worker)) {
		if (sup->phase == SUPERVISOR_STARTING)
			sup->ops->failed(sup);
		return;
	}
	supervisor_note_serving(sup, worker);
	(void)channel_send(worker->channel, MESSAGE_SERVE, 0);
	if (sup->phase == SUPERVISOR_DRAINING)
		supervisor_tell_drain(sup, worker);
	child_log_start(sup->log, worker);
	heir_ready(sup, worker);
	/* A socket that has just joined its group is not steered to yet. */
	sup->steer_again |= sup->sockets->steered;
	vitals_steer(sup);
}

/* Draining: the master needs the slot's sockets no longer, and with the last
 * slot's not those that all share. */
void
supervisor_let_go(struct supervisor *sup, struct child *worker)
{
	unsigned slot;

	worker->emptied = true;
	sockets_close_slot(sup->sockets, worker->slot);
	for (slot = 0; slot < sup->plan->slots; slot++)
		if (!sup->workers[slot].emptied)
			return;
	sockets_close_shared(sup->sockets);
}

/* Nobody waits in the worker's queues: let it have the sockets alone, so
 * that its closing them is the end. */
static void
supervisor_worker_emptied(struct supervisor *sup, struct child *worker)
{
	supervisor_let_go(sup, worker);
	(void)channel_send(worker->channel, MESSAGE_CLOSE, 0);
}

/* The monitor is there: from here on the logs are its affair, and the
 * workers, which write to it, can start. */
static void
supervisor_monitor_ready(struct supervisor *sup)
{
	unsigned slot;

	if (sup->log->fd == -1)
		log_open_channel(sup->log, sup->logs[MASTER_LOG].write_fd,
		    sup->conf->log.level, "master", -1);
	child_log_start(sup->log, &sup->monitor);
	if (sup->adopted)
		release_adopted(
		    sup->log, sup->conf, sup->state, sup->generation);
	sup->adopted = false;
	/* A worker that cannot be forked ends the start. */
	for (slot = 0;
	     slot < sup->plan->slots && sup->phase == SUPERVISOR_STARTING;
	     slot++)
		if (sup->workers[slot].wanted &&
		    sup->workers[slot].phase == CHILD_DOWN)
			supervisor_spawn(&sup->workers[slot]);
}

static void
supervisor_message(struct channel *channel, const struct message *message)
{
	struct child *child = channel->owner;
	struct supervisor *sup = child->owner;

	switch (message->type) {
	case MESSAGE_READY:
		child->phase = CHILD_RUNNING;
		if (child->kind == CHILD_WORKER)
			supervisor_worker_ready(sup, child);
		else
			supervisor_monitor_ready(sup);
		sup->ops->up(sup, child);
		if (sup->phase == SUPERVISOR_STARTING &&
		    supervisor_all_ready(sup)) {
			sup->phase = SUPERVISOR_RUNNING;
			sup->ops->ready(sup);
		}
		break;
	case MESSAGE_EMPTIED:
		if (child->kind == CHILD_WORKER &&
		    sup->phase >= SUPERVISOR_DRAINING)
			supervisor_worker_emptied(sup, child);
		break;
	case MESSAGE_CONGESTED:
		child->congested = message->value != 0;
		vitals_steer(sup);
		break;
	case MESSAGE_PREPARED:
	case MESSAGE_REFUSED:
	case MESSAGE_COMMITTED:
		sup->ops->answered(sup, child, message);
		break;
	default:
		log_printf(sup->log, LOG_LEVEL_ERROR,
		    "unknown message %u from a child", (unsigned)message->type);
	}
}

/* Its process is about to be reaped; that says all there is to say. */
static void
supervisor_broken(struct channel *channel)
{
	(void)channel;
}

static const struct channel_ops supervisor_channel_ops = {
	.message = supervisor_message,
	.broken = supervisor_broken,
};

/* No process, or one that cannot be spoken with. */
static void
supervisor_abandon(struct child *child)
{
	if (child->pid > 0)
		(void)kill(child->pid, SIGKILL);
	child->pid = 0;
	mem_free(child->channel);
	child->channel = NULL;
}

static int
supervisor_fork(struct child *child)
{
	struct supervisor *sup = child->owner;
	int channel_fd, error;

	child->channel = mem_zalloc(sizeof(*child->channel));
	if (child->channel == NULL)
		return -1;
	child->pid = spawn_child(sup, child, &channel_fd);
	if (child->pid == -1)
		goto fail;
	if (channel_open(child->channel, sup->loop, channel_fd,
		&supervisor_channel_ops, child) == -1)
		goto fail_channel;
	child->phase = CHILD_STARTING;
	child->started_ms = loop_now(sup->loop);
	child->silent = false;
	child->congested = false;
	child->killed = false;
	return 0;
fail_channel:
	error = errno;
	(void)close(channel_fd);
	errno = error;
fail:
	error = errno;
	supervisor_abandon(child);
	errno = error;
	return -1;
}

static void
supervisor_note_start(struct supervisor *sup, const struct child *child)
{
	struct state_worker *shared;

	if (child->kind != CHILD_WORKER)
		return;
	shared = &sup->state->workers[child->number];
	/* Nothing that it is about to need may be forgotten. */
	atomic_store(&shared->generation, sup->generation);
	atomic_store(&shared->pid, child->pid);
	atomic_store(&shared->heartbeat_ms, loop_now(sup->loop));
	atomic_fetch_add(&shared->starts, 1);
}

void
supervisor_spawn(struct child *child)
{
	struct supervisor *sup = child->owner;
	uint32_t delay;

	loop_timer_cancel(sup->loop, &child->respawn);
	/* A turn may have begun long ago, by the measure of heartbeats. */
	loop_update_clock(sup->loop);
	if (supervisor_fork(child) == 0) {
		supervisor_note_start(sup, child);
		return;
	}
	log_errno(sup->log, LOG_LEVEL_ERROR, errno, "cannot start a %s",
	    child_name(child));
	if (sup->phase == SUPERVISOR_STARTING) {
		sup->ops->failed(sup);
		return;
	}
	delay = backoff_next(&child->backoff, 0);
	loop_timer_set(sup->loop, &child->respawn, delay);
	vitals_steer(sup);
}

void
supervisor_respawn(struct timer *timer)
{
	supervisor_spawn(container_of(timer, struct child, respawn));
}

/* Whether the start has failed with this end of a child.  A crash may have
 * been bad luck, once. */
static bool
supervisor_start_fails(
    const struct supervisor *sup, const struct child *child, int status)
{
	return sup->phase == SUPERVISOR_STARTING &&
	    (WIFEXITED(status) || child->backoff.failures > 0);
}

/* What follows from the end of a child that is needed. */
static void
supervisor_bury(struct supervisor *sup, struct child *child, int status)
{
	uint64_t lived = loop_now(sup->loop) - child->started_ms;
	uint32_t delay;

	if (supervisor_start_fails(sup, child, status)) {
		sup->ops->failed(sup);
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_EXIT_CONFIG) {
		child->given_up = true;
		log_printf(sup->log, LOG_LEVEL_ERROR,
		    "the %s cannot work and is not started again",
		    child_name(child));
		/* Nobody will accept there: better refuse new clients than
		 * have them wait for nothing. */
		if (sup->phase == SUPERVISOR_DRAINING &&
		    child->kind == CHILD_WORKER)
			supervisor_let_go(sup, child);
		return;
	}
	delay = backoff_next(&child->backoff, lived);
	if (delay > 0)
		log_printf(sup->log, LOG_LEVEL_WARNING,
		    "the %s fails again and again: next start in %u ms",
		    child_name(child), (unsigned)delay);
	loop_timer_set(sup->loop, &child->respawn, delay);
}

static bool
supervisor_all_given_up(const struct supervisor *sup)
{
	unsigned slot;

	for (slot = 0; slot < sup->plan->slots; slot++)
		if (sup->workers[slot].wanted && !sup->workers[slot].given_up)
			return false;
	return true;
}

static bool
supervisor_is_needed(const struct supervisor *sup, const struct child *child)
{
	if (child->kind == CHILD_WORKER && !child->wanted)
		return false;
	if (sup->phase == SUPERVISOR_DRAINING)
		return !child->emptied;
	return sup->phase < SUPERVISOR_DRAINING;
}

static void
free_channel(struct retired *retired)
{
	mem_free(container_of(retired, struct channel, retired));
}

/* A worker that was retired is gone. */
void
supervisor_end_linger(struct supervisor *sup, struct child *worker)
{
	worker->given_up = false;
	memset(&worker->backoff, 0, sizeof(worker->backoff));
	sockets_end_linger(sup->sockets, worker->slot);
	supervisor_steer_again(sup);
}

static void
supervisor_ended(struct supervisor *sup, struct child *child, int status)
{
	channel_close(child->channel);
	loop_retire(sup->loop, &child->channel->retired, free_channel);
	child->channel = NULL;
	child_log_end(sup->log, child, status,
	    loop_now(sup->loop) - child->started_ms,
	    sup->phase >= SUPERVISOR_DRAINING ||
		(child->kind == CHILD_WORKER && !child->wanted));
	child->phase = CHILD_DOWN;
	child->pid = 0;
	if (child->kind == CHILD_WORKER)
		release_worker(sup->log, sup->conf, sup->state, child->number);
	if (child->kind == CHILD_WORKER && !child->wanted)
		supervisor_end_linger(sup, child);
	sup->ops->down(sup, child);
	if (supervisor_is_needed(sup, child))
		supervisor_bury(sup, child, status);
	vitals_steer(sup);
	if (sup->phase < SUPERVISOR_DRAINING && supervisor_all_given_up(sup))
		sup->ops->failed(sup);
}

static struct child *
supervisor_find(struct supervisor *sup, pid_t pid)
{
	unsigned slot;

	if (sup->monitor.pid == pid)
		return &sup->monitor;
	for (slot = 0; slot < sup->plan->slots; slot++)
		if (sup->workers[slot].pid == pid)
			return &sup->workers[slot];
	return NULL;
}

void
supervisor_reap(struct supervisor *sup)
{
	struct child *child;
	bool any = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		child = supervisor_find(sup, pid);
		if (child == NULL) {
			sup->ops->stranger(sup, pid, status);
			continue;
		}
		supervisor_ended(sup, child, status);
		any = true;
	}
	/* Not before all are known: whether there is a monitor matters. */
	if (any && sup->phase >= SUPERVISOR_DRAINING)
		sup->ops->ended(sup);
}

int
supervisor_start(struct supervisor *sup)
{
	if (sup->started_ms == 0)
		sup->started_ms = loop_now(sup->loop);
	if (supervisor_fork(&sup->monitor) == -1)
		return -1;
	vitals_start(sup);
	return 0;
}

bool
supervisor_release(struct supervisor *sup)
{
	bool listens = true;
	unsigned slot;

	sup->held = false;
	for (slot = 0; slot < sup->plan->slots; slot++)
		if (sup->workers[slot].phase == CHILD_RUNNING) {
			supervisor_worker_ready(sup, &sup->workers[slot]);
			listens &= supervisor_listen(sup, &sup->workers[slot]);
		}
	for (slot = 0; slot < sup->plan->slots; slot++)
		sup->sockets->steered |= sockets_are_parked(sup->sockets, slot);
	supervisor_steer_again(sup);
	return listens;
}

bool
supervisor_need_monitor(struct supervisor *sup)
{
	if (!supervisor_monitor_alive(sup) && !sup->monitor.given_up &&
	    sup->log->fd != -1) {
		loop_timer_cancel(sup->loop, &sup->monitor.respawn);
		(void)supervisor_fork(&sup->monitor);
	}
	return supervisor_monitor_alive(sup);
}
