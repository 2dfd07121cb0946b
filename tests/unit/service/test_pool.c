/*
 * The choice of a server, whatever the way of balancing: who is usable, in
 * which tier, who was tried; and round robin, exact over two workers.
 */
#include "pools.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- round robin ---- */

static void
workers_take_turns_of_one_sequence(void **state)
{
	static const uint64_t weights[] = { 5, 1, 1, 3 };
	unsigned counts[4] = { 0 }, seed = 3, alone[10];
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	for (unsigned i = 0; i < 4; i++)
		(void)pools_add(&p, weights[i]);
	pools_open_all(&p);
	for (unsigned i = 0; i < 10; i++)
		alone[i] = pools_hit(&p, 0, i);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned worker = (unsigned)rand_r(&seed) % 2;
		unsigned place = pools_hit(&p, worker, i);

		assert_int_equal(place, alone[i % 10]);
		counts[place]++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(counts[i], 100 * weights[i]);
	pools_close_all(&p);
}

static void
turns_are_smooth(void **state)
{
	unsigned last = UINT_MAX, run = 0, longest = 0;
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	(void)pools_add(&p, 5);
	(void)pools_add(&p, 1);
	(void)pools_add(&p, 1);
	pools_open_all(&p);
	for (unsigned i = 0; i < 70; i++) {
		unsigned place = pools_hit(&p, i % 2, i);

		run = place == last ? run + 1 : 1;
		last = place;
		longest = run > longest ? run : longest;
	}
	assert_in_range(longest, 1, 3);
	pools_close_all(&p);
}

/* The share of one that cannot be had goes to all others by their weights. */
static void
assert_share_spreads(struct pools *p)
{
	unsigned counts[4] = { 0 };

	/* 600 sequences of ten turns, four of which are passed over. */
	for (unsigned i = 0; i < 3600; i++)
		counts[pools_hit(p, i % 2, i)]++;
	assert_int_equal(counts[0], 0);
	assert_int_equal(counts[1], 1800);
	assert_int_equal(counts[2], 1200);
	assert_int_equal(counts[3], 600);
}

static void
share_of_a_server_that_is_down_goes_to_all_others(void **state)
{
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	for (unsigned i = 0; i < 4; i++)
		(void)pools_add(&p, 4 - i);
	pools_open_all(&p);
	p.places[0].checked = SERVER_DOWN;
	assert_share_spreads(&p);
	pools_close_all(&p);
}

static void
share_of_a_server_that_is_full_goes_to_all_others(void **state)
{
	struct visit visit;
	struct pools p;
	unsigned i = 0;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	pools_add(&p, 4)->max_connections = 1;
	for (i = 1; i < 4; i++)
		(void)pools_add(&p, 4 - i);
	pools_open_all(&p);
	while (pools_stay(&p, 0, i++, &visit) != 0)
		visit_end(&visit);
	assert_share_spreads(&p);
	visit_end(&visit);
	pools_close_all(&p);
}

static void
little_one_that_is_left_of_many_is_found(void **state)
{
	unsigned counts[3] = { 0 };
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	(void)pools_add(&p, 1);
	(void)pools_add(&p, 3);
	for (unsigned i = 0; i < 20; i++)
		(void)pools_add(&p, 256);
	pools_open_all(&p);
	for (unsigned i = 2; i < 22; i++)
		p.places[i].checked = SERVER_DOWN;
	for (unsigned i = 0; i < 4000; i++)
		counts[pools_hit(&p, i % 2, i)]++;
	assert_in_range(counts[0], 800, 1200);
	assert_in_range(counts[1], 2800, 3200);
	pools_close_all(&p);
}

/* ---- who is usable ---- */

static const enum conf_balance ways[] = { BALANCE_ROUND_ROBIN,
	BALANCE_LEAST_CONNECTIONS, BALANCE_RANDOM, BALANCE_HASH };

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static enum pool_verdict
verdict_of(struct pools *p)
{
	struct addr client = pools_client(7);
	struct visit visit;
	enum pool_verdict verdict = visit_begin(p, 0, &client, &visit);

	visit_end(&visit);
	return verdict;
}

static void
every_way_finds_the_one_that_is_usable(void **state)
{
	struct pools p;

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		pools_init(&p, ways[way]);
		pools_add_many(&p, 20);
		pools_open_all(&p);
		for (unsigned i = 0; i < 20; i++)
			p.places[i].admin = i % 2 == 0 ? SERVER_ADMIN_DISABLED
						       : SERVER_ADMIN_DRAINING;
		assert_int_equal(verdict_of(&p), POOL_NONE);
		p.places[13].admin = SERVER_ADMIN_ENABLED;
		for (unsigned i = 0; i < 100; i++)
			assert_int_equal(pools_hit(&p, i % 2, i), 13);
		p.places[13].checked = SERVER_DOWN;
		assert_int_equal(verdict_of(&p), POOL_NONE);
		pools_close_all(&p);
	}
}

