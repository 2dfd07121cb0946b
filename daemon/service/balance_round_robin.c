/*
 * Smooth weighted round robin, exact over all workers together: each of them
 * has made the same sequence of turns from the same weights, and the pool's
 * ticket, which all share, says which turn is next.
 *
 * Turns of servers that cannot be had are passed over.  What is left of the
 * sequence is one in proportion to the weights of the others, so the share of
 * a server that is down goes to all of them and not to its neighbour.  In the
 * same way a server in its slow start gives up some of its turns; which ones
 * is told by the number of the turn, the same for all workers.
 */
#include "service/balance.h"

#include "base/mem.h"
#include "service/sequence.h"

/* Turns passed over before all servers are looked at: for one of little
 * weight that is left of many. */
#define STEPS_MAX 32

struct balance {
	uint32_t *weights; /* for sequence_make() */
	struct sequence sequences[POOL_TIERS];
};

static void
round_robin_close(struct balance *balance)
{
	size_t i;

	for (i = 0; i < POOL_TIERS; i++)
		sequence_close(&balance->sequences[i]);
	mem_free(balance->weights);
	mem_free(balance);
}

static struct balance *
round_robin_open(const struct pool *pool)
{
	struct balance *balance = mem_zalloc(sizeof(*balance));
	size_t i;

	if (balance == NULL)
		return NULL;
	balance->weights = mem_array(pool->nservers, sizeof(uint32_t));
	if (balance->weights == NULL)
		goto fail;
	for (i = 0; i < POOL_TIERS; i++)
		if (sequence_open(&balance->sequences[i], pool->nservers) == -1)
			goto fail;
	return balance;
fail:
	round_robin_close(balance);
	return NULL;
}

static void
round_robin_rebuild(struct pool *pool, enum pool_tier tier)
{
	const struct pool_members *members = &pool->tiers[tier];
	struct balance *balance = pool->balance;
	size_t i;

	for (i = 0; i < members->n; i++)
		balance->weights[i] = pool->servers[members->items[i]].weight;
	sequence_make(&balance->sequences[tier], balance->weights, members->n);
}

/* The last step of splitmix64 (Steele, Lea and Flood, "Fast splittable
 * pseudorandom number generators", 2014). */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Whether a server takes its turn. */
static bool
takes_turn(const struct server *server, uint64_t ticket, uint64_t now_ms)
{
	uint32_t share = server_share(server, now_ms);

	return share == SERVER_SHARE_FULL ||
	    mix(ticket * UINT64_C(0x9e3779b97f4a7c15)) % SERVER_SHARE_FULL <
	    share;
}

static struct server *
round_robin_choose(struct pool *pool, struct pick *pick)
{
	const struct sequence *sequence = &pool->balance->sequences[pick->tier];
	const struct pool_members *members = &pool->tiers[pick->tier];
	size_t steps = 2 * members->n + 2;
	struct server *server;
	uint64_t ticket;

	if (steps > STEPS_MAX)
		steps = STEPS_MAX;
	for (; steps > 0; steps--) {
		ticket = pick_take_turn(pick);
		server = &pool->servers[members->items[sequence->turns[ticket %
		    sequence->len]]];
		if (pick_allows(pick, server) &&
		    takes_turn(server, ticket, pick->now_ms))
			return server;
	}
	return balance_any(pool, pick);
}

const struct balance_ops balance_round_robin = {
	.open = round_robin_open,
	.close = round_robin_close,
	.rebuild = round_robin_rebuild,
	.choose = round_robin_choose,
};
