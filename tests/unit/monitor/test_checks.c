/*
 * The schedule of health checks, and what becomes of their verdicts.
 */
#include "monitor/checks.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "event/backend.h"

#include "responder.h"

/* An interval and what jitter can add to it: in this time there is one check
 * at least, and in half of it one at most. */
#define INTERVAL 2000
#define LONGEST  2200
#define SHORTEST 1800

static const struct behaviour holds = { 0 };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	free(*state);
	return 0;
}

#define checks_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Let n more connections come. */
static void
wait_accepted(struct fixture *f, const struct responder *responder, unsigned n)
{
	unsigned until = responder->accepted + n;

	for (unsigned steps = 0; responder->accepted < until; steps++) {
		assert_in_range(steps, 0, 10000);
		fixture_step(f);
	}
	fixture_settle(f);
}

/* Let n more records come that have the text. */
static void
wait_logged(struct fixture *f, const char *text, unsigned n)
{
	unsigned until = fixture_logged(f, text) + n;

	for (unsigned steps = 0; fixture_logged(f, text) < until; steps++) {
		assert_in_range(steps, 0, 10000);
		fixture_step(f);
	}
	assert_int_equal(fixture_logged(f, text), until);
}

/* One server that is up. */
static void
open_one(struct fixture *f, struct responder *responder)
{
	fixture_open(f, 1);
	responder_open(responder, f, &holds);
	fixture_server(f, 0, responder);
	fixture_start(f);
	assert_int_equal(fixture_checked(f, 0), SERVER_UNCHECKED);
	fixture_advance(f, LONGEST);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
}

static void
close_one(struct fixture *f, struct responder *responder)
{
	responder_close(responder);
	fixture_close(f);
}

static void
a_server_is_up_with_its_first_good_check(void **state)
{
	struct fixture *f = *state;
	struct responder responder;

	open_one(f, &responder);
	assert_int_equal(fixture_logged(f, "info: server up"), 1);
	/* It was taken to be up before, so nobody waits for it, and nobody
	 * need be careful with it. */
	assert_int_equal(f->wakes, 0);
	assert_int_equal(atomic_load(&fixture_shared(f, 0)->since_ms), 0);
	fixture_advance(f, 10 * INTERVAL);
	assert_int_equal(fixture_logged(f, "\n"), 1);
	close_one(f, &responder);
}

static void
it_goes_down_with_exactly_fall_bad_checks(void **state)
{
	struct fixture *f = *state;
	struct responder responder;
	char line[256], address[ADDR_STRLEN];

	open_one(f, &responder);
	responder_shut(&responder);
	addr_format(&responder.addr, address, sizeof(address));
	fixture_forget(f);
	wait_logged(f, "info: health check failed", 1);
	wait_logged(f, "info: health check failed", 1);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	(void)snprintf(line, sizeof(line),
	    "info: health check failed pool=p server=s0 address=%s check=tcp "
	    "error=Connection refused failed=2 fall=3\n",
	    address);
	assert_int_equal(fixture_logged(f, line), 1);
	wait_logged(f, "warning: server down", 1);
	assert_int_equal(fixture_checked(f, 0), SERVER_DOWN);
	(void)snprintf(line, sizeof(line),
	    "warning: server down pool=p server=s0 address=%s check=tcp "
	    "error=Connection refused failed=3 fall=3 usable=0 servers=1\n",
	    address);
	assert_int_equal(fixture_logged(f, line), 1);
	/* Who waits for it in a queue may have to go elsewhere. */
	assert_int_equal(f->wakes, 2);
	close_one(f, &responder);
}

static void
go_down(struct fixture *f, struct responder *responder)
{
	responder_shut(responder);
	wait_logged(f, "warning: server down", 1);
	fixture_forget(f);
	f->wakes = 0;
}

