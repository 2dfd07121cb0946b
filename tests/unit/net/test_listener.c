/*
 * Listeners: every client is accepted once, and no error ends it or makes it
 * spin.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/listener.h"
#include "net/socket.h"

#include "fixture.h"

int __real_compat_accept(int fd, struct sockaddr *sa, socklen_t *len);
int __wrap_compat_accept(int fd, struct sockaddr *sa, socklen_t *len);

/* Errors that accept(2) shall give before it does its work again. */
static struct {
	int errors[16];
	size_t n;
	size_t at;
} injected;

static unsigned accept_calls;

int
__wrap_compat_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	accept_calls++;
	if (injected.at < injected.n) {
		errno = injected.errors[injected.at++];
		return -1;
	}
	return __real_compat_accept(fd, sa, len);
}

static void
inject(const int *errors, size_t n)
{
	assert_true(n <= COUNT(injected.errors));
	memcpy(injected.errors, errors, n * sizeof(*errors));
	injected.n = n;
	injected.at = 0;
}

/* An owner that closes what it gets, and counts. */
struct door {
	struct listener listener;
	unsigned accepted;
	unsigned failed;
	unsigned recovered;
	int error;
	bool starved;
	struct addr peer;
	bool pause_at_once;
	bool close_at_once;
};

static void
door_accepted(struct listener *listener, int fd, const struct addr *peer)
{
	struct door *door = listener->owner;

	assert_false(listener->closed);
	door->accepted++;
	door->peer = *peer;
	close(fd);
	if (door->pause_at_once)
		listener_pause(listener);
	if (door->close_at_once)
		listener_close(listener);
}

static void
door_failed(struct listener *listener, int error, bool starved)
{
	struct door *door = listener->owner;

	door->failed++;
	door->error = error;
	door->starved = starved;
}

static void
door_recovered(struct listener *listener)
{
	struct door *door = listener->owner;

	door->recovered++;
}

static const struct listener_ops door_ops = {
	.accepted = door_accepted,
	.failed = door_failed,
	.recovered = door_recovered,
};

static void
door_open(struct door *door, struct fixture *f, int fd, bool shared)
{
	memset(&injected, 0, sizeof(injected));
	assert_int_equal(listener_open(&door->listener, &f->net, fd, shared,
			     &door_ops, door),
	    0);
}

/* Open one on 127.0.0.1; its address goes to addr. */
static void
door_open_tcp(struct door *door, struct fixture *f, struct addr *addr)
{
	door_open(door, f, fixture_tcp_listener(addr), false);
}

static void
connect_many(int *fds, size_t n, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < n; i++)
		fds[i] = fixture_tcp_connect(addr);
}

static void
close_many(const int *fds, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		close(fds[i]);
}

static void
clients_are_accepted_with_their_address(void **state)
{
	struct fixture *f = *state;
	struct door door = { .accepted = 0 };
	struct addr addr, client;
	int fd;

	door_open_tcp(&door, f, &addr);
	fd = fixture_tcp_connect(&addr);
	assert_int_equal(socket_local(fd, &client), 0);
	TURN_UNTIL(f, door.accepted == 1);
	assert_int_equal(addr_compare(&door.peer, &client), 0);
	assert_int_equal(door.failed, 0);
	listener_close(&door.listener);
	close(fd);
}

static void
one_turn_accepts_no_more_than_the_budget(void **state) /* fault 28 */
{
	struct fixture *f = *state;
	struct door door = { .accepted = 0 };
	struct addr addr;
	unsigned before;
	int fds[20];

	f->net.accept_budget = 3;
	door_open_tcp(&door, f, &addr);
	connect_many(fds, COUNT(fds), &addr);
	while (door.accepted < COUNT(fds)) {
		before = door.accepted;
		assert_int_not_equal(loop_turn(f->loop, 1000), -1);
		assert_true(door.accepted - before <= 3);
	}
	fixture_settle(f);
	assert_int_equal(door.accepted, COUNT(fds));
	listener_close(&door.listener);
	close_many(fds, COUNT(fds));
}

/* Let no descriptor be opened any more.  Returns the limit as it was. */
static struct rlimit
exhaust_descriptors(void)
{
	struct rlimit limit, lowered;
	int fd = dup(STDERR_FILENO);

	assert_int_not_equal(fd, -1);
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	lowered = limit;
	lowered.rlim_cur = (rlim_t)fd;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lowered), 0);
	return limit;
}

/* valgrind keeps limits of its own: what exceeds one is accepted, and closed
 * again, and so lost to the queue. */
