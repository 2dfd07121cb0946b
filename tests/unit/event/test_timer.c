/*
 * The timer wheel: its order, exactness and cost in wake-ups, held against a
 * model that keeps the times in an array.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "event/timer.h"

#define TIMERS  300
#define LOG_MAX 4096
#define DAY_MS  (UINT64_C(24) * 3600 * 1000)

struct bench;

struct clocked {
	struct timer timer;
	struct bench *bench;
	uint64_t model_due; /* 0: not set */
	unsigned calls;
	struct clocked *victim; /* cancelled by the call */
	uint64_t again;         /* set by the call to this time; 0: not */
};

struct bench {
	struct timer_wheel wheel;
	struct clocked timers[TIMERS];
	uint64_t now;
	uint64_t fired[LOG_MAX]; /* due times, in the order of the calls */
	size_t nfired;
	uint64_t seed;
};

static uint64_t
random_next(struct bench *bench)
{
	bench->seed ^= bench->seed << 13;
	bench->seed ^= bench->seed >> 7;
	bench->seed ^= bench->seed << 17;
	return bench->seed;
}

static void
on_timer(struct timer *timer)
{
	struct clocked *clocked = container_of(timer, struct clocked, timer);
	struct bench *bench = clocked->bench;

	assert_true(bench->nfired < LOG_MAX);
	bench->fired[bench->nfired++] = clocked->model_due;
	clocked->calls++;
	clocked->model_due = 0;
	if (clocked->victim != NULL) {
		timer_wheel_cancel(&bench->wheel, &clocked->victim->timer);
		clocked->victim->model_due = 0;
	}
	if (clocked->again != 0) {
		clocked->model_due = clocked->again;
		timer_wheel_set(&bench->wheel, timer, clocked->again);
		clocked->again = 0;
	}
}

static void
bench_init(struct bench *bench, uint64_t now)
{
	memset(bench, 0, sizeof(*bench));
	bench->now = now;
	bench->seed = UINT64_C(0x9e3779b97f4a7c15);
	timer_wheel_init(&bench->wheel, now);
	for (size_t i = 0; i < TIMERS; i++) {
		timer_init(&bench->timers[i].timer, on_timer);
		bench->timers[i].bench = bench;
	}
}

static void
bench_set(struct bench *bench, size_t i, uint64_t due)
{
	bench->timers[i].model_due = due > bench->now ? due : bench->now;
	timer_wheel_set(&bench->wheel, &bench->timers[i].timer, due);
}

static void
bench_cancel(struct bench *bench, size_t i)
{
	bench->timers[i].model_due = 0;
	timer_wheel_cancel(&bench->wheel, &bench->timers[i].timer);
}

/* The earliest time in the model; UINT64_MAX: none. */
static uint64_t
bench_earliest(const struct bench *bench)
{
	uint64_t earliest = UINT64_MAX;

	for (size_t i = 0; i < TIMERS; i++)
		if (bench->timers[i].model_due != 0 &&
		    bench->timers[i].model_due < earliest)
			earliest = bench->timers[i].model_due;
	return earliest;
}

/* Let time pass, and compare what was called with the model. */
static void
bench_advance(struct bench *bench, uint64_t now)
{
	size_t expected = 0;

	for (size_t i = 0; i < TIMERS; i++)
		if (bench->timers[i].model_due != 0 &&
		    bench->timers[i].model_due <= now)
			expected++;
	bench->nfired = 0;
	bench->now = now;
	timer_wheel_advance(&bench->wheel, now);
	assert_int_equal(bench->nfired, expected);
	for (size_t i = 0; i < bench->nfired; i++) {
		assert_in_range(bench->fired[i], 1, now);
		if (i > 0)
			assert_true(bench->fired[i - 1] <= bench->fired[i]);
	}
	for (size_t i = 0; i < TIMERS; i++)
		assert_int_equal(timer_is_set(&bench->timers[i].timer),
		    bench->timers[i].model_due != 0);
}

