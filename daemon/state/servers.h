/*
 * What all processes know of the servers of pools: one truth for all workers.
 *
 *   struct state_pool     whose turn it is, and who waits for a server
 *   struct state_server   one place: an address that clients can be sent to
 *
 * A server whose address is a number or a path has one place.  One that is a
 * name has several, which the monitor fills with what the name resolves to:
 * an address that stays in the answer stays in its place, so its health, its
 * count and its sessions go on.
 *
 * Who writes what:
 *
 *   master    names, what is set by hand
 *   monitor   address, weight, checked, slow start, what the configuration
 *             says; the pool's generation.  The master while there is none
 *   workers   connections, failures, ejection; the pool's ticket and queue
 */
#ifndef MUXD_STATE_SERVERS_H
#define MUXD_STATE_SERVERS_H

#include "state/state.h"

#define STATE_SERVER_NAME_MAX 144 /* "pool/server/15", NUL included */
#define STATE_SERVER_NONE     UINT16_MAX

/* What the health checks say. */
enum server_checked {
	SERVER_UNCHECKED, /* no checks, or none is through: taken to be up */
	SERVER_UP,
	SERVER_DOWN
};

/* What the administrator says; the values of enum conf_server_state. */
enum server_admin {
	SERVER_ADMIN_ENABLED,
	SERVER_ADMIN_DRAINING, /* no new sessions */
	SERVER_ADMIN_DISABLED
};

struct state_server {
	_Alignas(64) char name[STATE_SERVER_NAME_MAX]; /* empty: free */
	uint32_t used; /* see state_service_slot() */
	/* The master's: what the configuration says it is, as a hash; 0: has
	 * not said yet. */
	uint64_t target;
	struct limit connections; /* sessions of all workers */

	/* The monitor's.  Address and weight are valid together if version is
	 * even and the same before and after they were read. */
	_Alignas(64) _Atomic uint32_t version;
	struct addr addr; /* ADDR_NONE: there is none (yet, or any more);
			   * ADDR_UNIX: the configuration has the path */
	uint32_t weight;  /* 1 … 65536, from the configuration and SRV */
	_Atomic uint32_t checked;  /* enum server_checked */
	_Atomic uint32_t admin;    /* enum server_admin */
	_Atomic uint32_t loops;    /* 1: its address is a listener of muxd
				    * that leads back to this pool */
	_Atomic uint64_t since_ms; /* monotonic: came (back) up then, and is in
				    * its slow start; 0: has been up always */
	/* What was set by hand: see state_server_configure(). */
	_Atomic uint32_t manual_weight;    /* 0: as written above */
	_Atomic uint64_t manual_max;       /* max_connections + 1; 0: as the
					 * configuration says */
	_Atomic uint32_t configured_admin; /* what the configuration says */
	_Atomic uint32_t configured_weight;
	_Atomic uint64_t configured_max;

	/* The workers'; see pool_connect_failed().  Times are monotonic. */
	_Alignas(64) _Atomic uint32_t failures; /* failed connects in a row */
	_Atomic uint32_t probing; /* 1: one client tries whether it is back */
	/* 0: not ejected; a time that has passed: the next client tries it. */
	_Atomic uint64_t ejected_until_ms;
	_Atomic uint64_t recovered_ms; /* a connect ended an ejection then */
};

struct state_pool {
	_Alignas(64) char name[STATE_NAME_MAX]; /* empty: free */
	/* Goes up whenever addresses or weights of its places have changed, so
	 * that workers make their tables anew. */
	_Atomic uint32_t generation;
	uint32_t used;                        /* see state_service_slot() */
	_Alignas(64) _Atomic uint64_t ticket; /* whose turn it is */
	struct limit queue;                   /* clients that wait */
};

enum server_counter {
	SERVER_COUNTER_SESSIONS, /* sessions that ended up here */
	SERVER_COUNTER_CONNECTS, /* attempts to connect */
	SERVER_COUNTER_FAILED,   /* of these, in vain */
	SERVER_COUNTER_EJECTED,  /* how often it was */
	SERVER_COUNTER_BYTES_TO,
	SERVER_COUNTER_BYTES_FROM,
	SERVER_COUNTER_DATAGRAMS_TO,
	SERVER_COUNTER_DATAGRAMS_FROM,
	SERVER_COUNTER_ERRORS, /* ICMP errors of datagrams */
	SERVER_COUNTERS
};

/* One block for each (worker, place), as struct counters. */
struct server_counters {
	_Alignas(64) _Atomic uint64_t events[SERVER_COUNTERS];
};

/* "sessions", "connects", …; never change. */
const char *server_counter_name(enum server_counter counter);

/* The slot of the pool of that name: the one it has, or a free one.  -1 with
 * ENOSPC or EINVAL.  Master only, before the workers learn of it. */
int state_pool_slot(struct state *state, const char *name);

/* The first of n places in a row for a server of a pool: those it has, or
 * free ones.  They are named "pool/server", or "pool/server/0" and on if
 * there are several.  -1 with ENOSPC, EINVAL.  Master only, as before. */
int state_server_places(
    struct state *state, const char *pool, const char *server, unsigned n);

struct server_counters *state_server_counters(
    const struct state *state, unsigned worker, unsigned place);

/* The sum over all workers. */
uint64_t state_server_sum(
    const struct state *state, unsigned place, enum server_counter counter);

/*
 * Give the place an address and a weight.  One writer at a time: the master
 * before it forks, the monitor afterwards.  Another address is another
 * server: what connects to the one before came to is forgotten.  The caller
 * makes the generation of the pool go up when it is through with all places
 * (state_pool_changed()).
 */
void state_server_set(
    struct state_server *server, const struct addr *addr, uint32_t weight);

/* Read both; false with addr ADDR_NONE if there is no address, or its writer
 * died while it wrote. */
bool state_server_get(
    const struct state_server *server, struct addr *addr, uint32_t *weight);

void state_pool_changed(struct state_pool *pool);

/* Nothing is known of the place any more but its name. */
void state_server_clear(struct state_server *server);

/*
 * Note what the configuration says of the server.  What was set by hand gives
 * way where this differs from what it said before; else it holds.
 */
void state_server_configure(struct state_server *server,
    enum server_admin admin, uint32_t weight, uint64_t max_connections);

/* The weight that counts, which is the manual one if there is one; and how
 * many sessions it may have, which is configured (0: no bound) or manual. */
uint32_t state_server_weight(
    const struct state_server *server, uint32_t weight);
uint64_t state_server_max(
    const struct state_server *server, uint64_t configured);

/* "enabled", "draining", "disabled"; "unknown" for others. */
const char *state_admin_name(uint32_t admin);

/* Whether what is known of the server speaks for sending new sessions there,
 * now_ms being monotonic: it is enabled, not down, not ejected, and leads not
 * back. */
bool state_server_healthy(const struct state_server *server, uint64_t now_ms);

/* The same, and it has an address. */
bool state_server_usable(const struct state_server *server, uint64_t now_ms);

/* Wake all workers: a server has become usable. */
void state_wake_workers(const struct state *state);

#endif
