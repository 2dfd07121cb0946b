/*
 * Reload: another configuration for the master, the monitor and all workers,
 * or for none of them.
 *
 *   IDLE ──a request──► PREPARING ──all are prepared──► MONITOR ──► WORKERS
 *    ▲                      │                                         │
 *    │◄─────── abort ───────┘                                         ▼
 *    └─────────────────────── it is in force ◄──────────────────── RELEASING
 *
 * PREPARING: the master has read and checked the files, found the slots of the
 *   names, and bound the new sockets.  Each child gets a brief (proc/brief.h)
 *   and the new sockets of its slot, makes everything ready beside what is in
 *   force, and says PREPARED, or REFUSED.  Whatever goes wrong, a child that
 *   ends or does not answer included, ends it: all undo their part.
 * The decision: the new sockets listen, and from here on a child that is
 *   started, for whatever reason, starts with the new configuration.
 * MONITOR: it goes first, since it writes the addresses of servers; it answers
 *   when it has heard of the names that are new, within a second.
 * WORKERS: each swaps a pointer between two events, takes whoever waits at an
 *   address that is gone, and answers.
 * RELEASING: queues of a worker that was down go to another one; the master
 *   closes its descriptors of these addresses, the workers take whoever came
 *   meanwhile, and close theirs.
 *
 * From the decision on there is no way back and nothing that fails: a child
 * that does not answer is killed, and its successor knows.
 */
#ifndef MUXD_PROC_RELOAD_H
#define MUXD_PROC_RELOAD_H

#include <stdbool.h>

#include "base/list.h"
#include "proc/sockets_change.h"
#include "proc/supervisor.h"

/* What a child may take for one answer. */
#define RELOAD_PATIENCE_MS 10000

/* How a reload went. */
struct reload_result {
	bool applied;
	/* What was wrong, and what is warned of, with file and line. */
	const struct conf_errors *errors;
};

/* Somebody who wants a reload, and to be told. */
struct reload_request {
	struct list link;
	/* The request is the caller's again, who may free it. */
	void (*done)(
	    struct reload_request *request, const struct reload_result *result);
};

enum reload_phase {
	RELOAD_IDLE,
	RELOAD_PREPARING,
	RELOAD_MONITOR,
	RELOAD_WORKERS,
	RELOAD_RELEASING
};

struct reload;

struct reload_ops {
	/* Another configuration is in force for the master: reload->sup->conf.
	 * The one before lives until the next call. */
	void (*decided)(struct reload *reload);
	/* A reload is over; from here on another one may begin. */
	void (*over)(struct reload *reload, const struct reload_result *result);
};

struct reload {
	/* The owner's, set before reload_open(). */
	struct supervisor *sup;
	const char *path;
	struct plan *plan;
	struct slots *slots;
	const struct identity *identity;
	const struct reload_ops *ops;
	/* Its own. */
	enum reload_phase phase;
	struct list waiting; /* requests for the next one */
	struct list served;  /* for the one under way */
	struct timer patience;
	struct timer next;
	struct conf *owned;    /* the one in force, if it came by a reload */
	struct conf *previous; /* what was that before */
	uint64_t started_ms;
	uint32_t numbers; /* given so far */
	/* What is being prepared. */
	uint32_t number;
	struct conf *conf;
	const struct conf *before; /* in force until the decision */
	struct plan new_plan;
	struct slots new_slots;
	struct sockets_change change;
	struct conf_errors errors;
	int brief_fd;
};

void reload_open(struct reload *reload);

/* Begin a reload, or have one begin when the one under way is over. */
void reload_ask(struct reload *reload, struct reload_request *request);

/* The daemon is about to stop: end what is under way, one way or the other, and
 * begin no more. */
void reload_cancel(struct reload *reload);

/* Release what there is, also of zeroed memory; nobody is told any more. */
void reload_close(struct reload *reload);

/* From the supervisor. */
void reload_child_up(struct reload *reload, struct child *child);
void reload_child_down(struct reload *reload, struct child *child);
void reload_child_answered(
    struct reload *reload, struct child *child, const struct message *message);

#endif