/* From milliseconds to a month, each order of magnitude as likely. */
static uint64_t
random_delay(struct bench *bench)
{
	uint64_t bits = random_next(bench) % 32;

	return random_next(bench) & ((UINT64_C(1) << bits) - 1);
}

static void
random_times_over_days_agree_with_the_model(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));
	uint64_t op;

	(void)state;
	bench_init(bench, 123456789);
	for (unsigned round = 0; round < 20000; round++) {
		op = random_next(bench) % 8;
		if (op < 5)
			bench_set(bench, random_next(bench) % TIMERS,
			    bench->now + random_delay(bench));
		else if (op == 5)
			bench_cancel(bench, random_next(bench) % TIMERS);
		else
			bench_advance(
			    bench, bench->now + random_delay(bench) / 64);
	}
	bench_advance(bench, bench->now + 60 * DAY_MS);
	assert_int_equal(bench_earliest(bench), UINT64_MAX);
	assert_int_equal(timer_wheel_wait_ms(&bench->wheel, bench->now), -1);
	test_free(bench);
}

/* A loop that sleeps as long as it is told calls each timer at its very
 * millisecond, and is not woken much more often than there are timers. */
static void
sleeping_as_told_is_exact(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));
	unsigned wakeups = 0;
	int64_t wait;

	(void)state;
	bench_init(bench, UINT64_C(1) << 40);
	for (size_t i = 0; i < TIMERS; i++)
		bench_set(bench, i, bench->now + random_delay(bench));
	while ((wait = timer_wheel_wait_ms(&bench->wheel, bench->now)) != -1) {
		assert_true(
		    bench->now + (uint64_t)wait <= bench_earliest(bench));
		bench_advance(bench, bench->now + (uint64_t)wait);
		for (size_t i = 0; i < bench->nfired; i++)
			assert_int_equal(bench->fired[i], bench->now);
		wakeups++;
	}
	assert_int_equal(bench_earliest(bench), UINT64_MAX);
	assert_in_range(wakeups, 1, TIMERS * TIMER_RINGS);
	test_free(bench);
}

static void
order_is_that_of_the_times(void **state)
{
	static const uint64_t delays[] = { 4097, 1, 64, 63, 65, 5000000, 4096,
		262144, 2, 1ULL << 31, 127, 128 };
	struct bench *bench = test_malloc(sizeof(*bench));

	(void)state;
	bench_init(bench, 1000);
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++)
		bench_set(bench, i, 1000 + delays[i]);
	bench_advance(bench, 1000 + (1ULL << 32));
	assert_int_equal(bench->nfired, sizeof(delays) / sizeof(delays[0]));
	test_free(bench);
}

static void
times_beyond_the_last_ring_keep(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));
	uint64_t due;

	(void)state;
	bench_init(bench, 77);
	due = 77 + 100 * DAY_MS;
	bench_set(bench, 0, due);
	for (unsigned day = 1; day < 100; day++)
		bench_advance(bench, 77 + day * DAY_MS);
	bench_advance(bench, due - 1);
	assert_int_equal(bench->timers[0].calls, 0);
	bench_advance(bench, due);
	assert_int_equal(bench->timers[0].calls, 1);
	test_free(bench);
}

static void
a_time_that_has_passed_is_due_at_once(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));

	(void)state;
	bench_init(bench, 5000);
	bench_set(bench, 0, 4000);
	bench_set(bench, 1, 5000);
	assert_int_equal(timer_wheel_wait_ms(&bench->wheel, 5000), 0);
	bench_advance(bench, 5000);
	assert_int_equal(bench->nfired, 2);
	test_free(bench);
}

static void
set_anew_replaces_the_old_time(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));

	(void)state;
	bench_init(bench, 0);
	bench_set(bench, 0, 10);
	bench_set(bench, 0, 10000);
	bench_advance(bench, 9999);
	assert_int_equal(bench->timers[0].calls, 0);
	bench_set(bench, 0, 10001);
	bench_advance(bench, 10001);
	assert_int_equal(bench->timers[0].calls, 1);
	test_free(bench);
}

