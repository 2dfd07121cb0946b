/*
 * The choice of a server: which tier, whether there is room, and taking it.
 */
#include <string.h>

#include "event/loop.h"
#include "service/balance.h"
#include "service/pool.h"
#include "service/service.h"

void
pool_tried_add(struct pool_tried *tried, const struct server *server)
{
	if (tried->n == POOL_TRIED_MAX)
		memmove(tried->places, tried->places + 1,
		    --tried->n * sizeof(tried->places[0]));
	tried->places[tried->n++] = (uint16_t)server->place;
}

/* Take what was chosen; false: somebody else was faster. */
static bool
pick_take(struct server *server, struct ledger_entry *entry, bool wait)
{
	struct ledger *ledger = &server->pool->set->ledger;

	if (!ledger_take_server(
		ledger, entry, server->place, server_max(server), wait))
		return false;
	if (pool_try_ejected(server)) {
		counter_add(
		    &server->counters->events[SERVER_COUNTER_CONNECTS], 1);
		return true;
	}
	ledger_give_server(ledger, entry);
	return false;
}

/* Servers of a tier that may be counted for each client: more would cost. */
#define COUNTED_MAX 32

/* Note how it came about, before the server is counted as taken. */
static void
pick_explain(struct pool *pool, const struct pick *pick)
{
	const struct pool_members *members = &pool->tiers[pick->tier];
	struct memo_choice *choice = &pool->choice;
	size_t i;

	*choice = (struct memo_choice){
		.turn = (uint32_t)pick->turn,
		.members = (uint16_t)members->n,
		.usable = MEMO_UNKNOWN,
		.room = MEMO_UNKNOWN,
		.balance = (uint8_t)(pool->conf->balance + 1),
		.backup = pick->tier == POOL_BACKUP,
	};
	if (members->n > COUNTED_MAX && !pick->dry)
		return;
	choice->usable = choice->room = 0;
	for (i = 0; i < members->n; i++) {
		choice->usable +=
		    pick_usable(pick, &pool->servers[members->items[i]]);
		choice->room +=
		    pick_allows(pick, &pool->servers[members->items[i]]);
	}
}

static bool
pick_wants_explanation(const struct pool *pool, const struct pick *pick)
{
	return pick->dry || pool->set->conf->log.remember;
}

static struct server *
pick_choose(struct pool *pool, struct pick *pick, struct ledger_entry *entry)
{
	const struct balance_ops *ops = balance_table[pool->conf->balance];
	/* Each of them may be taken away in the last moment; more often is
	 * somebody else's progress, and the pool as good as full. */
	size_t tries = pool->tiers[pick->tier].n;
	struct server *server;

	for (; tries > 0; tries--) {
		server = ops->choose(pool, pick);
		if (pick_wants_explanation(pool, pick))
			pick_explain(pool, pick);
		if (server == NULL || pick->dry ||
		    pick_take(server, entry, false))
			return server;
	}
	return NULL;
}

/* Have a call come when the next ejection ends: nobody rings then. */
static void
pick_set_timer(struct pool *pool, uint64_t now)
{
	uint64_t until, next = UINT64_MAX;
	size_t i;

	for (i = 0; i < pool->nservers; i++) {
		until = atomic_load_explicit(
		    &pool->servers[i].shared->ejected_until_ms,
		    memory_order_relaxed);
		if (until > now && until < next)
			next = until;
	}
	if (next != UINT64_MAX)
		loop_timer_set(pool->set->loop, &pool->timer, next - now);
}

/*
 * Nothing could be chosen.  POOL_FULL if there are usable servers all the
 * same; then leave the worker's name at each of them if it shall wait, which
 * is also the last try.
 */
static enum pool_verdict
pick_wait(struct pool *pool, const struct pick *pick,
    struct ledger_entry *entry, bool wait, struct server **picked)
{
	const struct pool_members *members = &pool->tiers[pick->tier];
	enum pool_verdict verdict = POOL_NONE;
	struct server *server;
	size_t i;

	for (i = 0; i < members->n; i++) {
		server = &pool->servers[members->items[i]];
		if (!pick_usable(pick, server))
			continue;
		verdict = POOL_FULL;
		if (wait && pick_take(server, entry, true)) {
			*picked = server;
			return POOL_PICKED;
		}
	}
	if (verdict == POOL_FULL && wait) {
		pool->full = pick->tried->n == 0;
		pick_set_timer(pool, pick->now_ms);
	}
	return verdict;
}

static enum pool_verdict
pick_from_tier(struct pool *pool, struct pick *pick, struct ledger_entry *entry,
    bool wait, struct server **picked)
{
	if (pool->tiers[pick->tier].n == 0)
		return POOL_NONE;
	*picked = pick_choose(pool, pick, entry);
	if (*picked == NULL)
		return pick_wait(pool, pick, entry, wait, picked);
	pool->choice.sessions = (uint32_t)server_sessions(*picked) + pick->dry;
	if (!pick->dry)
		pool->full = false;
	return POOL_PICKED;
}

static enum pool_verdict
pick_none(const struct pool *pool)
{
	size_t i;

	for (i = 0; i < pool->nservers; i++)
		if (atomic_load_explicit(&pool->servers[i].shared->loops,
			memory_order_relaxed) != 0)
			return POOL_LOOP;
	return POOL_NONE;
}

/* Whether others came first. */
static bool
pick_is_behind(const struct pool *pool, const struct ledger_entry *entry)
{
	return pool->full && !list_empty(&pool->waiters) &&
	    (atomic_load_explicit(&entry->holds, memory_order_relaxed) &
		HOLD_QUEUE) == 0;
}

/* Tier by tier. */
static enum pool_verdict
pick_run(struct pool *pool, struct pick *pick, struct ledger_entry *entry,
    bool wait, struct server **picked)
{
	unsigned stage,
	    stages = pick->tried->n > 0 ? 2 * POOL_TIERS : POOL_TIERS;
	enum pool_verdict verdict;

	for (stage = 0; stage < stages; stage++) {
		pick->tier = stage % POOL_TIERS;
		pick->again = stage >= POOL_TIERS;
		verdict = pick_from_tier(pool, pick, entry, wait, picked);
		if (verdict != POOL_NONE)
			return verdict;
	}
	return pick_none(pool);
}

static const struct pool_tried tried_none;

enum pool_verdict
pool_pick(struct pool *pool, struct ledger_entry *entry,
    const struct pool_tried *tried, bool wait, struct server **picked)
{
	struct pick pick = {
		.client = &entry->client,
		.tried = tried != NULL ? tried : &tried_none,
		.now_ms = loop_now(pool->set->loop),
		.tickets = &pool->shared->ticket,
	};

	*picked = NULL;
	if (pick_is_behind(pool, entry))
		return POOL_FULL;
	pool_refresh(pool);
	return pick_run(pool, &pick, entry, wait, picked);
}

enum pool_verdict
pool_preview(
    struct pool *pool, const struct addr *client, struct server **picked)
{
	_Atomic uint64_t tickets = atomic_load(&pool->shared->ticket);
	struct pick pick = {
		.client = client,
		.tried = &tried_none,
		.now_ms = loop_now(pool->set->loop),
		.dry = true,
		.tickets = &tickets,
	};

	*picked = NULL;
	pool->choice = (struct memo_choice){ 0 };
	pool_refresh(pool);
	return pick_run(pool, &pick, NULL, false, picked);
}
