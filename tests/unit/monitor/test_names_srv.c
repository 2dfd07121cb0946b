/*
 * SRV records (RFC 2782) as servers.
 */
#include "names_fixture.h"

#include <stdio.h>
#include <string.h>

#define SRV "_http._tcp.test"

static void
start(struct fixture *f, const char *options)
{
	char pool[512];

	(void)snprintf(pool, sizeof(pool),
	    "%s server w { address = \"" SRV "\" }", options);
	names_load(f, pool);
	names_start(f);
	assert_true(names_is_asked(SRV));
}

static void
services(const char *records)
{
	names_services(SRV, 60, records, RESOLVER_FOUND);
}

static void
records_give_ports_and_weights(void **state)
{
	struct fixture *f = *state;
	uint32_t before;

	start(f, "addresses = 4");
	before = names_generation(f);
	services("10 60 8080 a.test, 10 20 8081 b.test");
	/* The name is whole: no search list. */
	assert_true(names_is_asked("a.test."));
	names_found("a.test.", "192.0.2.1 2001:db8::1");
	assert_places(f, "- - - -");
	names_found("b.test.", "192.0.2.2");
	assert_places(
	    f, "192.0.2.1:8080*60 [2001:db8::1]:8080*60 192.0.2.2:8081*20 -");
	assert_int_equal(names_generation(f), before + 1);
	/* Weights alone. */
	(void)names_wait_question(f, SRV);
	services("10 60 8080 a.test, 10 50 8081 b.test");
	names_found("a.test.", "192.0.2.1 2001:db8::1");
	names_found("b.test.", "192.0.2.2");
	assert_places(
	    f, "192.0.2.1:8080*60 [2001:db8::1]:8080*60 192.0.2.2:8081*50 -");
	assert_int_equal(names_generation(f), before + 2);
}

static void
weight_is_multiplied_with_the_servers(void **state)
{
	struct fixture *f = *state;

	names_load(
	    f, "addresses = 4 server w { address = \"" SRV "\" weight = 3 }");
	names_start(f);
	services("0 10 80 a.test, 0 0 80 b.test");
	names_found("a.test.", "192.0.2.1");
	names_found("b.test.", "192.0.2.2");
	assert_places(f, "192.0.2.1:80*30 192.0.2.2:80 - -");
	(void)names_wait_question(f, SRV);
	services("0 0 80 a.test, 0 0 80 b.test");
	names_found("a.test.", "192.0.2.1");
	names_found("b.test.", "192.0.2.2");
	assert_places(f, "192.0.2.1:80*3 192.0.2.2:80*3 - -");
	(void)names_wait_question(f, SRV);
	services("0 65535 80 a.test, 0 30000 80 b.test, 0 0 80 c.test");
	names_found("a.test.", "192.0.2.1");
	names_found("b.test.", "192.0.2.2");
	names_found("c.test.", "192.0.2.3");
	assert_places(
	    f, "192.0.2.1:80*65536 192.0.2.2:80*30000 192.0.2.3:80 -");
}

static void
lowest_priority_that_has_addresses_is_used(void **state)
{
	struct fixture *f = *state;

	start(f, "addresses = 2");
	services("20 1 80 spare.test, 10 1 80 main.test, 30 1 80 last.test");
	assert_false(names_is_asked("spare.test."));
	names_none("main.test.");
	names_found("spare.test.", "192.0.2.2");
	assert_false(names_is_asked("last.test."));
	assert_places(f, "192.0.2.2:80 -");
	(void)names_wait_question(f, SRV);
	services("20 1 80 spare.test, 10 1 80 main.test");
	names_found("main.test.", "192.0.2.1");
	assert_false(names_is_asked("spare.test."));
	assert_places(f, "192.0.2.1:80 -");
}

static void
service_that_is_said_not_to_be_there_is_none(void **state)
{
	struct fixture *f = *state;

	start(f, "addresses = 2");
	services("0 0 0 ");
	assert_places(f, "- -");
	assert_int_equal(names_logged(f, "level=warning", "name=" SRV,
			     "not resolved", "said not to be there", NULL),
	    1);
	/* A record without a port is of no use either. */
	(void)names_wait_question(f, SRV);
	services("0 1 0 a.test, 0 1 80 b.test");
	assert_false(names_is_asked("a.test."));
	names_found("b.test.", "192.0.2.2");
	assert_places(f, "192.0.2.2:80 -");
}

static void
address_of_two_records_has_both_weights(void **state)
{
	struct fixture *f = *state;

	start(f, "addresses = 2");
	services("0 5 80 a.test, 0 3 80 alias.test");
	names_found("a.test.", "192.0.2.1");
	names_found("alias.test.", "192.0.2.1");
	assert_places(f, "192.0.2.1:80*8 -");
}

static void
first_is_the_lowest_of_each_target(void **state)
{
	struct fixture *f = *state;

	start(f, "addresses = 3 resolve = first");
	services("0 2 80 a.test, 0 1 80 b.test");
	names_found("a.test.", "192.0.2.3 192.0.2.1");
	names_found("b.test.", "192.0.2.9 192.0.2.8");
	assert_places(f, "192.0.2.1:80*2 192.0.2.8:80 -");
}

