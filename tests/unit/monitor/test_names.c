/*
 * Servers whose address is a name: what becomes of the answers.
 */
#include "names_fixture.h"

#include <stdio.h>
#include <string.h>

static void
addresses_of_both_families_fill_the_places(void **state)
{
	struct fixture *f = *state;
	uint32_t before;

	names_load(f, "addresses = 4 server w { address = \"w.test:80\" }");
	names_start(f);
	assert_places(f, "- - - -");
	before = names_generation(f);
	names_found("w.test", "2001:db8::1 192.0.2.2 192.0.2.1");
	assert_places(f, "192.0.2.1:80 192.0.2.2:80 [2001:db8::1]:80 -");
	assert_int_equal(names_generation(f), before + 1);
	assert_int_equal(f->told, 3);
	assert_int_equal(f->woken, 1);
	assert_int_equal(
	    names_logged(f, "level=notice", "pool=p", "server=w", "name=w.test",
		"added=\"192.0.2.1:80, 192.0.2.2:80, "
		"[2001:db8::1]:80\"",
		NULL),
	    1);
}

static void
other_order_is_no_change(void **state)
{
	struct fixture *f = *state;
	uint32_t before;

	names_load(f, "addresses = 4 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1 192.0.2.2 2001:db8::1");
	before = names_generation(f);
	f->told = 0;
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "2001:db8::1 192.0.2.2 192.0.2.1 192.0.2.2");
	assert_places(f, "192.0.2.1:80 192.0.2.2:80 [2001:db8::1]:80 -");
	assert_int_equal(names_generation(f), before);
	assert_int_equal(f->told, 0);
	assert_int_equal(names_logged(f, "msg=", NULL), 1);
}

static void
address_that_stays_keeps_its_place(void **state)
{
	struct fixture *f = *state;
	struct state_server *second;
	uint32_t before;

	names_load(f, "addresses = 4 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1 192.0.2.2 192.0.2.3");
	second = &f->state->servers[f->places[0] + 1];
	atomic_store(&second->failures, 2);
	before = names_generation(f);
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "192.0.2.0 192.0.2.2 192.0.2.9");
	assert_places(f, "192.0.2.0:80 192.0.2.2:80 192.0.2.9:80 -");
	assert_int_equal(atomic_load(&second->failures), 2);
	assert_int_equal(names_generation(f), before + 1);
	assert_int_equal(names_logged(f, "added=\"192.0.2.0:80, 192.0.2.9:80\"",
			     "removed=\"192.0.2.1:80, 192.0.2.3:80\"", NULL),
	    1);
}

static void
address_that_comes_later_starts_slowly(void **state)
{
	struct fixture *f = *state;
	struct state_server *places;

	names_load(f, "addresses = 2 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1");
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "192.0.2.1 192.0.2.2");
	places = &f->state->servers[f->places[0]];
	assert_int_equal(atomic_load(&places[0].since_ms), 0);
	assert_int_equal(atomic_load(&places[1].since_ms), fake.now_ms);
}

static void
too_many_addresses_are_logged_and_the_lowest_used(void **state)
{
	struct fixture *f = *state;

	names_load(f, "addresses = 2 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.4 192.0.2.3 192.0.2.2 192.0.2.1");
	assert_places(f, "192.0.2.1:80 192.0.2.2:80");
	assert_int_equal(names_logged(f, "level=warning", "name=w.test",
			     "too many addresses", "used=2", "unused=2", NULL),
	    1);
	/* Once. */
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "192.0.2.4 192.0.2.3 192.0.2.2 192.0.2.1");
	assert_int_equal(names_logged(f, "too many addresses", NULL), 1);
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "192.0.2.4 192.0.2.3");
	assert_places(f, "192.0.2.3:80 192.0.2.4:80");
}

static void
first_is_the_lowest(void **state)
{
	struct fixture *f = *state;

	names_load(f, "resolve = first server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "2001:db8::1 192.0.2.2 192.0.2.7");
	assert_places(f, "192.0.2.2:80");
	assert_int_equal(names_logged(f, "too many", NULL), 0);
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "192.0.2.7 2001:db8::1");
	assert_places(f, "192.0.2.7:80");
}

