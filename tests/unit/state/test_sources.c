/*
 * The table of sources: exact for each prefix and scope, also when places
 * are taken over and when many processes insert the same few keys at once.
 */
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/sources.h"
#include "support.h"

#define NOW 5000

/* fault 70 */
static void
source_is_limited_at_its_maximum(void **state)
{
	struct state *s = state_small(1);
	uint32_t a, b, c = 77;

	(void)state;
	assert_int_equal(source_held(s, 1), 0);
	assert_int_equal(source_take(s, 0, 1, &a), SOURCE_TAKEN);
	assert_int_equal(source_take(s, 0, 1, &b), SOURCE_TAKEN);
	assert_int_equal(a, b);
	assert_int_equal(source_take(s, 0, 1, &c), SOURCE_LIMITED);
	assert_int_equal(s->workers[0].memory_held, 2);
	assert_int_equal(source_held(s, 1), 2);
	source_give(s, 0, a);
	assert_int_equal(source_held(s, 1), 1);
	assert_int_equal(source_take(s, 0, 1, &c), SOURCE_TAKEN);
	assert_int_equal(source_take_at(s, 0, 2, 0, NOW, &c), SOURCE_LIMITED);
	assert_int_equal(
	    count_places(s,
		&(struct addr){ .family = ADDR_INET4, .ip = { 192, 0, 2, 2 } }),
	    0);
	state_close(s);
}

static void
ports_do_not_make_another_source_and_scopes_do(void **state)
{
	struct state *s = state_small(1);
	struct tally_author author = state_author(s, 0);
	struct addr a = client_number(1), b = client_number(1);
	_Atomic uint32_t *cell = &s->workers[0].memory_held;
	uint32_t index;

	(void)state;
	b.port++;
	assert_int_equal(
	    sources_take(s, &author, 0, &a, 1, NOW, cell, 1, &index),
	    SOURCE_TAKEN);
	assert_int_equal(
	    sources_take(s, &author, 0, &b, 1, NOW, cell, 2, &index),
	    SOURCE_LIMITED);
	assert_int_equal(
	    sources_take(s, &author, 1, &b, 1, NOW, cell, 2, &index),
	    SOURCE_TAKEN);
	assert_int_equal(sources_held(s, 0, &b), 1);
	assert_int_equal(sources_held(s, 1, &a), 1);
	assert_int_equal(sources_held(s, 2, &a), 0);
	state_close(s);
}

static void
ipv6_sources_are_64_bits_wide(void **state)
{
	struct state *s = state_small(1);
	struct tally_author author = state_author(s, 0);
	struct addr a = { .family = ADDR_INET6,
		.ip = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 7, 1 } };
	struct addr same = a, other = a, v4 = { .family = ADDR_INET4 };
	_Atomic uint32_t *cell = &s->workers[0].memory_held;
	uint32_t index;

	(void)state;
	same.ip[8] = 99;
	same.ip[15] = 1;
	other.ip[7]++;
	for (unsigned i = 0; i < 4; i++)
		v4.ip[i] = a.ip[i];
	assert_int_equal(
	    sources_take(s, &author, 0, &a, 9, NOW, cell, 1, &index),
	    SOURCE_TAKEN);
	assert_int_equal(sources_held(s, 0, &same), 1);
	assert_int_equal(sources_held(s, 0, &other), 0);
	assert_int_equal(sources_held(s, 0, &v4), 0);
	/* The same link-local address on another link is another source. */
	same.scope = 3;
	assert_int_equal(sources_held(s, 0, &same), 0);
	state_close(s);
}

static void
full_table_refuses_new_sources_only(void **state)
{
	struct state *s = state_small(1);
	uint32_t index[SOURCES_SMALL], extra;

	(void)state;
	for (unsigned i = 0; i < SOURCES_SMALL; i++)
		assert_int_equal(source_take(s, 0, i, &index[i]), SOURCE_TAKEN);
	assert_int_equal(source_take(s, 0, 99, &extra), SOURCE_TABLE_FULL);
	assert_int_equal(source_rate(s, 0, 99, (struct rate){ 1, 1 }, NOW),
	    SOURCE_TABLE_FULL);
	assert_int_equal(s->workers[0].memory_held, SOURCES_SMALL);
	assert_int_equal(source_take(s, 0, 5, &extra), SOURCE_TAKEN);
	assert_int_equal(extra, index[5]);
	source_give(s, 0, index[3]);
	assert_int_equal(source_take(s, 0, 99, &extra), SOURCE_TAKEN);
	assert_int_equal(extra, index[3]);
	assert_int_equal(source_held(s, 99), 1);
	assert_int_equal(source_held(s, 3), 0);
	state_close(s);
}

static void
place_is_not_taken_over_before_its_bucket_is_full(void **state)
{
	const struct rate r = { 2, 1000 };
	struct state *s = state_small(1);
	uint32_t index;

	(void)state;
	for (unsigned i = 0; i < SOURCES_SMALL; i++)
		assert_int_equal(source_rate(s, 0, i, r, NOW), SOURCE_TAKEN);
	assert_int_equal(source_take(s, 0, 99, &index), SOURCE_TABLE_FULL);
	assert_int_equal(
	    source_take_at(s, 0, 99, 2, NOW + 499, &index), SOURCE_TABLE_FULL);
	assert_int_equal(
	    source_take_at(s, 0, 99, 2, NOW + 500, &index), SOURCE_TAKEN);
	state_close(s);
}