static void
heaviest_of_too_many_are_used(void **state)
{
	struct fixture *f = *state;

	start(f, "addresses = 2");
	services("0 1 80 a.test, 0 9 80 b.test, 0 5 80 c.test");
	assert_false(names_is_asked("a.test."));
	names_found("b.test.", "192.0.2.2 192.0.2.4");
	names_found("c.test.", "192.0.2.3");
	assert_places(f, "192.0.2.2:80*9 192.0.2.4:80*9");
	assert_int_equal(
	    names_logged(f, "too many", "used=2", "unused=2", NULL), 1);
}

static void
least_time_to_live_counts(void **state)
{
	struct fixture *f = *state;
	uint64_t waited;

	start(f, "resolve_min = 1s");
	names_services(SRV, 30, "0 1 80 a.test", RESOLVER_FOUND);
	names_answer("a.test.", 90, "192.0.2.1", RESOLVER_NONE, RESOLVER_NONE);
	waited = names_wait_question(f, SRV);
	assert_in_range(waited, 30000, 33000);
	names_services(SRV, 30, "0 1 80 a.test", RESOLVER_FOUND);
	names_answer("a.test.", 10, "192.0.2.1", RESOLVER_NONE, RESOLVER_NONE);
	waited = names_wait_question(f, SRV);
	assert_in_range(waited, 10000, 11000);
}

/* ---- failures ------------------------------------------------------------------------ */

static void
failure_keeps_the_addresses_of_whom_it_concerns(void **state)
{
	struct fixture *f = *state;

	start(f, "addresses = 3");
	services("0 1 80 a.test, 0 1 81 b.test");
	names_found("a.test.", "192.0.2.1");
	names_found("b.test.", "192.0.2.2");
	/* All of it. */
	(void)names_wait_question(f, SRV);
	names_services(SRV, 60, "", RESOLVER_FAILED);
	assert_places(f, "192.0.2.1:80 192.0.2.2:81 -");
	/* One target, while the other changes. */
	(void)names_wait_question(f, SRV);
	services("0 1 80 a.test, 0 1 81 b.test");
	names_found("a.test.", "192.0.2.7");
	names_fail("b.test.");
	assert_places(f, "192.0.2.7:80 192.0.2.2:81 -");
	/* Both. */
	(void)names_wait_question(f, SRV);
	services("0 1 80 a.test, 0 1 81 b.test");
	names_fail("a.test.");
	names_fail("b.test.");
	assert_places(f, "192.0.2.7:80 192.0.2.2:81 -");
	/* A new one that nobody knows of, which replaces both. */
	(void)names_wait_question(f, SRV);
	services("0 1 80 c.test");
	names_fail("c.test.");
	assert_places(f, "192.0.2.7:80 192.0.2.2:81 -");
}

static void
service_that_is_gone_keeps_its_addresses_for_a_while(void **state)
{
	struct fixture *f = *state;
	uint64_t gone;

	start(f, "addresses = 1");
	services("0 1 80 a.test");
	names_found("a.test.", "192.0.2.1");
	(void)names_wait_question(f, SRV);
	names_services(SRV, 60, "", RESOLVER_NONE);
	gone = fake.now_ms;
	while (
	    names_wait_question(f, SRV), fake.now_ms - gone < NAMES_HOLD_MS) {
		names_services(SRV, 60, "", RESOLVER_NONE);
		assert_places(f, "192.0.2.1:80");
	}
	names_services(SRV, 60, "", RESOLVER_NONE);
	assert_places(f, "-");
}

static void
successor_does_not_take_a_failure_for_an_absence(void **state)
{
	struct fixture *f = *state;

	start(f, "addresses = 2");
	services("0 1 80 a.test, 0 1 81 b.test");
	names_found("a.test.", "192.0.2.1");
	names_found("b.test.", "192.0.2.2");
	names_start(f);
	services("0 1 80 a.test, 0 1 81 b.test");
	names_found("a.test.", "192.0.2.1");
	names_fail("b.test.");
	assert_places(f, "192.0.2.1:80 192.0.2.2:81");
	/* But not for ever. */
	(void)names_wait_question(f, SRV);
	services("0 1 80 a.test, 0 1 81 b.test");
	names_found("a.test.", "192.0.2.1");
	names_fail("b.test.");
	assert_places(f, "192.0.2.1:80 -");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(records_give_ports_and_weights),
		FIXTURE_TEST(weight_is_multiplied_with_the_servers),
		FIXTURE_TEST(lowest_priority_that_has_addresses_is_used),
		FIXTURE_TEST(service_that_is_said_not_to_be_there_is_none),
		FIXTURE_TEST(address_of_two_records_has_both_weights),
		FIXTURE_TEST(first_is_the_lowest_of_each_target),
		FIXTURE_TEST(heaviest_of_too_many_are_used),
		FIXTURE_TEST(least_time_to_live_counts),
		FIXTURE_TEST(failure_keeps_the_addresses_of_whom_it_concerns),
		FIXTURE_TEST(
		    service_that_is_gone_keeps_its_addresses_for_a_while),
		FIXTURE_TEST(successor_does_not_take_a_failure_for_an_absence),
	};

	return cmocka_run_group_tests_name("names: SRV", tests, NULL, NULL);
}