static bool
limits_are_the_kernels(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload == NULL || strstr(preload, "vgpreload") == NULL;
}

static void
starve_and_recover(struct fixture *f, bool shared)
{
	struct door door = { .accepted = 0 };
	struct addr addr;
	struct rlimit limit;
	uint64_t start;
	int fds[5], i;

	if (!limits_are_the_kernels())
		skip();
	door_open(&door, f, fixture_tcp_listener(&addr), shared);
	connect_many(fds, COUNT(fds), &addr);
	limit = exhaust_descriptors();
	TURN_UNTIL(f, door.failed > 0);
	assert_int_equal(door.error, EMFILE);
	assert_true(door.starved);
	/* It sleeps between its tries: a few turns last a while. */
	start = loop_now(f->loop);
	accept_calls = 0;
	for (i = 0; i < 8; i++)
		assert_int_not_equal(loop_turn(f->loop, 1000), -1);
	assert_true(loop_now(f->loop) - start >= 2 * LISTENER_RETRY_MS);
	assert_true(accept_calls <= 8);
	assert_int_equal(door.accepted + door.recovered, 0);
	assert_int_equal(door.failed, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Nobody else connects. */
	TURN_UNTIL(f, door.accepted == COUNT(fds));
	assert_int_equal(door.failed, 1);
	assert_int_equal(door.recovered, 1);
	listener_close(&door.listener);
	close_many(fds, COUNT(fds));
}

static void
descriptors_run_out_and_come_back(void **state) /* fault 29 */
{
	starve_and_recover(*state, false);
}

static void
descriptors_run_out_on_a_shared_listener(void **state) /* fault 29 */
{
	starve_and_recover(*state, true);
}

static void
starving_errors_are_told_and_outlived(void **state) /* fault 30 */
{
	static const int errors[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM, EIO };
	struct fixture *f = *state;
	struct door door = { .accepted = 0 };
	struct addr addr;
	size_t i;
	int fd;

	door_open_tcp(&door, f, &addr);
	for (i = 0; i < COUNT(errors); i++) {
		inject(&errors[i], 1);
		fd = fixture_tcp_connect(&addr);
		TURN_UNTIL(f, door.accepted == i + 1);
		assert_int_equal(door.failed, i + 1);
		assert_int_equal(door.error, errors[i]);
		assert_int_equal(door.recovered, i + 1);
		close(fd);
	}
	listener_close(&door.listener);
}

static void
errors_of_clients_are_passed_over(void **state) /* fault 30 */
{
	static const int errors[] = { ECONNABORTED, EPROTO, EPERM, ENETDOWN,
		EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EINTR };
	struct fixture *f = *state;
	struct door door = { .accepted = 0 };
	struct addr addr;
	int fd;

	door_open_tcp(&door, f, &addr);
	inject(errors, COUNT(errors));
	fd = fixture_tcp_connect(&addr);
	TURN_UNTIL(f, door.accepted == 1);
	assert_int_equal(injected.at, COUNT(errors));
	assert_int_equal(door.failed + door.recovered, 0);
	listener_close(&door.listener);
	close(fd);
}

static void
client_resets_before_it_is_accepted(void **state) /* fault 31 */
{
	struct fixture *f = *state;
	struct door door = { .accepted = 0 };
	struct addr addr;
	int fd;

	door_open_tcp(&door, f, &addr);
	socket_reset(fixture_tcp_connect(&addr));
	fixture_settle(f);
	assert_int_equal(door.failed, 0);
	door.accepted = 0;
	fd = fixture_tcp_connect(&addr);
	TURN_UNTIL(f, door.accepted == 1);
	listener_close(&door.listener);
	close(fd);
}

static void
pause_and_resume(struct fixture *f, bool shared)
{
	struct door door = { .accepted = 0 };
	struct addr addr;
	int fds[4], i;

	door_open(&door, f, fixture_tcp_listener(&addr), shared);
	listener_pause(&door.listener);
	connect_many(fds, COUNT(fds), &addr);
	/* The loop has nothing to do, although clients wait. */
	for (i = 0; i < 10; i++)
		assert_int_equal(loop_turn(f->loop, 0), 0);
	assert_int_equal(door.accepted, 0);
	/* One at a time, as a limit that falls lets them in. */
	door.pause_at_once = true;
	for (i = 0; i < (int)COUNT(fds); i++) {
		listener_resume(&door.listener);
		TURN_UNTIL(f, door.listener.paused);
		assert_int_equal(door.accepted, i + 1);
		assert_int_equal(loop_turn(f->loop, 0), 0);
		assert_int_equal(loop_turn(f->loop, 0), 0);
	}
	listener_resume(&door.listener);
	fixture_settle(f);
	assert_int_equal(door.accepted, COUNT(fds));
	assert_int_equal(door.failed, 0);
	listener_close(&door.listener);
	close_many(fds, COUNT(fds));
}

static void
paused_listener_costs_nothing(void **state) /* fault 40 */
{
	pause_and_resume(*state, false);
}

static void
paused_shared_listener_costs_nothing(void **state) /* fault 40 */
{
	pause_and_resume(*state, true);
}

static void
starved_listener_can_be_paused(void **state)
{
	static const int error = EMFILE;
	struct fixture *f = *state;
	struct door door = { .accepted = 0 };
	struct addr addr;
	int fd;

	door_open_tcp(&door, f, &addr);
	inject(&error, 1);
	fd = fixture_tcp_connect(&addr);
	TURN_UNTIL(f, door.failed == 1);
	listener_pause(&door.listener);
	assert_false(timer_is_set(&door.listener.retry));
	listener_resume(&door.listener);
	TURN_UNTIL(f, door.accepted == 1);
	assert_int_equal(door.recovered, 1);
	listener_close(&door.listener);
	close(fd);
}

static void
listener_may_be_closed_in_accepted(void **state)
{
	struct fixture *f = *state;
	struct door door = { .close_at_once = true };
	struct addr addr;
	int fds[3];

	door_open_tcp(&door, f, &addr);
	connect_many(fds, COUNT(fds), &addr);
	TURN_UNTIL(f, door.listener.closed);
	fixture_settle(f);
	assert_int_equal(door.accepted, 1);
	close_many(fds, COUNT(fds));
}

static void
one_can_be_taken_from_a_paused_listener(void **state)
{
	struct fixture *f = *state;
	struct door door = { .accepted = 0 };
	struct addr addr, peer, client;
	int fds[2], fd;

	door_open_tcp(&door, f, &addr);
	listener_pause(&door.listener);
	connect_many(fds, COUNT(fds), &addr);
	assert_int_equal(socket_local(fds[0], &client), 0);
	fd = listener_accept_one(&door.listener, &peer);
	assert_int_not_equal(fd, -1);
	assert_int_equal(addr_compare(&peer, &client), 0);
	close(fd);
	listener_drain(&door.listener);
	assert_int_equal(door.accepted, 1);
	assert_int_equal(listener_accept_one(&door.listener, &peer), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(door.failed, 0);
	listener_close(&door.listener);
	close_many(fds, COUNT(fds));
}

static void
socket_may_begin_to_listen_later(void **state)
{
	static const struct socket_options options = { .backlog = 0 };
	struct fixture *f = *state;
	struct endpoint endpoint = { .transport = TRANSPORT_TCP };
	struct door door = { .accepted = 0 };
	struct addr addr;
	int fd, i;

	endpoint.addr.family = ADDR_INET4;
	endpoint.addr.ip[0] = 127;
	endpoint.addr.ip[3] = 1;
	fd = socket_bind(&endpoint, &options, NULL);
	assert_int_not_equal(fd, -1);
	assert_int_equal(socket_local(fd, &addr), 0);
	door_open(&door, f, fd, false);
	for (i = 0; i < 3; i++)
		assert_int_not_equal(loop_turn(f->loop, 10), -1);
	assert_int_equal(socket_listen(fd, 8), 0);
	fd = fixture_tcp_connect(&addr);
	TURN_UNTIL(f, door.accepted == 1);
	assert_int_equal(door.failed + door.recovered, 0);
	listener_close(&door.listener);
	close(fd);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(clients_are_accepted_with_their_address),
		FIXTURE_TEST(one_turn_accepts_no_more_than_the_budget),
		FIXTURE_TEST(descriptors_run_out_and_come_back),
		FIXTURE_TEST(descriptors_run_out_on_a_shared_listener),
		FIXTURE_TEST(starving_errors_are_told_and_outlived),
		FIXTURE_TEST(errors_of_clients_are_passed_over),
		FIXTURE_TEST(client_resets_before_it_is_accepted),
		FIXTURE_TEST(paused_listener_costs_nothing),
		FIXTURE_TEST(paused_shared_listener_costs_nothing),
		FIXTURE_TEST(starved_listener_can_be_paused),
		FIXTURE_TEST(listener_may_be_closed_in_accepted),
		FIXTURE_TEST(one_can_be_taken_from_a_paused_listener),
		FIXTURE_TEST(socket_may_begin_to_listen_later),
	};

	return fixture_run_each_backend("listener", tests, COUNT(tests));
}
