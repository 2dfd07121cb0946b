/*
 * Counts that survive the death of those who change them: first what a call
 * does, then a process that is stopped between any two instructions of a
 * change, with the others changing the same count meanwhile.
 */
#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "state/tally.h"
#include "step.h"

#define AUTHORS 3
#define MAX     6

/* What the processes share, here: two tallies, and what each author holds of
 * them. */
struct arena {
	struct tally_place places[AUTHORS];
	struct tally tally[2];
	_Atomic uint32_t held[AUTHORS][2];
};

static struct tally_author
author_of(struct arena *arena, unsigned worker)
{
	return (struct tally_author){
		.base = (unsigned char *)arena,
		.size = sizeof(*arena),
		.places = (unsigned char *)arena->places,
		.stride = sizeof(arena->places[0]),
		.authors = AUTHORS,
		.worker = worker,
	};
}

static bool
take(struct arena *arena, unsigned worker, unsigned which, uint32_t n)
{
	struct tally_author author = author_of(arena, worker);
	_Atomic uint32_t *held = &arena->held[worker][which];

	return tally_take(
	    &author, &arena->tally[which], n, MAX, held, *held + n);
}

static void
give(struct arena *arena, unsigned worker, unsigned which, uint32_t n)
{
	struct tally_author author = author_of(arena, worker);
	_Atomic uint32_t *held = &arena->held[worker][which];

	tally_give(&author, &arena->tally[which], n, held, *held - n);
}

static void
recover(struct arena *arena, unsigned worker)
{
	struct tally_author author = author_of(arena, worker);

	tally_recover(&author);
}

static uint32_t
count(const struct arena *arena, unsigned which)
{
	return tally_read(&arena->tally[which]);
}

/* The counts are what the authors hold, and no more than allowed. */
static void
assert_exact(const struct arena *arena)
{
	for (unsigned which = 0; which < 2; which++) {
		uint32_t sum = 0;

		for (unsigned i = 0; i < AUTHORS; i++)
			sum += arena->held[i][which];
		assert_int_equal(count(arena, which), sum);
		assert_in_range(sum, 0, MAX);
	}
}

static void
take_stops_at_the_maximum(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_true(take(&arena, 0, 0, MAX - 1));
	assert_false(take(&arena, 1, 0, 2));
	assert_true(take(&arena, 1, 0, 1));
	assert_false(take(&arena, 0, 0, 1));
	assert_int_equal(count(&arena, 0), MAX);
	give(&arena, 0, 0, 3);
	assert_true(take(&arena, 1, 0, 3));
	assert_exact(&arena);
}

static void
refused_take_leaves_the_holder_alone(void **state)
{
	struct arena arena = { 0 };
	struct tally_author author = author_of(&arena, 0);

	(void)state;
	arena.held[0][0] = 77;
	assert_false(
	    tally_take(&author, &arena.tally[0], 3, 2, &arena.held[0][0], 80));
	assert_int_equal(arena.held[0][0], 77);
	assert_int_equal(count(&arena, 0), 0);
}

static void
no_count_passes_what_the_word_holds(void **state)
{
	struct arena arena = { 0 };
	struct tally_author author = author_of(&arena, 0);
	_Atomic uint32_t *held = &arena.held[0][0];

	(void)state;
	assert_true(tally_take(
	    &author, &arena.tally[0], TALLY_MAX, UINT32_MAX, held, TALLY_MAX));
	assert_false(
	    tally_take(&author, &arena.tally[0], 1, UINT32_MAX, held, 1));
	assert_false(tally_take(
	    &author, &arena.tally[0], UINT32_MAX, UINT32_MAX, held, 1));
	assert_int_equal(count(&arena, 0), TALLY_MAX);
}

static void
count_never_falls_below_zero(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_true(take(&arena, 0, 0, 1));
	give(&arena, 0, 0, 5);
	assert_int_equal(count(&arena, 0), 0);
}

static void
swap_fails_when_the_word_was_changed_and_changed_back(void **state)
{
	struct arena arena = { 0 };
	struct tally_author author = author_of(&arena, 0);
	uint64_t seen = arena.tally[0].word;

	(void)state;
	assert_true(take(&arena, 1, 0, 1));
	give(&arena, 1, 0, 1);
	assert_int_equal(tally_word_count(arena.tally[0].word), 0);
	assert_false(tally_swap(
	    &author, &arena.tally[0], seen, 1, &arena.held[0][0], 1));
	assert_int_equal(arena.held[0][0], 0);
	seen = arena.tally[0].word;
	assert_true(tally_swap(
	    &author, &arena.tally[0], seen, 1, &arena.held[0][0], 1));
	assert_exact(&arena);
}

