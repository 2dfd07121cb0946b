/*
 * What the processes of muxd share: one mapping, made by the master before
 * it forks, and laid out by one function from the shape below.
 *
 *   header    magic, layout version, shape
 *   total     the limit over the whole daemon, and that of queue memory
 *   node      whether new clients are welcome
 *   services  for each service: name, limit, rate
 *   pools     for each pool: whose turn it is, its queue
 *   servers   for each address of a server: its health, its connections
 *   workers   for each worker slot: process id, heartbeat, intent, holds
 *   counters  [worker][service] and [worker][server]
 *   past      [worker]: what services counted that are forgotten
 *   sources   a hash table of client prefixes, shared by all
 *   ledger    [worker][entry]: the live sessions
 *   bans      prefixes that no service lets in
 *   monitor   what the monitor tells about itself
 *
 * Each part is written by its owner, parts of different writers lie on
 * different cache lines (but for the seam between the tables of two workers
 * in the ledger), and memory that is never touched costs nothing, so the
 * shape can be generous.
 *
 * Worker numbers here begin with the slots of a daemon: a worker that takes
 * over a dead one's slot goes on with its counters and its numbering of
 * sessions.  Behind them there is the same number once more, the other side,
 * since two daemons share the mapping while one takes over from the other
 * (proc/upgrade.h).
 */
#ifndef MUXD_STATE_STATE_H
#define MUXD_STATE_STATE_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/units.h"
#include "state/bucket.h"
#include "state/counters.h"
#include "state/reason.h"
#include "state/tally.h"

#define STATE_NAME_MAX       64 /* of a service, NUL included */
#define STATE_LAYOUT_VERSION 11

/* How much of everything there is room for; fixed when it is made. */
struct state_shape {
	uint32_t workers; /* of all sides, <= TALLY_WORKERS */
	uint32_t services;
	uint32_t sessions; /* ledger entries of each worker */
	uint32_t sources;  /* rounded up to a power of two */
	uint32_t pools;
	uint32_t servers; /* places; see state/servers.h */
	uint32_t slots;   /* workers of one side; 0: there is one, of all */
};

/* A count with an upper bound, and the workers that wait for it to fall. */
struct limit {
	_Alignas(64) struct tally tally;
	_Atomic uint64_t waiters[TALLY_WORKERS / 64];
};

struct state_service {
	_Alignas(64) char name[STATE_NAME_MAX]; /* empty: free */
	uint32_t used;                          /* see state_service_slot() */
	struct limit connections;
	struct bucket rate;
};

/* What a worker tells about itself. */
enum worker_phase {
	WORKER_NONE, /* no process */
	WORKER_STARTING,
	WORKER_SERVING,
	WORKER_DRAINING
};

struct state_worker {
	_Alignas(64) _Atomic int32_t pid;
	_Atomic uint32_t phase;  /* enum worker_phase */
	_Atomic uint32_t wanted; /* the slot is to be filled; the master's */
	_Atomic uint64_t heartbeat_ms; /* monotonic; each turn */
	_Atomic uint64_t next_session; /* numbering, kept over deaths */
	_Atomic uint64_t log_dropped;
	_Atomic uint64_t starts;   /* how often the slot was filled */
	_Atomic uint32_t sessions; /* live ones, for readers */
	/* The number of the oldest configuration that it still needs. */
	_Atomic uint32_t generation;
	_Atomic uint32_t ledger_top;  /* entries from here on are untouched */
	_Atomic uint32_t memory_held; /* chunks of queue memory */
	/* The place of the source table that the worker rewrites or has
	 * rewritten last, + 1. */
	_Atomic uint32_t source_marked;
	struct tally_place tallies;
};

/* What the monitor tells about itself. */
struct state_monitor {
	_Alignas(64) _Atomic uint64_t log_lost; /* records that could not be
						 * written, kept over deaths */
};

/* The counters of a worker slot for all services that were forgotten.  The
 * master alone writes it; version is odd while counts are between the two. */
struct state_past {
	_Alignas(64) _Atomic uint32_t version;
	struct counters counters;
};

/* Bits of ledger_entry.holds: what a session has taken and must give. */
enum {
	HOLD_ENTRY = 1,           /* the entry is in use */
	HOLD_TOTAL = 2,           /* one of limits.connections */
	HOLD_SERVICE = 4,         /* one of service.limit.connections */
	HOLD_SOURCE = 8,          /* one of limits.per_source: source[0] */
	HOLD_SERVICE_SOURCE = 16, /* one of service.limit.per_source: [1] */
	HOLD_SERVER = 32,         /* one of its server's connections */
	HOLD_QUEUE = 64           /* one of its pool's queue */
};

/*
 * One live session.  Written by its worker alone.  Readers take it as
 * valid if version is even and the same before and after they copied it.
 */