static void
nothing_is_held_after_a_pick_in_vain(void **state)
{
	struct addr client = pools_client(1);
	struct visit visit;
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	pools_add_many(&p, 2);
	pools_open_all(&p);
	p.places[0].checked = SERVER_DOWN;
	p.places[1].checked = SERVER_DOWN;
	assert_int_equal(visit_begin(&p, 0, &client, &visit), POOL_NONE);
	assert_null(visit.server);
	assert_int_equal(visit.entry->holds, HOLD_ENTRY);
	assert_int_equal(visit.entry->server, STATE_SERVER_NONE);
	visit_end(&visit);
	assert_int_equal(
	    state_server_sum(p.state, 0, SERVER_COUNTER_CONNECTS), 0);
	pools_close_all(&p);
}

static void
server_that_leads_back_is_told_from_one_that_is_down(void **state)
{
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	pools_add_many(&p, 2);
	pools_open_all(&p);
	p.places[0].loops = 1;
	assert_int_equal(pools_hit(&p, 0, 1), 1);
	p.places[1].checked = SERVER_DOWN;
	assert_int_equal(verdict_of(&p), POOL_LOOP);
	p.places[0].loops = 0;
	assert_int_equal(pools_hit(&p, 0, 1), 0);
	pools_close_all(&p);
}

static void
pool_whose_names_have_no_address_has_no_server(void **state)
{
	struct pools p;

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		pools_init(&p, ways[way]);
		pools_add(&p, 1)->nplaces = 4;
		pools_open_all(&p);
		assert_int_equal(verdict_of(&p), POOL_NONE);
		pools_set_address(&p, 2, 50, 1);
		assert_int_equal(pools_hit(&p, 0, 1), 2);
		pools_set_address(&p, 2, UINT_MAX, 1);
		assert_int_equal(verdict_of(&p), POOL_NONE);
		pools_close_all(&p);
	}
}

/* ---- tiers ---- */

static void
backup_is_used_while_no_other_is_usable(void **state)
{
	struct pools p;

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		pools_init(&p, ways[way]);
		pools_add_many(&p, 2);
		pools_add(&p, 1)->backup = true;
		pools_open_all(&p);
		for (unsigned i = 0; i < 50; i++)
			assert_int_not_equal(pools_hit(&p, i % 2, i), 2);
		p.places[0].checked = SERVER_DOWN;
		for (unsigned i = 0; i < 50; i++)
			assert_int_equal(pools_hit(&p, i % 2, i), 1);
		p.places[1].checked = SERVER_DOWN;
		for (unsigned i = 0; i < 50; i++)
			assert_int_equal(pools_hit(&p, i % 2, i), 2);
		p.places[0].checked = SERVER_UP;
		assert_int_equal(pools_hit(&p, 0, 1), 0);
		pools_close_all(&p);
	}
}

static void
full_server_keeps_its_clients_from_the_backup(void **state)
{
	struct visit visit;
	struct pools p;

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		pools_init(&p, ways[way]);
		pools_add(&p, 1)->max_connections = 1;
		pools_add(&p, 1)->backup = true;
		pools_open_all(&p);
		assert_int_equal(pools_stay(&p, 0, 1, &visit), 0);
		assert_int_equal(verdict_of(&p), POOL_FULL);
		visit_end(&visit);
		assert_int_equal(pools_hit(&p, 1, 1), 0);
		pools_close_all(&p);
	}
}

/* ---- what was tried ---- */

static void
client_tries_each_primary_then_the_backups_then_again(void **state)
{
	struct addr client = pools_client(1);
	struct visit visit;
	struct pools p;
	unsigned seen, last;

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		pools_init(&p, ways[way]);
		pools_add_many(&p, 3);
		pools_add(&p, 1)->backup = true;
		pools_open_all(&p);
		assert_int_equal(
		    visit_begin(&p, 0, &client, &visit), POOL_PICKED);
		seen = 1U << visit.server->place;
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(visit_again(&visit), POOL_PICKED);
			seen |= 1U << visit.server->place;
		}
		assert_int_equal(seen, 7);
		assert_int_equal(visit_again(&visit), POOL_PICKED);
		assert_int_equal(visit.server->place, 3);
		for (unsigned i = 0; i < 10; i++) {
			last = visit.server->place;
			assert_int_equal(visit_again(&visit), POOL_PICKED);
			assert_in_range(visit.server->place, 0, 2);
			assert_int_not_equal(visit.server->place, last);
		}
		visit_end(&visit);
		pools_close_all(&p);
	}
}

