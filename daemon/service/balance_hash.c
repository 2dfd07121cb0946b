/*
 * By the client's address, or the prefix of it that hash_prefix4 and
 * hash_prefix6 say: a client comes to the same server each time, in all
 * workers, and in any other muxd that has the same servers.
 *
 * The table has all servers of the tier that have an address, usable or not.
 * A client whose server cannot be had is hashed once more with the number of
 * the attempt, so that those of one server spread over all others and nobody
 * else moves, and all of them go back when the server does.  There is no slow
 * start: it would send a client back and forth.
 *
 * Clients without an address (UNIX sockets) are no reason to send all of them
 * to one server: each is hashed by a ticket of the pool.
 */
#include "service/balance.h"

#include <string.h>

#include "base/addr.h"
#include "base/mem.h"
#include "service/maglev.h"

/* Of the client's own places, before the next ones of the table are tried:
 * for servers that have little of it. */
#define ATTEMPTS 16

struct balance {
	struct maglev_builder builder;
	struct maglev tables[POOL_TIERS];
};

/* Bytes alone, all of them set. */
union hash_key {
	struct prefix prefix;
	uint64_t ticket;
};

static void
hash_close(struct balance *balance)
{
	size_t i;

	for (i = 0; i < POOL_TIERS; i++)
		maglev_close(&balance->tables[i]);
	maglev_builder_close(&balance->builder);
	mem_free(balance);
}

/* A tier that has no server needs no table. */
static bool
hash_needs(const struct pool *pool, enum pool_tier tier)
{
	size_t i;

	for (i = 0; i < pool->nservers; i++)
		if (pool->servers[i].conf->backup == (tier == POOL_BACKUP))
			return true;
	return false;
}

static struct balance *
hash_open(const struct pool *pool)
{
	struct balance *balance = mem_zalloc(sizeof(*balance));
	unsigned tier;

	if (balance == NULL)
		return NULL;
	if (maglev_builder_open(&balance->builder, pool->nservers) == -1)
		goto fail;
	for (tier = 0; tier < POOL_TIERS; tier++)
		if (hash_needs(pool, tier) &&
		    maglev_open(&balance->tables[tier]) == -1)
			goto fail;
	return balance;
fail:
	hash_close(balance);
	return NULL;
}

/* Of what the client would connect to, not of names. */
static uint64_t
hash_identity(const struct server *server)
{
	char text[ADDR_STRLEN];
	const char *path = server->conf->target.host;

	if (server->addr.family == ADDR_UNIX)
		return maglev_identity(path, strlen(path));
	addr_format(&server->addr, text, sizeof(text));
	return maglev_identity(text, strlen(text));
}

static void
hash_rebuild(struct pool *pool, enum pool_tier tier)
{
	const struct pool_members *members = &pool->tiers[tier];
	struct balance *balance = pool->balance;
	const struct server *server;
	size_t i;

	for (i = 0; i < members->n; i++) {
		server = &pool->servers[members->items[i]];
		balance->builder.members[i] = (struct maglev_member){
			.identity = hash_identity(server),
			.weight = server->weight,
			.index = members->items[i],
		};
	}
	maglev_build(&balance->tables[tier], &balance->builder, members->n);
}

static size_t
hash_make_key(union hash_key *key, const struct pool *pool, struct pick *pick)
{
	const struct conf_pool *conf = pool->conf;

	key->prefix = prefix_of(pick->client, (unsigned)conf->hash_prefix4,
	    (unsigned)conf->hash_prefix6);
	if (key->prefix.family != ADDR_NONE)
		return sizeof(key->prefix);
	key->ticket = pick_take_turn(pick);
	return sizeof(key->ticket);
}

/* The first one from a place of the table on that is allowed. */
static struct server *
hash_search(struct pool *pool, const struct pick *pick, size_t at)
{
	const struct maglev *table = &pool->balance->tables[pick->tier];
	struct server *server;
	size_t i;

	/* Whether there is any is soon told, and a whole table in vain takes
	 * long. */
	if (balance_any(pool, pick) == NULL)
		return NULL;
	for (i = 0; i < MAGLEV_SIZE; i++) {
		server = &pool->servers[table->places[(at + i) % MAGLEV_SIZE]];
		if (pick_allows(pick, server))
			return server;
	}
	return NULL;
}

static struct server *
hash_choose(struct pool *pool, struct pick *pick)
{
	const struct maglev *table = &pool->balance->tables[pick->tier];
	struct server *server;
	union hash_key key;
	size_t at = 0, len = hash_make_key(&key, pool, pick);
	unsigned attempt;

	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		at = (size_t)(maglev_key(&key, len, attempt) % MAGLEV_SIZE);
		server = &pool->servers[table->places[at]];
		if (pick_allows(pick, server))
			return server;
	}
	return hash_search(pool, pick, at);
}

const struct balance_ops balance_hash = {
	.open = hash_open,
	.close = hash_close,
	.rebuild = hash_rebuild,
	.choose = hash_choose,
};
