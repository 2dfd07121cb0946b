/*
 * Token buckets against a clock of the test's own: exact counts over hours,
 * over several processes, over changes of the rate.
 */
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/bucket.h"
#include "support.h"

#define HOUR_MS  (3600 * UINT64_C(1000))
#define START_MS (5 * HOUR_MS + 123)

static uint64_t
take_all(struct bucket *bucket, struct rate rate, uint64_t now_ms)
{
	uint64_t n = 0;

	while (bucket_take(bucket, rate, now_ms, NULL))
		n++;
	return n;
}

static void
bucket_starts_full(void **state)
{
	static const struct rate rates[] = { { 500, 1000 }, { 3, 60000 },
		{ 7, 1000 }, { 1, 3600000 }, { 100000, 1000 }, { 30, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct bucket bucket = { 0 };

		assert_true(bucket_is_full(&bucket, START_MS));
		assert_int_equal(
		    take_all(&bucket, rates[i], START_MS), rates[i].count);
		assert_false(bucket_is_full(&bucket, START_MS));
		assert_false(
		    bucket_is_full(&bucket, START_MS + rates[i].period_ms - 1));
		/* The rounding of an interval may add a nanosecond a token. */
		assert_true(
		    bucket_is_full(&bucket, START_MS + rates[i].period_ms + 1));
	}
}

/* Somebody who asks all the time, every step_ms for hours. */
static void
assert_exact_over_hours(struct rate rate, uint64_t step_ms, uint64_t hours)
{
	struct bucket bucket = { 0 };
	uint64_t end = START_MS + hours * HOUR_MS, n = 0, due;

	for (uint64_t now = START_MS; now <= end; now += step_ms) {
		n += take_all(&bucket, rate, now);
		/* What the rate allows, rounded down: never more. */
		due =
		    rate.count + (now - START_MS) * rate.count / rate.period_ms;
		assert_true(n <= due);
		assert_true(n + 1 >= due);
	}
	due = rate.count + hours * HOUR_MS * rate.count / rate.period_ms;
	if (rate.period_ms * UINT64_C(1000000) % rate.count == 0)
		assert_int_equal(n, due);
}

static void
rates_are_exact_over_hours(void **state)
{
	(void)state;
	assert_exact_over_hours((struct rate){ 500, 1000 }, 50, 2);
	assert_exact_over_hours((struct rate){ 3, 60000 }, 100, 10);
	assert_exact_over_hours((struct rate){ 10, 3600000 }, 1000, 48);
	assert_exact_over_hours((struct rate){ 7, 1000 }, 10, 2);
}

static void
refusal_tells_when_to_come_again(void **state)
{
	const struct rate rate = { 3, 60000 };
	struct bucket bucket = { 0 };
	uint64_t retry;

	(void)state;
	assert_int_equal(take_all(&bucket, rate, START_MS), 3);
	assert_false(bucket_take(&bucket, rate, START_MS, &retry));
	assert_int_equal(retry, 20000);
	assert_false(bucket_take(&bucket, rate, START_MS + 19999, &retry));
	assert_int_equal(retry, 1);
	assert_true(bucket_take(&bucket, rate, START_MS + 20000, &retry));
	assert_false(bucket_take(&bucket, rate, START_MS + 20000, &retry));
	assert_int_equal(retry, 20000);
}

static void
rate_of_zero_is_no_limit(void **state)
{
	const struct rate none = { 0, 1000 };
	struct bucket bucket = { 0 };

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_true(bucket_take(&bucket, none, START_MS, NULL));
	bucket_untake(&bucket, none);
	assert_true(bucket_is_full(&bucket, START_MS));
}

static void
token_put_back_can_be_taken_again(void **state)
{
	const struct rate rate = { 7, 1000 };
	struct bucket bucket = { 0 };

	(void)state;
	assert_int_equal(take_all(&bucket, rate, START_MS), 7);
	bucket_untake(&bucket, rate);
	bucket_untake(&bucket, rate);
	assert_int_equal(take_all(&bucket, rate, START_MS), 2);
}

static void
tokens_put_back_do_not_overfill(void **state)
{
	const struct rate rate = { 7, 1000 };
	struct bucket bucket = { 0 };

	(void)state;
	bucket_untake(&bucket, rate);
	assert_int_equal(take_all(&bucket, rate, START_MS), 7);
	for (unsigned i = 0; i < 7; i++)
		bucket_untake(&bucket, rate);
	assert_int_equal(take_all(&bucket, rate, START_MS + HOUR_MS), 7);
}

static void
idle_time_does_not_overfill(void **state)
{
	const struct rate rate = { 500, 1000 };
	struct bucket bucket = { 0 };

	(void)state;
	assert_int_equal(take_all(&bucket, rate, START_MS), 500);
	assert_int_equal(take_all(&bucket, rate, START_MS + 9 * HOUR_MS), 500);
}

static void
caller_with_an_older_clock_gets_nothing_extra(void **state)
{
	const struct rate rate = { 500, 1000 };
	struct bucket bucket = { 0 };

	(void)state;
	assert_int_equal(take_all(&bucket, rate, START_MS), 500);
	assert_int_equal(take_all(&bucket, rate, START_MS - 9000), 0);
	assert_int_equal(take_all(&bucket, rate, START_MS + 100), 50);
	assert_int_equal(take_all(&bucket, rate, START_MS), 0);
	assert_int_equal(take_all(&bucket, rate, START_MS + 200), 50);
}

static void
faster_rate_does_not_wait_for_the_slower_one(void **state)
{
	const struct rate slow = { 3, 3600000 }, fast = { 500, 1000 };
	struct bucket bucket = { 0 };

	(void)state;
	assert_int_equal(take_all(&bucket, slow, START_MS), 3);
	/* Not the full burst, and no hour of silence either. */
	assert_in_range(take_all(&bucket, fast, START_MS), 0, 1);
	assert_int_equal(take_all(&bucket, fast, START_MS + 1000), 500);
}

/* ---- several processes ---- */

#define TAKERS    4
#define SHARED_MS 8000 /* less than a caller may be late, see bucket.c */

struct race {
	struct bucket bucket;
	_Atomic uint64_t now_ms;
	_Atomic uint64_t taken;
};

static const struct rate race_rate = { 500, 1000 };

static void
take_until_the_end(void *arg)
{
	struct race *race = arg;
	uint64_t now;

	do {
		now = race->now_ms;
		if (bucket_take(&race->bucket, race_rate, now, NULL))
			race->taken++;
		else
			/* Move the clock on: whoever does it first. */
			atomic_compare_exchange_strong(
			    &race->now_ms, &now, now + 1);
	} while (now < START_MS + SHARED_MS);
}

static void
processes_share_one_rate_exactly(void **state)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[TAKERS];

	(void)state;
	assert_ptr_not_equal(race, MAP_FAILED);
	race->now_ms = START_MS;
	for (unsigned i = 0; i < TAKERS; i++)
		pids[i] = child_start(take_until_the_end, race);
	for (unsigned i = 0; i < TAKERS; i++)
		child_join(pids[i]);
	race->taken += take_all(&race->bucket, race_rate, race->now_ms);
	assert_int_equal(race->taken,
	    500 + (race->now_ms - START_MS) * race_rate.count / 1000);
	munmap(race, sizeof(*race));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bucket_starts_full),
		cmocka_unit_test(rates_are_exact_over_hours),
		cmocka_unit_test(refusal_tells_when_to_come_again),
		cmocka_unit_test(rate_of_zero_is_no_limit),
		cmocka_unit_test(token_put_back_can_be_taken_again),
		cmocka_unit_test(tokens_put_back_do_not_overfill),
		cmocka_unit_test(idle_time_does_not_overfill),
		cmocka_unit_test(caller_with_an_older_clock_gets_nothing_extra),
		cmocka_unit_test(faster_rate_does_not_wait_for_the_slower_one),
		cmocka_unit_test(processes_share_one_rate_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
