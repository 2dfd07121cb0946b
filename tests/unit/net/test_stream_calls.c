/*
 * What a message costs, counted: the system calls and allocations that are
 * made while the loop turns.
 */
#include <sys/socket.h>
#include <sys/epoll.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "event/backend.h"

#include "owner.h"

/* Counted only within turn(). */
static bool counting;
static struct calls {
	unsigned recv;
	unsigned send;
	unsigned sendmsg;
	unsigned epoll_ctl;
	unsigned others; /* that a message could cost, and shall not */
	unsigned clock;
	unsigned allocations;
} calls;

static void
count(unsigned *what)
{
	if (counting)
		++*what;
}

/* Each function that the linker wraps (--wrap): count it, and call it. */
#define WRAP(type, name, what, declare, pass) \
	type __real_##name declare;           \
	type __wrap_##name declare;           \
	type __wrap_##name declare            \
	{                                     \
		count(&calls.what);           \
		return __real_##name pass;    \
	}

WRAP(ssize_t, recv, recv, (int fd, void *buf, size_t len, int flags),
    (fd, buf, len, flags))
WRAP(ssize_t, send, send, (int fd, const void *buf, size_t len, int flags),
    (fd, buf, len, flags))
WRAP(ssize_t, sendmsg, sendmsg, (int fd, const struct msghdr *msg, int flags),
    (fd, msg, flags))
WRAP(int, epoll_ctl, epoll_ctl,
    (int epfd, int op, int fd, struct epoll_event *event),
    (epfd, op, fd, event))
WRAP(ssize_t, read, others, (int fd, void *buf, size_t len), (fd, buf, len))
WRAP(ssize_t, write, others, (int fd, const void *buf, size_t len),
    (fd, buf, len))
WRAP(int, getsockopt, others,
    (int fd, int level, int name, void *value, socklen_t *len),
    (fd, level, name, value, len))
WRAP(int, clock_gettime, clock, (clockid_t id, struct timespec *ts), (id, ts))
WRAP(void *, mem_zalloc, allocations, (size_t size), (size))

/* One turn that serves n messages which are there already. */
static void
turn(struct fixture *f, int n)
{
	memset(&calls, 0, sizeof(calls));
	counting = true;
	assert_int_equal(loop_turn(f->loop, -1), n);
	counting = false;
}

/* The memory that reads need is there from the first one on. */
static void
warm_up(struct fixture *f)
{
	assert_true(bufpool_ready(&f->net.pool));
}

static void
echo_costs_one_receive_and_one_send(void **state)
{
	enum { CONNECTIONS = 100, ROUNDS = 20 };
	struct fixture *f = *state;
	struct owner owners[CONNECTIONS];
	int fds[CONNECTIONS][2], i, round;

	memset(owners, 0, sizeof(owners));
	warm_up(f);
	for (i = 0; i < CONNECTIONS; i++) {
		fixture_tcp_pair(fds[i]);
		owners[i].echo = true;
		owner_open(&owners[i], f, fds[i][0]);
	}
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < CONNECTIONS; i++)
			assert_int_equal(send(fds[i][1], "message", 7, 0), 7);
		for (i = 0; i < CONNECTIONS; i++)
			fixture_wait_readable(fds[i][0]);
		turn(f, CONNECTIONS);
		assert_int_equal(calls.recv, CONNECTIONS);
		assert_int_equal(calls.send, CONNECTIONS);
		assert_int_equal(calls.sendmsg, 0);
		assert_int_equal(calls.epoll_ctl, 0);
		assert_int_equal(calls.others, 0);
		assert_int_equal(calls.allocations, 0);
		assert_true(calls.clock <= 1);
		for (i = 0; i < CONNECTIONS; i++)
			fixture_expect(f, fds[i][1], "message");
	}
	for (i = 0; i < CONNECTIONS; i++) {
		stream_close(&owners[i].stream);
		close(fds[i][1]);
	}
}

static void
connection_that_ends_costs_one_receive(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	warm_up(f);
	fixture_tcp_pair(fds);
	counting = true;
	memset(&calls, 0, sizeof(calls));
	owner_open(&owner, f, fds[0]);
	assert_int_equal(calls.epoll_ctl, 1);
	counting = false;
	close(fds[1]);
	fixture_wait_readable(fds[0]);
	turn(f, 1);
	assert_int_equal(owner.ends, 1);
	assert_int_equal(calls.recv, 1);
	assert_int_equal(calls.send + calls.sendmsg + calls.epoll_ctl, 0);
	assert_int_equal(calls.others + calls.allocations, 0);
	counting = true;
	stream_close(&owner.stream);
	counting = false;
	assert_int_equal(calls.epoll_ctl, 0);
}

static void
answer_in_parts_costs_one_send(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	memset(&calls, 0, sizeof(calls));
	counting = true;
	assert_int_equal(
	    stream_write_lent(&owner.stream, "head ", 5, "body", 4), 0);
	counting = false;
	assert_int_equal(calls.send + calls.sendmsg, 1);
	assert_int_equal(calls.epoll_ctl + calls.allocations, 0);
	fixture_expect(f, fds[1], "head body");
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
only_the_first_wait_for_room_changes_interest(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	static char sink[FIXTURE_SPAN];
	unsigned changes = 0;
	int fds[2], round;

	warm_up(f);
	/* More than the kernel takes at once when it has room again. */
	f->net.high_water = 1 << 20;
	fixture_unix_pair(fds);
	owner_open(&owner, f, fds[0]);
	for (round = 0; round < 3; round++) {
		memset(&calls, 0, sizeof(calls));
		counting = true;
		while (owner.stream.out.len < f->net.high_water)
			assert_int_equal(
			    stream_write(&owner.stream, fixture_noise(0), 4000),
			    0);
		counting = false;
		changes += calls.epoll_ctl;
		while (!stream_is_flushed(&owner.stream)) {
			(void)recv(fds[1], sink, sizeof(sink), 0);
			memset(&calls, 0, sizeof(calls));
			counting = true;
			assert_int_not_equal(loop_turn(f->loop, 0), -1);
			counting = false;
			/* What was taken in part needs no second answer. */
			assert_true(calls.sendmsg <= 1);
			changes += calls.epoll_ctl;
		}
	}
	assert_int_equal(changes, 1);
	stream_close(&owner.stream);
	close(fds[1]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(echo_costs_one_receive_and_one_send),
		FIXTURE_TEST(connection_that_ends_costs_one_receive),
		FIXTURE_TEST(answer_in_parts_costs_one_send),
		FIXTURE_TEST(only_the_first_wait_for_room_changes_interest),
	};

	/* The other backends pay for what they lack. */
	if (event_backend_find("epoll") == NULL)
		return 77;
	return fixture_run("calls", tests, COUNT(tests));
}
