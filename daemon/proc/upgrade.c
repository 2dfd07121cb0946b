/*
 * Upgrade, the side of the one who leaves: see upgrade.h for its phases.
 */
#include "proc/upgrade.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "proc/master.h"
#include "proc/release.h"
#include "proc/sockets_change.h"
#include "proc/upgrade_start.h"

/* What all processes of one that was killed may take to end. */
#define UPGRADE_END_MS 10000

static void upgrade_fail(struct upgrade *upgrade, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
upgrade_set_phase(
    struct upgrade *upgrade, enum upgrade_phase phase, uint64_t patience_ms)
{
	upgrade->phase = phase;
	loop_timer_set(upgrade->master->loop, &upgrade->patience, patience_ms);
}

/* ---- the end ---- */

static void
upgrade_tell(struct upgrade *upgrade, bool done)
{
	const struct upgrade_result result = {
		.done = done,
		.pid = upgrade->pid,
		.text = upgrade->why,
		.said = upgrade->text,
	};
	struct upgrade_request *request;
	struct list *link;

	while ((link = list_shift(&upgrade->waiting)) != NULL) {
		request = container_of(link, struct upgrade_request, link);
		list_init(&request->link);
		request->done(request, &result);
	}
}

static void
free_channel(struct retired *retired)
{
	mem_free(container_of(retired, struct channel, retired));
}

static void
upgrade_hang_up(struct upgrade *upgrade)
{
	if (upgrade->channel == NULL)
		return;
	channel_close(upgrade->channel);
	loop_retire(
	    upgrade->master->loop, &upgrade->channel->retired, free_channel);
	upgrade->channel = NULL;
}

static void
upgrade_close_io(struct io *io)
{
	if (io->fd == -1)
		return;
	io_close(io);
	io->fd = -1;
}

static void
upgrade_release_side(struct master *master)
{
	unsigned slots = state_slots(master->state), i;

	/* With memory of its own, it has touched nothing here. */
	for (i = 0; i < master->state->shape.workers; i++)
		if (i / slots != master->sup.first / slots)
			release_worker(
			    &master->log, master->conf, master->state, i);
}

/* Sockets and servers are as this one has them, whatever the other one has
 * done to them. */
static void
upgrade_restore(struct upgrade *upgrade)
{
	struct master *master = upgrade->master;
	struct supervisor *sup = &master->sup;
	struct conf_errors ignored = { 0 };

	sockets_settle(&master->sockets, &ignored);
	conf_errors_free(&ignored);
	upgrade_release_side(master);
	sup->yielded = false;
	if (!upgrade->told)
		return;
	slots_apply(&master->slots, master->conf, master->conf, master->state);
	master->sockets.steered = true;
	supervisor_steer_again(sup);
}

/* What it has said, a record for each line. */
static void
upgrade_log_text(struct upgrade *upgrade, enum log_level level)
{
	struct log *log = &upgrade->master->log;
	struct log_record record;
	char *line, *rest = upgrade->text;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] != '\0') {
			log_record_begin(&record, level, "the new muxd says");
			log_record_str(&record, "text", line);
			log_emit(log, &record);
		}
		/* It is told as it was said. */
		if (rest != NULL)
			rest[-1] = '\n';
	}
}

static void
upgrade_log_failure(struct upgrade *upgrade)
{
	struct log_record record;

	log_record_begin(&record, LOG_LEVEL_ERROR,
	    "the upgrade has failed: this muxd goes on");
	log_record_str(&record, "reason", upgrade->why);
	log_emit(&upgrade->master->log, &record);
	upgrade_log_text(upgrade, LOG_LEVEL_ERROR);
}

/* All its processes are gone. */
static void
upgrade_failed(struct upgrade *upgrade)
{
	struct master *master = upgrade->master;

	loop_timer_cancel(master->loop, &upgrade->patience);
	upgrade_hang_up(upgrade);
	upgrade_close_io(&upgrade->presence);
	upgrade_close_io(&upgrade->said);
	mem_free(upgrade->forgone);
	upgrade->forgone = NULL;
	upgrade->nforgone = 0;
	upgrade_log_failure(upgrade);
	upgrade_restore(upgrade);
	/* Names that it alone has. */
	state_forget(master->state, upgrade->number, upgrade->number);
	supervisor_tell_monitor(&master->sup, MESSAGE_TAKE);
	upgrade->phase = UPGRADE_IDLE;
	upgrade_tell(upgrade, false);
	master_upgrade_failed(master);
}

