/*
 * The life of the monitor:
 *
 *   set up ──READY──► take records, write them ──STOP──► empty the channels ──► exit
 *
 * When muxd starts, it is ready once the names of servers have been asked for
 * (but within SETTLE_MS), since the workers wait for that: else the first
 * clients would find servers that have no address yet.
 *
 * The channels of all processes outlive it: records that come while there is
 * no monitor wait in them for the next one.  When the master is gone without
 * a word, it stays for a moment, since the workers will have something to
 * say about that.
 */
#include <config.h>

#include "proc/monitor.h"

#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "monitor/log_writer.h"
#include "monitor/past.h"
#include "monitor/recent.h"
#include "monitor/status.h"
#include "proc/child.h"
#include "proc/detach.h"
#include "proc/monitor_common.h"
#include "proc/question.h"

#define MONITOR_LINGER_MS 1000

/* How long names may keep muxd from starting. */
#define SETTLE_MS 1000

/* When a log that cannot be written is tried again, if nothing else is to be
 * done before. */
#define RETRY_MS 1000

/* One process's channel of records. */
struct log_source {
	struct io io;
	struct monitor *monitor;
};

static void
monitor_write(struct monitor *monitor, const unsigned char *data, size_t len)
{
	struct log_view view;
	size_t n;

	while (len > 0 && (n = log_view_next(data, len, &view)) > 0) {
		if (!view.unlogged)
			log_writer_write(monitor->writer, &view);
		if (monitor->past != NULL)
			past_note(monitor->past, data, n, &view);
		if (monitor->recent != NULL)
			recent_note(monitor->recent, data, n, &view);
		data += n;
		len -= n;
	}
}

/* Take one datagram.  False when there is none. */
static bool
monitor_receive(struct log_source *source)
{
	struct monitor *monitor = source->monitor;
	ssize_t n;

	n = recv(source->io.fd, monitor->buffer, sizeof(monitor->buffer), 0);
	if (n == -1) {
		if (errno != EINTR)
			io_drained(&source->io, IO_READ);
		return errno == EINTR;
	}
	monitor_write(monitor, monitor->buffer, (size_t)n);
	return true;
}

/* Only a reason for a turn. */
static void
monitor_retry(struct timer *timer)
{
	(void)timer;
}

void
monitor_flush(struct monitor *monitor)
{
	uint64_t lost;

	log_writer_flush(monitor->writer);
	if (log_writer_error(monitor->writer) != 0 &&
	    !timer_is_set(&monitor->retry))
		loop_timer_set(monitor->loop, &monitor->retry, RETRY_MS);
	lost = log_writer_lost(monitor->writer);
	if (lost == monitor->lost)
		return;
	atomic_fetch_add(
	    &monitor->task->state->monitor->log_lost, lost - monitor->lost);
	monitor->lost = lost;
}

/* One datagram a turn from each, so that no process is left out. */
static void
monitor_source_ready(struct io *io)
{
	(void)monitor_receive(container_of(io, struct log_source, io));
}

static void
monitor_drain(struct monitor *monitor)
{
	size_t i;

	log_flush(&monitor->log);
	for (i = 0; i < monitor->task->nlogs; i++)
		while (monitor_receive(&monitor->sources[i]))
			continue;
	monitor_flush(monitor);
}

static void
monitor_become_ready(struct monitor *monitor)
{
	monitor->ready = true;
	(void)channel_send(&monitor->channel, MESSAGE_READY, 0);
}

/* A reload, as far as it goes here, is over. */
static void
monitor_become_committed(struct monitor *monitor)
{
	monitor->committing = false;
	(void)channel_send(&monitor->channel, MESSAGE_COMMITTED, 0);
}

/* Names were heard of, or there was enough time for it. */
static void
monitor_settled(struct monitor *monitor)
{
	if (!monitor->ready)
		monitor_become_ready(monitor);
	if (monitor->committing)
		monitor_become_committed(monitor);
}

void
monitor_settle(struct monitor *monitor)
{
	monitor->committing = true;
	loop_timer_set(monitor->loop, &monitor->settle, SETTLE_MS);
}

static void
monitor_settle_over(struct timer *timer)
{
	struct monitor *monitor = container_of(timer, struct monitor, settle);

	monitor_settled(monitor);
}

static void
monitor_turn_end(struct loop_hook *hook)
{
	struct monitor *monitor = container_of(hook, struct monitor, turn_end);

	if ((!monitor->ready || monitor->committing) &&
	    monitor_work_settled(&monitor->work))
		monitor_settled(monitor);
	log_flush(&monitor->log);
	monitor_flush(monitor);
}

