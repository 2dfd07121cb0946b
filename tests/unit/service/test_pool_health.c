/*
 * What connects tell of a server: when it is ejected, how many may be, and
 * how it comes back.
 */
#include "pools.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define FAIL_TIMEOUT 10000 /* of pools_init() */

/* A pool of n servers that are ejected after three failures. */
static void
open_pool(struct pools *p, unsigned n)
{
	pools_init(p, BALANCE_ROUND_ROBIN);
	p->pool.max_failures = 3;
	pools_add_many(p, n);
	pools_open_all(p);
}

static struct server *
server_at(struct pools *p, unsigned worker, unsigned place)
{
	return &p->workers[worker]->servers[place];
}

/* Failures as both workers see them in turn. */
static void
fail_times(struct pools *p, unsigned place, unsigned times, int error)
{
	for (unsigned i = 0; i < times; i++)
		pool_connect_failed(server_at(p, i % 2, place), error);
}

static bool
is_ejected(const struct pools *p, unsigned place)
{
	return !state_server_usable(&p->places[place], pools_now(p));
}

/* How many of the next n clients, which all can connect, come to a place. */
static unsigned
hits(struct pools *p, unsigned place, unsigned n)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		count += pools_hit(p, i % 2, i) == place;
	return count;
}

static void
failures_in_a_row_of_all_workers_eject(void **state)
{
	struct pools p;

	(void)state;
	open_pool(&p, 3);
	fail_times(&p, 1, 2, ECONNREFUSED);
	assert_false(is_ejected(&p, 1));
	assert_false(pools_said(&p, "ejected"));
	fail_times(&p, 1, 1, ECONNREFUSED);
	assert_true(is_ejected(&p, 1));
	assert_int_equal(hits(&p, 1, 30), 0);
	assert_true(pools_said(&p, "server ejected"));
	assert_int_equal(
	    state_server_sum(p.state, 1, SERVER_COUNTER_EJECTED), 1);
	assert_int_equal(
	    state_server_sum(p.state, 1, SERVER_COUNTER_FAILED), 3);
	pools_close_all(&p);
}

static void
success_in_between_begins_the_count_anew(void **state)
{
	struct pools p;

	(void)state;
	open_pool(&p, 3);
	for (unsigned i = 0; i < 10; i++) {
		fail_times(&p, 1, 2, ETIMEDOUT);
		pool_connected(server_at(&p, 1, 1));
	}
	assert_false(is_ejected(&p, 1));
	pools_close_all(&p);
}