static void
it_comes_up_with_exactly_rise_good_checks(void **state)
{
	struct fixture *f = *state;
	struct responder responder;
	uint64_t down_ms, since_ms;
	char line[256], address[ADDR_STRLEN];

	open_one(f, &responder);
	go_down(f, &responder);
	down_ms = fixture_now();
	fixture_advance(f, LONGEST);
	assert_int_equal(fixture_logged(f, "debug: server still down"), 1);
	responder_reopen(&responder);
	wait_logged(f, "info: health check passed", 1);
	assert_int_equal(fixture_logged(f, "passed=1 rise=2\n"), 1);
	assert_int_equal(fixture_checked(f, 0), SERVER_DOWN);
	assert_int_equal(f->wakes, 0);
	wait_logged(f, "notice: server up", 1);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	/* Both workers learn of it, and that it is to be started slowly. */
	assert_int_equal(f->wakes, 2);
	assert_int_equal(
	    atomic_load(&fixture_shared(f, 0)->since_ms), fixture_now());
	since_ms = atomic_load(&fixture_shared(f, 0)->since_ms);
	addr_format(&responder.addr, address, sizeof(address));
	(void)snprintf(line, sizeof(line),
	    "notice: server up pool=p server=s0 address=%s check=tcp passed=2 "
	    "rise=2 down_ms=%llu usable=1 servers=1\n",
	    address, (unsigned long long)(since_ms - down_ms));
	assert_int_equal(fixture_logged(f, line), 1);
	close_one(f, &responder);
}

static void
a_check_that_says_otherwise_begins_the_count_again(void **state)
{
	struct fixture *f = *state;
	struct responder responder;

	open_one(f, &responder);
	for (unsigned i = 0; i < 3; i++) {
		responder_shut(&responder);
		wait_logged(f, "failed=2 fall=3", 1);
		responder_reopen(&responder);
		wait_accepted(f, &responder, 1);
	}
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	go_down(f, &responder);
	for (unsigned i = 0; i < 3; i++) {
		responder_reopen(&responder);
		wait_logged(f, "passed=1 rise=2", 1);
		responder_shut(&responder);
		wait_logged(f, "still down", 1);
	}
	assert_int_equal(fixture_checked(f, 0), SERVER_DOWN);
	close_one(f, &responder);
}

/* What is not known to be down is tried. */
static void
an_unknown_server_goes_down_with_fall_bad_checks(void **state)
{
	struct fixture *f = *state;
	struct responder responder;

	fixture_open(f, 1);
	responder_open(&responder, f, &holds);
	responder_shut(&responder);
	fixture_server(f, 0, &responder);
	fixture_start(f);
	wait_logged(f, "failed=2 fall=3", 1);
	assert_int_equal(fixture_checked(f, 0), SERVER_UNCHECKED);
	wait_logged(f, "failed=3 fall=3", 1);
	assert_int_equal(fixture_checked(f, 0), SERVER_DOWN);
	close_one(f, &responder);
}

/* fault 74: neither checks nor recoveries march in step. */
static void
checks_are_spread_over_the_interval_and_jittered(void **state)
{
	struct fixture *f = *state;
	struct responder responder;
	uint64_t start, gap, least = UINT64_MAX, most = 0;
	unsigned tenths[10] = { 0 };
	size_t i;

	fixture_open(f, 100);
	responder_open(&responder, f, &holds);
	for (i = 0; i < 100; i++)
		fixture_server(f, i, &responder);
	start = fixture_now();
	fixture_start(f);
	fixture_advance(f, INTERVAL - 1);
	/* Each once, and the first of them a second time. */
	assert_in_range(responder.accepted, 100, 110);
	for (i = 0; i < 100; i++)
		tenths[(responder.times[i] - start) / (INTERVAL / 10)]++;
	for (i = 0; i < COUNT(tenths); i++)
		assert_in_range(tenths[i], 2, 25);
	close_one(f, &responder);

	open_one(f, &responder);
	wait_accepted(f, &responder, 200);
	for (i = 1; i < responder.accepted; i++) {
		gap = responder.times[i] - responder.times[i - 1];
		least = gap < least ? gap : least;
		most = gap > most ? gap : most;
	}
	assert_in_range(least, SHORTEST, SHORTEST + 20);
	assert_in_range(most, LONGEST - 20, LONGEST);
	close_one(f, &responder);
}

