/*
 * The table of the hash: even, by weight, the same for all who have the same
 * members, and hardly moved by one more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/maglev.h"

#define MEMBERS 700

struct fixture {
	struct maglev_builder builder;
	struct maglev maglev;
};

static void
open_fixture(struct fixture *f)
{
	assert_int_equal(maglev_builder_open(&f->builder, MEMBERS), 0);
	assert_int_equal(maglev_open(&f->maglev), 0);
}

static void
close_fixture(struct fixture *f)
{
	maglev_close(&f->maglev);
	maglev_builder_close(&f->builder);
}

/* Member i is the server 192.0.2.i:80 for the table, and says index. */
static void
put_member(
    struct fixture *f, unsigned at, unsigned i, uint32_t weight, uint16_t index)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "192.0.2.%u:80", i);

	f->builder.members[at] = (struct maglev_member){
		.identity = maglev_identity(text, (size_t)len),
		.weight = weight,
		.index = index,
	};
}

/* n members of weight 1, each says its own number. */
static void
build(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put_member(f, i, i, 1, (uint16_t)i);
	maglev_build(&f->maglev, &f->builder, n);
}

static void
count_places(const struct fixture *f, unsigned *counts, unsigned n)
{
	memset(counts, 0, n * sizeof(*counts));
	for (unsigned i = 0; i < MAGLEV_SIZE; i++) {
		assert_true(f->maglev.places[i] < n);
		counts[f->maglev.places[i]]++;
	}
}

static void
members_have_equal_shares(void **state)
{
	static const unsigned sizes[] = { 1, 2, 3, 10, 100, 600 };
	unsigned counts[MEMBERS];
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		unsigned n = sizes[k];

		build(&f, n);
		count_places(&f, counts, n);
		for (unsigned i = 0; i < n; i++)
			assert_in_range(
			    counts[i], MAGLEV_SIZE / n, MAGLEV_SIZE / n + 1);
	}
	close_fixture(&f);
}

static void
shares_are_by_weight(void **state)
{
	static const uint32_t weights[] = { 10, 5, 4, 1 };
	unsigned counts[4];
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (unsigned i = 0; i < 4; i++)
		put_member(&f, i, i, weights[i], (uint16_t)i);
	maglev_build(&f.maglev, &f.builder, 4);
	count_places(&f, counts, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(counts[i],
		    (unsigned)(MAGLEV_SIZE * weights[i] / 20) - 1,
		    (unsigned)(MAGLEV_SIZE * weights[i] / 20) + 2);
	close_fixture(&f);
}

static void
order_of_members_does_not_matter(void **state)
{
	static const unsigned orders[2][5] = { { 0, 1, 2, 3, 4 },
		{ 3, 1, 4, 0, 2 } };
	struct fixture f[2];

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		open_fixture(&f[k]);
		for (unsigned i = 0; i < 5; i++)
			put_member(&f[k], i, orders[k][i], 1 + orders[k][i],
			    (uint16_t)orders[k][i]);
		maglev_build(&f[k].maglev, &f[k].builder, 5);
	}
	assert_memory_equal(f[0].maglev.places, f[1].maglev.places,
	    MAGLEV_SIZE * sizeof(uint16_t));
	close_fixture(&f[0]);
	close_fixture(&f[1]);
}

/* What all muxd must agree on, in whatever version: the algorithm, the seeds,
 * and the hash. */
static void
table_is_that_of_all_times(void **state)
{
	struct fixture f;
	uint64_t sum = 0;

	(void)state;
	open_fixture(&f);
	build(&f, 7);
	for (unsigned i = 0; i < MAGLEV_SIZE; i++)
		sum = sum * 31 + f.maglev.places[i];
	assert_true(sum == UINT64_C(0xd61903852ab0daaa));
	assert_true(maglev_key("muxd", 4, 1) == UINT64_C(0xf87d74fa27cbf7bb));
	close_fixture(&f);
}

static void
one_member_more_takes_its_share_and_moves_little_else(void **state)
{
	static const unsigned sizes[] = { 1, 4, 10, 50 };
	static uint16_t before[MAGLEV_SIZE];
	struct fixture f;

	(void)state;
	open_fixture(&f);
	for (unsigned k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		unsigned n = sizes[k], moved = 0, astray = 0;

		build(&f, n);
		memcpy(before, f.maglev.places, sizeof(before));
		build(&f, n + 1);
		for (unsigned i = 0; i < MAGLEV_SIZE; i++) {
			if (f.maglev.places[i] == before[i])
				continue;
			moved++;
			if (f.maglev.places[i] != n)
				astray++;
		}
		print_message("%u members and one more: %u of %u moved, %u of "
			      "them between others\n",
		    n, moved, MAGLEV_SIZE, astray);
		assert_in_range(moved - astray, MAGLEV_SIZE / (n + 1),
		    MAGLEV_SIZE / (n + 1) + 1);
		assert_true(astray * 20 <= MAGLEV_SIZE);
	}
	close_fixture(&f);
}

static void
members_that_are_the_same_twice_share(void **state)
{
	unsigned counts[3];
	struct fixture f;

	(void)state;
	open_fixture(&f);
	put_member(&f, 0, 9, 1, 0);
	put_member(&f, 1, 9, 1, 1);
	put_member(&f, 2, 8, 1, 2);
	maglev_build(&f.maglev, &f.builder, 3);
	count_places(&f, counts, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(
		    counts[i], MAGLEV_SIZE / 3, MAGLEV_SIZE / 3 + 1);
	close_fixture(&f);
}

static void
attempts_are_independent(void **state)
{
	unsigned same = 0;

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		same += maglev_key(&i, sizeof(i), 0) % 10 ==
		    maglev_key(&i, sizeof(i), 1) % 10;
	assert_in_range(same, 900, 1100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_have_equal_shares),
		cmocka_unit_test(shares_are_by_weight),
		cmocka_unit_test(order_of_members_does_not_matter),
		cmocka_unit_test(table_is_that_of_all_times),
		cmocka_unit_test(
		    one_member_more_takes_its_share_and_moves_little_else),
		cmocka_unit_test(members_that_are_the_same_twice_share),
		cmocka_unit_test(attempts_are_independent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
