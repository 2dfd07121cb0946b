/*
 * The ways of balancing but round robin: least connections, the better of
 * two, and by the client's address.  And slow starts, which all but the last
 * have.
 */
#include "pools.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* ---- least connections ---- */

static void
connections_of_all_workers_are_in_proportion_to_weights(void **state)
{
	static const uint64_t weights[] = { 1, 2, 4 };
	unsigned seed = 5;
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_LEAST_CONNECTIONS);
	for (unsigned i = 0; i < 3; i++)
		(void)pools_add(&p, weights[i]);
	pools_open_all(&p);
	for (unsigned i = 0; i < 700; i++)
		(void)pools_stay(&p, (unsigned)rand_r(&seed) % 2, i, NULL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pools_held(&p, i), 100 * weights[i]);
	pools_close_all(&p);
}

static void
one_that_has_fewer_gets_all_until_it_has_as_many(void **state)
{
	struct visit visits[30];
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_LEAST_CONNECTIONS);
	pools_add_many(&p, 3);
	pools_open_all(&p);
	for (unsigned i = 0; i < 30; i++)
		(void)pools_stay(&p, 0, i, &visits[i]);
	for (unsigned i = 0; i < 30; i++)
		if (visits[i].server->place == 1)
			visit_end(&visits[i]);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(pools_stay(&p, 1, i, NULL), 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pools_held(&p, i), 10);
	pools_close_all(&p);
}

static void
equal_ones_take_turns(void **state)
{
	unsigned counts[3] = { 0 };
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_LEAST_CONNECTIONS);
	pools_add_many(&p, 3);
	pools_open_all(&p);
	for (unsigned i = 0; i < 300; i++)
		counts[pools_hit(&p, i % 2, i)]++;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(counts[i], 100);
	pools_close_all(&p);
}

/* ---- random ---- */

static void
better_of_two_keeps_servers_close_together(void **state)
{
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_RANDOM);
	pools_add_many(&p, 10);
	pools_open_all(&p);
	for (unsigned i = 0; i < 20000; i++)
		(void)pools_stay(&p, i % 2, i, NULL);
	/* One draw alone would be off by 44 in the mean. */
	for (unsigned i = 0; i < 10; i++)
		assert_in_range(pools_held(&p, i), 2000 - 12, 2000 + 12);
	pools_close_all(&p);
}

static void
better_of_two_honours_weights_in_sessions_and_when_idle(void **state)
{
	unsigned counts[3] = { 0 };
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_RANDOM);
	(void)pools_add(&p, 1);
	(void)pools_add(&p, 3);
	(void)pools_add(&p, 6);
	pools_open_all(&p);
	for (unsigned i = 0; i < 10000; i++)
		counts[pools_hit(&p, i % 2, i)]++;
	assert_in_range(counts[0], 850, 1150);
	assert_in_range(counts[1], 2800, 3200);
	for (unsigned i = 0; i < 10000; i++)
		(void)pools_stay(&p, i % 2, i, NULL);
	assert_in_range(pools_held(&p, 0), 950, 1050);
	assert_in_range(pools_held(&p, 1), 2900, 3100);
	pools_close_all(&p);
}

static void
workers_draw_differently(void **state)
{
	unsigned same = 0;
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_RANDOM);
	pools_add_many(&p, 10);
	pools_open_all(&p);
	pools_close(p.workers[0], 1);
	pools_close(p.workers[1], 1);
	for (unsigned i = 0; i < 2; i++)
		p.workers[i] =
		    pools_open(&p.sets[i], &p.conf, &p.slot, p.first);
	for (unsigned i = 0; i < 100; i++)
		same += pools_hit(&p, 0, i) == pools_hit(&p, 1, i);
	assert_in_range(same, 0, 40);
	pools_close_all(&p);
}

/* ---- hash ---- */

#define CLIENTS 10000

static uint8_t home[CLIENTS]; /* the last number of the server's address */