static void
monitor_reopen(struct monitor *monitor)
{
	if (log_writer_reopen(monitor->writer) == -1)
		log_errno(&monitor->log, LOG_LEVEL_ERROR, errno,
		    "cannot open the log file again");
	else
		log_printf(&monitor->log, LOG_LEVEL_NOTICE,
		    "the log files were opened again");
}

/* A log that cannot be written is an error when muxd starts; later it is
 * tried again and again, and loses records meanwhile. */
static int
monitor_open_writer(struct monitor *monitor)
{
	const char *path = monitor->work.conf->log.path;
	int error;

	monitor->auto_syslog = monitor->task->detached && isatty(STDERR_FILENO);
	error =
	    monitor_make_writer(monitor, monitor->work.conf, &monitor->writer);
	if (error == 0 || (monitor->writer != NULL && !monitor->task->strict))
		return 0;
	log_errno(&monitor->log, LOG_LEVEL_ERROR, error,
	    "cannot open the log%s%s", path != NULL ? " " : "",
	    path != NULL ? path : "");
	errno = error;
	return -1;
}

struct report_source
monitor_source(const struct monitor *monitor)
{
	const struct monitor_task *task = monitor->task;
	const struct monitor_work *work = &monitor->work;

	return (struct report_source){
		.state = task->state,
		.conf = work->conf,
		.services = work->places->services,
		.pools = work->places->pools,
		.places = work->places->places,
		.first = task->first,
		.connections_max = monitor->connections_max,
		.started_ms = task->started_ms,
		.pid = (int32_t)getppid(),
		.version = PACKAGE_VERSION,
	};
}

static int
monitor_open_status(struct monitor *monitor)
{
	const struct report_source source = monitor_source(monitor);
	struct status_config config = {
		.loop = monitor->loop,
		.fds = monitor->task->status_fds,
		.nfds = monitor->task->nstatus_fds,
		.source = &source,
	};

	if (config.nfds == 0)
		return 0;
	config.recent = monitor->recent = recent_open();
	if (monitor->recent == NULL)
		return -1;
	monitor->status = status_open(&config);
	return monitor->status == NULL ? -1 : 0;
}

/* Begin what is done for servers, and the page.  -1 with errno, and logged. */
static int
monitor_open_work(struct monitor *monitor)
{
	const char *what;

	if (monitor_work_open(
		&monitor->work, monitor->loop, &monitor->log, &what) == 0) {
		what = "serve the status page";
		if (monitor_open_status(monitor) == 0)
			return 0;
	}
	log_errno(&monitor->log, LOG_LEVEL_ERROR, errno, "cannot %s", what);
	return -1;
}

void
monitor_fail(struct monitor *monitor)
{
	monitor->failed = true;
	loop_stop(monitor->loop);
}

/* ---- an upgrade ---- */

/* Another muxd checks the servers and shows the page from now on. */
static void
monitor_yield(struct monitor *monitor)
{
	status_close(monitor->status);
	monitor->status = NULL;
	recent_close(monitor->recent);
	monitor->recent = NULL;
	monitor_work_yield(&monitor->work);
	(void)channel_send(&monitor->channel, MESSAGE_COMMITTED, 0);
}

/* They are this one's.  What fails is a successor's to do. */
static void
monitor_take(struct monitor *monitor)
{
	struct monitor_work *work = &monitor->work;

	if (work->names != NULL)
		return;
	slots_apply(work->places, work->conf, work->conf, monitor->task->state);
	if (monitor_open_work(monitor) == -1)
		monitor_fail(monitor);
	else
		monitor_settle(monitor);
}

/* ---- what the master says ---- */

static void
monitor_message(struct channel *channel, const struct message *message)
{
	struct monitor *monitor = channel->owner;

	switch (message->type) {
	case MESSAGE_STOP:
		loop_stop(monitor->loop);
		break;
	case MESSAGE_REOPEN:
		monitor_reopen(monitor);
		break;
	case MESSAGE_PREPARE:
		monitor_prepare(monitor, message->value);
		break;
	case MESSAGE_COMMIT:
		monitor_commit(monitor);
		break;
	case MESSAGE_QUESTION:
		/* Without a descriptor left there is nobody to tell. */
		if (channel->nfds > 0)
			(void)question_answer(channel->fds[0], monitor->past);
		break;
	case MESSAGE_ABORT:
		monitor_abort(monitor);
		break;
	case MESSAGE_YIELD:
		monitor_yield(monitor);
		break;
	case MESSAGE_TAKE:
		monitor_take(monitor);
		break;
	default:
		log_printf(&monitor->log, LOG_LEVEL_ERROR,
		    "unknown message %u from the master",
		    (unsigned)message->type);
	}
}

