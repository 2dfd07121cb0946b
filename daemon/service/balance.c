/*
 * What the ways of balancing share, and the table of them.
 */
#include "service/balance.h"

#include "state/servers.h"

const struct balance_ops *const balance_table[BALANCE_HASH + 1] = {
	[BALANCE_ROUND_ROBIN] = &balance_round_robin,
	[BALANCE_LEAST_CONNECTIONS] = &balance_least_connections,
	[BALANCE_RANDOM] = &balance_random,
	[BALANCE_HASH] = &balance_hash,
};

static bool
pick_bars(const struct pick *pick, const struct server *server)
{
	const struct pool_tried *tried = pick->tried;
	unsigned i = pick->again && tried->n > 0 ? tried->n - 1U : 0;

	for (; i < tried->n; i++)
		if (tried->places[i] == server->place)
			return true;
	return false;
}

bool
pick_usable(const struct pick *pick, const struct server *server)
{
	return !pick_bars(pick, server) &&
	    state_server_healthy(server->shared, pick->now_ms);
}

bool
pick_allows(const struct pick *pick, const struct server *server)
{
	uint64_t max = server_max(server);

	return pick_usable(pick, server) &&
	    (max == 0 || server_sessions(server) < max);
}

uint32_t
server_share(const struct server *server, uint64_t now_ms)
{
	const struct state_server *shared = server->shared;
	uint64_t slow_start = server->pool->conf->slow_start;
	uint64_t since, recovered, elapsed;

	if (slow_start == 0)
		return SERVER_SHARE_FULL;
	since = atomic_load_explicit(&shared->since_ms, memory_order_relaxed);
	recovered =
	    atomic_load_explicit(&shared->recovered_ms, memory_order_relaxed);
	if (recovered > since)
		since = recovered;
	if (since == 0)
		return SERVER_SHARE_FULL;
	/* Others may have read a clock that is ahead of this turn's. */
	elapsed = now_ms > since ? now_ms - since : 0;
	if (elapsed >= slow_start)
		return SERVER_SHARE_FULL;
	return SERVER_SHARE_LEAST +
	    (uint32_t)((SERVER_SHARE_FULL - SERVER_SHARE_LEAST) * elapsed /
		slow_start);
}

struct server *
balance_any(struct pool *pool, const struct pick *pick)
{
	const struct pool_members *members = &pool->tiers[pick->tier];
	struct server *server, *chosen = NULL;
	uint64_t weight, sum = 0;
	size_t i;

	for (i = 0; i < members->n; i++) {
		server = &pool->servers[members->items[i]];
		if (!pick_allows(pick, server))
			continue;
		weight = server_weight(server, pick->now_ms);
		sum += weight;
		if (pool_random(pool) % sum < weight)
			chosen = server;
	}
	return chosen;
}