static void
weight_of_the_server_counts_for_each_address(void **state)
{
	struct fixture *f = *state;

	names_load(f,
	    "addresses = 2 server w { address = \"w.test:80\" weight = 7 }"
	    "server n { address = \"192.0.2.9:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1 192.0.2.2");
	assert_places(f, "192.0.2.1:80*7 192.0.2.2:80*7 -");
}

static void
address_that_nobody_can_connect_to_is_none(void **state)
{
	struct fixture *f = *state;

	names_load(f, "addresses = 4 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "0.0.0.0 :: 224.0.0.1 ff02::1");
	assert_places(f, "- - - -");
	assert_int_equal(
	    names_logged(f, "error=\"no usable address\"", NULL), 1);
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "0.0.0.0 192.0.2.1");
	assert_places(f, "192.0.2.1:80 - - -");
}

/* ---- failures ---------------------------------------------------------------------- */

static void
name_that_is_unknown_at_start_is_a_server_without_address(void **state)
{
	struct fixture *f = *state;

	names_load(f, "addresses = 2 server w { address = \"w.test:80\" }");
	names_start(f);
	names_none("w.test");
	assert_places(f, "- -");
	assert_int_equal(names_logged(f, "level=warning", "pool=p", "server=w",
			     "name=w.test", "not resolved",
			     "error=\"not found\"", "addresses=0", NULL),
	    1);
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "192.0.2.1");
	assert_places(f, "192.0.2.1:80 -");
	assert_int_equal(f->woken, 1);
}

static void
failure_keeps_the_addresses(void **state)
{
	struct fixture *f = *state;
	uint32_t before;

	names_load(f, "addresses = 2 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1 2001:db8::1");
	before = names_generation(f);
	for (unsigned i = 0; i < 20; i++) {
		(void)names_wait_question(f, "w.test");
		names_fail("w.test");
	}
	assert_places(f, "192.0.2.1:80 [2001:db8::1]:80");
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "192.0.2.1 2001:db8::1");
	assert_int_equal(names_generation(f), before);
	assert_int_equal(names_logged(f, "level=notice", "resolved again",
			     "addresses=2", NULL),
	    1);
}

static void
family_that_failed_keeps_its_addresses(void **state)
{
	struct fixture *f = *state;

	names_load(f, "addresses = 4 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1 2001:db8::1");
	(void)names_wait_question(f, "w.test");
	names_answer(
	    "w.test", 60, "192.0.2.2", RESOLVER_FOUND, RESOLVER_FAILED);
	assert_places(f, "192.0.2.2:80 [2001:db8::1]:80 - -");
	(void)names_wait_question(f, "w.test");
	names_answer("w.test", 60, "", RESOLVER_NONE, RESOLVER_FAILED);
	assert_places(f, "192.0.2.2:80 [2001:db8::1]:80 - -");
	(void)names_wait_question(f, "w.test");
	names_answer("w.test", 60, "192.0.2.2", RESOLVER_FOUND, RESOLVER_NONE);
	assert_places(f, "192.0.2.2:80 - - -");
}

static void
name_that_is_gone_keeps_its_addresses_for_a_while(void **state)
{
	struct fixture *f = *state;
	uint64_t gone;

	names_load(f, "addresses = 2 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1");
	(void)names_wait_question(f, "w.test");
	names_none("w.test");
	gone = fake.now_ms;
	while (names_wait_question(f, "w.test"),
	    fake.now_ms - gone < NAMES_HOLD_MS) {
		names_none("w.test");
		assert_places(f, "192.0.2.1:80 -");
	}
	names_none("w.test");
	assert_places(f, "- -");
	assert_true(fake.now_ms - gone < NAMES_HOLD_MS * 5 / 4);
	assert_int_equal(names_logged(f, "level=notice", "removed=192.0.2.1:80",
			     "addresses=0", NULL),
	    1);
}

static void
name_that_comes_back_in_time_is_no_change(void **state)
{
	struct fixture *f = *state;
	uint32_t before;

	names_load(f, "addresses = 2 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1");
	before = names_generation(f);
	for (unsigned i = 0; i < 10; i++) {
		(void)names_wait_question(f, "w.test");
		names_none("w.test");
		(void)names_wait_question(f, "w.test");
		names_found("w.test", "192.0.2.1");
	}
	assert_int_equal(names_generation(f), before);
}

