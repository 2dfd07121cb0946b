/*
 * Conformance: timers and the length of sleeps on the real clock, and the
 * whole life of a small loop.
 */
#include <sys/socket.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "conformance.h"
#include "stepped_clock.h"

struct alarm {
	struct timer timer;
	struct conformance *test;
	unsigned calls;
	unsigned *order; /* counted up in each call; seen keeps it */
	unsigned seen;
	unsigned stop_after; /* calls, then the loop is stopped */
};

static void
on_alarm(struct timer *timer)
{
	struct alarm *alarm = container_of(timer, struct alarm, timer);

	alarm->calls++;
	if (alarm->order != NULL)
		alarm->seen = ++*alarm->order;
	if (alarm->calls == alarm->stop_after)
		loop_stop(alarm->test->loop);
}

static void
alarm_init(struct alarm *alarm, struct conformance *test)
{
	memset(alarm, 0, sizeof(*alarm));
	alarm->test = test;
	timer_init(&alarm->timer, on_alarm);
}

static void
timers_come_in_order_and_never_early(void **state)
{
	static const uint64_t delays[] = { 30, 1, 17, 0, 65, 8, 64, 2 };
	static const unsigned order[] = { 6, 2, 5, 1, 8, 4, 7, 3 };
	enum { N = sizeof(delays) / sizeof(delays[0]) };
	struct conformance *test = *state;
	struct alarm alarms[N];
	unsigned count = 0;
	uint64_t begin;

	loop_update_clock(test->loop);
	begin = loop_now(test->loop);
	for (unsigned i = 0; i < N; i++) {
		alarm_init(&alarms[i], test);
		alarms[i].order = &count;
		loop_timer_set(test->loop, &alarms[i].timer, delays[i]);
	}
	while (count < N) {
		assert_int_equal(loop_turn(test->loop, -1), 0);
		for (unsigned i = 0; i < N; i++)
			if (loop_now(test->loop) < begin + delays[i])
				assert_int_equal(alarms[i].calls, 0);
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(alarms[i].seen, order[i]);
}

/* The sleep is never so short that the loop goes around for nothing: one
 * wake-up for each ring of the wheel at most. */
static void
waiting_for_a_timer_does_not_spin(void **state)
{
	struct conformance *test = *state;
	uint64_t before = test->loop->turns;
	struct alarm alarm;

	alarm_init(&alarm, test);
	loop_update_clock(test->loop);
	loop_timer_set(test->loop, &alarm.timer, 100);
	while (alarm.calls == 0)
		assert_int_equal(loop_turn(test->loop, -1), 0);
	assert_in_range(test->loop->turns - before, 1, TIMER_RINGS);
}

static void
repeating_timer_repeats_until_it_is_cancelled(void **state)
{
	struct conformance *test = *state;
	struct alarm alarm;

	alarm_init(&alarm, test);
	loop_timer_repeat(test->loop, &alarm.timer, 2);
	while (alarm.calls < 5)
		assert_int_equal(loop_turn(test->loop, -1), 0);
	loop_timer_cancel(test->loop, &alarm.timer);
	assert_int_equal(loop_turn(test->loop, 5), 0);
	assert_int_equal(alarm.calls, 5);
}

/* fault 39 */
static void
a_step_of_the_wall_clock_moves_no_timer(void **state)
{
	static const int64_t steps[] = { 3600, -3600 };
	struct conformance *test = *state;
	struct alarm soon, later;
	int64_t wall;

	for (unsigned i = 0; i < 2; i++) {
		alarm_init(&soon, test);
		alarm_init(&later, test);
		loop_update_clock(test->loop);
		loop_timer_set(test->loop, &soon.timer, 20);
		loop_timer_set(test->loop, &later.timer, 60000);
		wall = clock_wall_us();
		stepped_clock_step(steps[i]);
		/* The step is seen by who asks for the wall clock. */
		wall = (clock_wall_us() - wall) / 1000000 - steps[i];
		assert_in_range(wall, 0, 60);
		while (soon.calls == 0)
			assert_int_equal(loop_turn(test->loop, -1), 0);
		assert_int_equal(later.calls, 0);
		loop_timer_cancel(test->loop, &later.timer);
		stepped_clock_step(-steps[i]);
	}
}

/* A sleeping loop is woken by what happens, in one turn: it neither waits for
 * its next timer nor looks around first. */
static void
an_event_ends_the_sleep_at_once(void **state)
{
	struct conformance *test = *state;
	struct end end;
	uint64_t before;
	int fds[2], go[2], status;
	char byte;
	pid_t child;

	unix_pair(fds);
	unix_pair(go);
	end_open(&end, test, fds[0], IO_READ, 0);
	assert_int_equal(calls_without_sleeping(test), 0);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		close(go[1]);
		if (fcntl(go[0], F_SETFL, 0) == -1 ||
		    read(go[0], &byte, 1) != 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		_exit(0);
	}
	before = test->loop->turns;
	close(go[1]);
	assert_int_equal(loop_turn(test->loop, -1), 1);
	assert_int_equal(end.bytes, 1);
	assert_int_equal(test->loop->turns - before, 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	end_close(&end);
	close(fds[1]);
	close(go[0]);
}

static void
run_ends_when_a_timer_stops_it(void **state)
{
	struct conformance *test = *state;
	struct alarm alarm;

	alarm_init(&alarm, test);
	alarm.stop_after = 3;
	loop_timer_repeat(test->loop, &alarm.timer, 1);
	assert_int_equal(loop_run(test->loop), 0);
	assert_int_equal(alarm.calls, 3);
	loop_timer_cancel(test->loop, &alarm.timer);
}

/* A little echo server: its listener adds an owner for each client, whose
 * callback writes, waits until it can write, and takes itself out; a timer
 * repeats all the while, and the last client's end stops the loop. */
struct life {
	struct io listener;
	struct loop *loop;
	struct timer tick;
	unsigned ticks;
	unsigned accepted;
	unsigned freed;
	size_t echoed;
};

struct guest {
	struct io io;
	struct life *life;
	struct retired retired;
	char held[4096];
	size_t len;
	bool ended;
};

enum { GUESTS = 5, GUEST_BYTES = 3000000 };

static void
guest_free(struct retired *retired)
{
	struct guest *guest = container_of(retired, struct guest, retired);

	if (++guest->life->freed == GUESTS)
		loop_stop(guest->life->loop);
	test_free(guest);
}

static void
guest_write(struct guest *guest)
{
	ssize_t n = send(guest->io.fd, guest->held, guest->len, MSG_NOSIGNAL);

	if (n == -1) {
		io_drained(&guest->io, IO_WRITE);
	} else {
		guest->len -= (size_t)n;
		memmove(guest->held, guest->held + n, guest->len);
		guest->life->echoed += (size_t)n;
	}
}

static void
guest_read(struct guest *guest)
{
	ssize_t n = recv(guest->io.fd, guest->held, sizeof(guest->held), 0);

	if (n == -1)
		io_drained(&guest->io, IO_READ);
	else if (n == 0)
		guest->ended = true;
	else
		guest->len = (size_t)n;
}

static void
on_guest(struct io *io)
{
	struct guest *guest = container_of(io, struct guest, io);

	if (guest->len > 0)
		guest_write(guest);
	else
		guest_read(guest);
	if (guest->ended) {
		io_close(io);
		loop_retire(guest->life->loop, &guest->retired, guest_free);
		return;
	}
	io_want(io, guest->len > 0 ? IO_WRITE : IO_READ);
}

static void
on_listener(struct io *io)
{
	struct life *life = container_of(io, struct life, listener);
	struct guest *guest;
	int fd;

	fd = compat_accept(io->fd, NULL, NULL);
	if (fd == -1) {
		io_drained(io, IO_READ);
		return;
	}
	guest = test_calloc(1, sizeof(*guest));
	guest->life = life;
	io_init(&guest->io, fd, on_guest, 0);
	assert_int_equal(io_add(life->loop, &guest->io, IO_READ), 0);
	if (++life->accepted == GUESTS)
		io_close(io);
}

static void
on_tick(struct timer *timer)
{
	container_of(timer, struct life, tick)->ticks++;
}

/* In a process of its own: send, end, and read until the end. */
static int
visit(int fd)
{
	static char buffer[65536];
	size_t sent = 0, got = 0;
	ssize_t n;

	while (sent < GUEST_BYTES) {
		n = GUEST_BYTES - sent < sizeof(buffer)
		    ? (ssize_t)(GUEST_BYTES - sent)
		    : (ssize_t)sizeof(buffer);
		n = send(fd, buffer, (size_t)n, MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
		got += drain(fd);
	}
	shutdown(fd, SHUT_WR);
	while ((n = recv(fd, buffer, sizeof(buffer), 0)) != 0)
		if (n > 0)
			got += (size_t)n;
	return got == GUEST_BYTES ? 0 : 1;
}

static void
the_whole_life_of_a_loop(void **state)
{
	struct conformance *test = *state;
	struct life life = { .loop = test->loop };
	int listener = listen_tcp(), fd, status;
	pid_t children[GUESTS];

	for (unsigned i = 0; i < GUESTS; i++) {
		fd = connect_to(listener);
		children[i] = fork();
		assert_int_not_equal(children[i], -1);
		if (children[i] == 0)
			_exit(visit(fd));
		close(fd);
	}
	timer_init(&life.tick, on_tick);
	loop_timer_repeat(test->loop, &life.tick, 1);
	set_nonblocking(listener);
	io_init(&life.listener, listener, on_listener, 0);
	assert_int_equal(io_add(test->loop, &life.listener, IO_READ), 0);
	assert_int_equal(loop_run(test->loop), 0);
	loop_timer_cancel(test->loop, &life.tick);
	for (unsigned i = 0; i < GUESTS; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(life.accepted, GUESTS);
	assert_int_equal(life.echoed, (size_t)GUESTS * GUEST_BYTES);
	assert_true(life.ticks > 0);
}

static const struct CMUnitTest checks[] = {
	cmocka_unit_test(timers_come_in_order_and_never_early),
	cmocka_unit_test(waiting_for_a_timer_does_not_spin),
	cmocka_unit_test(repeating_timer_repeats_until_it_is_cancelled),
	cmocka_unit_test(a_step_of_the_wall_clock_moves_no_timer),
	cmocka_unit_test(an_event_ends_the_sleep_at_once),
	cmocka_unit_test(run_ends_when_a_timer_stops_it),
	cmocka_unit_test(the_whole_life_of_a_loop),
};

const struct conformance_group conformance_times = {
	.name = "times",
	.checks = checks,
	.n = sizeof(checks) / sizeof(checks[0]),
};
