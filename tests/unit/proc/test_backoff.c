/*
 * When a child that has ended is started again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc/backoff.h"

/* fault 3 */
static void
first_failure_starts_at_once_then_the_delay_doubles(void **state)
{
	static const uint32_t expected[] = { 0, 100, 200, 400, 800, 1600, 3200,
		6400, 12800, 25600, 30000, 30000, 30000 };
	struct backoff backoff = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(backoff_next(&backoff, 10), expected[i]);
}

static void
a_healthy_life_is_a_new_start(void **state)
{
	struct backoff backoff = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		(void)backoff_next(&backoff, 10);
	assert_int_equal(backoff_next(&backoff, BACKOFF_HEALTHY_MS), 0);
	assert_int_equal(backoff_next(&backoff, 10), BACKOFF_FIRST_MS);
}

static void
a_life_just_short_of_healthy_is_a_failure(void **state)
{
	struct backoff backoff = { 0 };

	(void)state;
	(void)backoff_next(&backoff, 10);
	assert_int_equal(
	    backoff_next(&backoff, BACKOFF_HEALTHY_MS - 1), BACKOFF_FIRST_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    first_failure_starts_at_once_then_the_delay_doubles),
		cmocka_unit_test(a_healthy_life_is_a_new_start),
		cmocka_unit_test(a_life_just_short_of_healthy_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
