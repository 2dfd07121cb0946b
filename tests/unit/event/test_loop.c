/*
 * The rules of a turn, driven by a fake backend and a fake clock: for how long
 * it sleeps, what comes in which order, and what lives how long.
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
nothing_to_do_sleeps_as_long_as_it_may(void **state)
{
	(void)state;
	assert_int_equal(loop_turn(fake.loop, -1), 0);
	assert_int_equal(fake.timeout_ms, -1);
	assert_int_equal(loop_turn(fake.loop, 250), 0);
	assert_int_equal(fake.timeout_ms, 250);
}

static void
a_turn_reads_the_clock_once(void **state)
{
	struct owner a, b;
	unsigned before = fake.reads;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	owner_add(&b, 'b', IO_READ);
	fake_report(&a.io, IO_READ);
	fake_report(&b.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 2);
	assert_int_equal(fake.reads - before, 1);
	assert_int_equal(loop_now(fake.loop), fake.now_ms);
}

struct noting_hook {
	struct loop_hook hook;
	char name;
	struct noting_hook *removes;
	struct noting_hook *adds;
	struct io *wants;
};

static void
on_hook(struct loop_hook *hook)
{
	struct noting_hook *self = container_of(hook, struct noting_hook, hook);

	fake_note(self->name);
	if (self->removes != NULL)
		loop_remove_hook(&self->removes->hook);
	if (self->adds != NULL)
		loop_add_hook(fake.loop, &self->adds->hook, on_hook);
	if (self->wants != NULL)
		io_want(self->wants, IO_READ);
	self->adds = NULL;
}

static void
hooks_run_at_the_end_in_order(void **state)
{
	struct noting_hook x = { .name = 'x' }, y = { .name = 'y' };
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	loop_add_hook(fake.loop, &x.hook, on_hook);
	loop_add_hook(fake.loop, &y.hook, on_hook);
	fake_report(&a.io, IO_READ);
	loop_turn(fake.loop, -1);
	loop_turn(fake.loop, -1);
	loop_remove_hook(&x.hook);
	loop_turn(fake.loop, -1);
	assert_string_equal(fake.trace, "axyxyy");
}

static void
hooks_may_add_and_remove_hooks(void **state)
{
	struct noting_hook x = { .name = 'x' }, y = { .name = 'y' },
			   z = { .name = 'z' };

	(void)state;
	x.removes = &y;
	x.adds = &z;
	loop_add_hook(fake.loop, &x.hook, on_hook);
	loop_add_hook(fake.loop, &y.hook, on_hook);
	loop_turn(fake.loop, -1);
	assert_string_equal(fake.trace, "x");
	z.removes = &z;
	loop_turn(fake.loop, -1);
	loop_turn(fake.loop, -1);
	assert_string_equal(fake.trace, "xxzx");
}

static void
what_a_hook_makes_ready_keeps_the_loop_awake(void **state)
{
	struct noting_hook x = { .name = 'x' };
	struct owner a;

	(void)state;
	owner_add(&a, 'a', 0);
	x.wants = &a.io;
	loop_add_hook(fake.loop, &x.hook, on_hook);
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 0);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_int_equal(fake.timeout_ms, 0);
}

struct corpse {
	struct retired retired;
	struct owner owner;
	struct corpse *next;
};

static void
bury(struct retired *retired)
{
	struct corpse *corpse = container_of(retired, struct corpse, retired);

	fake_note('f');
	if (corpse->next != NULL)
		loop_retire(fake.loop, &corpse->next->retired, bury);
	test_free(corpse);
}

static void
on_corpse(struct io *io)
{
	struct corpse *corpse = container_of(io, struct corpse, owner.io);

	fake_note('c');
	io_remove(io);
	loop_retire(fake.loop, &corpse->retired, bury);
}

/* An address sanitizer or valgrind tells if the loop looks at it after. */
static void
retired_is_freed_after_the_hooks_of_its_turn(void **state)
{
	struct corpse *first = test_calloc(1, sizeof(*first));
	struct corpse *second = test_calloc(1, sizeof(*second));
	struct noting_hook x = { .name = 'x' };

	(void)state;
	first->next = second;
	io_init(&first->owner.io, 3, on_corpse, 0);
	assert_int_equal(io_add(fake.loop, &first->owner.io, IO_READ), 0);
	loop_add_hook(fake.loop, &x.hook, on_hook);
	fake_report(&first->owner.io, EVENT_HANGUP);
	loop_turn(fake.loop, -1);
	assert_string_equal(fake.trace, "cxff");
}

