/*
 * A child of the master: forking one, knowing it, noticing its end.  What to
 * do about its end is the master's affair (proc/master.c).
 */
#ifndef MUXD_PROC_CHILD_H
#define MUXD_PROC_CHILD_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "event/loop.h"
#include "proc/backoff.h"
#include "proc/message.h"

/* The exit status that asks not to be started again (sysexits(3)). */
#define CHILD_EXIT_CONFIG 78

enum child_kind { CHILD_MONITOR, CHILD_WORKER };

enum child_phase {
	CHILD_DOWN,     /* no process; respawn may be set */
	CHILD_STARTING, /* forked, not ready yet */
	CHILD_RUNNING   /* has reported ready */
};

/* How far it is in the reload under way. */
enum child_reload {
	CHILD_RELOAD_NONE, /* it was not told of it */
	CHILD_RELOAD_ASKED,
	CHILD_RELOAD_PREPARED,
	CHILD_RELOAD_COMMITTING, /* its word is awaited */
	CHILD_RELOAD_COMMITTED,
	CHILD_RELOAD_RELEASING
};

struct child {
	enum child_kind kind;
	unsigned slot;   /* of a worker */
	unsigned number; /* of a worker, in the shared state */
	enum child_phase phase;
	pid_t pid;
	uint64_t started_ms;     /* loop_now() */
	struct channel *channel; /* NULL while down */
	struct backoff backoff;
	struct timer respawn;
	bool congested; /* it has asked for others to get the clients */
	bool silent;    /* its heartbeat is overdue */
	bool given_up;  /* it ended with CHILD_EXIT_CONFIG */
	bool killed;    /* by the master: its end is awaited */
	bool wanted;    /* of a worker: the slot is to have one */
	bool emptied;   /* draining: nobody waits in its queues any more */
	enum child_reload reload;
	void *owner; /* the caller's own */
};

/* The exit status of a child that cannot do its work because of an errno
 * value: CHILD_EXIT_CONFIG, unless it is a shortage that passes. */
int child_failure(int error);

/* "worker" or "monitor". */
const char *child_name(const struct child *child);

/* "worker 3" or "monitor", in buf. */
#define CHILD_LABEL_MAX 24
const char *child_label(const struct child *child, char buf[CHILD_LABEL_MAX]);

/* A record that the child is ready. */
void child_log_start(struct log *log, const struct child *child);

/* A record that it has ended after lived_ms, with the status that waitpid(2)
 * gave; an error, unless it was told to end (expected) and did so well. */
void child_log_end(struct log *log, const struct child *child, int status,
    uint64_t lived_ms, bool expected);

/*
 * Fork.  In the child: returns 0, with the signals at their defaults, stdin
 * and stdout on /dev/null, and every descriptor closed but stderr, the
 * child's end of a new channel (*channel_fd) and the nkeep ones in keep.  In
 * the parent: returns the process id, and *channel_fd is the parent's end.
 * -1 with errno.
 */
pid_t child_fork(int *channel_fd, const int *keep, size_t nkeep);

#endif