static void
nothing_is_taken_from_a_marked_tally(void **state)
{
	struct arena arena = { 0 };
	struct tally_author author = author_of(&arena, 0);

	(void)state;
	assert_true(tally_swap(&author, &arena.tally[0], arena.tally[0].word,
	    TALLY_MARK, NULL, 0));
	assert_int_equal(count(&arena, 0), 0);
	assert_false(take(&arena, 1, 0, 0));
	assert_true(tally_swap(
	    &author, &arena.tally[0], arena.tally[0].word, 0, NULL, 0));
	assert_true(take(&arena, 1, 0, 1));
	assert_exact(&arena);
}

/* Somebody gone mad gives back what it never held. */
static void
giving_to_a_marked_tally_leaves_the_mark(void **state)
{
	struct arena arena = { 0 };
	struct tally_author author = author_of(&arena, 0);
	uint64_t marked;

	(void)state;
	assert_true(tally_swap(&author, &arena.tally[0], arena.tally[0].word,
	    TALLY_MARK, NULL, 0));
	marked = arena.tally[0].word;
	arena.held[1][0] = 1;
	give(&arena, 1, 0, 1);
	assert_int_equal(arena.tally[0].word, marked);
	assert_int_equal(arena.held[1][0], 0);
}

static void
recovery_ignores_an_intent_that_leads_out_of_the_memory(void **state)
{
	static const uint64_t bad[] = { sizeof(struct arena),
		sizeof(struct arena) - 1, UINT64_MAX, UINT64_MAX - 7, 1 };
	struct arena arena = { 0 }, before;
	struct tally_op *op = &arena.places[1].op;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&arena, 0, sizeof(arena));
		op->active = 1;
		op->holder_after = 0xdead;
		op->tally_offset =
		    i % 2 == 0 ? bad[i] : offsetof(struct arena, tally);
		op->holder_offset = bad[i];
		before = arena;
		recover(&arena, 1);
		assert_int_equal(op->active, 0);
		op->active = 1;
		assert_memory_equal(&before, &arena, sizeof(arena));
	}
}

/* ---- a change, one instruction at a time ---- */

/* The walked process is author 0; all it does is one of these. */
static void
walk_take(void *arg)
{
	take(arg, 0, 0, 2);
}

static void
walk_give(void *arg)
{
	give(arg, 0, 0, 1);
}

static void
walk_take_and_give(void *arg)
{
	if (take(arg, 0, 0, 1))
		give(arg, 0, 0, 1);
}

/* What others do meanwhile, or between the death and the recovery. */
static void
others_do_nothing(struct arena *arena)
{
	(void)arena;
}

static void
give_if_held(struct arena *arena, unsigned worker, unsigned which)
{
	if (arena->held[worker][which] > 0)
		give(arena, worker, which, 1);
}

static void
others_take(struct arena *arena)
{
	take(arena, 1, 0, 1);
}

static void
others_replace_each_other(struct arena *arena)
{
	take(arena, 1, 0, 1);
	give_if_held(arena, 2, 0);
	give_if_held(arena, 1, 0);
	take(arena, 2, 0, 1);
}

/* Author 1 first replaces what may be the newest signature of author 0, then
 * an old one of it that stands in the other tally. */
static void
others_meet_an_older_signature(struct arena *arena)
{
	take(arena, 1, 0, 1);
	give_if_held(arena, 1, 1);
}

static void
others_fill_it(struct arena *arena)
{
	while (take(arena, 2, 0, 1))
		;
}

static void (*const others[])(struct arena *arena) = {
	others_replace_each_other,
	others_meet_an_older_signature,
	others_take,
	others_fill_it,
	others_do_nothing,
};

#define NOTHERS (sizeof(others) / sizeof(others[0]))

/*
 * An arena where all hold something, author 0's signature is in the second
 * tally, and its numbers begin after seq; the notes about it are all 0, as
 * those of a worker that never met it.
 */
static void
arena_fill(struct arena *arena, uint32_t seq)
{
	memset(arena, 0, sizeof(*arena));
	arena->places[0].op.seq = seq;
	assert_true(take(arena, 1, 0, 1));
	assert_true(take(arena, 1, 1, 2));
	assert_true(take(arena, 2, 0, 1));
	assert_true(take(arena, 0, 0, 1));
	assert_true(take(arena, 0, 1, 1));
	assert_exact(arena);
}

/* Were author 0 killed now: whatever the others do before its recovery, the
 * counts are exact after it, and its successor can go on. */