static uint8_t
server_of(struct pools *p, unsigned worker, const struct addr *client)
{
	struct visit visit;
	uint8_t number;

	assert_int_equal(visit_begin(p, worker, client, &visit), POOL_PICKED);
	number = visit.server->addr.ip[3];
	visit_end(&visit);
	return number;
}

static uint8_t
server_of_number(struct pools *p, unsigned worker, unsigned n)
{
	struct addr client = pools_client(n);

	return server_of(p, worker, &client);
}

static void
remember_homes(struct pools *p)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		home[i] = server_of_number(p, i % 2, i);
}

static void
pools_of_the_same_servers_choose_alike(void **state)
{
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	pools_add_many(&p, 7);
	(void)pools_add(&p, 20);
	pools_open_all(&p);
	remember_homes(&p);
	pools_close_all(&p);

	/* Elsewhere: in another order, with other names. */
	pools_init(&p, BALANCE_HASH);
	(void)pools_add(&p, 20);
	pools_add_many(&p, 7);
	for (unsigned i = 0; i < 8; i++)
		p.servers[i].target.addr.ip[3] = (uint8_t)(8 - i);
	pools_open_all(&p);
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(server_of_number(&p, 1, i), home[i]);
	pools_close_all(&p);
}

static void
weights_give_shares_of_the_clients(void **state)
{
	unsigned counts[3] = { 0 };
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	(void)pools_add(&p, 1);
	(void)pools_add(&p, 3);
	(void)pools_add(&p, 6);
	pools_open_all(&p);
	for (unsigned i = 0; i < CLIENTS; i++)
		counts[pools_hit(&p, i % 2, i)]++;
	assert_in_range(counts[0], 900, 1100);
	assert_in_range(counts[1], 2850, 3150);
	assert_in_range(counts[2], 5800, 6200);
	pools_close_all(&p);
}

static void
loss_of_a_server_moves_its_clients_alone_and_to_all_others(void **state)
{
	unsigned counts[9] = { 0 }, lost = 0;
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	pools_add_many(&p, 8);
	pools_open_all(&p);
	remember_homes(&p);
	p.places[2].checked = SERVER_DOWN;
	for (unsigned i = 0; i < CLIENTS; i++) {
		uint8_t now = server_of_number(&p, i % 2, i);

		if (home[i] != 3) {
			assert_int_equal(now, home[i]);
			continue;
		}
		assert_int_not_equal(now, 3);
		counts[now]++;
		lost++;
	}
	assert_in_range(lost, CLIENTS / 8 - 100, CLIENTS / 8 + 100);
	for (unsigned i = 1; i < 9; i++)
		if (i != 3)
			assert_in_range(
			    counts[i], lost / 7 - 50, lost / 7 + 50);
	p.places[2].checked = SERVER_UP;
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_int_equal(server_of_number(&p, i % 2, i), home[i]);
	pools_close_all(&p);
}

static void
one_server_more_moves_its_share_and_hardly_more(void **state)
{
	unsigned moved = 0, astray = 0;
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	pools_add_many(&p, 8);
	pools_add(&p, 1)->nplaces = 2;
	pools_open_all(&p);
	remember_homes(&p);
	pools_set_address(&p, 8, 100, 1);
	for (unsigned i = 0; i < CLIENTS; i++) {
		uint8_t now = server_of_number(&p, i % 2, i);

		moved += now != home[i];
		astray += now != home[i] && now != 101;
	}
	assert_in_range(moved, CLIENTS / 9 - 100, CLIENTS / 9 + 150);
	assert_in_range(astray, 0, CLIENTS / 100);
	pools_close_all(&p);
}

static void
client_of_a_full_server_has_a_second_one_of_its_own(void **state)
{
	struct visit visit;
	struct pools p;
	uint8_t second;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	for (unsigned i = 0; i < 5; i++)
		pools_add(&p, 1)->max_connections = 1;
	pools_open_all(&p);
	(void)pools_stay(&p, 0, 4711, &visit);
	second = server_of_number(&p, 1, 4711);
	assert_int_not_equal(second, visit.server->addr.ip[3]);
	assert_int_equal(server_of_number(&p, 0, 4711), second);
	visit_end(&visit);
	pools_close_all(&p);
}

