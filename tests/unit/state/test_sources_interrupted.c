/*
 * The table of sources, with a worker that is interrupted or killed at any
 * instruction while it inserts a key or takes a token, and others who insert
 * the same key, throw it out or take tokens meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state/sources.h"
#include "step.h"
#include "support.h"

#define KEY 200

static const struct rate walk_tokens = { 3, 60000 };

static void
walk_take(void *arg)
{
	uint32_t index;

	if (source_take(arg, 0, KEY, &index) != SOURCE_TAKEN)
		abort();
}

static void
walk_rate(void *arg)
{
	source_rate(arg, 0, KEY, (struct rate){ 3, 60000 }, NOW);
}

/* What worker 1 does in between. */
static void
insert_the_same(struct state *s)
{
	uint32_t index;

	assert_int_equal(source_take(s, 1, KEY, &index), SOURCE_TAKEN);
}

static void
insert_the_same_and_go(struct state *s)
{
	uint32_t index;

	assert_int_equal(source_take(s, 1, KEY, &index), SOURCE_TAKEN);
	source_give(s, 1, index);
}

/* Whatever is idle loses its place to another key. */
static void
throw_out_idle_keys(struct state *s)
{
	uint32_t index[SOURCES_SMALL];
	unsigned n = 0;

	while (n < SOURCES_SMALL &&
	    source_take(s, 1, n, &index[n]) == SOURCE_TAKEN)
		n++;
	while (n > 0)
		source_give(s, 1, index[--n]);
}

static void
insert_others_then_the_same(struct state *s)
{
	throw_out_idle_keys(s);
	insert_the_same(s);
}

static void
spend_a_token(struct state *s)
{
	source_rate(s, 1, KEY, (struct rate){ 3, 60000 }, NOW);
}

static void
nothing_else(struct state *s)
{
	(void)s;
}

/* One count for the key, in one place, and nothing else held. */
static void
assert_one_place(const struct state *s)
{
	struct addr addr = client_number(KEY);

	assert_in_range(count_places(s, &addr), 0, 1);
	assert_int_equal(source_held(s, KEY),
	    s->workers[0].memory_held + s->workers[1].memory_held);
}

/*
 * Where to interrupt a walk: before and after each change it makes to the
 * table, and at each STRIDE-th step, for what it reads.  All steps would take
 * minutes.
 */
#define STRIDE    97
#define STOPS_MAX 3000

struct stops {
	unsigned n;
	unsigned at[STOPS_MAX];
};

static void
stops_add(struct stops *stops, unsigned at)
{
	if (stops->n > 0 && stops->at[stops->n - 1] == at)
		return;
	assert_true(stops->n < STOPS_MAX);
	stops->at[stops->n++] = at;
}

static void
stops_find(
    struct stops *stops, const struct state *before, void (*fn)(void *arg))
{
	struct state *s = state_copy(before);
	const void *bytes = s->sources;
	unsigned char last[SOURCES_SMALL * sizeof(struct source)];
	struct step step;

	/* Have the hash function bound, so that all walks have the same
	 * steps. */
	assert_int_equal(source_held(s, KEY), s->workers[1].memory_held);
	memcpy(last, bytes, sizeof(last));
	stops->n = 0;
	step_start(&step, fn, s);
	for (unsigned n = 0; step_next(&step); n++) {
		if (memcmp(bytes, last, sizeof(last)) != 0) {
			stops_add(stops, n);
			stops_add(stops, n + 1);
			memcpy(last, bytes, sizeof(last));
		} else if (n % STRIDE == 0) {
			stops_add(stops, n);
		}
	}
	state_close(s);
	assert_true(stops->n > 5);
}

/* Walk a worker to step number stop, let the other one in, let the first one
 * finish. */
static void
interrupt_at(struct state *s, void (*fn)(void *arg), unsigned stop,
    void (*between)(struct state *s))
{
	struct step step;

	step_start(&step, fn, s);
	for (unsigned i = 0; i < stop; i++)
		assert_true(step_next(&step));
	between(s);
	step_finish(&step);
	assert_int_equal(count_marks(s), 0);
	assert_one_place(s);
}

/* Interrupt a walk from before at each of its stops, and check each time. */
static void
interrupt_everywhere(const struct state *before, void (*fn)(void *arg),
    void (*between)(struct state *s), void (*check)(struct state *s))
{
	static struct stops stops;
	struct state *s = state_copy(before);

	stops_find(&stops, before, fn);
	for (unsigned i = 0; i < stops.n; i++) {
		state_copy_to(before, s);
		interrupt_at(s, fn, stops.at[i], between);
		check(s);
	}
	state_close(s);
}

