/*
 * The rules about descriptors, driven by a fake backend: who is called when,
 * and who no longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "fake.h"

static void
drained_is_not_called_again(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(loop_turn(fake.loop, 9), 0);
	assert_int_equal(fake.timeout_ms, 9);
}

static void
undrained_is_called_next_turn_without_sleeping(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	a.drain = 0;
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(loop_turn(fake.loop, -1), 1);
		assert_int_equal(fake.timeout_ms, 0);
	}
	a.drain = IO_READ;
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(loop_turn(fake.loop, -1), 0);
	assert_int_equal(fake.timeout_ms, -1);
}

/* One that never drains gets one call a turn, like everybody else, and
 * stands behind those that came in between. */
static void
greedy_waits_for_its_turn(void **state)
{
	struct owner greedy, modest;

	(void)state;
	owner_add(&greedy, 'g', IO_READ);
	owner_add(&modest, 'm', IO_READ);
	greedy.drain = 0;
	fake_report(&greedy.io, IO_READ);
	for (unsigned i = 0; i < 3; i++) {
		fake_report(&modest.io, IO_READ);
		assert_int_equal(loop_turn(fake.loop, -1), 2);
	}
	assert_string_equal(fake.trace, "gmgmgm");
}

static void
unwanted_is_not_called_until_it_is_wanted(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', 0);
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, 5), 0);
	assert_int_equal(loop_turn(fake.loop, 5), 0);
	assert_int_equal(fake.timeout_ms, 5);
	io_want(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, 5), 1);
	assert_int_equal(fake.timeout_ms, 0);
}

static void
taking_the_want_away_takes_it_off_the_list(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	a.drain = 0;
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	io_want(&a.io, 0);
	assert_int_equal(loop_turn(fake.loop, 7), 0);
	assert_int_equal(fake.timeout_ms, 7);
}

static void
drained_from_outside_takes_it_off_the_list(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	a.drain = 0;
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	io_drained(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, 7), 0);
	assert_int_equal(fake.timeout_ms, 7);
}

static void
a_callback_can_stop_wanting(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	a.drain = 0;
	a.unwanting = true;
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(loop_turn(fake.loop, -1), 0);
	assert_int_equal(fake.timeout_ms, -1);
}

/* Nobody has to ask the kernel before the first write. */
static void
writing_is_ready_at_first(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	a.drain = IO_WRITE;
	assert_true(io_is_ready(&a.io, IO_WRITE));
	io_want(&a.io, IO_BOTH);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(fake.timeout_ms, 0);
	/* Now it has said EAGAIN: the backend is asked, once. */
	assert_int_equal(fake.interests, 1);
	assert_int_equal(loop_turn(fake.loop, -1), 0);
	fake_report(&a.io, IO_WRITE);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(fake.interests, 1);
}

/* An outgoing connection waits for its first report. */
static void
writing_that_is_wanted_at_once_is_not_ready(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_WRITE);
	assert_false(io_is_ready(&a.io, IO_WRITE));
	assert_int_equal(loop_turn(fake.loop, -1), 0);
	fake_report(&a.io, IO_WRITE);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(fake.interests, 0);
}

static void
edges_cost_no_call_of_the_backend(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	for (unsigned i = 0; i < 10; i++) {
		fake_report(&a.io, IO_READ);
		assert_int_equal(loop_turn(fake.loop, -1), 1);
		io_want(&a.io, 0);
		io_want(&a.io, IO_READ);
	}
	assert_int_equal(fake.adds, 1);
	assert_int_equal(fake.interests, 0);
}

static void
levels_are_told_of_every_change(void **state)
{
	struct owner a;

	(void)state;
	loop_close(fake.loop);
	fake.loop = fake_loop(&fake_level);
	owner_add(&a, 'a', IO_READ);
	io_want(&a.io, 0);
	assert_int_equal(fake.interests, 1);
	assert_int_equal(io_interest(&a.io), 0);
	io_want(&a.io, IO_READ);
	assert_int_equal(fake.interests, 2);
	assert_int_equal(io_interest(&a.io), IO_READ);
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_true(fake.interests >= 3);
	assert_int_equal(io_interest(&a.io), IO_READ);
}

/* fault 32 */
static void
closed_in_the_same_batch_is_not_called(void **state)
{
	struct owner a, b, c;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	owner_add(&b, 'b', IO_READ);
	owner_add(&c, 'c', IO_READ);
	a.closes = &b;
	fake_report(&a.io, IO_READ);
	fake_report(&b.io, IO_READ);
	fake_report(&c.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 2);
	assert_string_equal(fake.trace, "ac");
	assert_int_equal(fake.removes, 1);
}