struct ledger_entry {
	_Atomic uint32_t holds;
	_Atomic uint32_t version;
	_Atomic uint64_t id; /* slot << 48 | number; never 0 while in use */
	_Atomic uint64_t bytes_in;
	_Atomic uint64_t bytes_out;
	int64_t start_us; /* wall clock */
	struct addr client;
	uint32_t source[2]; /* indices of the source table */
	uint16_t service;
	uint16_t server; /* its place; STATE_SERVER_NONE: none */
	uint16_t pool;   /* the slot of HOLD_QUEUE's */
};

/* A client prefix within a scope (all of muxd, or one service); see
 * state/sources.h. */
struct source;

/* Servers of pools; see state/servers.h. */
struct state_pool;
struct state_server;
struct server_counters;

/* Prefixes that no service lets in; see state/bans.h. */
struct bans;

/* What the administrator says of muxd as a whole. */
enum node_order {
	NODE_ENABLED,
	NODE_DRAINING, /* new clients had better go elsewhere */
	NODE_REFUSING  /* and are turned away */
};

/* The master writes it. */
struct state_node {
	_Alignas(64) _Atomic uint32_t order; /* enum node_order */
};

/* The first bytes of the mapping, constant after it was made. */
struct state_header {
	_Alignas(64) uint64_t magic;
	uint32_t version;
	struct state_shape shape;
	uint64_t size;  /* of the whole mapping */
	uint64_t seed;  /* of the hash of sources: random */
	uint64_t check; /* a hash of the fields above */
};

/* A process's view of the mapping. */
struct state {
	struct state_header *header;
	struct limit *total;  /* limits.connections */
	struct limit *memory; /* limits.memory, in chunks */
	struct bans *bans;
	struct state_monitor *monitor;
	struct state_node *node;
	struct state_service *services;
	struct state_pool *pools;
	struct state_server *servers;
	struct state_worker *workers;
	struct counters *counters;
	struct server_counters *server_counters;
	struct state_past *past;
	struct source *sources;
	struct ledger_entry *ledger;
	/* [worker][entry]: the id of the session there that the master wants
	 * to be ended; see ledger_condemn(). */
	_Atomic uint64_t *condemned;
	struct state_shape shape; /* as rounded */
	size_t size;
	int fd;
	/* Wakes worker slot: set by the owner of the process's event loop;
	 * NULL: nobody is woken. */
	void (*wake)(void *arg, unsigned worker);
	void *wake_arg;
};

/* Make and map it.  NULL with errno (EINVAL for a shape out of range, ENOMEM,
 * or what kept the memory from being had). */
struct state *state_create(const struct state_shape *shape);

/* Map what another process made; fd becomes the state's own on success.
 * NULL with errno; EPROTO when magic, version or size do not fit. */
struct state *state_attach(int fd);

/* Unmap and close.  The memory lives on while another process has it. */
void state_close(struct state *state);

/*
 * The slot of the service of that name: the one it has, or a free one.  -1
 * with ENOSPC, or EINVAL for a name that is empty or does not fit.  Master
 * only, before the workers learn of it.
 *
 * used is the master's: the number of the latest configuration that has the
 * name.  A slot, as those of pools and places of servers, is free again once
 * no process needs such an old one any more (state_forget()).
 */
int state_service_slot(struct state *state, const char *name);

/* Free what was last used from first to last, both included: names, and what
 * is counted and known under them.  Nobody may hold any of it.  What services
 * have counted goes on to be in state_worker_events(). */
void state_forget(struct state *state, uint32_t first, uint32_t last);

/* The oldest configuration that a worker needs; UINT32_MAX: there is no
 * worker. */
uint32_t state_oldest_generation(const struct state *state);

/* The slots of a side, and the one that a worker number stands for. */
static inline unsigned
state_slots(const struct state *state)
{
	return state->shape.slots != 0 ? state->shape.slots
				       : state->shape.workers;
}

static inline unsigned
state_slot(const struct state *state, unsigned worker)
{
	return state->shape.slots != 0 ? worker % state->shape.slots : worker;
}

struct counters *state_counters(
    const struct state *state, unsigned worker, unsigned service);

/* The right of the process that fills a worker slot to change tallies. */
struct tally_author state_author(const struct state *state, unsigned worker);

/* What was ordered last, and its name: "enabled", "draining", "refusing". */
enum node_order state_node_order(const struct state *state);
const char *state_node_name(enum node_order order);

/* Sums over all workers. */
uint64_t state_sum_events(
    const struct state *state, unsigned service, enum counter counter);
uint64_t state_sum_ended(
    const struct state *state, unsigned service, enum reason reason);

/* What a worker slot has counted for all services that there are and ever
 * were; it never falls. */
uint64_t state_worker_events(
    const struct state *state, unsigned worker, enum counter counter);

#endif