static void
a_server_that_is_down_is_checked_as_often(void **state)
{
	struct fixture *f = *state;
	struct responder responder;

	open_one(f, &responder);
	go_down(f, &responder);
	fixture_advance(f, 20 * INTERVAL);
	assert_in_range(fixture_logged(f, "still down"), 18, 22);
	close_one(f, &responder);
}

static void
a_draining_server_is_checked_and_a_disabled_one_is_not(void **state)
{
	struct fixture *f = *state;
	struct responder responder;

	fixture_open(f, 1);
	responder_open(&responder, f, &holds);
	fixture_server(f, 0, &responder);
	f->servers[0].state = SERVER_DRAINING;
	fixture_start(f);
	fixture_advance(f, LONGEST);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	go_down(f, &responder);
	/* Somebody disables it. */
	atomic_store(
	    &fixture_shared(f, 0)->admin, (uint32_t)SERVER_ADMIN_DISABLED);
	checks_place_changed(f->checks, f->places[0]);
	assert_int_equal(fixture_checked(f, 0), SERVER_UNCHECKED);
	responder_reopen(&responder);
	responder.accepted = 0;
	fixture_advance(f, 5 * INTERVAL);
	assert_int_equal(responder.accepted, 0);
	/* And enables it. */
	atomic_store(
	    &fixture_shared(f, 0)->admin, (uint32_t)SERVER_ADMIN_ENABLED);
	checks_place_changed(f->checks, f->places[0]);
	fixture_advance(f, LONGEST);
	assert_int_equal(responder.accepted, 1);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	close_one(f, &responder);
}

static void
servers_of_a_pool_without_checks_are_never_down(void **state)
{
	struct fixture *f = *state;
	struct responder responder;

	open_one(f, &responder);
	go_down(f, &responder);
	/* As after a reload that has taken the checks away. */
	fixture_stop(f);
	f->pool.check.type = CHECK_NONE;
	fixture_start(f);
	assert_int_equal(fixture_checked(f, 0), SERVER_UNCHECKED);
	checks_place_changed(f->checks, f->places[0]);
	fixture_advance(f, 5 * INTERVAL);
	assert_int_equal(fixture_checked(f, 0), SERVER_UNCHECKED);
	close_one(f, &responder);
}

/* A name: four places, of which two get an address. */
static void
each_address_of_a_name_is_checked_by_itself(void **state)
{
	const struct addr none = { 0 };
	struct fixture *f = *state;
	struct responder good, bad;
	struct state_server *shared;

	fixture_open(f, 1);
	responder_open(&good, f, &holds);
	responder_open(&bad, f, &holds);
	responder_shut(&bad);
	f->servers[0].nplaces = 4;
	f->servers[0].target.kind = TARGET_NAME;
	fixture_start(f);
	shared = fixture_shared(f, 0);
	fixture_advance(f, 5 * INTERVAL);
	assert_int_equal(fixture_logged(f, ":"), 0);
	state_server_set(&shared[1], &good.addr, 1);
	state_server_set(&shared[2], &bad.addr, 1);
	for (unsigned i = 0; i < 4; i++)
		checks_place_changed(f->checks, f->places[0] + i);
	wait_logged(f, "server down", 1);
	f->wakes = 0;
	assert_int_equal(fixture_logged(f, "usable=1 servers=2\n"), 1);
	assert_int_equal(atomic_load(&shared[0].checked), SERVER_UNCHECKED);
	assert_int_equal(atomic_load(&shared[1].checked), SERVER_UP);
	assert_int_equal(atomic_load(&shared[2].checked), SERVER_DOWN);
	/* The name has got other addresses: nothing is known of them. */
	state_server_set(&shared[1], &none, 1);
	state_server_set(&shared[2], &good.addr, 1);
	checks_place_changed(f->checks, f->places[0] + 1);
	checks_place_changed(f->checks, f->places[0] + 2);
	assert_int_equal(atomic_load(&shared[1].checked), SERVER_UNCHECKED);
	assert_int_equal(atomic_load(&shared[2].checked), SERVER_UNCHECKED);
	/* It may be used from now on, so those who wait are told. */
	assert_int_equal(f->wakes, 2);
	fixture_advance(f, LONGEST);
	assert_int_equal(atomic_load(&shared[1].checked), SERVER_UNCHECKED);
	assert_int_equal(atomic_load(&shared[2].checked), SERVER_UP);
	/* Only the weight has changed: all that is known stays. */
	state_server_set(&shared[2], &good.addr, 7);
	checks_place_changed(f->checks, f->places[0] + 2);
	assert_int_equal(atomic_load(&shared[2].checked), SERVER_UP);
	responder_close(&good);
	responder_close(&bad);
	fixture_close(f);
}

