/*
 * The server with the fewest connections for its weight, as all workers have
 * them.  Where several are equal their turn comes in rotation: the pool's
 * ticket says where the search begins.
 */
#include "service/balance.h"

/* With one more, so that of servers without any the heaviest is first. */
static bool
is_less_loaded(const struct server *a, const struct server *b, uint64_t now_ms)
{
	return (server_sessions(a) + 1) * server_weight(b, now_ms) <
	    (server_sessions(b) + 1) * server_weight(a, now_ms);
}

static struct server *
least_connections_choose(struct pool *pool, const struct pick *pick)
{
	const struct pool_members *members = &pool->tiers[pick->tier];
	size_t i,
	    at = atomic_fetch_add_explicit(
		     &pool->shared->ticket, 1, memory_order_relaxed) %
	    members->n;
	struct server *server, *least = NULL;

	for (i = 0; i < members->n; i++, at++) {
		if (at == members->n)
			at = 0;
		server = &pool->servers[members->items[at]];
		if (pick_allows(pick, server) &&
		    (least == NULL ||
			is_less_loaded(server, least, pick->now_ms)))
			least = server;
	}
	return least;
}

const struct balance_ops balance_least_connections = {
	.choose = least_connections_choose,
};
