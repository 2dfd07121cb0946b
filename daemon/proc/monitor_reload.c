/*
 * A reload in the monitor: see monitor_common.h.
 *
 * What may fail is done when it is prepared: the new log is opened, and new
 * names are asked for.  Nothing of that is in use until it is committed.
 */
#include "proc/monitor_common.h"

#include <errno.h>
#include <string.h>

#include "monitor/log_writer.h"
#include "monitor/name_probe.h"
#include "monitor/past.h"
#include "monitor/status.h"

void
monitor_abort(struct monitor *monitor)
{
	name_probe_close(monitor->reload.probe);
	monitor->reload.probe = NULL;
	log_writer_close(monitor->reload.writer);
	monitor->reload.writer = NULL;
	brief_free(&monitor->reload.brief);
}

static bool
same_log(const struct conf_log *one, const struct conf_log *other)
{
	const char *path = one->path != NULL ? one->path : "";

	return one->target == other->target && one->format == other->format &&
	    strcmp(path, other->path != NULL ? other->path : "") == 0;
}

int
monitor_make_writer(const struct monitor *monitor, const struct conf *conf,
    struct log_writer **writer)
{
	struct conf_log log = conf->log;

	if (monitor->auto_syslog && log.target == LOG_TARGET_AUTO)
		log.target = LOG_TARGET_SYSLOG;
	*writer = log_writer_open(&log);
	return *writer != NULL ? log_writer_error(*writer) : errno;
}

/* 0, or what to answer. */
static uint32_t
monitor_prepare_log(struct monitor *monitor)
{
	struct monitor_reload *reload = &monitor->reload;
	int error;

	if (same_log(&monitor->work.conf->log, &reload->brief.conf->log))
		return 0;
	error =
	    monitor_make_writer(monitor, reload->brief.conf, &reload->writer);
	return error == 0 ? 0 : MESSAGE_REFUSAL(REFUSAL_LOG, error);
}

/* What the master is told once the new names were heard of. */
static void
monitor_answer(void *owner, size_t unknown)
{
	struct monitor *monitor = owner;
	struct channel *channel = &monitor->channel;

	if (unknown == SIZE_MAX)
		(void)channel_send(
		    channel, MESSAGE_PREPARED, monitor->reload.brief.number);
	else
		(void)channel_send(channel, MESSAGE_REFUSED,
		    MESSAGE_REFUSAL_TO(monitor->reload.brief.number,
			MESSAGE_REFUSAL(REFUSAL_NAME, unknown)));
}

/* 0, or what to answer. */
static uint32_t
monitor_prepare_names(struct monitor *monitor)
{
	const struct name_probe_config config = {
		.loop = monitor->loop,
		.conf = monitor->reload.brief.conf,
		.before = monitor->work.conf,
		.done = monitor_answer,
		.owner = monitor,
	};

	if (name_probe_open(&monitor->reload.probe, &config) == -1)
		return MESSAGE_REFUSAL(REFUSAL_SETUP, errno);
	if (monitor->reload.probe == NULL)
		monitor_answer(monitor, SIZE_MAX);
	return 0;
}

void
monitor_prepare(struct monitor *monitor, uint32_t number)
{
	struct channel *channel = &monitor->channel;
	struct conf_errors errors = { 0 };
	uint32_t refusal;

	monitor_abort(monitor);
	/* There was no descriptor free for it. */
	if (channel->nfds == 0)
		errno = EMFILE;
	if (channel->nfds == 0 ||
	    brief_read(&monitor->reload.brief, channel->fds[0], &errors) == -1)
		refusal = MESSAGE_REFUSAL(REFUSAL_BRIEF, errno);
	else
		refusal = monitor_prepare_log(monitor);
	conf_errors_free(&errors);
	if (refusal == 0)
		refusal = monitor_prepare_names(monitor);
	if (refusal == 0)
		return;
	monitor_abort(monitor);
	(void)channel_send(
	    channel, MESSAGE_REFUSED, MESSAGE_REFUSAL_TO(number, refusal));
}

/* What is remembered goes when that is not wanted any more. */
int
monitor_remember(struct monitor *monitor)
{
	bool wanted = monitor->work.conf->log.remember;

	if (!wanted) {
		past_close(monitor->past);
		monitor->past = NULL;
	} else if (monitor->past == NULL) {
		monitor->past = past_open();
	}
	return wanted && monitor->past == NULL ? -1 : 0;
}

static void
monitor_swap_writer(struct monitor *monitor)
{
	log_flush(&monitor->log);
	monitor->log.level = monitor->work.conf->log.level;
	if (monitor->reload.writer == NULL)
		return;
	monitor_flush(monitor);
	log_writer_close(monitor->writer);
	monitor->lost = 0;
	monitor->writer = monitor->reload.writer;
	monitor->reload.writer = NULL;
}

/* What fails here is memory, and then it is a successor's to do, which begins
 * with this configuration. */
void
monitor_commit(struct monitor *monitor)
{
	struct brief *brief = &monitor->reload.brief;
	struct report_source source;

	name_probe_close(monitor->reload.probe);
	monitor->reload.probe = NULL;
	errno = EPROTO;
	if (brief->conf == NULL ||
	    monitor_work_change(&monitor->work, brief) == -1) {
		log_errno(&monitor->log, LOG_LEVEL_ERROR, errno,
		    "the monitor cannot take the new configuration");
		monitor_fail(monitor);
		return;
	}
	monitor->connections_max = brief->connections_max;
	brief_free(brief);
	/* The one before is gone when this turn of the loop is over. */
	source = monitor_source(monitor);
	status_update(monitor->status, &source);
	monitor_swap_writer(monitor);
	/* Without memory nothing is remembered, and muxctl explain says so. */
	(void)monitor_remember(monitor);
	monitor_settle(monitor);
}