static void
closing_the_loop_frees_what_is_retired(void **state)
{
	struct corpse *corpse = test_calloc(1, sizeof(*corpse));

	(void)state;
	loop_retire(fake.loop, &corpse->retired, bury);
	loop_close(fake.loop);
	fake.loop = NULL;
	assert_string_equal(fake.trace, "f");
}

struct noting_timer {
	struct timer timer;
	char name;
	uint64_t again_ms;
	struct io *wants;
};

static void
on_timer(struct timer *timer)
{
	struct noting_timer *self =
	    container_of(timer, struct noting_timer, timer);

	fake_note(self->name);
	if (self->again_ms != 0)
		loop_timer_set(fake.loop, timer, self->again_ms);
	if (self->wants != NULL)
		io_want(self->wants, IO_READ);
}

static void
timer_init_noting(struct noting_timer *timer, char name)
{
	memset(timer, 0, sizeof(*timer));
	timer->name = name;
	timer_init(&timer->timer, on_timer);
}

static void
the_sleep_ends_at_the_next_timer(void **state)
{
	struct noting_timer t;

	(void)state;
	timer_init_noting(&t, 't');
	loop_timer_set(fake.loop, &t.timer, 40);
	loop_turn(fake.loop, 10);
	assert_int_equal(fake.timeout_ms, 10);
	loop_turn(fake.loop, -1);
	assert_int_equal(fake.timeout_ms, 30);
	assert_string_equal(fake.trace, "t");
	loop_turn(fake.loop, -1);
	assert_int_equal(fake.timeout_ms, -1);
}

static void
a_distant_timer_does_not_overflow_the_timeout(void **state)
{
	struct noting_timer t;

	(void)state;
	timer_init_noting(&t, 't');
	loop_timer_set(fake.loop, &t.timer, UINT64_C(1) << 40);
	loop_turn(fake.loop, -1);
	assert_true(fake.timeout_ms > 0);
	assert_string_equal(fake.trace, "");
	loop_timer_cancel(fake.loop, &t.timer);
}

static void
timers_come_before_descriptors(void **state)
{
	struct noting_timer t;
	struct owner a;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	timer_init_noting(&t, 't');
	loop_timer_set(fake.loop, &t.timer, 5);
	fake.stall_ms = 5;
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_string_equal(fake.trace, "ta");
}

/* What a timer makes wanted runs in the same turn. */
static void
a_timer_can_wake_a_descriptor(void **state)
{
	struct noting_timer t;
	struct owner a;

	(void)state;
	owner_add(&a, 'a', 0);
	fake_report(&a.io, IO_READ);
	loop_turn(fake.loop, 0);
	timer_init_noting(&t, 't');
	t.wants = &a.io;
	loop_timer_set(fake.loop, &t.timer, 5);
	assert_int_equal(loop_turn(fake.loop, -1), 1);
	assert_string_equal(fake.trace, "ta");
}

static void
delay_zero_comes_next_turn_without_sleeping(void **state)
{
	struct noting_timer t;

	(void)state;
	timer_init_noting(&t, 't');
	loop_timer_set(fake.loop, &t.timer, 0);
	loop_turn(fake.loop, -1);
	assert_int_equal(fake.timeout_ms, 0);
	assert_string_equal(fake.trace, "t");
}

/* A timer that sets itself again at once leaves the others their turns. */
static void
a_timer_cannot_hold_the_turn(void **state)
{
	struct noting_timer t;

	(void)state;
	timer_init_noting(&t, 't');
	t.again_ms = 1;
	loop_timer_set(fake.loop, &t.timer, 1);
	fake.stall_ms = 50;
	loop_turn(fake.loop, 0);
	loop_turn(fake.loop, 0);
	assert_string_equal(fake.trace, "tt");
	loop_timer_cancel(fake.loop, &t.timer);
}

static void
repeating_timer_comes_once_however_late(void **state)
{
	struct noting_timer t;

	(void)state;
	timer_init_noting(&t, 't');
	loop_timer_repeat(fake.loop, &t.timer, 10);
	for (unsigned i = 0; i < 3; i++)
		loop_turn(fake.loop, -1);
	assert_string_equal(fake.trace, "ttt");
	fake.stall_ms = 1000;
	loop_turn(fake.loop, -1);
	assert_string_equal(fake.trace, "tttt");
	loop_timer_set(fake.loop, &t.timer, 10);
	loop_turn(fake.loop, -1);
	loop_turn(fake.loop, 100);
	assert_string_equal(fake.trace, "ttttt");
}

