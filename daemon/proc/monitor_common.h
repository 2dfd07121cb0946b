/*
 * Between monitor.c, which has the monitor's life, and monitor_reload.c, which
 * has a reload, and what a start has in common with it.
 */
#ifndef MUXD_PROC_MONITOR_COMMON_H
#define MUXD_PROC_MONITOR_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "event/loop.h"
#include "monitor/report.h"
#include "proc/brief.h"
#include "proc/message.h"
#include "proc/monitor_work.h"

/* A configuration that is being made ready, or was. */
struct monitor_reload {
	struct brief brief;        /* conf NULL: none is */
	struct log_writer *writer; /* NULL: the one there is */
	struct name_probe *probe;  /* NULL: there are no new names */
};

struct monitor {
	const struct monitor_task *task;
	struct monitor_work work;
	struct monitor_reload reload;
	struct loop *loop;
	struct log log;
	struct log_writer *writer;
	struct recent *recent;
	struct past *past;        /* NULL: nothing is remembered */
	struct status *status;    /* NULL: there is no page */
	uint64_t connections_max; /* of the whole daemon, in force */
	uint64_t lost;            /* of the writer's losses: those told */
	struct channel channel;
	struct log_source *sources;
	struct loop_hook turn_end;
	struct timer linger;
	struct timer settle;
	struct timer retry;
	bool failed;      /* it ends for that */
	bool ready;       /* and the master knows */
	bool committing;  /* and the master is told once names are settled */
	bool auto_syslog; /* target "auto" is syslog, the terminal being gone */
	unsigned char buffer[LOG_BUFFER_SIZE];
};

/* ---- monitor.c ---- */

/* Write what is kept, and tell how much was lost so far. */
void monitor_flush(struct monitor *monitor);

/* What the status page speaks of; it points into what is in force. */
struct report_source monitor_source(const struct monitor *monitor);

/* Tell the master COMMITTED, in a later turn: once names were heard of, or
 * there was enough time for it. */
void monitor_settle(struct monitor *monitor);

/* End the loop; the process's exit status tells that it failed. */
void monitor_fail(struct monitor *monitor);

/* ---- monitor_reload.c ---- */

/* Make the configuration ready whose brief came with the message, in place of
 * one that was being made ready.  The master gets PREPARED or REFUSED with its
 * number, maybe later. */
void monitor_prepare(struct monitor *monitor, uint32_t number);

/* Go on with what was prepared, and tell COMMITTED; or fail. */
void monitor_commit(struct monitor *monitor);

/* Drop what was prepared, if anything was; no answer follows. */
void monitor_abort(struct monitor *monitor);

/*
 * Open the log that conf wants; the caller closes *writer.  0, or an errno
 * value that tells why it cannot be written: then *writer is one that loses
 * records until it can, or NULL without memory.
 */
int monitor_make_writer(const struct monitor *monitor, const struct conf *conf,
    struct log_writer **writer);

/* Have a past if the configuration in force wants one, and none otherwise.
 * -1 with errno without memory: then there is none. */
int monitor_remember(struct monitor *monitor);

#endif
