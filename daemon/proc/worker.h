/*
 * A worker process: one event loop over one slot's sockets.  No privilege, no
 * access to files, nothing slow.
 */
#ifndef MUXD_PROC_WORKER_H
#define MUXD_PROC_WORKER_H

#include <stdbool.h>

#include "conf/conf.h"
#include "proc/privileges.h"
#include "proc/slots.h"
#include "proc/sockets.h"
#include "state/state.h"

/* What the master gives a worker, in the memory that it is forked with. */
struct worker_task {
	const struct conf *conf;
	uint32_t generation; /* its number */
	const struct sockets *sockets;
	struct state *state;
	const struct slots *places; /* of the configuration in the state */
	const struct identity *identity;
	const char *event_backend;
	unsigned slot;
	unsigned number; /* in the state */
	uint64_t connections_max;
	int cpu; /* to be pinned to, or -1 */
	int channel_fd;
	int log_fd;
	int wake_fd;         /* its own, to be read */
	const int *wake_fds; /* of all workers of the state, to be written */
};

/* Run until told to stop; the process's exit status. */
int worker_run(const struct worker_task *task);

#endif
