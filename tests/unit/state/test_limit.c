/*
 * Limits and those who wait for them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "state/limit.h"
#include "support.h"

#define WORKERS 70 /* more than the bits of one word */

struct woken {
	const struct tally *tally;
	unsigned times[WORKERS];
	unsigned total;
	uint32_t count; /* of the tally, when it was told last */
};

static void
note_wake(void *arg, unsigned worker)
{
	struct woken *woken = arg;

	assert_in_range(worker, 0, WORKERS - 1);
	woken->times[worker]++;
	woken->total++;
	woken->count = tally_read(woken->tally);
}

struct fixture {
	struct state *state;
	struct woken woken;
	struct tally_author author;
	_Atomic uint32_t *held;
};

static int
set_up(void **p)
{
	static struct fixture f;

	f.state = state_small(WORKERS);
	memset(&f.woken, 0, sizeof(f.woken));
	f.state->wake = note_wake;
	f.state->wake_arg = &f.woken;
	f.woken.tally = &f.state->total->tally;
	f.author = state_author(f.state, 3);
	f.held = &f.state->workers[3].memory_held;
	*p = &f;
	return 0;
}

static int
tear_down(void **p)
{
	struct fixture *f = *p;

	state_close(f->state);
	return 0;
}

/* fault 70 */
static void
limit_admits_n_and_not_one_more(void **p)
{
	struct fixture *f = *p;
	struct limit *limit = f->state->total;

	for (uint32_t i = 1; i <= 5; i++)
		assert_true(limit_take(limit, &f->author, 1, 5, f->held, i));
	assert_false(limit_take(limit, &f->author, 1, 5, f->held, 6));
	assert_int_equal(*f->held, 5);
	limit_give(f->state, limit, &f->author, 1, f->held, 4);
	assert_true(limit_take(limit, &f->author, 1, 5, f->held, 5));
	assert_false(limit_take(limit, &f->author, 1, 5, f->held, 6));
	assert_int_equal(tally_read(&limit->tally), 5);
}

static void
give_wakes_all_who_wait_once(void **p)
{
	static const unsigned waiters[] = { 0, 3, 63, 64, WORKERS - 1 };
	struct fixture *f = *p;
	struct limit *limit = f->state->total;

	assert_true(limit_take(limit, &f->author, 2, 2, f->held, 2));
	for (size_t i = 0; i < 5; i++)
		limit_wait(limit, waiters[i]);
	limit_give(f->state, limit, &f->author, 1, f->held, 1);
	assert_int_equal(f->woken.total, 5);
	/* Not before there is something to have. */
	assert_int_equal(f->woken.count, 1);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(f->woken.times[waiters[i]], 1);
	limit_give(f->state, limit, &f->author, 1, f->held, 0);
	assert_int_equal(f->woken.total, 5);
}

static void
who_waits_no_longer_is_not_woken(void **p)
{
	struct fixture *f = *p;
	struct limit *limit = f->state->total;

	limit_wait(limit, 64);
	limit_wait(limit, 65);
	limit_unwait(limit, 64);
	limit_unwait(limit, 66);
	limit_wake(f->state, limit);
	assert_int_equal(f->woken.total, 1);
	assert_int_equal(f->woken.times[65], 1);
}

static void
waiters_of_one_limit_are_not_those_of_another(void **p)
{
	struct fixture *f = *p;

	limit_wait(f->state->total, 1);
	limit_wake(f->state, f->state->memory);
	limit_wake(f->state, &f->state->services[0].connections);
	assert_int_equal(f->woken.total, 0);
	limit_wake(f->state, f->state->total);
	assert_int_equal(f->woken.total, 1);
}

static void
without_a_way_to_wake_nothing_breaks(void **p)
{
	struct fixture *f = *p;

	f->state->wake = NULL;
	limit_wait(f->state->total, 1);
	limit_wake(f->state, f->state->total);
	assert_int_equal(f->woken.total, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    limit_admits_n_and_not_one_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    give_wakes_all_who_wait_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    who_waits_no_longer_is_not_woken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    waiters_of_one_limit_are_not_those_of_another, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    without_a_way_to_wake_nothing_breaks, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
