/*
 * The pools of one worker: which server a client is sent to.
 *
 * What all workers must agree on (health, counts, whose turn it is) is in the
 * shared state; here are each worker's view of it and the tables that the
 * ways of balancing need, made anew when the pool's generation has changed.
 *
 * Servers come in two tiers: backup servers are used while no other server
 * is usable.  A full server (max_connections) is still usable: its clients
 * wait in the queue, they do not go to the backup.
 */
#ifndef MUXD_SERVICE_POOL_H
#define MUXD_SERVICE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "conf/conf.h"
#include "net/connect.h"
#include "state/ledger.h"
#include "state/servers.h"

struct balance; /* service/balance.h */
struct pool;
struct services;

/* One place of a server; see state/servers.h. */
struct server {
	struct pool *pool;
	const struct conf_server *conf;
	unsigned place;
	struct state_server *shared;
	struct server_counters *counters; /* this worker's block */
	/* As read at the pool's generation. */
	struct addr addr;
	uint32_t weight;
};

struct pool {
	struct services *set;
	const struct conf_pool *conf;
	unsigned slot;
	struct state_pool *shared;
	struct server *servers;
	size_t nservers;
	struct connect_options connect;
	uint32_t generation; /* that servers and balance were made at */
	struct balance *balance;
	struct list waiters;
};

/* Set up the pools of a worker; slots and places are by the order of
 * conf->pools, and of their servers one after the other: the first place of
 * each.  NULL with ENOMEM. */
struct pool *pools_open(
    struct services *set, const unsigned *slots, const unsigned *places);
void pools_close(struct pool *pools, size_t npools);

/* Servers that one client has tried in vain; at most as many as retries + 1
 * are kept apart. */
#define POOL_TRIED_MAX 16
struct pool_tried {
	uint16_t places[POOL_TRIED_MAX];
	uint8_t n;
};

enum pool_verdict {
	POOL_PICKED,
	POOL_FULL, /* all usable servers hold max_connections */
	POOL_NONE, /* no server is usable, or all that are were tried */
	POOL_LOOP  /* the same, and one because it leads back here */
};

/*
 * Choose a server for the client of this entry, by the pool's way of
 * balancing, and count the session as one of its (HOLD_SERVER).  A server in
 * tried is chosen only if no other is usable and it is not the last one
 * tried.  wait: have this worker woken when a full one falls, for who is
 * going to wait.
 */
enum pool_verdict pool_pick(struct pool *pool, struct ledger_entry *entry,
    const struct pool_tried *tried, bool wait, struct server **picked);

/* Passive health: what became of a connect to the server.  error is an errno
 * value.  Errors that are no fault of the server's (EMFILE, EADDRNOTAVAIL, …)
 * do not count.  A server is ejected after max_failures in a row, unless more
 * than max_ejected percent of the tier would be. */
void pool_connected(struct server *server);
void pool_connect_failed(struct server *server, int error);

/*
 * The queue: who waits for a server that is full.  call comes for the first
 * waiter when one may have room; it tries pool_pick() and leaves the queue if
 * it succeeds, or stays.
 */
struct pool_waiter {
	struct list link;
	void (*call)(struct pool_waiter *waiter);
};

/* Take a place in the queue (HOLD_QUEUE); false: the queue of all workers is
 * full. */
bool pool_wait(
    struct pool *pool, struct pool_waiter *waiter, struct ledger_entry *entry);

/* Leave it. */
void pool_unwait(
    struct pool *pool, struct pool_waiter *waiter, struct ledger_entry *entry);

/* Something may have changed: let those come that can.  From
 * services_retry(). */
void pool_retry(struct pool *pool);

#endif
