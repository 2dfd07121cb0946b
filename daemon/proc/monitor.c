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
#include "proc/monitor.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/mem.h"
#include "event/wake.h"
#include "monitor/checks.h"
#include "monitor/log_writer.h"
#include "monitor/names.h"
#include "proc/child.h"
#include "proc/detach.h"
#include "proc/message.h"

#define MONITOR_LINGER_MS 1000

/* How long names may keep muxd from starting. */
#define SETTLE_MS 1000

struct monitor;

/* One process's channel of records. */
struct log_source {
	struct io io;
	struct monitor *monitor;
};

struct monitor {
	const struct monitor_task *task;
	struct loop *loop;
	struct log log;
	struct log_writer *writer;
	struct checks *checks;
	struct names *names;
	struct channel channel;
	struct log_source *sources;
	struct loop_hook turn_end;
	struct timer linger;
	struct timer settle;
	bool ready; /* and the master knows */
	unsigned char buffer[LOG_BUFFER_SIZE];
};

static void
monitor_write(struct monitor *monitor, const unsigned char *data, size_t len)
{
	struct log_view view;
	size_t n;

	while (len > 0 && (n = log_view_next(data, len, &view)) > 0) {
		log_writer_write(monitor->writer, &view);
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
	log_writer_flush(monitor->writer);
}

static void
monitor_become_ready(struct monitor *monitor)
{
	monitor->ready = true;
	(void)channel_send(&monitor->channel, MESSAGE_READY, 0);
}

static void
monitor_settle_over(struct timer *timer)
{
	struct monitor *monitor = container_of(timer, struct monitor, settle);

	if (!monitor->ready)
		monitor_become_ready(monitor);
}

static void
monitor_turn_end(struct loop_hook *hook)
{
	struct monitor *monitor = container_of(hook, struct monitor, turn_end);

	if (!monitor->ready && names_settled(monitor->names))
		monitor_become_ready(monitor);
	log_flush(&monitor->log);
	log_writer_flush(monitor->writer);
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

/* A log that cannot be written is an error when muxd starts; later it is
 * tried again and again, and loses records meanwhile. */
static int
monitor_open_writer(struct monitor *monitor)
{
	struct conf_log conf = monitor->task->conf->log;
	int error;

	if (monitor->task->detached && conf.target == LOG_TARGET_AUTO &&
	    isatty(STDERR_FILENO))
		conf.target = LOG_TARGET_SYSLOG;
	monitor->writer = log_writer_open(&conf);
	error =
	    monitor->writer != NULL ? log_writer_error(monitor->writer) : errno;
	if (error == 0 || (monitor->writer != NULL && !monitor->task->strict))
		return 0;
	log_errno(&monitor->log, LOG_LEVEL_ERROR, error,
	    "cannot open the log%s%s", conf.path != NULL ? " " : "",
	    conf.path != NULL ? conf.path : "");
	errno = error;
	return -1;
}

/* A server has come up: whoever waits for one may come. */
static void
monitor_wake_worker(void *arg, unsigned slot)
{
	const struct monitor_task *task = ((const struct monitor *)arg)->task;

	if (slot < task->slots)
		wake_send(task->wake_fds[slot]);
}

static int
monitor_open_checks(struct monitor *monitor)
{
	const struct monitor_task *task = monitor->task;
	const struct checks_config config = {
		.loop = monitor->loop,
		.log = &monitor->log,
		.state = task->state,
		.conf = task->conf,
		.places = task->places->places,
		.max = task->checks_max,
		.seed = clock_mono_ns(),
	};

	task->state->wake = monitor_wake_worker;
	task->state->wake_arg = monitor;
	monitor->checks = checks_open(&config);
	return monitor->checks == NULL ? -1 : 0;
}

/* What was known of the address that was there says nothing of the other. */
static void
monitor_place_changed(void *owner, unsigned place)
{
	const struct monitor *monitor = owner;

	checks_place_changed(monitor->checks, place);
}

static int
monitor_open_names(struct monitor *monitor)
{
	const struct monitor_task *task = monitor->task;
	const struct names_config config = {
		.loop = monitor->loop,
		.log = &monitor->log,
		.state = task->state,
		.conf = task->conf,
		.pools = task->places->pools,
		.places = task->places->places,
		.changed = monitor_place_changed,
		.owner = monitor,
	};

	monitor->names = names_open(&config);
	return monitor->names == NULL ? -1 : 0;
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
	monitor->loop = loop_open("auto");
	if (monitor->loop == NULL || monitor_watch(monitor) == -1) {
		log_errno(&monitor->log, LOG_LEVEL_ERROR, errno,
		    "cannot watch the channels");
		return -1;
	}
	if (monitor_open_checks(monitor) == -1) {
		log_errno(&monitor->log, LOG_LEVEL_ERROR, errno,
		    "cannot check the servers");
		return -1;
	}
	if (monitor_open_names(monitor) == -1) {
		log_errno(&monitor->log, LOG_LEVEL_ERROR, errno,
		    "cannot resolve names");
		return -1;
	}
	timer_init(&monitor->linger, monitor_linger_over);
	timer_init(&monitor->settle, monitor_settle_over);
	loop_add_hook(monitor->loop, &monitor->turn_end, monitor_turn_end);
	return 0;
}

/* Also of one that was set up in part. */
static void
monitor_close(struct monitor *monitor)
{
	log_writer_close(monitor->writer);
	names_close(monitor->names);
	checks_close(monitor->checks);
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
	int result;

	if (monitor == NULL)
		return 1;
	monitor->task = task;
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
	if (!task->strict || names_settled(monitor->names))
		monitor_become_ready(monitor);
	else
		loop_timer_set(monitor->loop, &monitor->settle, SETTLE_MS);
	result = loop_run(monitor->loop);
	monitor_drain(monitor);
	monitor_close(monitor);
	return result == -1 ? 1 : 0;
}