static void
monitor_orphaned(struct channel *channel)
{
	struct monitor *monitor = channel->owner;

	log_printf(&monitor->log, LOG_LEVEL_ERROR,
	    "the master is gone: the monitor ends");
	loop_timer_set(monitor->loop, &monitor->linger, MONITOR_LINGER_MS);
}

static const struct channel_ops monitor_channel_ops = {
	.message = monitor_message,
	.broken = monitor_orphaned,
};

static void
monitor_linger_over(struct timer *timer)
{
	struct monitor *monitor = container_of(timer, struct monitor, linger);

	loop_stop(monitor->loop);
}

static int
monitor_watch(struct monitor *monitor)
{
	const struct monitor_task *task = monitor->task;
	struct log_source *source;
	size_t i;

	monitor->sources = mem_array(task->nlogs, sizeof(*monitor->sources));
	if (monitor->sources == NULL)
		return -1;
	for (i = 0; i < task->nlogs; i++) {
		source = &monitor->sources[i];
		source->monitor = monitor;
		io_init(&source->io, task->logs[i].read_fd,
		    monitor_source_ready, IO_SHARED);
		if (io_add(monitor->loop, &source->io, IO_READ) == -1)
			return -1;
	}
	return channel_open(&monitor->channel, monitor->loop, task->channel_fd,
	    &monitor_channel_ops, monitor);
}

static int
monitor_setup(struct monitor *monitor)
{
	const struct monitor_task *task = monitor->task;
	const char *step;

	if (privileges_drop(task->identity, &step) == -1) {
		log_errno(&monitor->log, LOG_LEVEL_ERROR, errno,
		    "cannot give up privileges: %s", step);
		return -1;
	}
	if (monitor_open_writer(monitor) == -1)
		return -1;
	if (monitor_remember(monitor) == -1) {
		log_errno(&monitor->log, LOG_LEVEL_ERROR, errno,
		    "cannot remember sessions");
		return -1;
	}
	monitor->loop = loop_open("auto");
	if (monitor->loop == NULL || monitor_watch(monitor) == -1) {
		log_errno(&monitor->log, LOG_LEVEL_ERROR, errno,
		    "cannot watch the channels");
		return -1;
	}
	if (!task->held && monitor_open_work(monitor) == -1)
		return -1;
	timer_init(&monitor->linger, monitor_linger_over);
	timer_init(&monitor->settle, monitor_settle_over);
	timer_init(&monitor->retry, monitor_retry);
	loop_add_hook(monitor->loop, &monitor->turn_end, monitor_turn_end);
	return 0;
}

/* Also of one that was set up in part. */
static void
monitor_close(struct monitor *monitor)
{
	monitor_abort(monitor);
	status_close(monitor->status);
	recent_close(monitor->recent);
	past_close(monitor->past);
	log_writer_close(monitor->writer);
	monitor_work_close(&monitor->work);
	if (monitor->loop != NULL) {
		channel_close(&monitor->channel);
		loop_close(monitor->loop);
	}
	mem_free(monitor->sources);
	mem_free(monitor);
}

int
monitor_run(const struct monitor_task *task)
{
	struct monitor *monitor = mem_zalloc(sizeof(*monitor));
	bool failed;
	int result;

	if (monitor == NULL)
		return 1;
	monitor->task = task;
	monitor->connections_max = task->connections_max;
	monitor_work_init(&monitor->work, task);
	monitor->channel.io.fd = -1;
	compat_title_set("muxd: monitor");
	/* What goes wrong before there is a writer must be seen all the
	 * same. */
	log_open_stderr(&monitor->log, task->conf->log.level);
	monitor->log.process = "monitor";
	if (monitor_setup(monitor) == -1) {
		result = child_failure(errno);
		monitor_close(monitor);
		return result;
	}
	log_open_channel(
	    &monitor->log, task->log_fd, task->conf->log.level, "monitor", -1);
	if (task->detached)
		detach_terminal();
	if (!task->strict || task->held || monitor_work_settled(&monitor->work))
		monitor_become_ready(monitor);
	else
		loop_timer_set(monitor->loop, &monitor->settle, SETTLE_MS);
	result = loop_run(monitor->loop);
	monitor_drain(monitor);
	failed = monitor->failed;
	monitor_close(monitor);
	return result == -1 || failed ? 1 : 0;
}