static void
errors_that_are_not_the_servers_do_not_count(void **state)
{
	static const int ours[] = { EMFILE, ENFILE, EADDRNOTAVAIL, ENOMEM,
		ENOBUFS, EPERM, EAFNOSUPPORT, EAGAIN };
	static const int its[] = { ECONNREFUSED, ECONNRESET, ETIMEDOUT,
		EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, EACCES, ENOENT };
	struct pools p;

	(void)state;
	open_pool(&p, 2);
	for (unsigned i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		fail_times(&p, 0, 5, ours[i]);
	assert_false(is_ejected(&p, 0));
	assert_int_equal(
	    state_server_sum(p.state, 0, SERVER_COUNTER_FAILED), 40);
	pools_close_all(&p);
	for (unsigned i = 0; i < sizeof(its) / sizeof(its[0]); i++) {
		open_pool(&p, 2);
		fail_times(&p, 0, 3, its[i]);
		assert_true(is_ejected(&p, 0));
		pools_close_all(&p);
	}
}

static void
full_accept_queue_counts_of_a_unix_server(void **state)
{
	static char path[] = "/run/a.sock";
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	p.pool.max_failures = 3;
	pools_add_many(&p, 2);
	p.servers[0].target = (struct conf_target){
		.kind = TARGET_UNIX, .addr.family = ADDR_UNIX, .host = path
	};
	pools_open_all(&p);
	fail_times(&p, 0, 3, EAGAIN);
	assert_true(is_ejected(&p, 0));
	assert_true(pools_said(&p, path));
	pools_close_all(&p);
}

static void
nobody_is_ejected_where_that_is_off(void **state)
{
	struct pools p;

	(void)state;
	open_pool(&p, 2);
	p.pool.max_failures = 0;
	fail_times(&p, 0, 100, ECONNREFUSED);
	assert_false(is_ejected(&p, 0));
	p.pool.max_failures = 3;
	p.pool.max_ejected = 0;
	fail_times(&p, 0, 100, ECONNREFUSED);
	assert_false(is_ejected(&p, 0));
	pools_close_all(&p);
}

/* ---- never too many ---- */

static unsigned
eject_all_one_can(unsigned servers, uint64_t percent)
{
	unsigned n = 0;
	struct pools p;

	open_pool(&p, servers);
	p.pool.max_ejected = percent;
	for (unsigned i = 0; i < servers; i++) {
		fail_times(&p, i, 7, ECONNREFUSED);
		n += is_ejected(&p, i);
	}
	for (unsigned i = 0; i < servers; i++)
		assert_int_equal(is_ejected(&p, i), i < n);
	pools_close_all(&p);
	return n;
}

/* fault 74 */
static void
never_more_than_the_percentage_but_one(void **state)
{
	(void)state;
	assert_int_equal(eject_all_one_can(10, 50), 5);
	assert_int_equal(eject_all_one_can(10, 39), 3);
	assert_int_equal(eject_all_one_can(10, 1), 1);
	assert_int_equal(eject_all_one_can(3, 50), 1);
	assert_int_equal(eject_all_one_can(4, 100), 4);
	assert_int_equal(eject_all_one_can(1, 100), 0);
}

static void
one_that_was_spared_is_ejected_when_there_is_room(void **state)
{
	struct pools p;

	(void)state;
	open_pool(&p, 2);
	fail_times(&p, 0, 3, ECONNREFUSED);
	fail_times(&p, 1, 20, ECONNREFUSED);
	assert_false(is_ejected(&p, 1));
	/* All of it in use, as if nothing had been. */
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(pools_hit(&p, i % 2, i), 1);
	fail_times(&p, 1, 20, ECONNREFUSED);
	pools_advance(&p, 2 * FAIL_TIMEOUT);
	while (pools_hit(&p, 0, 1) != 0)
		;
	fail_times(&p, 1, 3, ECONNREFUSED);
	assert_true(is_ejected(&p, 1));
	pools_close_all(&p);
}

static void
tiers_and_places_without_address_are_counted_apart(void **state)
{
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	p.pool.max_failures = 1;
	pools_add_many(&p, 2);
	pools_add(&p, 1)->backup = true;
	pools_add(&p, 1)->nplaces = 6;
	pools_open_all(&p);
	/* The backup is the only one of its tier. */
	fail_times(&p, 2, 5, ECONNREFUSED);
	assert_false(is_ejected(&p, 2));
	/* Of two that have an address one, the six places do not count. */
	fail_times(&p, 0, 1, ECONNREFUSED);
	fail_times(&p, 1, 1, ECONNREFUSED);
	assert_true(is_ejected(&p, 0));
	assert_false(is_ejected(&p, 1));
	/* With two addresses more it is two of four. */
	pools_set_address(&p, 3, 50, 1);
	pools_set_address(&p, 4, 51, 1);
	pool_refresh(p.workers[0]);
	pool_refresh(p.workers[1]);
	fail_times(&p, 1, 1, ECONNREFUSED);
	assert_true(is_ejected(&p, 1));
	fail_times(&p, 3, 1, ECONNREFUSED);
	assert_false(is_ejected(&p, 3));
	pools_close_all(&p);
}

/* ---- the way back ---- */

/* Milliseconds of the ejection that has just begun. */
static uint64_t
ejection_of(struct pools *p, unsigned place)
{
	return p->places[place].ejected_until_ms - pools_now(p);
}

/* fault 74 */
static void
ejections_that_began_together_do_not_end_together(void **state)
{
	unsigned different = 0;
	struct pools p;

	(void)state;
	open_pool(&p, 40);
	for (unsigned i = 0; i < 20; i++) {
		fail_times(&p, i, 3, ECONNREFUSED);
		assert_in_range(ejection_of(&p, i), FAIL_TIMEOUT,
		    FAIL_TIMEOUT + FAIL_TIMEOUT / 4);
		different += i > 0 && ejection_of(&p, i) != ejection_of(&p, 0);
	}
	assert_in_range(different, 17, 19);
	pools_close_all(&p);
}

/* A client that has been sent to the place, and has heard nothing yet. */
static void
send_probe(
    struct pools *p, unsigned worker, unsigned place, struct visit *probe)
{
	struct addr client = pools_client(1);

	for (;;) {
		assert_int_equal(
		    visit_begin(p, worker, &client, probe), POOL_PICKED);
		if (probe->server->place == place)
			return;
		visit_end(probe);
	}
}

/* fault 74 */
static void
one_client_of_all_workers_tries_it_and_brings_it_back(void **state)
{
	struct visit probe;
	struct pools p;

	(void)state;
	open_pool(&p, 2);
	fail_times(&p, 0, 3, ECONNREFUSED);
	pools_advance(&p, FAIL_TIMEOUT - 1);
	assert_int_equal(hits(&p, 0, 20), 0);
	pools_advance(&p, FAIL_TIMEOUT / 4 + 1);
	send_probe(&p, 1, 0, &probe);
	assert_int_equal(hits(&p, 0, 20), 0);
	assert_int_equal(pools_held(&p, 0), 1);
	pool_connected(probe.server);
	visit_end(&probe);
	assert_true(pools_said(&p, "server in use again"));
	/* It takes as many failures as ever to eject it. */
	fail_times(&p, 0, 2, ECONNREFUSED);
	assert_false(is_ejected(&p, 0));
	assert_int_equal(hits(&p, 0, 20), 10);
	pools_close_all(&p);
}

static void
one_failure_more_ejects_it_anew(void **state)
{
	struct visit probe;
	struct pools p;

	(void)state;
	open_pool(&p, 2);
	fail_times(&p, 0, 3, ECONNREFUSED);
	for (unsigned round = 0; round < 3; round++) {
		pools_advance(&p, FAIL_TIMEOUT + FAIL_TIMEOUT / 4);
		send_probe(&p, round % 2, 0, &probe);
		pool_connect_failed(probe.server, ECONNREFUSED);
		visit_end(&probe);
		assert_true(is_ejected(&p, 0));
		assert_in_range(ejection_of(&p, 0), FAIL_TIMEOUT,
		    FAIL_TIMEOUT + FAIL_TIMEOUT / 4);
	}
	/* It was out all the time: that is one ejection, told once. */
	assert_int_equal(
	    state_server_sum(p.state, 0, SERVER_COUNTER_EJECTED), 1);
	pools_close_all(&p);
}

static void
client_that_is_not_heard_of_is_followed_by_another(void **state)
{
	struct visit lost, probe;
	struct pools p;

	(void)state;
	open_pool(&p, 2);
	fail_times(&p, 0, 3, ECONNREFUSED);
	pools_advance(&p, FAIL_TIMEOUT + FAIL_TIMEOUT / 4);
	send_probe(&p, 0, 0, &lost);
	visit_end(&lost);
	assert_int_equal(hits(&p, 0, 20), 0);
	pools_advance(&p, p.pool.connect_timeout + 1000);
	send_probe(&p, 1, 0, &probe);
	assert_int_equal(hits(&p, 0, 20), 0);
	pool_connected(probe.server);
	visit_end(&probe);
	assert_int_equal(hits(&p, 0, 20), 10);
	pools_close_all(&p);
}

/* Connects that began before: they change nothing. */
static void
stragglers_neither_end_an_ejection_nor_make_it_longer(void **state)
{
	struct visit early[2];
	struct pools p;
	uint64_t until;

	(void)state;
	open_pool(&p, 2);
	send_probe(&p, 0, 0, &early[0]);
	send_probe(&p, 1, 0, &early[1]);
	fail_times(&p, 0, 3, ECONNREFUSED);
	until = p.places[0].ejected_until_ms;
	pools_advance(&p, 100);
	pool_connected(early[0].server);
	assert_true(is_ejected(&p, 0));
	pool_connect_failed(early[1].server, ETIMEDOUT);
	assert_int_equal(p.places[0].ejected_until_ms, until);
	visit_end(&early[0]);
	visit_end(&early[1]);
	pools_close_all(&p);
}

static void
server_that_came_back_from_an_ejection_starts_slowly(void **state)
{
	struct visit probe;
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	p.pool.max_failures = 3;
	p.pool.slow_start = 16000;
	pools_add_many(&p, 2);
	pools_open_all(&p);
	fail_times(&p, 0, 3, ECONNREFUSED);
	pools_advance(&p, FAIL_TIMEOUT + FAIL_TIMEOUT / 4);
	send_probe(&p, 0, 0, &probe);
	pool_connected(probe.server);
	visit_end(&probe);
	assert_in_range(hits(&p, 0, 1000), 30, 95); /* 1/16 to 1: 59 */
	pools_advance(&p, 8000);
	assert_in_range(hits(&p, 0, 1000), 290, 400); /* 17/32 to 1: 347 */
	pools_advance(&p, 8000);
	assert_int_equal(hits(&p, 0, 1000), 500);
	pools_close_all(&p);
}

static void
records_of_one_server_are_limited(void **state)
{
	struct visit probe;
	struct pools p;
	unsigned told = 0;

	(void)state;
	open_pool(&p, 2);
	p.pool.fail_timeout = 10;
	for (unsigned i = 0; i < 50; i++) {
		for (unsigned k = 0; k < 3; k++)
			pool_connect_failed(server_at(&p, 0, 0), ECONNREFUSED);
		assert_true(is_ejected(&p, 0));
		told += pools_said(&p, "server ejected");
		pools_advance(&p, 20);
		send_probe(&p, 0, 0, &probe);
		pool_connected(probe.server);
		visit_end(&probe);
	}
	assert_in_range(told, 1, 2);
	assert_int_equal(
	    state_server_sum(p.state, 0, SERVER_COUNTER_EJECTED), 50);
	pools_close_all(&p);
}

/* fault 74 */
static void
all_servers_out_refuses_at_once_and_lets_one_try(void **state)
{
	struct addr client = pools_client(1);
	struct visit probe, visit;
	struct pools p;

	(void)state;
	open_pool(&p, 2);
	p.pool.max_ejected = 100;
	fail_times(&p, 0, 3, ECONNREFUSED);
	fail_times(&p, 1, 3, ECONNREFUSED);
	assert_int_equal(visit_begin(&p, 0, &client, &visit), POOL_NONE);
	visit_end(&visit);
	pools_advance(&p, FAIL_TIMEOUT + FAIL_TIMEOUT / 4);
	/* Each of the two is tried by one, however many come. */
	assert_int_equal(visit_begin(&p, 0, &client, &probe), POOL_PICKED);
	pool_connect_failed(probe.server, ECONNREFUSED);
	assert_int_equal(visit_again(&probe), POOL_PICKED);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(
		    visit_begin(&p, i % 2, &client, &visit), POOL_NONE);
		visit_end(&visit);
	}
	pool_connected(probe.server);
	visit_end(&probe);
	assert_int_equal(hits(&p, probe.server->place, 20), 20);
	pools_close_all(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_in_a_row_of_all_workers_eject),
		cmocka_unit_test(success_in_between_begins_the_count_anew),
		cmocka_unit_test(errors_that_are_not_the_servers_do_not_count),
		cmocka_unit_test(full_accept_queue_counts_of_a_unix_server),
		cmocka_unit_test(nobody_is_ejected_where_that_is_off),
		cmocka_unit_test(never_more_than_the_percentage_but_one),
		cmocka_unit_test(
		    one_that_was_spared_is_ejected_when_there_is_room),
		cmocka_unit_test(
		    tiers_and_places_without_address_are_counted_apart),
		cmocka_unit_test(
		    ejections_that_began_together_do_not_end_together),
		cmocka_unit_test(
		    one_client_of_all_workers_tries_it_and_brings_it_back),
		cmocka_unit_test(one_failure_more_ejects_it_anew),
		cmocka_unit_test(
		    client_that_is_not_heard_of_is_followed_by_another),
		cmocka_unit_test(
		    stragglers_neither_end_an_ejection_nor_make_it_longer),
		cmocka_unit_test(
		    server_that_came_back_from_an_ejection_starts_slowly),
		cmocka_unit_test(records_of_one_server_are_limited),
		cmocka_unit_test(
		    all_servers_out_refuses_at_once_and_lets_one_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