static void
outside_of_a_turn_the_clock_is_read_on_request(void **state)
{
	struct noting_timer t;

	(void)state;
	timer_init_noting(&t, 't');
	fake.now_ms += 500;
	loop_update_clock(fake.loop);
	loop_timer_set(fake.loop, &t.timer, 20);
	loop_turn(fake.loop, -1);
	assert_int_equal(fake.timeout_ms, 20);
	assert_string_equal(fake.trace, "t");
}

static void
run_ends_after_the_turn_that_stops_it(void **state)
{
	struct owner a, b;

	(void)state;
	owner_add(&a, 'a', IO_READ);
	owner_add(&b, 'b', IO_READ);
	a.stops = true;
	fake_report(&a.io, IO_READ);
	fake_report(&b.io, IO_READ);
	assert_int_equal(loop_run(fake.loop), 0);
	assert_string_equal(fake.trace, "ab");
	assert_int_equal(fake.waits, 1);
	/* It can be run again. */
	fake_report(&a.io, IO_READ);
	assert_int_equal(loop_run(fake.loop), 0);
	assert_int_equal(fake.waits, 2);
}

static void
stopped_before_it_runs_makes_no_turn(void **state)
{
	(void)state;
	loop_stop(fake.loop);
	assert_int_equal(loop_run(fake.loop), 0);
	assert_int_equal(fake.waits, 0);
}

static void
a_backend_that_fails_ends_the_run(void **state)
{
	(void)state;
	fake.fail_wait = EBADF;
	assert_int_equal(loop_turn(fake.loop, -1), -1);
	assert_int_equal(loop_run(fake.loop), -1);
	assert_int_equal(errno, EBADF);
}

static void
a_backend_that_cannot_open_gives_no_loop(void **state)
{
	(void)state;
	fake.fail_open = ENOSYS;
	assert_null(fake_loop(&fake_edge));
	assert_int_equal(errno, ENOSYS);
}

static void
backends_are_found_by_name(void **state)
{
	struct loop *named;

	(void)state;
	assert_non_null(event_backends[0]);
	for (size_t i = 0; event_backends[i] != NULL; i++) {
		assert_ptr_equal(event_backend_find(event_backends[i]->name),
		    event_backends[i]);
		named = loop_open(event_backends[i]->name);
		assert_non_null(named);
		assert_string_equal(
		    loop_backend_name(named), event_backends[i]->name);
		loop_close(named);
	}
	assert_null(event_backend_find("smoke-signals"));
	assert_null(loop_open("smoke-signals"));
	assert_int_equal(errno, ENOENT);
}

static void
auto_takes_the_first(void **state)
{
	struct loop *best = loop_open("auto");

	(void)state;
	assert_non_null(best);
	assert_string_equal(loop_backend_name(best), event_backends[0]->name);
	loop_close(best);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, fake_set_up, fake_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_to_do_sleeps_as_long_as_it_may),
		TEST(a_turn_reads_the_clock_once),
		TEST(hooks_run_at_the_end_in_order),
		TEST(hooks_may_add_and_remove_hooks),
		TEST(what_a_hook_makes_ready_keeps_the_loop_awake),
		TEST(retired_is_freed_after_the_hooks_of_its_turn),
		TEST(closing_the_loop_frees_what_is_retired),
		TEST(the_sleep_ends_at_the_next_timer),
		TEST(a_distant_timer_does_not_overflow_the_timeout),
		TEST(timers_come_before_descriptors),
		TEST(a_timer_can_wake_a_descriptor),
		TEST(delay_zero_comes_next_turn_without_sleeping),
		TEST(a_timer_cannot_hold_the_turn),
		TEST(repeating_timer_comes_once_however_late),
		TEST(outside_of_a_turn_the_clock_is_read_on_request),
		TEST(run_ends_after_the_turn_that_stops_it),
		TEST(stopped_before_it_runs_makes_no_turn),
		TEST(a_backend_that_fails_ends_the_run),
		TEST(a_backend_that_cannot_open_gives_no_loop),
		TEST(backends_are_found_by_name),
		TEST(auto_takes_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