static void
a_callback_can_close_itself(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	a.drain = 0;
	a.closes = &a;
	fake_report(&a.io, IO_READ | EVENT_HANGUP);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(loop_turn(fake.loop, -1), 0);
	assert_int_equal(fake.removes, 1);
}

static void
added_in_a_callback_lives(void **state)
{
	struct owner a, b;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	owner_init(&b, 'b');
	a.adds = &b;
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	fake_report(&b.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_string_equal(fake.trace, "ab");
}

/* A stale event would meet the new owner of the memory: the loop must not
 * remember anything of what was there before. */
static void
removed_and_added_again_starts_anew(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	a.drain = 0;
	fake_report(&a.io, EVENT_HANGUP);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	io_remove(&a.io);
	assert_int_equal(io_add(fake.loop, &a.io, IO_READ), 0);
	assert_false(a.io.eof);
	assert_false(a.io.hangup);
	assert_int_equal(loop_turn(fake.loop, 3), 0);
	assert_int_equal(fake.timeout_ms, 3);
}

/* A callback that makes another one's data wanted does not lengthen this
 * turn. */
static void
wanted_by_a_callback_is_called_next_turn(void **state)
{
	struct owner a, b;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	owner_add(&b, 'b', 0);
	a.wakes = &b;
	fake_report(&a.io, IO_READ);
	fake_report(&b.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(fake.timeout_ms, 0);
	assert_string_equal(fake.trace, "ab");
}

static void
events_of_one_batch_add_up_to_one_call(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_BOTH);
	a.drain = IO_BOTH;
	fake_report(&a.io, IO_READ);
	fake_report(&a.io, IO_WRITE);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(a.calls, 1);
}

static void
hang_up_is_told_once_to_an_owner_that_wants_nothing(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', 0);
	a.drain = 0;
	fake_report(&a.io, EVENT_HANGUP);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_true(a.io.hangup);
	assert_true(a.io.eof);
	fake_report(&a.io, EVENT_HANGUP);
	assert_int_equal(loop_turn(fake.loop, 8), 0);
	assert_int_equal(loop_turn(fake.loop, 8), 0);
	assert_int_equal(fake.timeout_ms, 8);
}

static void
the_end_makes_readable(void **state)
{
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	fake_report(&a.io, EVENT_EOF);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_true(a.io.eof);
	assert_false(a.io.hangup);
}

static void
not_in_a_loop_does_no_harm(void **state)
{
	struct owner a;

	(void)state;
	owner_init(&a, 'a');
	io_want(&a.io, IO_BOTH);
	io_drained(&a.io, IO_BOTH);
	io_remove(&a.io);
	assert_int_equal(fake.removes, 0);
	a.io.fd = -1;
	io_close(&a.io);
	assert_int_equal(loop_turn(fake.loop, 1), 0);
}

static void
refused_descriptor_is_in_no_loop(void **state)
{
	struct owner a;

	(void)state;
	owner_init(&a, 'a');
	fake.fail_add = EMFILE;
	assert_int_equal(io_add(fake.loop, &a.io, IO_READ), -1);
	assert_int_equal(errno, EMFILE);
	assert_string_equal(
	    loop_error_hint(fake.loop, EMFILE), "use a real one");
	assert_null(loop_error_hint(fake.loop, ENOMEM));
	assert_null(a.io.loop);
	io_remove(&a.io);
	assert_int_equal(fake.removes, 0);
}

static void
a_process_that_forks_shares_everything(void **state)
{
	struct owner a, b;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	assert_false(a.io.shared);
	loop_expect_forks(fake.loop);
	owner_add(&b, 'b', IO_READ);
	assert_true(b.io.shared);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, fake_set_up, fake_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(drained_is_not_called_again),
		TEST(undrained_is_called_next_turn_without_sleeping),
		TEST(greedy_waits_for_its_turn),
		TEST(unwanted_is_not_called_until_it_is_wanted),
		TEST(taking_the_want_away_takes_it_off_the_list),
		TEST(drained_from_outside_takes_it_off_the_list),
		TEST(a_callback_can_stop_wanting),
		TEST(writing_is_ready_at_first),
		TEST(writing_that_is_wanted_at_once_is_not_ready),
		TEST(edges_cost_no_call_of_the_backend),
		TEST(levels_are_told_of_every_change),
		TEST(closed_in_the_same_batch_is_not_called),
		TEST(a_callback_can_close_itself),
		TEST(added_in_a_callback_lives),
		TEST(removed_and_added_again_starts_anew),
		TEST(wanted_by_a_callback_is_called_next_turn),
		TEST(events_of_one_batch_add_up_to_one_call),
		TEST(hang_up_is_told_once_to_an_owner_that_wants_nothing),
		TEST(the_end_makes_readable),
		TEST(not_in_a_loop_does_no_harm),
		TEST(refused_descriptor_is_in_no_loop),
		TEST(a_process_that_forks_shares_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