static void
address_counts_as_far_as_the_prefix_and_not_the_port(void **state)
{
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6 };
	struct addr client;
	struct pools p;
	uint8_t number;
	unsigned same = 0;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	pools_add_many(&p, 10);
	p.pool.hash_prefix4 = 24;
	p.pool.hash_prefix6 = 48;
	pools_open_all(&p);
	client = pools_client(256);
	number = server_of(&p, 0, &client);
	for (unsigned i = 0; i < 256; i++) {
		client.ip[3] = (uint8_t)i;
		client.port = (uint16_t)i;
		assert_int_equal(server_of(&p, i % 2, &client), number);
	}
	/* The same client at a socket that takes both families. */
	assert_int_equal(
	    inet_pton(AF_INET6, "::ffff:10.0.1.9", &mapped.sin6_addr), 1);
	addr_from_sockaddr(&client, (struct sockaddr *)&mapped, sizeof(mapped));
	assert_int_equal(server_of(&p, 0, &client), number);

	client = (struct addr){ .family = ADDR_INET6, .ip = { 0x20, 1 } };
	number = server_of(&p, 0, &client);
	for (unsigned i = 0; i < 100; i++) {
		client.ip[6] = (uint8_t)i;
		client.ip[15] = (uint8_t)(3 * i);
		assert_int_equal(server_of(&p, 0, &client), number);
	}
	for (unsigned i = 1; i < 100; i++) {
		client.ip[5] = (uint8_t)i;
		same += server_of(&p, 0, &client) == number;
	}
	assert_in_range(same, 1, 30);
	pools_close_all(&p);
}

static void
clients_without_an_address_are_spread(void **state)
{
	const struct addr local = { .family = ADDR_UNIX };
	unsigned counts[5] = { 0 };
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	pools_add_many(&p, 4);
	pools_open_all(&p);
	for (unsigned i = 0; i < 4000; i++)
		counts[server_of(&p, i % 2, &local)]++;
	for (unsigned i = 1; i < 5; i++)
		assert_in_range(counts[i], 850, 1150);
	pools_close_all(&p);
}

static void
unix_servers_are_told_apart_by_their_paths(void **state)
{
	static char paths[2][16] = { "/run/a.sock", "/run/b.sock" };
	unsigned counts[2] = { 0 };
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	for (unsigned i = 0; i < 2; i++)
		pools_add(&p, 1)->target = (struct conf_target){
			.kind = TARGET_UNIX,
			.addr.family = ADDR_UNIX,
			.host = paths[i],
		};
	pools_open_all(&p);
	for (unsigned i = 0; i < 1000; i++)
		counts[pools_hit(&p, 0, i)]++;
	assert_in_range(counts[0], 400, 600);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(pools_hit(&p, 0, i), pools_hit(&p, 1, i));
	pools_close_all(&p);
}

static void
little_one_that_is_left_is_found_by_all(void **state)
{
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	for (unsigned i = 0; i < 20; i++)
		(void)pools_add(&p, 256);
	(void)pools_add(&p, 1);
	pools_open_all(&p);
	for (unsigned i = 0; i < 20; i++)
		p.places[i].checked = SERVER_DOWN;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(pools_hit(&p, i % 2, i), 20);
	pools_close_all(&p);
}

/* ---- slow start ---- */

#define SLOW_START 16000

/* Of 1000 sessions, how many server 0 of four gets. */
static unsigned
share_of_first(struct pools *p, bool stay)
{
	struct visit visits[1000];
	unsigned n = 0;

	for (unsigned i = 0; i < 1000; i++) {
		n += pools_stay(p, i % 2, i, &visits[i]) == 0;
		if (!stay)
			visit_end(&visits[i]);
	}
	for (unsigned i = 0; i < 1000 && stay; i++)
		visit_end(&visits[i]);
	return n;
}

