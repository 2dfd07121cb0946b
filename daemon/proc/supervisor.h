/*
 * Policy over the children: starting them, starting them again, noticing
 * that one is silent, steering around the sick, giving back what a dead one
 * held.
 *
 *   STARTING ──all ready──► RUNNING ──supervisor_drain()──► DRAINING
 *      └─────────────────────┴──────── supervisor_stop() ──────┴──► STOPPING
 *
 * The monitor starts first, since it writes the workers' logs.
 *
 * Draining must not reset who waits in a queue, so the master lets go of a
 * slot's sockets only when its worker has said that nobody waits (EMPTIED);
 * the worker, whose descriptor is then the last one, takes whoever came
 * meanwhile and closes it (CLOSE).
 */
#ifndef MUXD_PROC_SUPERVISOR_H
#define MUXD_PROC_SUPERVISOR_H

#include <stdbool.h>

#include "base/log.h"
#include "conf/conf.h"
#include "event/loop.h"
#include "proc/child.h"
#include "proc/fd_pair.h"
#include "proc/plan.h"
#include "proc/privileges.h"
#include "proc/slots.h"
#include "proc/sockets.h"
#include "proc/sockets_inherit.h"
#include "proc/status_sockets.h"
#include "proc/store.h"
#include "state/state.h"

enum supervisor_phase {
	SUPERVISOR_STARTING,
	SUPERVISOR_RUNNING,
	/* The queues are emptied: a worker that ends before that, and the
	 * monitor, are still started again. */
	SUPERVISOR_DRAINING,
	SUPERVISOR_STOPPING /* nobody is */
};

struct supervisor;

/* What the owner is told. */
struct supervisor_ops {
	/* All children of the start are ready. */
	void (*ready)(struct supervisor *);
	/* The start has failed, for a reason that was logged. */
	void (*failed)(struct supervisor *);
	/* DRAINING or STOPPING, and a child has ended. */
	void (*ended)(struct supervisor *);
	/* A child is ready, and was told to serve; a child has ended, whatever
	 * follows; a child says something about a reload. */
	void (*up)(struct supervisor *, struct child *child);
	void (*down)(struct supervisor *, struct child *child);
	void (*answered)(struct supervisor *, struct child *child,
	    const struct message *message);
	/* Another child of the process has ended. */
	void (*stranger)(struct supervisor *, pid_t pid, int status);
};

struct supervisor {
	/* The owner's, set before supervisor_open(): what children are made
	 * from. */
	struct loop *loop;
	struct log *log;
	const struct conf *conf; /* the one in force; a reload changes it */
	uint32_t generation;     /* its number */
	const struct plan *plan;
	struct sockets *sockets;
	/* What was handed over at the start and has no place any more. */
	struct inherited_sockets *strays;
	const struct status_sockets *status_sockets;
	struct store *store;
	struct state *state;
	bool adopted;   /* it has what processes before these held, still */
	unsigned first; /* the workers' numbers in the state begin there */
	const struct slots *slots;
	const struct identity *identity;
	const char *event_backend;
	bool detached; /* from the terminal: muxd -d */
	/* Workers do not serve, and the monitor does nothing but write logs,
	 * until supervisor_release(). */
	bool held;
	const struct supervisor_ops *ops;
	/* The bells, if another daemon has made them; else it makes them. */
	struct fd_pair *wakes;
	uint64_t started_ms; /* when muxd did; 0: it does now */
	/* Its own. */
	enum supervisor_phase phase;
	struct child monitor;
	struct child
	    *workers; /* plan->slots of them; plan->workers are wanted */
	struct fd_pair *logs; /* MASTER_LOG, MONITOR_LOG, WORKER_LOG(slot) */
	int *wake_fds;        /* the writing ends of all bells */
	/* All processes have the writing end, and nobody else, so that at the
	 * reading end others see when they are gone. */
	struct fd_pair presence;
	bool *sick; /* by slot: steered around */
	struct timer heartbeats;
	uint64_t checked_ms;  /* the last look at the heartbeats */
	uint64_t drain_until; /* DRAINING: when the sessions are ended */
	bool steer_again;     /* steering has failed */
	unsigned heir;        /* a slot: see proc/heir.h */
	size_t bequeathed;    /* addresses of which it was told */
	bool yielded; /* another daemon has the servers and the status page */
};

#define MASTER_LOG       0
#define MONITOR_LOG      1
#define WORKER_LOG(slot) (2 + (slot))

/* Make what the children share.  -1 with errno; supervisor_close() releases
 * what there is, also of zeroed memory. */
int supervisor_open(struct supervisor *sup);
void supervisor_close(struct supervisor *sup);

/* Start the monitor; the workers follow when it is ready. */
int supervisor_start(struct supervisor *sup);

/* SIGCHLD: find out who has ended, and what follows. */
void supervisor_reap(struct supervisor *sup);

/* Call for the monitor and all slots of workers, those without a process
 * included. */
void supervisor_each(struct supervisor *sup,
    void (*call)(void *arg, struct child *child), void *arg);

/* A reload has decided that the slot has a worker from now on: start it; or
 * none any more: have the one that is there end with its sessions. */
void supervisor_add_worker(struct supervisor *sup, unsigned slot);
void supervisor_retire_worker(struct supervisor *sup, unsigned slot);

/* Sockets have come that may not be steered as the others are. */
void supervisor_steer_again(struct supervisor *sup);

/* Send a message to all workers that have a process, or to the monitor. */
void supervisor_tell_workers(
    struct supervisor *sup, enum message_type type, uint32_t value);
void supervisor_tell_monitor(struct supervisor *sup, enum message_type type);

/* Send SIGKILL to all workers that are left, or to the monitor. */
void supervisor_kill_workers(struct supervisor *sup);
void supervisor_kill_monitor(struct supervisor *sup);

/* Let the workers empty their queues and end, and their sessions with them
 * after timeout_ms. */
void supervisor_drain(struct supervisor *sup, uint64_t timeout_ms);

/* Have those serve that were held.  False if a socket does not listen. */
bool supervisor_release(struct supervisor *sup);

/* Another daemon has the sockets: let the workers end with their sessions, at
 * the latest after timeout_ms, and close the master's descriptors. */
void supervisor_leave(struct supervisor *sup, uint64_t timeout_ms);

/* Start nobody any more. */
void supervisor_stop(struct supervisor *sup);

/* How many workers have a process, or are to have one; whether the monitor
 * has one. */
unsigned supervisor_workers_left(const struct supervisor *sup);
bool supervisor_monitor_alive(const struct supervisor *sup);

/* Start the monitor at once if there is none, since records wait for it.
 * Whether there is one then. */
bool supervisor_need_monitor(struct supervisor *sup);

#endif