static void
check_death(const struct arena *now)
{
	for (size_t i = 0; i < NOTHERS; i++) {
		struct arena copy;

		memcpy(&copy, now, sizeof(copy));
		others[i](&copy);
		recover(&copy, 0);
		assert_exact(&copy);
		give(&copy, 0, 0, copy.held[0][0]);
		give(&copy, 0, 1, copy.held[0][1]);
		assert_exact(&copy);
		give(&copy, 2, 0, copy.held[2][0]);
		assert_true(take(&copy, 0, 0, MAX - copy.held[1][0]));
		assert_exact(&copy);
	}
}

/* Walk to step number stop, where the others change the live arena, and then
 * on to the end.  False when the walk is shorter than that. */
static bool
walk(struct arena *arena, void (*fn)(void *arg), unsigned stop,
    void (*other)(struct arena *arena))
{
	struct step step;
	unsigned n = 0;

	step_start(&step, fn, arena);
	do {
		if (n++ == stop)
			other(arena);
		check_death(arena);
	} while (step_next(&step));
	check_death(arena);
	assert_int_equal(arena->places[0].op.active, 0);
	assert_exact(arena);
	return n > stop;
}

static struct arena *
arena_new(void)
{
	struct arena *arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(arena, MAP_FAILED);
	return arena;
}

/* Walk through fn, then again and again with each of the n changes by others
 * at each step. */
static void
walk_all(void (*fn)(void *arg), void (*const meanwhile[])(struct arena *arena),
    size_t n)
{
	/* Numbers that are new, half around and about to wrap. */
	static const uint32_t seqs[] = { 0, 0x7ffffffe, 0x80000007, 0xfffffffc,
		0xfffffffd };
	struct arena *arena;

	if (!step_possible()) {
		print_message("single steps are not possible here\n");
		skip();
	}
	arena = arena_new();
	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		arena_fill(arena, seqs[i]);
		assert_true(walk(arena, fn, 0, others_do_nothing));
	}
	for (size_t i = 0; i < n; i++) {
		unsigned stop = 0;

		do
			arena_fill(arena, seqs[stop % 5]);
		while (walk(arena, fn, stop++, meanwhile[i]));
	}
	munmap(arena, sizeof(*arena));
}

/* fault 70 */
static void
take_killed_anywhere_is_done_or_not(void **state)
{
	(void)state;
	walk_all(walk_take, others, 3);
}

/* fault 70 */
static void
give_killed_anywhere_is_done_or_not(void **state)
{
	(void)state;
	walk_all(walk_give, others, 3);
}

/* fault 70 */
static void
two_changes_killed_anywhere_are_done_or_not(void **state)
{
	(void)state;
	walk_all(walk_take_and_give, others, 2);
}

/* Author 0 replaces the signature of author 1, which has died between its
 * swap and its holder; then it dies too, or not. */
static void
check_two_deaths(const struct arena *now)
{
	static const unsigned order[][2] = { { 0, 1 }, { 1, 0 } };

	for (size_t i = 0; i < 2; i++) {
		struct arena copy;

		memcpy(&copy, now, sizeof(copy));
		recover(&copy, order[i][0]);
		take(&copy, 2, 0, 1);
		recover(&copy, order[i][1]);
		assert_exact(&copy);
	}
}

/* fault 70 */
static void
helper_killed_anywhere_keeps_the_evidence(void **state)
{
	struct arena *arena;
	struct step step;

	(void)state;
	if (!step_possible()) {
		print_message("single steps are not possible here\n");
		skip();
	}
	arena = arena_new();
	arena_fill(arena, 0);
	assert_true(take(arena, 1, 0, 2));
	arena->held[1][0] -= 2;
	arena->places[1].op.active = 1;
	step_start(&step, walk_take_and_give, arena);
	do
		check_two_deaths(arena);
	while (step_next(&step));
	check_two_deaths(arena);
	recover(arena, 1);
	assert_exact(arena);
	munmap(arena, sizeof(*arena));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(take_stops_at_the_maximum),
		cmocka_unit_test(refused_take_leaves_the_holder_alone),
		cmocka_unit_test(no_count_passes_what_the_word_holds),
		cmocka_unit_test(count_never_falls_below_zero),
		cmocka_unit_test(
		    swap_fails_when_the_word_was_changed_and_changed_back),
		cmocka_unit_test(nothing_is_taken_from_a_marked_tally),
		cmocka_unit_test(giving_to_a_marked_tally_leaves_the_mark),
		cmocka_unit_test(
		    recovery_ignores_an_intent_that_leads_out_of_the_memory),
		cmocka_unit_test(take_killed_anywhere_is_done_or_not),
		cmocka_unit_test(give_killed_anywhere_is_done_or_not),
		cmocka_unit_test(two_changes_killed_anywhere_are_done_or_not),
		cmocka_unit_test(helper_killed_anywhere_keeps_the_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
