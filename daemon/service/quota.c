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

/* The limits of the client's source.  A client of a UNIX socket has none. */
static enum reason
quota_take_sources(const struct service *service, struct ledger_entry *entry,
    struct quota_request *request)
{
	const struct conf_limit *limit = &service->conf->limit;
	const struct addr *peer = &request->peer;
	struct services *set = service->set;
	enum reason reason;

	if (peer->family != ADDR_INET4 && peer->family != ADDR_INET6)
		return REASON_NONE;
	reason = quota_take_source(set, entry, SOURCE_SCOPE_DAEMON,
	    set->conf->per_source, peer, HOLD_SOURCE);
	if (reason != REASON_NONE)
		return reason;
	reason = quota_take_source(set, entry, service->slot + 1,
	    limit->per_source, peer, HOLD_SERVICE_SOURCE);
	if (reason != REASON_NONE)
		return reason;
	if (limit->source_rate.count == 0 || request->rate_paid)
		return REASON_NONE;
	switch (sources_rate(set->state, &set->ledger.author, service->slot + 1,
	    peer, SOURCE_CONNECTIONS, limit->source_rate,
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

enum reason
quota_take(const struct service *service, struct ledger_entry *entry,
    struct quota_request *request)
{
	const struct conf_limit *limit = &service->conf->limit;
	struct services *set = service->set;
	enum reason reason = quota_take_sources(service, entry, request);

	request->retry_ms = 0;
	if (reason != REASON_NONE)
		return reason;
	/* Also where there is no limit: a reload may bring one, which is exact
	 * only if it counts those who are there. */
	if (!quota_take_limit(set, entry, &service->shared->connections,
		limit->connections != 0 ? limit->connections : TALLY_MAX,
		HOLD_SERVICE, request->wait))
		return REASON_SERVICE_FULL;
	reason = quota_take_total(service, entry, request->wait);
	if (reason != REASON_NONE)
		return reason;
	if (!bucket_take(&service->shared->rate, limit->rate,
		loop_now(set->loop), &request->retry_ms))
		return REASON_SERVICE_RATE;
	return REASON_NONE;
}