static void
cancelled_is_not_called(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));

	(void)state;
	bench_init(bench, 0);
	bench_set(bench, 0, 50);
	bench_cancel(bench, 0);
	bench_cancel(bench, 0);
	/* It may ask for that time in vain, and once. */
	bench_advance(bench, 100);
	assert_int_equal(bench->timers[0].calls, 0);
	assert_int_equal(timer_wheel_wait_ms(&bench->wheel, 100), -1);
	test_free(bench);
}

/* Both are due in the same advance: in the same millisecond, in a later one,
 * and among those that were overdue. */
static void
callback_cancels_another_that_is_due(void **state)
{
	static const uint64_t dues[][2] = { { 50, 50 }, { 50, 90 }, { 5, 6 } };
	struct bench *bench = test_malloc(sizeof(*bench));

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		bench_init(bench, 10);
		bench_set(bench, 0, dues[i][0]);
		bench_set(bench, 1, dues[i][1]);
		bench->timers[0].victim = &bench->timers[1];
		timer_wheel_advance(&bench->wheel, 100);
		assert_int_equal(bench->timers[0].calls, 1);
		assert_int_equal(bench->timers[1].calls, 0);
		assert_false(timer_is_set(&bench->timers[1].timer));
	}
	test_free(bench);
}

static void
callback_sets_itself_for_the_future(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));

	(void)state;
	bench_init(bench, 0);
	bench_set(bench, 0, 50);
	bench->timers[0].again = 150;
	timer_wheel_advance(&bench->wheel, 100);
	assert_int_equal(bench->timers[0].calls, 1);
	assert_in_range(timer_wheel_wait_ms(&bench->wheel, 100), 1, 50);
	timer_wheel_advance(&bench->wheel, 149);
	assert_int_equal(bench->timers[0].calls, 1);
	timer_wheel_advance(&bench->wheel, 150);
	assert_int_equal(bench->timers[0].calls, 2);
	test_free(bench);
}

/* It would otherwise keep the turn from ending. */
static void
callback_sets_itself_for_the_past_and_waits(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));

	(void)state;
	bench_init(bench, 0);
	bench_set(bench, 0, 50);
	bench->timers[0].again = 70;
	timer_wheel_advance(&bench->wheel, 100);
	assert_int_equal(bench->timers[0].calls, 1);
	assert_int_equal(timer_wheel_wait_ms(&bench->wheel, 100), 0);
	timer_wheel_advance(&bench->wheel, 100);
	assert_int_equal(bench->timers[0].calls, 2);
	test_free(bench);
}

struct ticker {
	struct timer timer;
	struct timer_wheel *wheel;
	unsigned calls;
	unsigned stop_after;
};

static void
on_tick(struct timer *timer)
{
	struct ticker *ticker = container_of(timer, struct ticker, timer);

	assert_true(timer_is_set(timer));
	if (++ticker->calls == ticker->stop_after)
		timer_wheel_cancel(ticker->wheel, timer);
}

static void
repeating_keeps_its_phase_and_skips_missed_periods(void **state)
{
	struct timer_wheel *wheel = test_malloc(sizeof(*wheel));
	struct ticker ticker = { .wheel = wheel };

	(void)state;
	timer_wheel_init(wheel, 1000);
	timer_init(&ticker.timer, on_tick);
	ticker.timer.interval_ms = 100;
	timer_wheel_set(wheel, &ticker.timer, 1100);
	timer_wheel_advance(wheel, 1099);
	assert_int_equal(ticker.calls, 0);
	timer_wheel_advance(wheel, 1130);
	assert_int_equal(ticker.calls, 1);
	assert_int_equal(ticker.timer.due_ms, 1200);
	/* Three periods pass at once: one call, and the phase is kept. */
	timer_wheel_advance(wheel, 1450);
	assert_int_equal(ticker.calls, 2);
	assert_int_equal(ticker.timer.due_ms, 1500);
	timer_wheel_advance(wheel, 1500);
	assert_int_equal(ticker.calls, 3);
	assert_int_equal(ticker.timer.due_ms, 1600);
	timer_wheel_cancel(wheel, &ticker.timer);
	test_free(wheel);
}