/* A server that will answer, with a check of it under way. */
static void
open_in_flight(struct fixture *f, struct responder *responder)
{
	fixture_open(f, 1);
	f->pool.check.type = CHECK_HTTP;
	responder_open(responder, f, &holds);
	fixture_server(f, 0, responder);
	fixture_start(f);
	wait_accepted(f, responder, 1);
	assert_int_equal(responder->open, 1);
}

/* fault 45 */
static void
the_verdict_on_an_address_that_was_left_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct responder old, new;

	open_in_flight(f, &old);
	responder_open(&new, f, &holds);
	state_server_set(fixture_shared(f, 0), &new.addr, 1);
	/* Even if nobody has told. */
	responder_send(&old, "HTTP/1.1 200 OK\r\n\r\n");
	responder_hang_up(&old);
	fixture_settle(f);
	assert_int_equal(fixture_checked(f, 0), SERVER_UNCHECKED);
	assert_int_equal(fixture_logged(f, "server"), 0);
	wait_accepted(f, &new, 1);
	responder_send(&new, "HTTP/1.1 200 OK\r\n\r\n");
	fixture_settle(f);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	assert_int_equal(old.accepted, 1);
	responder_close(&old);
	close_one(f, &new);
}

/* fault 45 */
static void
a_place_that_vanishes_takes_its_check_with_it(void **state)
{
	const struct addr none = { 0 };
	struct fixture *f = *state;
	struct responder responder;

	open_in_flight(f, &responder);
	responder_send(&responder, "HTTP/1.1 500 x\r\n\r\n");
	state_server_set(fixture_shared(f, 0), &none, 1);
	checks_place_changed(f->checks, f->places[0]);
	fixture_advance(f, 5 * INTERVAL);
	assert_int_equal(responder.open, 0);
	assert_int_equal(responder.accepted, 1);
	assert_int_equal(fixture_logged(f, "server"), 0);
	/* And back. */
	state_server_set(fixture_shared(f, 0), &responder.addr, 1);
	checks_place_changed(f->checks, f->places[0]);
	wait_accepted(f, &responder, 1);
	close_one(f, &responder);
}

/* Ends all checks in the middle of a turn, as a reload would. */
struct ender {
	struct timer timer;
	struct fixture *f;
};

static void
end_checks(struct timer *timer)
{
	fixture_stop(container_of(timer, struct ender, timer)->f);
}

/* fault 45: with answers, time-outs and ends waiting in the same turn. */
static void
checks_may_be_closed_while_they_are_under_way(void **state)
{
	struct fixture *f = *state;
	struct responder responder;
	struct ender ender = { .f = f };
	unsigned descriptors;

	fixture_open(f, 20);
	f->pool.check.type = CHECK_HTTP;
	responder_open(&responder, f, &holds);
	for (size_t i = 0; i < 20; i++)
		fixture_server(f, i, &responder);
	descriptors = fixture_descriptors();
	fixture_start(f);
	fixture_advance(f, 1200);
	assert_in_range(responder.open, 5, 18);
	timer_init(&ender.timer, end_checks);
	loop_timer_set(f->loop, &ender.timer, 0);
	responder_send(&responder, "HTTP/1.1 200 OK\r\n\r\n");
	fixture_jump(f, 1);
	assert_null(f->checks);
	fixture_settle(f);
	assert_int_equal(fixture_descriptors(), descriptors);
	close_one(f, &responder);
}

