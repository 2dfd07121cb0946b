/*
 * Limits, taken one after the other: see quota.h.
 */
#include "service/quota.h"

#include "state/sources.h"

/* What the entry holds once it has taken one thing more. */
static uint32_t
holds_with(const struct ledger_entry *entry, uint32_t hold)
{
	return atomic_load_explicit(&entry->holds, memory_order_relaxed) | hold;
}

static bool
holds_already(const struct ledger_entry *entry, uint32_t hold)
{
	return (atomic_load_explicit(&entry->holds, memory_order_relaxed) &
		   hold) != 0;
}

const enum memo_limit_kind quota_order[] = {
	MEMO_LIMIT_PER_SOURCE,
	MEMO_LIMIT_SERVICE_PER_SOURCE,
	MEMO_LIMIT_SOURCE_RATE,
	MEMO_LIMIT_SERVICE,
	MEMO_LIMIT_DAEMON,
	MEMO_LIMIT_RATE,
	MEMO_LIMIT_NONE,
};

static struct memo_limit
limit_of_rate(struct rate rate)
{
	return (struct memo_limit){ .max = rate.count,
		.period_ms = rate.period_ms };
}

/* What is configured, and who it holds for; max 0: there is none. */
static struct memo_limit
quota_limit(const struct quota_scope *scope, enum memo_limit_kind kind,
    const struct addr *client)
{
	const struct conf_limit *conf = &scope->service->limit;
	struct memo_limit limit = { 0 };
	/* A client of a UNIX socket has no source. */
	bool counted =
	    client->family == ADDR_INET4 || client->family == ADDR_INET6;

	switch (kind) {
	case MEMO_LIMIT_PER_SOURCE:
		limit.max = counted ? scope->conf->per_source : 0;
		break;
	case MEMO_LIMIT_SERVICE_PER_SOURCE:
		limit.max = counted ? conf->per_source : 0;
		break;
	case MEMO_LIMIT_SOURCE_RATE:
		if (counted)
			limit = limit_of_rate(conf->source_rate);
		break;
	case MEMO_LIMIT_SERVICE:
		limit.max = conf->connections;
		break;
	case MEMO_LIMIT_DAEMON:
		limit.max = scope->connections_max;
		break;
	case MEMO_LIMIT_RATE:
		limit = limit_of_rate(conf->rate);
		break;
	default:
		break;
	}
	limit.kind = kind;
	return limit;
}

static struct rate
rate_of(const struct memo_limit *limit)
{
	return (struct rate){ .count = (uint32_t)limit->max,
		.period_ms = limit->period_ms };
}

static unsigned
source_scope(const struct quota_scope *scope, enum memo_limit_kind kind)
{
	return kind == MEMO_LIMIT_PER_SOURCE ? SOURCE_SCOPE_DAEMON
					     : scope->slot + 1;
}

static enum reason
quota_reason(enum memo_limit_kind kind)
{
	static const enum reason reasons[MEMO_LIMITS] = {
		[MEMO_LIMIT_PER_SOURCE] = REASON_SOURCE_FULL,
		[MEMO_LIMIT_SERVICE_PER_SOURCE] = REASON_SOURCE_FULL,
		[MEMO_LIMIT_SOURCE_RATE] = REASON_SOURCE_RATE,
		[MEMO_LIMIT_SERVICE] = REASON_SERVICE_FULL,
		[MEMO_LIMIT_DAEMON] = REASON_DAEMON_FULL,
		[MEMO_LIMIT_RATE] = REASON_SERVICE_RATE,
	};

	return reasons[kind];
}

/* ---- looking ---- */

static uint64_t
quota_tokens(const struct quota_scope *scope, const struct memo_limit *limit,
    const struct addr *client, uint64_t now_ms)
{
	if (limit->kind == MEMO_LIMIT_SOURCE_RATE)
		return sources_tokens(scope->state, scope->slot + 1, client,
		    SOURCE_CONNECTIONS, rate_of(limit), now_ms);
	return bucket_tokens(
	    &scope->state->services[scope->slot].rate, rate_of(limit), now_ms);
}

static uint64_t
quota_held(const struct quota_scope *scope, enum memo_limit_kind kind,
    const struct addr *client)
{
	switch (kind) {
	case MEMO_LIMIT_PER_SOURCE:
	case MEMO_LIMIT_SERVICE_PER_SOURCE:
		return sources_held(
		    scope->state, source_scope(scope, kind), client);
	case MEMO_LIMIT_SERVICE:
		return tally_read(
		    &scope->state->services[scope->slot].connections.tally);
	default:
		return tally_read(&scope->state->total->tally);
	}
}

struct quota_sight
quota_look(const struct quota_scope *scope, enum memo_limit_kind kind,
    const struct addr *client, uint64_t now_ms)
{
	struct quota_sight sight = { .limit =
					 quota_limit(scope, kind, client) };
	uint64_t tokens;

	if (sight.limit.max == 0)
		return sight;
	if (sight.limit.period_ms != 0) {
		tokens = quota_tokens(scope, &sight.limit, client, now_ms);
		sight.held =
		    tokens < sight.limit.max ? sight.limit.max - tokens : 0;
	} else {
		sight.held = quota_held(scope, kind, client);
	}
	if (sight.held >= sight.limit.max)
		sight.reason = quota_reason(kind);
	return sight;
}