static void
skip_unless_steps_are_possible(void)
{
	if (step_possible())
		return;
	print_message("single steps are not possible here\n");
	skip();
}

/* fault 70 */
static void
insertion_interrupted_anywhere_leaves_one_place(void **state)
{
	struct state *s;

	(void)state;
	skip_unless_steps_are_possible();
	s = state_small(2);
	interrupt_everywhere(s, walk_take, insert_the_same, nothing_else);
	throw_out_idle_keys(s);
	interrupt_everywhere(
	    s, walk_take, insert_the_same_and_go, nothing_else);
	interrupt_everywhere(
	    s, walk_take, insert_others_then_the_same, nothing_else);
	state_close(s);
}

static uint32_t
tokens_left(struct state *s, unsigned n)
{
	uint32_t left = 0;

	while (source_rate(s, 1, n, walk_tokens, NOW) == SOURCE_TAKEN)
		left++;
	return left;
}

static void
two_tokens_are_gone(struct state *s)
{
	assert_int_equal(tokens_left(s, KEY), walk_tokens.count - 2);
}

/* Of the key one, of the others none. */
static void
one_token_is_gone(struct state *s)
{
	for (unsigned n = 0; n < SOURCES_SMALL; n++) {
		if (source_rate(s, 1, n, walk_tokens, NOW) != SOURCE_TABLE_FULL)
			assert_int_equal(
			    tokens_left(s, n), walk_tokens.count - 1);
	}
	assert_int_equal(tokens_left(s, KEY), walk_tokens.count - 1);
}

static void
tokens_taken_during_an_interruption_are_counted_once(void **state)
{
	struct state *s;

	(void)state;
	skip_unless_steps_are_possible();
	s = state_small(2);
	throw_out_idle_keys(s);
	interrupt_everywhere(s, walk_rate, spend_a_token, two_tokens_are_gone);
	state_close(s);
}

static void
token_is_not_charged_to_who_takes_the_place_over(void **state)
{
	struct state *s;

	(void)state;
	skip_unless_steps_are_possible();
	s = state_small(2);
	interrupt_everywhere(
	    s, walk_rate, throw_out_idle_keys, one_token_is_gone);
	insert_the_same_and_go(s);
	interrupt_everywhere(
	    s, walk_rate, throw_out_idle_keys, one_token_is_gone);
	state_close(s);
}

/* fault 70 */
static void
worker_killed_in_an_insertion_leaves_a_sound_table(void **state)
{
	static void (*const after[])(struct state * s) = { nothing_else,
		insert_the_same, insert_others_then_the_same };
	struct state *s, *copy;
	struct step step;
	uint32_t index;
	unsigned n = 0;

	(void)state;
	skip_unless_steps_are_possible();
	s = state_small(2);
	throw_out_idle_keys(s);
	copy = state_copy(s);
	step_start(&step, walk_take, s);
	do {
		struct tally_author dead = state_author(copy, 0);

		n++;
		state_copy_to(s, copy);
		after[n % 3](copy);
		tally_recover(&dead);
		sources_release(copy, &dead);
		assert_int_equal(count_marks(copy), 0);
		assert_one_place(copy);
		assert_int_equal(
		    source_take_at(copy, 0, KEY, 3, NOW, &index), SOURCE_TAKEN);
		assert_one_place(copy);
	} while (step_next(&step));
	assert_true(n > 100);
	state_close(copy);
	state_close(s);
}

static void
walk_release(void *arg)
{
	struct tally_author dead = state_author(arg, 0);

	tally_recover(&dead);
	sources_release(arg, &dead);
}

/* The key's moment of insertion has come when its worker dies; another one
 * finds it while the master is about to clear the place. */
static void
release_gives_way_to_who_finishes_the_insertion(void **state)
{
	struct state *s;
	struct step step;
	unsigned inserted = 0;

	(void)state;
	skip_unless_steps_are_possible();
	s = state_small(2);
	step_start(&step, walk_take, s);
	while (inserted == 0) {
		assert_true(step_next(&step));
		for (unsigned i = 0; i < SOURCES_SMALL; i++)
			inserted += s->sources[i].insertion != 0;
	}
	step_kill(&step);
	assert_int_equal(count_marks(s), 1);
	interrupt_everywhere(s, walk_release, insert_the_same, nothing_else);
	state_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    insertion_interrupted_anywhere_leaves_one_place),
		cmocka_unit_test(
		    tokens_taken_during_an_interruption_are_counted_once),
		cmocka_unit_test(
		    token_is_not_charged_to_who_takes_the_place_over),
		cmocka_unit_test(
		    worker_killed_in_an_insertion_leaves_a_sound_table),
		cmocka_unit_test(
		    release_gives_way_to_who_finishes_the_insertion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