static void
no_more_checks_are_under_way_than_there_may_be(void **state)
{
	struct fixture *f = *state;
	struct responder responder;
	struct addr refusing;
	size_t i;

	fixture_open(f, 60);
	f->max = 2;
	f->pool.check.type = CHECK_HTTP;
	responder_open(&responder, f, &holds);
	refusing = responder.addr;
	refusing.ip[3] = 2; /* 127.0.0.2 */
	for (i = 0; i < 60; i++)
		fixture_address(
		    f, i, i % 10 == 0 ? &responder.addr : &refusing);
	fixture_start(f);
	/* Six that never answer, with a second for each: it takes three until
	 * each had its turn, and nobody is left out. */
	fixture_advance(f, 3 * INTERVAL + LONGEST);
	assert_int_equal(responder.most, 2);
	for (i = 0; i < 60; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "server=s%zu ", i);
		if (fixture_logged(f, text) == 0)
			fail_msg("%s", text);
	}
	close_one(f, &responder);
}

/* A check may take longer than the interval. */
static void
one_place_has_one_check_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct responder responder;

	fixture_open(f, 1);
	f->pool.check.type = CHECK_HTTP;
	f->pool.check.interval = 100;
	responder_open(&responder, f, &holds);
	fixture_server(f, 0, &responder);
	fixture_start(f);
	fixture_advance(f, 10500);
	assert_int_equal(responder.most, 1);
	assert_in_range(responder.accepted, 10, 11);
	close_one(f, &responder);
}

/* fault 45: the monitor was killed, and its successor goes on. */
static void
a_successor_goes_on_from_what_the_state_says(void **state)
{
	struct fixture *f = *state;
	struct responder responder;

	open_one(f, &responder);
	fixture_stop(f);
	fixture_start(f);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	go_down(f, &responder);
	fixture_stop(f);
	responder_reopen(&responder);
	fixture_start(f);
	assert_int_equal(fixture_checked(f, 0), SERVER_DOWN);
	wait_logged(f, "passed=1 rise=2", 1);
	assert_int_equal(fixture_checked(f, 0), SERVER_DOWN);
	wait_logged(f, "notice: server up", 1);
	/* Since when it was down nobody knows any more. */
	assert_int_equal(fixture_logged(f, "down_ms"), 0);
	close_one(f, &responder);
}

/* A monitor that was stopped, or waited for a disk, must not take servers
 * for dead that have answered meanwhile, or were never asked. */
static void
a_monitor_that_was_held_up_blames_nobody(void **state)
{
	struct fixture *f = *state;
	struct responder responder;

	open_in_flight(f, &responder);
	responder_send(&responder, "HTTP/1.1 200 OK\r\n\r\n");
	fixture_jump(f, 60000);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	assert_int_equal(fixture_logged(f, "health check"), 0);
	/* The next one has begun at once, since its time had passed. */
	assert_int_equal(responder.accepted, 2);
	for (unsigned i = 0; i < 5; i++)
		fixture_jump(f, 60000);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	assert_int_equal(
	    fixture_logged(f, "warning: health check impossible"), 5);
	assert_int_equal(fixture_logged(f, "error=the monitor was held up"), 5);
	/* One that is in time. */
	wait_logged(f, "error=no answer in time failed=1 fall=3", 1);
	close_one(f, &responder);
}

