/*
 * The alarm of muxload: never early, and not set anew for what is later.
 */
#include "../../bench/load_alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define MS 1000000U

/* Turns until the alarm has rung; when that was. */
static uint64_t
wait_for(struct load_alarm *alarm, struct loop *loop)
{
	while (alarm->at_ns != 0)
		assert_int_not_equal(loop_turn(loop, 10000), -1);
	return clock_mono_ns();
}

static void
rings_when_it_is_time(void **state)
{
	struct loop *loop = loop_open("auto");
	struct load_alarm alarm;
	uint64_t at_ns;

	(void)state;
	assert_non_null(loop);
	assert_int_equal(load_alarm_open(&alarm, loop), 0);
	at_ns = clock_mono_ns() + 3 * MS + MS / 2;
	load_alarm_set(&alarm, at_ns);
	assert_true(wait_for(&alarm, loop) >= at_ns);
	/* One that has passed rings at once, and it can ring again. */
	load_alarm_set(&alarm, at_ns);
	(void)wait_for(&alarm, loop);
	load_alarm_close(&alarm);
	loop_close(loop);
}

static void
earliest_moment_counts(void **state)
{
	struct loop *loop = loop_open("auto");
	struct load_alarm alarm;
	uint64_t now_ns = clock_mono_ns();

	(void)state;
	assert_non_null(loop);
	assert_int_equal(load_alarm_open(&alarm, loop), 0);
	load_alarm_set(&alarm, now_ns + (uint64_t)3600 * 1000 * MS);
	load_alarm_set(&alarm, now_ns + 2 * MS);
	load_alarm_set(&alarm, now_ns + (uint64_t)3600 * 1000 * MS);
	assert_int_equal(alarm.at_ns, now_ns + 2 * MS);
	assert_true(wait_for(&alarm, loop) >= now_ns + 2 * MS);
	load_alarm_close(&alarm);
	loop_close(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_when_it_is_time),
		cmocka_unit_test(earliest_moment_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