static void
rate_is_counted_for_each_source_and_bucket(void **state)
{
	const struct rate r = { 3, 60000 };
	struct state *s = state_small(1);
	struct tally_author author = state_author(s, 0);
	struct addr addr = client_number(1);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(source_rate(s, 0, 1, r, NOW), SOURCE_TAKEN);
	assert_int_equal(source_rate(s, 0, 1, r, NOW), SOURCE_LIMITED);
	assert_int_equal(source_rate(s, 0, 2, r, NOW), SOURCE_TAKEN);
	assert_int_equal(sources_rate(s, &author, SOURCE_SCOPE_DAEMON, &addr,
			     SOURCE_DATAGRAMS, r, NOW),
	    SOURCE_TAKEN);
	assert_int_equal(source_rate(s, 0, 1, r, NOW + 19999), SOURCE_LIMITED);
	assert_int_equal(source_rate(s, 0, 1, r, NOW + 20000), SOURCE_TAKEN);
	assert_int_equal(source_held(s, 1), 0);
	state_close(s);
}

static void
rate_of_zero_needs_no_place(void **state)
{
	struct state *s = state_small(1);
	struct addr addr = client_number(1);

	(void)state;
	assert_int_equal(
	    source_rate(s, 0, 1, (struct rate){ 0, 1000 }, NOW), SOURCE_TAKEN);
	assert_int_equal(count_places(s, &addr), 0);
	state_close(s);
}

static void
index_out_of_range_gives_nothing_back(void **state)
{
	struct state *s = state_small(1);
	uint32_t index;

	(void)state;
	assert_int_equal(source_take(s, 0, 1, &index), SOURCE_TAKEN);
	source_give(s, 0, SOURCE_NONE);
	assert_int_equal(s->workers[0].memory_held, 0);
	assert_int_equal(source_held(s, 1), 1);
	state_close(s);
}

static void
large_table_holds_many_sources(void **state)
{
	const struct state_shape shape = {
		.workers = 1, .services = 1, .sessions = 1, .sources = 4096
	};
	struct state *s = state_create(&shape);
	uint32_t index;

	(void)state;
	s->header->seed = 1;
	for (unsigned i = 0; i < 1024; i++)
		assert_int_equal(source_take(s, 0, i, &index), SOURCE_TAKEN);
	for (unsigned i = 0; i < 1024; i++) {
		struct addr addr = client_number(i);

		assert_int_equal(source_held(s, i), 1);
		assert_int_equal(count_places(s, &addr), 1);
	}
	state_close(s);
}

/* ---- many processes, few keys, fewer places ---- */

#define RACERS      4
#define RACE_KEYS   64 /* more than places, so idle keys are thrown out */
#define RACE_MAX    1
#define RACE_ROUNDS 2000000

struct race {
	_Atomic uint32_t in[RACE_KEYS];
	_Atomic uint32_t next_worker;
	_Atomic uint32_t round;
	_Atomic uint32_t exceeded;
	_Atomic uint32_t taken;
	struct state *state;
};

static void
race_round(struct race *race, unsigned worker, unsigned n)
{
	uint32_t index;

	if (source_take_at(race->state, worker, n, RACE_MAX, NOW, &index) !=
	    SOURCE_TAKEN)
		return;
	/* Counted apart, and for a shorter time than it is held. */
	if (atomic_fetch_add(&race->in[n], 1) >= RACE_MAX)
		race->exceeded++;
	race->taken++;
	atomic_fetch_sub(&race->in[n], 1);
	source_give(race->state, worker, index);
}

static void
race_run(void *arg)
{
	struct race *race = arg;
	unsigned worker = atomic_fetch_add(&race->next_worker, 1);
	unsigned round;

	/* Each key's turn comes for all at about the same time, when it has
	 * been thrown out since the last one. */
	do {
		round = atomic_fetch_add(&race->round, 1);
		race_round(race, worker, round / RACERS % RACE_KEYS);
	} while (round < RACE_ROUNDS);
}

/* fault 70 */
static void
racing_insertions_never_give_a_key_two_places(void **state)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[RACERS];

	(void)state;
	assert_ptr_not_equal(race, MAP_FAILED);
	race->state = state_small(RACERS);
	for (unsigned i = 0; i < RACERS; i++)
		pids[i] = child_start(race_run, race);
	for (unsigned i = 0; i < RACERS; i++)
		child_join(pids[i]);
	assert_int_equal(race->exceeded, 0);
	assert_true(race->taken > 0);
	assert_all_given_back(race->state);
	assert_int_equal(count_marks(race->state), 0);
	for (unsigned i = 0; i < RACE_KEYS; i++) {
		struct addr addr = client_number(i);

		assert_in_range(count_places(race->state, &addr), 0, 1);
	}
	state_close(race->state);
	munmap(race, sizeof(*race));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_is_limited_at_its_maximum),
		cmocka_unit_test(
		    ports_do_not_make_another_source_and_scopes_do),
		cmocka_unit_test(ipv6_sources_are_64_bits_wide),
		cmocka_unit_test(full_table_refuses_new_sources_only),
		cmocka_unit_test(
		    place_is_not_taken_over_before_its_bucket_is_full),
		cmocka_unit_test(rate_is_counted_for_each_source_and_bucket),
		cmocka_unit_test(rate_of_zero_needs_no_place),
		cmocka_unit_test(index_out_of_range_gives_nothing_back),
		cmocka_unit_test(large_table_holds_many_sources),
		cmocka_unit_test(racing_insertions_never_give_a_key_two_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