/* Records of them are limited to one a second. */
static void
want_of_descriptors_is_no_fault_of_servers(void **state)
{
	struct rlimit before, none = { 0 };
	struct fixture *f = *state;
	struct responder responder;

	/* poll(2) takes no more descriptors than the limit. */
	if (!event_backends[0]->edge)
		skip();
	fixture_open(f, 100);
	responder_open(&responder, f, &holds);
	for (size_t i = 0; i < 100; i++)
		fixture_server(f, i, &responder);
	fixture_start(f);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	fixture_advance(f, 10 * INTERVAL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_in_range(fixture_logged(f, "error=Too many open files"), 10, 21);
	assert_in_range(fixture_logged(f, "left_out="), 9, 20);
	assert_int_equal(fixture_logged(f, "server down"), 0);
	fixture_advance(f, LONGEST);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(fixture_checked(f, i), SERVER_UP);
	close_one(f, &responder);
}

static void
no_descriptor_is_left_behind(void **state)
{
	struct fixture *f = *state;
	struct responder responders[5];
	static const struct behaviour how[5] = {
		{ 0 },
		{ .closes = true },
		{ .answer = "HTTP/1.1 200 OK\r\n\r\n", .hangs_up = true },
		{ .answer = "HTTP/1.1 500 x\r\n\r\n" },
		{ .answer = "x", .breaks = true },
	};
	unsigned descriptors;
	size_t i;

	fixture_open(f, 5);
	f->pool.check.type = CHECK_HTTP;
	for (i = 0; i < 5; i++) {
		responder_open(&responders[i], f, &how[i]);
		fixture_server(f, i, &responders[i]);
	}
	descriptors = fixture_descriptors();
	fixture_start(f);
	fixture_advance(f, 50 * INTERVAL);
	fixture_stop(f);
	fixture_settle(f);
	assert_int_equal(fixture_descriptors(), descriptors);
	for (i = 0; i < 5; i++) {
		assert_in_range(responders[i].accepted, 40, 60);
		responder_close(&responders[i]);
	}
	fixture_close(f);
}

/* A check that is named by a service of UDP alone speaks UDP. */
static void
a_pool_of_udp_services_is_asked_over_udp(void **state)
{
	static const struct behaviour how = { .answer = "+PONG" };
	struct fixture *f = *state;
	struct responder responder;

	fixture_open(f, 1);
	f->pool.check.type = CHECK_SEND;
	f->listen.transport = TRANSPORT_UDP;
	responder_open_udp(&responder, f, &how);
	fixture_server(f, 0, &responder);
	fixture_start(f);
	fixture_advance(f, LONGEST);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	responder_shut(&responder);
	wait_logged(f, "server down", 1);
	fixture_stop(f);
	/* With no service at all nobody knows, so it is TCP. */
	f->conf.nservices = 0;
	responder_open(&responder, f, &how);
	f->servers[0].target.addr = responder.addr;
	fixture_start(f);
	fixture_advance(f, 2 * LONGEST);
	assert_int_equal(fixture_checked(f, 0), SERVER_UP);
	close_one(f, &responder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		checks_test(a_server_is_up_with_its_first_good_check),
		checks_test(it_goes_down_with_exactly_fall_bad_checks),
		checks_test(it_comes_up_with_exactly_rise_good_checks),
		checks_test(a_check_that_says_otherwise_begins_the_count_again),
		checks_test(an_unknown_server_goes_down_with_fall_bad_checks),
		checks_test(checks_are_spread_over_the_interval_and_jittered),
		checks_test(a_server_that_is_down_is_checked_as_often),
		checks_test(
		    a_draining_server_is_checked_and_a_disabled_one_is_not),
		checks_test(servers_of_a_pool_without_checks_are_never_down),
		checks_test(each_address_of_a_name_is_checked_by_itself),
		checks_test(the_verdict_on_an_address_that_was_left_is_dropped),
		checks_test(a_place_that_vanishes_takes_its_check_with_it),
		checks_test(checks_may_be_closed_while_they_are_under_way),
		checks_test(no_more_checks_are_under_way_than_there_may_be),
		checks_test(one_place_has_one_check_at_a_time),
		checks_test(a_successor_goes_on_from_what_the_state_says),
		checks_test(a_monitor_that_was_held_up_blames_nobody),
		checks_test(want_of_descriptors_is_no_fault_of_servers),
		checks_test(no_descriptor_is_left_behind),
		checks_test(a_pool_of_udp_services_is_asked_over_udp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