static void
only_server_is_not_tried_twice_in_a_row(void **state)
{
	struct addr client = pools_client(1);
	struct visit visit;
	struct pools p;

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		pools_init(&p, ways[way]);
		pools_add_many(&p, 2);
		pools_open_all(&p);
		p.places[1].checked = SERVER_DOWN;
		assert_int_equal(
		    visit_begin(&p, 0, &client, &visit), POOL_PICKED);
		assert_int_equal(visit_again(&visit), POOL_NONE);
		assert_int_equal(visit_again(&visit), POOL_NONE);
		visit_end(&visit);
		pools_close_all(&p);
	}
}

static void
last_ones_tried_are_remembered(void **state)
{
	struct pool_tried tried = { 0 };
	struct server server = { 0 };

	(void)state;
	for (unsigned i = 0; i < POOL_TRIED_MAX + 3; i++) {
		server.place = i;
		pool_tried_add(&tried, &server);
	}
	assert_int_equal(tried.n, POOL_TRIED_MAX);
	for (unsigned i = 0; i < POOL_TRIED_MAX; i++)
		assert_int_equal(tried.places[i], i + 3);
}

/* ---- changes ---- */

static void
changed_addresses_and_weights_are_taken_up(void **state)
{
	unsigned counts[4] = { 0 };
	struct visit old;
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	pools_add(&p, 1)->nplaces = 4;
	pools_make_state(&p);
	pools_set_address(&p, 0, 0, 1);
	pools_set_address(&p, 1, 1, 1);
	pools_open_worker(&p, 0);
	pools_open_worker(&p, 1);
	assert_int_equal(pools_stay(&p, 0, 1, &old), 0);

	pools_set_address(&p, 0, UINT_MAX, 1);
	pools_set_address(&p, 1, 1, 3);
	pools_set_address(&p, 3, 7, 2);
	for (unsigned i = 0; i < 500; i++)
		counts[pools_hit(&p, i % 2, i)]++;
	assert_int_equal(counts[0], 0);
	assert_int_equal(counts[1], 300);
	assert_int_equal(counts[3], 200);
	assert_int_equal(p.workers[1]->servers[3].addr.ip[3], 8);

	/* Who was there before has not noticed anything. */
	assert_int_equal(pools_held(&p, 0), 1);
	assert_int_equal(old.entry->server, 0);
	visit_end(&old);
	pools_close_all(&p);
}

static void
worker_that_has_not_seen_a_change_does_at_its_next_pick(void **state)
{
	struct pools p;

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		pools_init(&p, ways[way]);
		pools_add_many(&p, 3);
		pools_open_all(&p);
		assert_in_range(pools_hit(&p, 1, 1), 0, 2);
		pools_set_address(&p, 0, UINT_MAX, 1);
		pools_set_address(&p, 2, UINT_MAX, 1);
		for (unsigned i = 0; i < 20; i++)
			assert_int_equal(pools_hit(&p, i % 2, i), 1);
		pools_close_all(&p);
	}
}

static void
attempts_and_what_became_of_them_are_counted(void **state)
{
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	pools_add_many(&p, 1);
	pools_open_all(&p);
	(void)pools_hit(&p, 0, 1);
	(void)pools_hit(&p, 1, 1);
	(void)pools_fail(&p, 1, 1, ECONNREFUSED);
	assert_int_equal(
	    state_server_sum(p.state, 0, SERVER_COUNTER_CONNECTS), 3);
	assert_int_equal(
	    state_server_sum(p.state, 0, SERVER_COUNTER_SESSIONS), 2);
	assert_int_equal(
	    state_server_sum(p.state, 0, SERVER_COUNTER_FAILED), 1);
	pools_close_all(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_take_turns_of_one_sequence),
		cmocka_unit_test(turns_are_smooth),
		cmocka_unit_test(
		    share_of_a_server_that_is_down_goes_to_all_others),
		cmocka_unit_test(
		    share_of_a_server_that_is_full_goes_to_all_others),
		cmocka_unit_test(little_one_that_is_left_of_many_is_found),
		cmocka_unit_test(every_way_finds_the_one_that_is_usable),
		cmocka_unit_test(nothing_is_held_after_a_pick_in_vain),
		cmocka_unit_test(
		    server_that_leads_back_is_told_from_one_that_is_down),
		cmocka_unit_test(
		    pool_whose_names_have_no_address_has_no_server),
		cmocka_unit_test(backup_is_used_while_no_other_is_usable),
		cmocka_unit_test(full_server_keeps_its_clients_from_the_backup),
		cmocka_unit_test(
		    client_tries_each_primary_then_the_backups_then_again),
		cmocka_unit_test(only_server_is_not_tried_twice_in_a_row),
		cmocka_unit_test(last_ones_tried_are_remembered),
		cmocka_unit_test(changed_addresses_and_weights_are_taken_up),
		cmocka_unit_test(
		    worker_that_has_not_seen_a_change_does_at_its_next_pick),
		cmocka_unit_test(attempts_and_what_became_of_them_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