static void
repeated_failures_are_logged_once_a_minute(void **state)
{
	struct fixture *f = *state;
	uint64_t began = fake.now_ms;
	unsigned logged;

	names_load(f,
	    "resolve_min = 1s resolve_max = 1s"
	    " server w { address = \"w.test:80\" }");
	names_start(f);
	names_fail("w.test");
	while (fake.now_ms - began < 10 * NAMES_LOG_MS) {
		(void)names_wait_question(f, "w.test");
		names_fail("w.test");
	}
	logged = names_logged(f, "not resolved", NULL);
	assert_in_range(logged, 9, 11);
}

/* ---- what outlives the process --------------------------------------------------- */

static void
successor_goes_on_from_the_places(void **state)
{
	struct fixture *f = *state;
	uint32_t before;

	names_load(f, "addresses = 3 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1 192.0.2.2");
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "192.0.2.2 192.0.2.3");
	before = names_generation(f);
	names_start(f);
	assert_places(f, "192.0.2.3:80 192.0.2.2:80 -");
	names_fail("w.test");
	(void)names_wait_question(f, "w.test");
	names_none("w.test");
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "192.0.2.2 192.0.2.3");
	assert_places(f, "192.0.2.3:80 192.0.2.2:80 -");
	assert_int_equal(names_generation(f), before);
}

static void
half_written_place_is_emptied(void **state)
{
	struct fixture *f = *state;
	struct state_server *place;

	names_load(f, "addresses = 2 server w { address = \"w.test:80\" }");
	names_start(f);
	names_found("w.test", "192.0.2.1 192.0.2.2");
	place = &f->state->servers[f->places[0]];
	atomic_fetch_add(&place->version, 1);
	names_start(f);
	assert_int_equal(atomic_load(&place->version) % 2, 0);
	assert_places(f, "- 192.0.2.2:80");
	names_found("w.test", "192.0.2.1 192.0.2.2");
	assert_places(f, "192.0.2.1:80 192.0.2.2:80");
}

/* ---- back to muxd ------------------------------------------------------------------ */

/* fault 37 */
static void
address_that_leads_back_is_refused(void **state)
{
	struct fixture *f = *state;
	struct state_server *place;

	names_load(f, "addresses = 2 server w { address = \"w.test:8\" }");
	names_start(f);
	names_found("w.test", "127.0.0.3 198.51.100.1");
	assert_places(f, "127.0.0.3:8 198.51.100.1:8");
	place = &f->state->servers[f->places[0]];
	assert_int_equal(atomic_load(&place[0].loops), 1);
	assert_int_equal(atomic_load(&place[1].loops), 0);
	assert_int_equal(names_logged(f, "level=error", "pool=p", "server=w",
			     "leads back", "address=127.0.0.3:8", NULL),
	    1);
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "127.0.0.3 198.51.100.1");
	assert_int_equal(names_logged(f, "leads back", NULL), 1);
	(void)names_wait_question(f, "w.test");
	names_found("w.test", "198.51.100.1 198.51.100.2");
	assert_places(f, "198.51.100.2:8 198.51.100.1:8");
	assert_int_equal(atomic_load(&place[0].loops), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(addresses_of_both_families_fill_the_places),
		FIXTURE_TEST(other_order_is_no_change),
		FIXTURE_TEST(address_that_stays_keeps_its_place),
		FIXTURE_TEST(address_that_comes_later_starts_slowly),
		FIXTURE_TEST(too_many_addresses_are_logged_and_the_lowest_used),
		FIXTURE_TEST(first_is_the_lowest),
		FIXTURE_TEST(weight_of_the_server_counts_for_each_address),
		FIXTURE_TEST(address_that_nobody_can_connect_to_is_none),
		FIXTURE_TEST(
		    name_that_is_unknown_at_start_is_a_server_without_address),
		FIXTURE_TEST(failure_keeps_the_addresses),
		FIXTURE_TEST(family_that_failed_keeps_its_addresses),
		FIXTURE_TEST(name_that_is_gone_keeps_its_addresses_for_a_while),
		FIXTURE_TEST(name_that_comes_back_in_time_is_no_change),
		FIXTURE_TEST(repeated_failures_are_logged_once_a_minute),
		FIXTURE_TEST(successor_goes_on_from_the_places),
		FIXTURE_TEST(half_written_place_is_emptied),
		FIXTURE_TEST(address_that_leads_back_is_refused),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
