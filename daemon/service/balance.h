/*
 * Ways of balancing: a const struct of functions for each, one row in
 * balance_table, one file balance_NAME.c.
 *
 * A way proposes servers of one tier, and pick_allows() tells whether the
 * client can be sent there now.  Tables are made when the servers change and
 * not when their health does, so a choice costs the same whoever is down, but
 * for the proposals that are not allowed.
 *
 * Where a server is in its slow start, its weight counts in part; see
 * server_share().
 */
#ifndef MUXD_SERVICE_BALANCE_H
#define MUXD_SERVICE_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "service/pool.h"

/* What a choice is made under. */
struct pick {
	const struct addr *client;
	const struct pool_tried *tried; /* never NULL */
	uint64_t now_ms;
	enum pool_tier tier;
	bool again; /* of those tried, the last one alone is barred */
	bool dry;   /* nothing is to be taken */
	_Atomic uint64_t *tickets; /* the pool's; if dry, a copy */
	uint64_t turn; /* out: the one that was taken, by ways that do */
};

/* Take the next turn of all workers. */
static inline uint64_t
pick_take_turn(struct pick *pick)
{
	pick->turn =
	    atomic_fetch_add_explicit(pick->tickets, 1, memory_order_relaxed);
	return pick->turn;
}

/* Whether the client may be sent there, were there room. */
bool pick_usable(const struct pick *pick, const struct server *server);

/* The same, and there is room. */
bool pick_allows(const struct pick *pick, const struct server *server);

/* How much of a server's weight counts, in parts of SERVER_SHARE_FULL: it
 * grows from the least to all over slow_start, from when the server has come
 * back. */
#define SERVER_SHARE_FULL  256
#define SERVER_SHARE_LEAST 16
uint32_t server_share(const struct server *server, uint64_t now_ms);

/* The weight that counts, in parts of 1 / SERVER_SHARE_FULL. */
static inline uint64_t
server_weight(const struct server *server, uint64_t now_ms)
{
	return (uint64_t)server->weight * server_share(server, now_ms);
}

/* Its sessions, of all workers. */
static inline uint64_t
server_sessions(const struct server *server)
{
	return tally_read(&server->shared->connections.tally);
}

/* Any server of the tier that is allowed, in proportion to what weighs;
 * NULL: there is none.  It looks at them all: for who has proposed several in
 * vain. */
struct server *balance_any(struct pool *pool, const struct pick *pick);

struct balance_ops {
	/* Memory for the tables of a pool: as much as its servers will ever
	 * need.  NULL with ENOMEM.  No functions: no tables. */
	struct balance *(*open)(const struct pool *pool);
	void (*close)(struct balance *balance);

	/* The servers of a tier have changed.  Allocates nothing. */
	void (*rebuild)(struct pool *pool, enum pool_tier tier);

	/* A server that is allowed, of a tier that is not empty; NULL: there
	 * is none. */
	struct server *(*choose)(struct pool *pool, struct pick *pick);
};

/* By enum conf_balance. */
extern const struct balance_ops *const balance_table[BALANCE_HASH + 1];

extern const struct balance_ops balance_round_robin;
extern const struct balance_ops balance_least_connections;
extern const struct balance_ops balance_random;
extern const struct balance_ops balance_hash;

#endif
