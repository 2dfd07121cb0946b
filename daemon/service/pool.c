/*
 * Pools of a worker: set up, and made anew when their servers change.
 */
#include "service/pool.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "service/balance.h"
#include "service/service.h"

static size_t
pool_count_places(const struct conf_pool *conf)
{
	size_t i, n = 0;

	for (i = 0; i < conf->nservers; i++)
		n += conf->servers[i].nplaces;
	return n;
}

static void
pool_init_options(struct pool *pool)
{
	const struct conf_pool_socket *conf = &pool->conf->socket;

	pool->connect = (struct connect_options){
		.source = conf->source,
		.keepalive_ms = conf->keepalive,
		.user_timeout_ms = conf->user_timeout,
		.mark = (uint32_t)conf->mark,
		.dscp = (uint8_t)conf->dscp,
		.nodelay = conf->nodelay,
	};
}

/* places: the first one of each server. */
static void
pool_init_servers(struct pool *pool, const unsigned *places)
{
	const struct conf_pool *conf = pool->conf;
	const struct services *set = pool->set;
	struct server *server = pool->servers;
	unsigned place;
	size_t i;

	for (i = 0; i < conf->nservers; i++) {
		for (place = places[i];
		     place < places[i] + conf->servers[i].nplaces; place++) {
			server->pool = pool;
			server->conf = &conf->servers[i];
			server->place = place;
			server->shared = &set->state->servers[place];
			server->counters = state_server_counters(
			    set->state, set->ledger.worker, place);
			server++;
		}
	}
}

static bool
server_read(struct server *server)
{
	struct addr addr;
	uint32_t weight;
	bool changed;

	(void)state_server_get(server->shared, &addr, &weight);
	weight = state_server_weight(server->shared, weight);
	/* A later configuration has given the server another kind of address,
	 * and with it what this one does not have: its path. */
	if ((addr.family == ADDR_UNIX) !=
	    (server->conf->target.kind == TARGET_UNIX))
		addr = (struct addr){ .family = ADDR_NONE };
	if (weight == 0)
		weight = 1;
	changed =
	    weight != server->weight || addr_compare(&addr, &server->addr) != 0;
	server->addr = addr;
	server->weight = weight;
	return changed;
}

static void
pool_rebuild_tier(struct pool *pool, enum pool_tier tier)
{
	struct pool_members *members = &pool->tiers[tier];
	const struct server *server;
	size_t i;

	members->n = 0;
	for (i = 0; i < pool->nservers; i++) {
		server = &pool->servers[i];
		if (server->addr.family != ADDR_NONE &&
		    server->conf->backup == (tier == POOL_BACKUP))
			members->items[members->n++] = (uint16_t)i;
	}
	if (balance_table[pool->conf->balance]->rebuild != NULL)
		balance_table[pool->conf->balance]->rebuild(pool, tier);
}

void
pool_refresh(struct pool *pool)
{
	/* First: what has changed by then is seen below. */
	uint32_t generation = atomic_load(&pool->shared->generation);
	bool changed = false;
	unsigned tier;
	size_t i;

	if (generation == pool->generation)
		return;
	pool->generation = generation;
	for (i = 0; i < pool->nservers; i++)
		changed |= server_read(&pool->servers[i]);
	if (!changed)
		return;
	for (tier = 0; tier < POOL_TIERS; tier++)
		pool_rebuild_tier(pool, tier);
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled", 2016). */
uint64_t
pool_random(struct pool *pool)
{
	uint64_t x = pool->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	pool->random = x;
	return x * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static void
pool_seed(struct pool *pool)
{
	if (getentropy(&pool->random, sizeof(pool->random)) == -1)
		pool->random = loop_now(pool->set->loop);
	/* Zero is the one state that leads nowhere. */
	pool->random |= 1;
}

static int
pool_open(struct pool *pool, unsigned slot, const unsigned *places)
{
	const struct balance_ops *ops = balance_table[pool->conf->balance];
	unsigned tier;

	pool->slot = slot;
	pool->shared = &pool->set->state->pools[slot];
	pool->nservers = pool_count_places(pool->conf);
	pool->servers = mem_array(pool->nservers, sizeof(*pool->servers));
	if (pool->servers == NULL)
		return -1;
	for (tier = 0; tier < POOL_TIERS; tier++) {
		pool->tiers[tier].items =
		    mem_array(pool->nservers, sizeof(uint16_t));
		if (pool->tiers[tier].items == NULL)
			return -1;
	}
	pool_init_options(pool);
	pool_init_servers(pool, places);
	pool_seed(pool);
	if (ops->open != NULL && (pool->balance = ops->open(pool)) == NULL)
		return -1;
	/* Whatever it is, it is another one. */
	pool->generation = atomic_load(&pool->shared->generation) - 1;
	pool_refresh(pool);
	return 0;
}

struct pool *
pools_open(struct services *set, const struct conf *conf, const unsigned *slots,
    const unsigned *places)
{
	struct pool *pools = mem_array(conf->npools, sizeof(*pools));
	size_t i;

	if (pools == NULL)
		return NULL;
	for (i = 0; i < conf->npools; i++) {
		pools[i].set = set;
		pools[i].conf = &conf->pools[i];
		list_init(&pools[i].waiters);
		timer_init(&pools[i].timer, pool_ejection_ends);
	}
	for (i = 0; i < conf->npools; i++) {
		if (pool_open(&pools[i], slots[i], places) == -1) {
			pools_close(pools, conf->npools);
			return NULL;
		}
		places += conf->pools[i].nservers;
	}
	return pools;
}

struct pool *
pool_open_alone(struct services *set, const struct conf_pool *conf,
    unsigned slot, const unsigned *places)
{
	struct pool *pool = mem_array(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->set = set;
	pool->conf = conf;
	list_init(&pool->waiters);
	timer_init(&pool->timer, pool_ejection_ends);
	if (pool_open(pool, slot, places) == -1) {
		pools_close(pool, 1);
		return NULL;
	}
	return pool;
}

static void
pool_close(struct pool *pool)
{
	const struct balance_ops *ops = balance_table[pool->conf->balance];
	unsigned tier;

	loop_timer_cancel(pool->set->loop, &pool->timer);
	if (pool->balance != NULL)
		ops->close(pool->balance);
	for (tier = 0; tier < POOL_TIERS; tier++)
		mem_free(pool->tiers[tier].items);
	mem_free(pool->servers);
}

void
pools_close(struct pool *pools, size_t npools)
{
	size_t i;

	if (pools == NULL)
		return;
	for (i = 0; i < npools; i++)
		pool_close(&pools[i]);
	mem_free(pools);
}
