/*
 * When names are asked for.
 */
#include "names_fixture.h"

#include <string.h>

/* A second of time to live more or less is not what matters here. */
static uint64_t
ttl_round(struct fixture *f, uint32_t ttl)
{
	names_answer("w.test", ttl, "192.0.2.1", RESOLVER_NONE, RESOLVER_NONE);
	return names_wait_question(f, "w.test");
}

static void
start(struct fixture *f)
{
	names_load(f,
	    "resolve_min = 5s resolve_max = 2m"
	    " server w { address = \"w.test:80\" }");
	names_start(f);
	assert_true(names_is_asked("w.test"));
}

static void
time_to_live_is_lived(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (unsigned i = 0; i < 20; i++)
		assert_in_range(ttl_round(f, 60), 60000, 66000);
}

static void
short_time_is_raised_to_the_floor(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (unsigned i = 0; i < 20; i++) {
		assert_in_range(ttl_round(f, 0), 5000, 5500);
		assert_in_range(ttl_round(f, 3), 5000, 5500);
	}
}

static void
long_time_is_cut_to_the_ceiling(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (unsigned i = 0; i < 20; i++) {
		assert_in_range(ttl_round(f, 86400), 108000, 120000);
		assert_in_range(ttl_round(f, INT32_MAX), 108000, 120000);
	}
}

static void
names_do_not_march_in_step(void **state)
{
	struct fixture *f = *state;
	uint64_t first, other;
	unsigned same = 0;

	start(f);
	first = ttl_round(f, 60);
	for (unsigned i = 0; i < 20; i++) {
		other = ttl_round(f, 60);
		same += other == first;
	}
	assert_true(same < 5);
}

static void
failures_are_retried_with_growing_patience(void **state)
{
	static const uint64_t expected[] = { 5000, 10000, 20000, 40000, 80000 };
	struct fixture *f = *state;
	uint64_t waited;

	start(f);
	for (unsigned i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		names_fail("w.test");
		waited = names_wait_question(f, "w.test");
		assert_in_range(waited, expected[i], expected[i] * 11 / 10);
	}
	for (unsigned i = 0; i < 70; i++) {
		names_fail("w.test");
		waited = names_wait_question(f, "w.test");
		assert_in_range(waited, 108000, 120000);
	}
	/* An answer makes it begin anew. */
	(void)ttl_round(f, 60);
	names_fail("w.test");
	waited = names_wait_question(f, "w.test");
	assert_in_range(waited, 5000, 5500);
}

static void
closed_names_ask_for_nothing(void **state)
{
	struct fixture *f = *state;

	start(f);
	names_found("w.test", "192.0.2.1");
	names_close(f->names);
	f->names = NULL;
	names_advance(f, 600000);
	assert_false(names_is_asked("w.test"));
	assert_places(f, "192.0.2.1:80 - - - - - - - - - - - - - - -");
}

static void
pool_without_names_asks_for_nothing(void **state)
{
	struct fixture *f = *state;

	names_load(f, "server a { address = \"192.0.2.1:80\" }");
	names_start(f);
	assert_non_null(f->names);
	assert_int_equal(
	    timer_wheel_wait_ms(&fake.loop->wheel, fake.now_ms), -1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(time_to_live_is_lived),
		FIXTURE_TEST(short_time_is_raised_to_the_floor),
		FIXTURE_TEST(long_time_is_cut_to_the_ceiling),
		FIXTURE_TEST(names_do_not_march_in_step),
		FIXTURE_TEST(failures_are_retried_with_growing_patience),
		FIXTURE_TEST(closed_names_ask_for_nothing),
		FIXTURE_TEST(pool_without_names_asks_for_nothing),
	};

	return cmocka_run_group_tests_name("names: times", tests, NULL, NULL);
}
