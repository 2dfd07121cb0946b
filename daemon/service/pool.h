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
 *
 *   pool.c         set up, and made anew after a change
 *   pool_pick.c    the choice
 *   pool_health.c  what connects tell of a server
 *   pool_queue.c   who waits
 */
#ifndef MUXD_SERVICE_POOL_H
#define MUXD_SERVICE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/log.h"
#include "conf/conf.h"
#include "event/timer.h"
#include "net/connect.h"
#include "state/ledger.h"
#include "state/memo.h"
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
	struct log_limit ejections; /* records of them */
	struct log_limit recoveries;
};

/* How many sessions it may have; 0: no bound. */
static inline uint64_t
server_max(const struct server *server)
{
	return state_server_max(server->shared, server->conf->max_connections);
}

enum pool_tier { POOL_PRIMARY, POOL_BACKUP, POOL_TIERS };

/* The servers of a tier that have an address: indices of pool->servers. */
struct pool_members {
	uint16_t *items;
	size_t n;
};

struct pool {
	struct services *set;
	const struct conf_pool *conf;
	unsigned slot;
	struct state_pool *shared;
	struct server *servers;
	size_t nservers;
	struct pool_members tiers[POOL_TIERS];
	struct connect_options connect;
	uint32_t generation; /* that all of the above and balance are of */
	struct balance *balance;
	uint64_t random; /* of pool_random() */
	struct list waiters;
	struct timer timer; /* an ejection ends, and somebody waits */
	/* The last client that was going to wait, and that no server was
	 * barred for, found all of them full: who comes now goes behind those
	 * who wait. */
	bool full;
	struct memo_choice choice; /* how pool_pick() has come to its result */
};

/*
 * Set up the pools of a configuration in a worker; slots and places are by the
 * order of conf->pools, and of their servers one after the other: the first
 * place of each.  Of services the loop, log, state and ledger must be there.
 * All memory that the pools will ever need is had here.  NULL with ENOMEM.
 */
struct pool *pools_open(struct services *set, const struct conf *conf,
    const unsigned *slots, const unsigned *places);

/* The same of one pool, for pool_preview() alone: set needs no more than loop,
 * conf and state.  pools_close(pool, 1) releases it. */
struct pool *pool_open_alone(struct services *set, const struct conf_pool *conf,
    unsigned slot, const unsigned *places);

/* Nobody waits any more.  NULL does nothing. */
void pools_close(struct pool *pools, size_t npools);

/* Servers that one client has tried in vain: the last so many. */
#define POOL_TRIED_MAX 16
struct pool_tried {
	uint16_t places[POOL_TRIED_MAX];
	uint8_t n;
};

/* Note that it was tried, and was the last one. */
void pool_tried_add(struct pool_tried *tried, const struct server *server);

enum pool_verdict {
	POOL_PICKED,
	POOL_FULL, /* all usable servers hold max_connections */
	POOL_NONE, /* no server is usable, or all that are were tried */
	POOL_LOOP  /* the same, and one because it leads back here */
};

/*
 * Choose a server for the client of this entry, by the pool's way of
 * balancing, count the session as one of its (HOLD_SERVER), and count an
 * attempt to connect.  The entry must hold no server.
 *
 * The first of these that has a usable server gives it: primary servers,
 * backup servers, each without those tried; then again primary and backup
 * servers, without the last one tried.  Nothing is allocated.
 *
 * wait: if all are full, have this worker woken when one falls
 * (services_retry()), for a client that is going to wait.  While somebody
 * waits already, a client that holds no place in the queue finds the pool
 * full whatever it is, so that nobody is overtaken.
 */
enum pool_verdict pool_pick(struct pool *pool, struct ledger_entry *entry,
    const struct pool_tried *tried, bool wait, struct server **picked);

/*
 * Make the choice that pool_pick() would make now for a client that has
 * nothing yet, and take nothing: no turn, no session, no try of an ejected
 * server.  pool->choice tells how it came about.
 */
enum pool_verdict pool_preview(
    struct pool *pool, const struct addr *client, struct server **picked);

/*
 * Passive health: what became of the connect to a server that was picked.
 * Each pick is followed by one of the two, unless the client leaves before.
 * error is an errno value.  Both count (SERVER_COUNTER_SESSIONS, _FAILED).
 *
 * A server is ejected after max_failures in a row, counted over all workers,
 * unless more than max_ejected percent of the servers of its tier that have
 * an address would be; one may always be (if max_ejected is not 0), but for
 * the only one there is.  Errors that are no fault of the server's (EMFILE,
 * EADDRNOTAVAIL, …) do not count.
 *
 * An ejection lasts fail_timeout and up to a quarter more, so that servers
 * that fell together do not come back together.  Then one client of all
 * workers is sent there (pool_pick() sees to that): if it connects, the
 * server is in use again and begins its slow start; if not, it is ejected
 * anew.  A client that is not heard of for connect_timeout is followed by
 * another one.
 */
void pool_connected(struct server *server);
void pool_connect_failed(struct server *server, int error);

/* The same of a session that it has already, without counting: datagrams tell
 * of a server at any time. */
void pool_working(struct server *server);
void pool_failing(struct server *server, int error);

/*
 * The queue: who waits for a server that is full.  call comes for the first
 * waiter when one may have room; it tries pool_pick() and leaves the queue if
 * that succeeds or says that it is of no use to wait, or stays.  It must not
 * touch other waiters.
 */
struct pool_waiter {
	struct list link;
	void (*call)(struct pool_waiter *waiter);
};

/* Take a place in the queue (HOLD_QUEUE); false: the queue of all workers is
 * full.  To be called at once after pool_pick() with wait. */
bool pool_wait(
    struct pool *pool, struct pool_waiter *waiter, struct ledger_entry *entry);

/* Leave it. */
void pool_unwait(
    struct pool *pool, struct pool_waiter *waiter, struct ledger_entry *entry);

/* Something may have changed: let those come that can.  From
 * services_retry(). */
void pool_retry(struct pool *pool);

/* Called from within the layer. */

/* Read the servers anew if the generation has changed. */
void pool_refresh(struct pool *pool);

/* The call of pool.timer. */
void pool_ejection_ends(struct timer *timer);

/* The next of a sequence of random numbers, of 48 bits. */
uint64_t pool_random(struct pool *pool);

/* Where an ejected server's time has passed: whether this client is the one
 * that tries it.  Of one that is not ejected all are. */
bool pool_try_ejected(struct server *server);

#endif