/* fault 74 */
static void
server_that_came_back_gets_its_share_little_by_little(void **state)
{
	static const enum conf_balance ways[] = { BALANCE_ROUND_ROBIN,
		BALANCE_RANDOM, BALANCE_LEAST_CONNECTIONS };
	struct pools p;

	(void)state;
	for (unsigned way = 0; way < 3; way++) {
		pools_init(&p, ways[way]);
		p.pool.slow_start = SLOW_START;
		pools_add_many(&p, 4);
		pools_open_all(&p);
		/* The monitor's clock was read after this turn's. */
		p.places[0].since_ms = pools_now(&p) + 20;
		/* 1/16 to 3, or 20 of 1000. */
		assert_in_range(share_of_first(&p, way == 2), 8, 35);
		pools_advance(&p, 20 + SLOW_START / 2);
		/* 17/32 to 3, or 150. */
		assert_in_range(share_of_first(&p, way == 2), 115, 185);
		pools_advance(&p, SLOW_START / 2 - 1);
		assert_in_range(share_of_first(&p, way == 2), 210, 290);
		pools_advance(&p, 1);
		if (way != 1)
			assert_int_equal(share_of_first(&p, way == 2), 250);
		pools_close_all(&p);
	}
}

/* fault 74 */
static void
only_one_that_came_back_gets_everything_up_to_its_maximum(void **state)
{
	static const enum conf_balance ways[] = { BALANCE_ROUND_ROBIN,
		BALANCE_LEAST_CONNECTIONS, BALANCE_RANDOM, BALANCE_HASH };
	struct addr client = pools_client(1);
	struct visit visit;
	struct pools p;

	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		pools_init(&p, ways[way]);
		p.pool.slow_start = SLOW_START;
		pools_add_many(&p, 4);
		p.servers[0].max_connections = 10;
		pools_open_all(&p);
		p.places[0].since_ms = pools_now(&p);
		for (unsigned i = 1; i < 4; i++)
			p.places[i].checked = SERVER_DOWN;
		for (unsigned i = 0; i < 10; i++)
			assert_int_equal(pools_stay(&p, i % 2, i, NULL), 0);
		assert_int_equal(
		    visit_begin(&p, 0, &client, &visit), POOL_FULL);
		visit_end(&visit);
		pools_close_all(&p);
	}
}

static void
hash_has_no_slow_start(void **state)
{
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_HASH);
	p.pool.slow_start = SLOW_START;
	pools_add_many(&p, 4);
	pools_open_all(&p);
	remember_homes(&p);
	p.places[0].since_ms = pools_now(&p);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(server_of_number(&p, i % 2, i), home[i]);
	pools_close_all(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    connections_of_all_workers_are_in_proportion_to_weights),
		cmocka_unit_test(
		    one_that_has_fewer_gets_all_until_it_has_as_many),
		cmocka_unit_test(equal_ones_take_turns),
		cmocka_unit_test(better_of_two_keeps_servers_close_together),
		cmocka_unit_test(
		    better_of_two_honours_weights_in_sessions_and_when_idle),
		cmocka_unit_test(workers_draw_differently),
		cmocka_unit_test(pools_of_the_same_servers_choose_alike),
		cmocka_unit_test(weights_give_shares_of_the_clients),
		cmocka_unit_test(
		    loss_of_a_server_moves_its_clients_alone_and_to_all_others),
		cmocka_unit_test(
		    one_server_more_moves_its_share_and_hardly_more),
		cmocka_unit_test(
		    client_of_a_full_server_has_a_second_one_of_its_own),
		cmocka_unit_test(
		    address_counts_as_far_as_the_prefix_and_not_the_port),
		cmocka_unit_test(clients_without_an_address_are_spread),
		cmocka_unit_test(unix_servers_are_told_apart_by_their_paths),
		cmocka_unit_test(little_one_that_is_left_is_found_by_all),
		cmocka_unit_test(
		    server_that_came_back_gets_its_share_little_by_little),
		cmocka_unit_test(
		    only_one_that_came_back_gets_everything_up_to_its_maximum),
		cmocka_unit_test(hash_has_no_slow_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