static void
repeating_can_cancel_itself(void **state)
{
	struct timer_wheel *wheel = test_malloc(sizeof(*wheel));
	struct ticker ticker = { .wheel = wheel, .stop_after = 2 };

	(void)state;
	timer_wheel_init(wheel, 0);
	timer_init(&ticker.timer, on_tick);
	ticker.timer.interval_ms = 10;
	timer_wheel_set(wheel, &ticker.timer, 10);
	for (uint64_t now = 0; now < 200; now++)
		timer_wheel_advance(wheel, now);
	assert_int_equal(ticker.calls, 2);
	assert_false(timer_is_set(&ticker.timer));
	test_free(wheel);
}

/* The wheel stands still while nothing is set; it must not mind how long. */
static void
a_timer_after_a_long_idle_time_is_exact(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));
	uint64_t due;

	(void)state;
	for (uint64_t days = 1; days < 80; days += 3) {
		bench_init(bench, 999);
		bench_advance(bench, 999 + days * DAY_MS);
		due = bench->now + 12345;
		bench_set(bench, 0, due);
		bench_set(bench, 1, bench->now + days * DAY_MS);
		bench_advance(bench, due - 1);
		assert_int_equal(bench->timers[0].calls, 0);
		bench_advance(bench, due);
		assert_int_equal(bench->timers[0].calls, 1);
		bench_advance(bench, due + days * DAY_MS);
		assert_int_equal(bench->timers[1].calls, 1);
	}
	test_free(bench);
}

/* The usual idle loop: one timer, far away. */
static void
a_single_timer_is_slept_through(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));

	(void)state;
	bench_init(bench, 1234567);
	bench_set(bench, 0, 1234567 + 600000);
	assert_int_equal(timer_wheel_wait_ms(&bench->wheel, 1234567), 600000);
	/* Turns for other reasons leave it as it is. */
	bench_advance(bench, 1234567 + 59999);
	assert_int_equal(
	    timer_wheel_wait_ms(&bench->wheel, bench->now), 540001);
	bench_advance(bench, 1234567 + 600000);
	assert_int_equal(bench->timers[0].calls, 1);
	test_free(bench);
}

static void
time_that_goes_back_calls_nothing(void **state)
{
	struct bench *bench = test_malloc(sizeof(*bench));

	(void)state;
	bench_init(bench, 1000);
	bench_set(bench, 0, 1100);
	timer_wheel_advance(&bench->wheel, 500);
	assert_int_equal(bench->timers[0].calls, 0);
	timer_wheel_advance(&bench->wheel, 1100);
	assert_int_equal(bench->timers[0].calls, 1);
	test_free(bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_times_over_days_agree_with_the_model),
		cmocka_unit_test(sleeping_as_told_is_exact),
		cmocka_unit_test(order_is_that_of_the_times),
		cmocka_unit_test(times_beyond_the_last_ring_keep),
		cmocka_unit_test(a_time_that_has_passed_is_due_at_once),
		cmocka_unit_test(set_anew_replaces_the_old_time),
		cmocka_unit_test(cancelled_is_not_called),
		cmocka_unit_test(callback_cancels_another_that_is_due),
		cmocka_unit_test(callback_sets_itself_for_the_future),
		cmocka_unit_test(callback_sets_itself_for_the_past_and_waits),
		cmocka_unit_test(
		    repeating_keeps_its_phase_and_skips_missed_periods),
		cmocka_unit_test(repeating_can_cancel_itself),
		cmocka_unit_test(a_timer_after_a_long_idle_time_is_exact),
		cmocka_unit_test(a_single_timer_is_slept_through),
		cmocka_unit_test(time_that_goes_back_calls_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
