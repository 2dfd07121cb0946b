/*
 * The server with the fewest connections for its weight, as all workers have
 * them.  Where several are equal their turn comes in rotation: the pool's
 * ticket says where the search begins.
 */
#include "service/balance.h"

/* What a server has, with one more, so that of servers without any the
 * heaviest is first; and for what weight. */
struct load {
	struct server *server; /* NULL: of none */
	uint64_t sessions;
	uint64_t weight;
};

static bool
is_less(const struct load *a, const struct load *b)
{
	return b->server == NULL ||
	    a->sessions * b->weight < b->sessions * a->weight;
}

static struct server *
least_connections_choose(struct pool *pool, struct pick *pick)
{
	const struct pool_members *members = &pool->tiers[pick->tier];
	size_t i, at = pick_take_turn(pick) % members->n;
	struct load load, least = { 0 };

	for (i = 0; i < members->n; i++, at++) {
		if (at == members->n)
			at = 0;
		load.server = &pool->servers[members->items[at]];
		if (!pick_allows(pick, load.server))
			continue;
		load.sessions = server_sessions(load.server) + 1;
		load.weight = server_weight(load.server, pick->now_ms);
		if (is_less(&load, &least))
			least = load;
	}
	return least.server;
}

const struct balance_ops balance_least_connections = {
	.choose = least_connections_choose,
};
