/*
 * See fixture.h.
 */
#include <sys/socket.h>
#include <sys/types.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/backend.h"

#include "fixture.h"

/* Ends a program that waits for something which never comes. */
#define WATCHDOG_S 240

static const char *fixture_backend = "auto";

static bool
ceiling_take(void *arg, uint32_t n)
{
	struct ceiling *ceiling = arg;

	ceiling->calls++;
	if (n > ceiling->max - ceiling->taken)
		return false;
	ceiling->taken += n;
	if (ceiling->taken > ceiling->peak)
		ceiling->peak = ceiling->taken;
	return true;
}

static void
ceiling_give(void *arg, uint32_t n)
{
	struct ceiling *ceiling = arg;

	ceiling->calls++;
	assert_true(n <= ceiling->taken);
	ceiling->taken -= n;
}

static void
ceiling_wait(void *arg)
{
	struct ceiling *ceiling = arg;

	ceiling->waiting = true;
}

int
fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct bufpool_grant grant = { ceiling_take, ceiling_give,
		ceiling_wait, &f->ceiling };

	assert_non_null(f);
	f->ceiling.max = 1 << 20;
	f->loop = loop_open(fixture_backend);
	assert_non_null(f->loop);
	assert_int_equal(net_open(&f->net, f->loop, &grant), 0);
	*state = f;
	return 0;
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->net.pool.used, 0);
	net_close(&f->net);
	assert_int_equal(f->ceiling.taken, 0);
	loop_close(f->loop);
	free(f);
	return 0;
}

int
fixture_run(const char *group, const struct CMUnitTest *tests, size_t n)
{
	alarm(WATCHDOG_S);
	return _cmocka_run_group_tests(group, tests, n, NULL, NULL);
}

int
fixture_run_each_backend(
    const char *group, const struct CMUnitTest *tests, size_t n)
{
	char name[64];
	struct loop *loop;
	int failures = 0;
	size_t i;

	for (i = 0; event_backends[i] != NULL; i++) {
		fixture_backend = event_backends[i]->name;
		loop = loop_open(fixture_backend);
		if (loop == NULL) {
			print_message("%s: not on this system: %s\n",
			    fixture_backend, strerror(errno));
			continue;
		}
		loop_close(loop);
		snprintf(
		    name, sizeof(name), "%s on %s", group, fixture_backend);
		failures += fixture_run(name, tests, n);
	}
	return failures;
}

void
fixture_settle(struct fixture *f)
{
	int calls, idle = 0;

	/* An event of another socket can be on its way: two empty turns. */
	while (idle < 2) {
		calls = loop_turn(f->loop, 0);
		assert_int_not_equal(calls, -1);
		idle = calls == 0 ? idle + 1 : 0;
	}
}

static void
fixture_nonblocking(int fd)
{
	assert_int_not_equal(fcntl(fd, F_SETFL, O_NONBLOCK), -1);
}

void
fixture_unix_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fixture_nonblocking(fds[0]);
	fixture_nonblocking(fds[1]);
}

int
fixture_tcp_listener(struct addr *addr)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd, 1024), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	addr_from_sockaddr(addr, (struct sockaddr *)&sin, len);
	fixture_nonblocking(fd);
	return fd;
}

int
fixture_tcp_connect(const struct addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(addr, &ss);
	int fd = socket(
	    addr->family == ADDR_INET6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	/* Loopback: connected when this returns, unless the queue is full. */
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	fixture_nonblocking(fd);
	return fd;
}

void
fixture_tcp_pair(int fds[2])
{
	struct addr addr;
	int listener = fixture_tcp_listener(&addr);

	fds[1] = fixture_tcp_connect(&addr);
	fixture_wait_readable(listener);
	fds[0] = accept(listener, NULL, NULL);
	assert_int_not_equal(fds[0], -1);
	fixture_nonblocking(fds[0]);
	close(listener);
}

void
fixture_small_buffers(int fd)
{
	const int size = 16384;

	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
}

const unsigned char *
fixture_noise(uint64_t position)
{
	enum { PERIOD = 262139 };
	static unsigned char noise[PERIOD + FIXTURE_SPAN];
	static bool made;
	uint32_t x = 2463534242;
	size_t i;

	if (!made) {
		/* Marsaglia's xorshift. */
		for (i = 0; i < PERIOD; i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			noise[i] = (unsigned char)x;
		}
		memcpy(noise + PERIOD, noise, FIXTURE_SPAN);
		made = true;
	}
	return noise + position % PERIOD;
}

void
fixture_wait_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&pfd, 1, -1);
	while (n == -1 && errno == EINTR);
	assert_int_equal(n, 1);
}

void
fixture_expect(struct fixture *f, int fd, const char *text)
{
	char got[256];
	size_t have = 0, len = strlen(text);
	ssize_t n;

	assert_true(len <= sizeof(got));
	while (have < len) {
		n = recv(fd, got + have, len - have, 0);
		if (n == -1) {
			assert_int_equal(errno, EAGAIN);
			assert_int_not_equal(loop_turn(f->loop, 10), -1);
			continue;
		}
		assert_true(n > 0);
		have += (size_t)n;
	}
	assert_memory_equal(got, text, len);
}

int
fixture_expect_end(struct fixture *f, int fd)
{
	char c;
	ssize_t n;

	for (;;) {
		n = recv(fd, &c, 1, 0);
		if (n == 0)
			return 0;
		assert_int_equal(n, -1);
		if (errno != EAGAIN)
			return errno;
		assert_int_not_equal(loop_turn(f->loop, 10), -1);
	}
}
