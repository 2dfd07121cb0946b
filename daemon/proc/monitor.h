/*
 * The monitor process: everything slow or talkative.  It writes the logs of
 * all processes, checks the health of servers for all workers, and serves the status
 * page.
 */
#ifndef MUXD_PROC_MONITOR_H
#define MUXD_PROC_MONITOR_H

#include <stddef.h>

#include "conf/conf.h"
#include "proc/privileges.h"
#include "proc/supervisor.h"

/* What the master gives the monitor, in the memory that it is forked with. */
struct monitor_task {
	const struct conf *conf;
	struct state *state;
	const struct slots *places; /* of the configuration in the state */
	const struct identity *identity;
	const int *wake_fds; /* of all workers of the state, to be written */
	unsigned first;      /* muxd's own workers' numbers begin there */
	unsigned checks_max; /* that may be under way at once */
	uint64_t connections_max; /* of the whole daemon */
	uint64_t started_ms;      /* when muxd did, monotonic */
	const int *status_fds;    /* the status page's, listening */
	size_t nstatus_fds;
	int channel_fd;
	const struct fd_pair *logs; /* the reading ends are the monitor's */
	size_t nlogs;
	int log_fd;    /* its own, to be written */
	bool detached; /* the terminal is not for the log */
	bool strict; /* muxd starts: a log that cannot be opened is an error */
	bool held;   /* only logs, for now: see MESSAGE_TAKE */
};

/* Run until told to stop; the process's exit status. */
int monitor_run(const struct monitor_task *task);

#endif
