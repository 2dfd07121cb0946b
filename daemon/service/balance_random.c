/*
 * The better of two: two servers are drawn by their weights, and the one with
 * fewer connections for its weight is chosen (Mitzenmacher, "The power of two
 * choices in randomized load balancing", 2001).  It needs to look at two
 * servers, however many there are, and does not send the clients of all
 * workers to the same one at once.
 */
#include "service/balance.h"

#include "base/mem.h"

/* Draws in vain, of servers that are not allowed, before all are looked at. */
#define DRAWS 16

/* Of each tier, by member: the sum of the weights so far. */
struct balance {
	uint64_t *sums[POOL_TIERS];
};

static void
random_close(struct balance *balance)
{
	size_t i;

	for (i = 0; i < POOL_TIERS; i++)
		mem_free(balance->sums[i]);
	mem_free(balance);
}

static struct balance *
random_open(const struct pool *pool)
{
	struct balance *balance = mem_zalloc(sizeof(*balance));
	size_t i;

	if (balance == NULL)
		return NULL;
	for (i = 0; i < POOL_TIERS; i++) {
		balance->sums[i] = mem_array(pool->nservers, sizeof(uint64_t));
		if (balance->sums[i] == NULL) {
			random_close(balance);
			return NULL;
		}
	}
	return balance;
}

static void
random_rebuild(struct pool *pool, enum pool_tier tier)
{
	const struct pool_members *members = &pool->tiers[tier];
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < members->n; i++) {
		sum += pool->servers[members->items[i]].weight;
		pool->balance->sums[tier][i] = sum;
	}
}

static struct server *
random_draw(struct pool *pool, enum pool_tier tier)
{
	const struct pool_members *members = &pool->tiers[tier];
	const uint64_t *sums = pool->balance->sums[tier];
	uint64_t x = pool_random(pool) % sums[members->n - 1];
	size_t low = 0, high = members->n - 1, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (x < sums[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return &pool->servers[members->items[low]];
}

/* Whether a server that was drawn stays so, in its slow start. */
static bool
random_keeps(struct pool *pool, const struct server *server, uint64_t now_ms)
{
	uint32_t share = server_share(server, now_ms);

	return share == SERVER_SHARE_FULL ||
	    pool_random(pool) % SERVER_SHARE_FULL < share;
}

/* For what weighs.  As they are, and not with one more: then of two idle ones
 * the heavier would always be it, and weights count a second time. */
static bool
has_fewer_sessions(
    const struct server *a, const struct server *b, uint64_t now_ms)
{
	return server_sessions(a) * server_weight(b, now_ms) <
	    server_sessions(b) * server_weight(a, now_ms);
}

static struct server *
random_choose(struct pool *pool, struct pick *pick)
{
	struct server *server, *first = NULL;
	unsigned i;

	for (i = 0; i < DRAWS; i++) {
		server = random_draw(pool, pick->tier);
		if (server == first || !pick_allows(pick, server) ||
		    !random_keeps(pool, server, pick->now_ms))
			continue;
		if (first == NULL)
			first = server;
		else
			return has_fewer_sessions(server, first, pick->now_ms)
			    ? server
			    : first;
	}
	return first != NULL ? first : balance_any(pool, pick);
}

const struct balance_ops balance_random = {
	.open = random_open,
	.close = random_close,
	.rebuild = random_rebuild,
	.choose = random_choose,
};