/* ---- taking ---- */

static enum reason
quota_take_source(struct services *set, struct ledger_entry *entry,
    unsigned scope, uint64_t max, const struct addr *peer, uint32_t hold)
{
	uint32_t *index = &entry->source[hold == HOLD_SERVICE_SOURCE];

	if (max == 0 || holds_already(entry, hold))
		return REASON_NONE;
	switch (sources_take(set->state, &set->ledger.author, scope, peer,
	    (uint32_t)max, loop_now(set->loop), &entry->holds,
	    holds_with(entry, hold), index)) {
	case SOURCE_TAKEN:
		return REASON_NONE;
	case SOURCE_TABLE_FULL:
		return REASON_SOURCES_FULL;
	case SOURCE_LIMITED:
	default:
		return REASON_SOURCE_FULL;
	}
}

static enum reason
quota_take_source_rate(struct services *set, const struct quota_scope *scope,
    const struct memo_limit *limit, struct quota_request *request)
{
	if (limit->max == 0 || request->rate_paid)
		return REASON_NONE;
	switch (sources_rate(set->state, &set->ledger.author, scope->slot + 1,
	    &request->peer, SOURCE_CONNECTIONS, rate_of(limit),
	    loop_now(set->loop))) {
	case SOURCE_TAKEN:
		request->rate_paid = true;
		return REASON_NONE;
	case SOURCE_TABLE_FULL:
		return REASON_SOURCES_FULL;
	case SOURCE_LIMITED:
	default:
		return REASON_SOURCE_RATE;
	}
}

/* Take one of a limit; if it is full and the client would wait, ask to be
 * woken and try once more, since it may have fallen in between. */
static bool
quota_take_limit(struct services *set, struct ledger_entry *entry,
    struct limit *limit, uint64_t max, uint32_t hold, bool wait)
{
	struct tally_author *author = &set->ledger.author;
	uint32_t after = holds_with(entry, hold);
	uint32_t bound = max < TALLY_MAX ? (uint32_t)max : TALLY_MAX;

	if (holds_already(entry, hold) ||
	    limit_take(limit, author, 1, bound, &entry->holds, after))
		return true;
	if (!wait)
		return false;
	/* Whoever gives clears the mark; it is the whole worker's, so one who
	 * is lucky now must leave it to the others. */
	limit_wait(limit, set->ledger.worker);
	return limit_take(limit, author, 1, bound, &entry->holds, after);
}

enum reason
quota_take_total(
    const struct service *service, struct ledger_entry *entry, bool wait)
{
	struct services *set = service->set;

	return quota_take_limit(set, entry, set->state->total,
		   set->connections_max, HOLD_TOTAL, wait)
	    ? REASON_NONE
	    : REASON_DAEMON_FULL;
}

static enum reason
quota_take_one(const struct service *service, struct ledger_entry *entry,
    struct quota_request *request, const struct quota_scope *scope,
    const struct memo_limit *limit)
{
	struct services *set = service->set;

	switch (limit->kind) {
	case MEMO_LIMIT_PER_SOURCE:
		return quota_take_source(set, entry, SOURCE_SCOPE_DAEMON,
		    limit->max, &request->peer, HOLD_SOURCE);
	case MEMO_LIMIT_SERVICE_PER_SOURCE:
		return quota_take_source(set, entry, scope->slot + 1,
		    limit->max, &request->peer, HOLD_SERVICE_SOURCE);
	case MEMO_LIMIT_SOURCE_RATE:
		return quota_take_source_rate(set, scope, limit, request);
	case MEMO_LIMIT_SERVICE:
		/* Also where there is no limit: a reload may bring one, which
		 * is exact only if it counts those who are there. */
		return quota_take_limit(set, entry,
			   &service->shared->connections,
			   limit->max != 0 ? limit->max : TALLY_MAX,
			   HOLD_SERVICE, request->wait)
		    ? REASON_NONE
		    : REASON_SERVICE_FULL;
	case MEMO_LIMIT_DAEMON:
		return quota_take_total(service, entry, request->wait);
	case MEMO_LIMIT_RATE:
		return bucket_take(&service->shared->rate, rate_of(limit),
			   loop_now(set->loop), &request->retry_ms)
		    ? REASON_NONE
		    : REASON_SERVICE_RATE;
	default:
		return REASON_NONE;
	}
}

enum reason
quota_take(const struct service *service, struct ledger_entry *entry,
    struct quota_request *request)
{
	const struct quota_scope scope = {
		.state = service->set->state,
		.conf = service->set->conf,
		.service = service->conf,
		.slot = service->slot,
		.connections_max = service->set->connections_max,
	};
	const enum memo_limit_kind *kind;
	struct memo_limit limit;
	enum reason reason;

	request->retry_ms = 0;
	request->limit = (struct memo_limit){ 0 };
	for (kind = quota_order; *kind != MEMO_LIMIT_NONE; kind++) {
		limit = quota_limit(&scope, *kind, &request->peer);
		reason =
		    quota_take_one(service, entry, request, &scope, &limit);
		if (reason == REASON_NONE)
			continue;
		request->limit = limit;
		return reason;
	}
	return REASON_NONE;
}
