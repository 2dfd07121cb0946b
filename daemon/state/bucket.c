/*
 * Token buckets by the generic cell rate algorithm: a token costs an
 * interval of time, and the word says until when time has been spent.
 *
 *            now         full_at          now + count * interval
 *   ──────────┼─────────────┼───────────────────┼──────────────►
 *              tokens spent   tokens left
 *
 * The interval is rounded up to whole nanoseconds, so a bucket never gives
 * more than its rate; at 500/s, 3/m and all rates that divide their period it
 * is exact.  More than one token a nanosecond is not told from one.
 */
#include "state/bucket.h"

#include <stddef.h>

#define NS_PER_MS 1000000U

/*
 * How far a bucket can be spent ahead of a caller's clock without cause for
 * doubt: callers use the clock of their turn of the event loop, and a worker
 * whose turn is older than 10 s is killed.
 */
#define SKEW_NS (10 * 1000ULL * NS_PER_MS)

static uint64_t
interval_ns(struct rate rate)
{
	uint64_t period = (uint64_t)rate.period_ms * NS_PER_MS;
	uint64_t interval = (period + rate.count - 1) / rate.count;

	return interval > 0 ? interval : 1;
}

/* Until when time has been spent, at least until now. */
static uint64_t
spent_until(uint64_t seen, uint64_t now, uint64_t limit, uint64_t interval)
{
	uint64_t spent = seen > now ? seen : now;

	/* Spent at a slower rate, before a reload: by this one the bucket is
	 * nearly empty, and no emptier. */
	return spent > limit + SKEW_NS ? limit - interval : spent;
}

bool
bucket_take(struct bucket *bucket, struct rate rate, uint64_t now_ms,
    uint64_t *retry_ms)
{
	uint64_t now, interval, limit, seen, spent;

	if (rate.count == 0)
		return true;

	now = now_ms * NS_PER_MS;
	interval = interval_ns(rate);
	limit = now + interval * rate.count;
	seen = atomic_load(&bucket->full_at_ns);
	do {
		spent = spent_until(seen, now, limit, interval);
		if (spent + interval > limit) {
			if (retry_ms != NULL)
				*retry_ms =
				    (spent + interval - limit + NS_PER_MS - 1) /
				    NS_PER_MS;
			return false;
		}
	} while (!atomic_compare_exchange_weak(
	    &bucket->full_at_ns, &seen, spent + interval));
	return true;
}

uint64_t
bucket_tokens(const struct bucket *bucket, struct rate rate, uint64_t now_ms)
{
	uint64_t now, interval, limit, spent;

	if (rate.count == 0)
		return UINT64_MAX;
	now = now_ms * NS_PER_MS;
	interval = interval_ns(rate);
	limit = now + interval * rate.count;
	spent =
	    spent_until(atomic_load(&bucket->full_at_ns), now, limit, interval);
	return spent < limit ? (limit - spent) / interval : 0;
}

void
bucket_untake(struct bucket *bucket, struct rate rate)
{
	uint64_t seen, interval;

	if (rate.count == 0)
		return;

	interval = interval_ns(rate);
	seen = atomic_load(&bucket->full_at_ns);
	while (!atomic_compare_exchange_weak(
	    &bucket->full_at_ns, &seen, seen > interval ? seen - interval : 0))
		;
}

bool
bucket_is_full(const struct bucket *bucket, uint64_t now_ms)
{
	return atomic_load(&bucket->full_at_ns) <= now_ms * NS_PER_MS;
}