static void
upgrade_check_gone(struct upgrade *upgrade)
{
	if (upgrade->phase == UPGRADE_FAILING && upgrade->pid == 0 &&
	    upgrade->presence.fd == -1)
		upgrade_failed(upgrade);
}

static void
upgrade_fail(struct upgrade *upgrade, const char *fmt, ...)
{
	va_list args;

	if (upgrade->phase == UPGRADE_FAILING)
		return;
	va_start(args, fmt);
	(void)vsnprintf(upgrade->why, sizeof(upgrade->why), fmt, args);
	va_end(args);
	if (upgrade->pid > 0)
		(void)kill(upgrade->pid, SIGKILL);
	upgrade_set_phase(upgrade, UPGRADE_FAILING, UPGRADE_END_MS);
	upgrade_check_gone(upgrade);
}

/* ---- what it says ---- */

/* More than is kept is read nevertheless, or it would wait. */
static void
upgrade_hear(struct io *io)
{
	struct upgrade *upgrade = container_of(io, struct upgrade, said);
	char buf[512];
	size_t room;
	ssize_t n;

	while ((n = read(io->fd, buf, sizeof(buf))) > 0) {
		room = sizeof(upgrade->text) - 1 - upgrade->len;
		if ((size_t)n < room)
			room = (size_t)n;
		memcpy(upgrade->text + upgrade->len, buf, room);
		upgrade->len += room;
		upgrade->text[upgrade->len] = '\0';
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		io_drained(io, IO_READ);
	else
		upgrade_close_io(io);
}

static void
upgrade_gone(struct io *io)
{
	struct upgrade *upgrade = container_of(io, struct upgrade, presence);

	/* Nobody writes there: this is the end. */
	upgrade_close_io(io);
	upgrade_check_gone(upgrade);
}

static void
upgrade_take_presence(struct upgrade *upgrade)
{
	struct channel *channel = upgrade->channel;

	if (channel->nfds != 1 || upgrade->presence.fd != -1)
		return;
	channel->nfds = 0;
	io_init(&upgrade->presence, channel->fds[0], upgrade_gone, IO_SHARED);
	if (io_add(upgrade->master->loop, &upgrade->presence, IO_READ) == -1) {
		(void)close(upgrade->presence.fd);
		upgrade->presence.fd = -1;
	}
}

static void
upgrade_forgo(struct upgrade *upgrade, uint32_t id)
{
	uint32_t *place = mem_push(
	    &upgrade->forgone, &upgrade->nforgone, sizeof(*upgrade->forgone));

	if (place != NULL)
		*place = id;
}

/* The new one has all it needs. */
static void
upgrade_yield(struct upgrade *upgrade)
{
	struct supervisor *sup = &upgrade->master->sup;

	if (upgrade->phase != UPGRADE_STARTING)
		return;
	upgrade_set_phase(upgrade, UPGRADE_YIELDING, UPGRADE_TAKE_MS);
	/* One that is started from now on has yielded already. */
	sup->yielded = true;
	if (sup->monitor.phase == CHILD_RUNNING &&
	    channel_send(sup->monitor.channel, MESSAGE_YIELD, 0) == 0)
		return;
	if (supervisor_monitor_alive(sup))
		supervisor_kill_monitor(sup);
	else
		upgrade_monitor_yielded(upgrade);
}

void
upgrade_monitor_yielded(struct upgrade *upgrade)
{
	if (upgrade->phase != UPGRADE_YIELDING)
		return;
	upgrade_set_phase(upgrade, UPGRADE_TAKING, UPGRADE_TAKE_MS);
	upgrade->told = true;
	/* One that cannot be told is about to be found dead. */
	if (channel_send(upgrade->channel, MESSAGE_TAKE, 0) == -1 &&
	    upgrade->pid > 0)
		(void)kill(upgrade->pid, SIGKILL);
}

static void
upgrade_leave(struct upgrade *upgrade)
{
	struct master *master = upgrade->master;

	if (upgrade->phase != UPGRADE_TAKING)
		return;
	loop_timer_cancel(master->loop, &upgrade->patience);
	upgrade->phase = UPGRADE_LEFT;
	/* Warnings, that may still be in the pipe. */
	if (upgrade->said.fd != -1)
		upgrade_hear(&upgrade->said);
	upgrade_close_io(&upgrade->said);
	upgrade_log_text(upgrade, LOG_LEVEL_WARNING);
	upgrade_tell(upgrade, true);
	master_leave(master);
	(void)channel_send(upgrade->channel, MESSAGE_LEFT, 0);
}

static void
upgrade_message(struct channel *channel, const struct message *message)
{
	struct upgrade *upgrade = channel->owner;
	struct master *master = upgrade->master;

	switch (message->type) {
	case MESSAGE_PRESENCE:
		upgrade_take_presence(upgrade);
		break;
	case MESSAGE_FORGO:
		upgrade_forgo(upgrade, message->value);
		break;
	case MESSAGE_READY:
		upgrade_yield(upgrade);
		break;
	case MESSAGE_SERVING:
		upgrade_leave(upgrade);
		break;
	case MESSAGE_END:
		supervisor_tell_workers(&master->sup, MESSAGE_END, 0);
		break;
	case MESSAGE_REOPEN:
		supervisor_tell_monitor(&master->sup, MESSAGE_REOPEN);
		break;
	case MESSAGE_STOP:
		master_terminate(master);
		break;
	default:
		log_printf(&master->log, LOG_LEVEL_ERROR,
		    "unknown message %u from the new muxd",
		    (unsigned)message->type);
	}
}

/* Before it has taken over, that is its end; afterwards nothing follows. */
static void
upgrade_broken(struct channel *channel)
{
	struct upgrade *upgrade = channel->owner;

	if (upgrade->phase != UPGRADE_LEFT && upgrade->pid > 0)
		(void)kill(upgrade->pid, SIGKILL);
}

static const struct channel_ops upgrade_channel_ops = {
	.message = upgrade_message,
	.broken = upgrade_broken,
};

void
upgrade_stranger(struct upgrade *upgrade, pid_t pid, int status)
{
	if (upgrade->pid != pid)
		return;
	upgrade->pid = 0;
	if (upgrade->phase == UPGRADE_LEFT) {
		log_printf(&upgrade->master->log, LOG_LEVEL_ERROR,
		    "the muxd that has taken over has ended");
		return;
	}
	/* What it had to say may still be in the pipe. */
	if (upgrade->said.fd != -1)
		upgrade_hear(&upgrade->said);
	if (WIFSIGNALED(status))
		upgrade_fail(upgrade, "the new muxd was ended by a signal: %s",
		    strsignal(WTERMSIG(status)));
	else
		upgrade_fail(upgrade, "the new muxd has ended with status %d%s",
		    WEXITSTATUS(status),
		    upgrade->len == 0 ? "; see the log" : "");
	upgrade_check_gone(upgrade);
}

/* Something that it has started hangs.  What a worker holds can be given back
 * once it cannot do so itself. */
static void
upgrade_give_up(struct upgrade *upgrade)
{
	struct master *master = upgrade->master;

	if (!upgrade->killed) {
		upgrade->killed = true;
		release_kill_orphans(
		    &master->log, master->state, master->sup.first);
		loop_timer_set(
		    master->loop, &upgrade->patience, UPGRADE_END_MS);
		return;
	}
	upgrade_close_io(&upgrade->presence);
	upgrade_check_gone(upgrade);
}

static void
upgrade_impatient(struct timer *timer)
{
	struct upgrade *upgrade = container_of(timer, struct upgrade, patience);

	switch (upgrade->phase) {
	case UPGRADE_STARTING:
		upgrade_fail(upgrade, "the new muxd is not ready after %d s",
		    UPGRADE_START_MS / 1000);
		break;
	case UPGRADE_YIELDING:
		log_printf(&upgrade->master->log, LOG_LEVEL_ERROR,
		    "the monitor does not yield: killing it");
		supervisor_kill_monitor(&upgrade->master->sup);
		break;
	case UPGRADE_TAKING:
		upgrade_fail(upgrade, "the new muxd does not take over");
		break;
	case UPGRADE_FAILING:
		upgrade_give_up(upgrade);
		break;
	case UPGRADE_IDLE:
	case UPGRADE_LEFT:
		break;
	}
}

/* ---- the beginning ---- */

void
upgrade_open(struct upgrade *upgrade)
{
	list_init(&upgrade->waiting);
	timer_init(&upgrade->patience, upgrade_impatient);
	upgrade->presence.fd = upgrade->said.fd = -1;
}

bool
upgrade_is_under_way(const struct upgrade *upgrade)
{
	return upgrade->phase != UPGRADE_IDLE;
}

/* Why there is none now, or NULL. */
static const char *
upgrade_refusal(const struct upgrade *upgrade)
{
	const struct master *master = upgrade->master;

	if (upgrade_is_under_way(upgrade))
		return "an upgrade is under way";
	if (master->program->path == NULL)
		return "the name by which muxd was started leads to no"
		       " program";
	if (master->phase != MASTER_SERVING)
		return "muxd cannot be upgraded while it starts or stops";
	if (successor_waits(&master->successor))
		return "an upgrade is under way: the muxd that was there"
		       " before still has sessions";
	if (master->reload.phase != RELOAD_IDLE ||
	    !list_empty(&master->reload.waiting))
		return "a reload is under way";
	return NULL;
}

/* Both ends here are the upgrade's from now on. */
static int
upgrade_watch(struct upgrade *upgrade, struct upgrade_ends *ends)
{
	struct loop *loop = upgrade->master->loop;

	io_init(&upgrade->said, ends->said_fd, upgrade_hear, IO_SHARED);
	if (io_add(loop, &upgrade->said, IO_READ) == -1) {
		upgrade->said.fd = -1;
		return -1;
	}
	ends->said_fd = -1;
	upgrade->channel = mem_zalloc(sizeof(*upgrade->channel));
	if (upgrade->channel == NULL ||
	    channel_open(upgrade->channel, loop, ends->channel_fd,
		&upgrade_channel_ops, upgrade) == -1) {
		mem_free(upgrade->channel);
		upgrade->channel = NULL;
		return -1;
	}
	ends->channel_fd = -1;
	return 0;
}

static int
upgrade_begin(struct upgrade *upgrade)
{
	struct master *master = upgrade->master;
	struct upgrade_ends ends = { -1, -1 };
	int result = -1;

	upgrade->number = ++master->reload.numbers;
	upgrade->pid = upgrade_start(master, &ends);
	if (upgrade->pid == -1)
		upgrade->pid = 0;
	else
		result = upgrade_watch(upgrade, &ends);
	if (result == -1)
		upgrade_fail(upgrade, "the new muxd cannot be started: %s",
		    strerror(errno));
	if (ends.said_fd != -1)
		(void)close(ends.said_fd);
	if (ends.channel_fd != -1)
		(void)close(ends.channel_fd);
	return result;
}

const char *
upgrade_ask(struct upgrade *upgrade, struct upgrade_request *request)
{
	struct master *master = upgrade->master;
	const char *refusal = upgrade_refusal(upgrade);
	struct log_record record;

	if (refusal != NULL)
		return refusal;
	loop_update_clock(master->loop);
	upgrade->started_ms = loop_now(master->loop);
	upgrade->told = upgrade->killed = false;
	upgrade->why[0] = upgrade->text[0] = '\0';
	upgrade->len = 0;
	upgrade_set_phase(upgrade, UPGRADE_STARTING, UPGRADE_START_MS);
	if (request != NULL)
		list_append(&upgrade->waiting, &request->link);
	log_record_begin(&record, LOG_LEVEL_NOTICE, "upgrading");
	log_record_str(&record, "program", master->program->path);
	log_emit(&master->log, &record);
	(void)upgrade_begin(upgrade);
	return NULL;
}

void
upgrade_cancel(struct upgrade *upgrade)
{
	if (!upgrade_is_under_way(upgrade) || upgrade->phase == UPGRADE_LEFT)
		return;
	upgrade_fail(upgrade, "the daemon stops");
}

void
upgrade_close(struct upgrade *upgrade)
{
	/* It was never opened. */
	if (upgrade->master == NULL)
		return;
	if (upgrade->phase != UPGRADE_LEFT && upgrade->pid > 0)
		(void)kill(upgrade->pid, SIGKILL);
	loop_timer_cancel(upgrade->master->loop, &upgrade->patience);
	upgrade_hang_up(upgrade);
	upgrade_close_io(&upgrade->presence);
	upgrade_close_io(&upgrade->said);
	mem_free(upgrade->forgone);
	upgrade_tell(upgrade, upgrade->phase == UPGRADE_LEFT);
}
