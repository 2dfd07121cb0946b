/*
 * The means of the conformance suite, and its run over one backend.
 */
#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "conformance.h"

enum { TURN_LIMIT_MS = 30000, NAP_MS = 25 };

void
set_nonblocking(int fd)
{
	assert_int_not_equal(fcntl(fd, F_SETFL, O_NONBLOCK), -1);
}

void
unix_pair(int fds[2])
{
	assert_int_equal(compat_socketpair(SOCK_STREAM, fds), 0);
}

int
listen_tcp(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 128), 0);
	return fd;
}

int
connect_to(int listener)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int fd;

	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&address, &len), 0);
	fd = socket(address.ss_family, SOCK_STREAM, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
	set_nonblocking(fd);
	return fd;
}

void
tcp_pair(int fds[2])
{
	int listener = listen_tcp();

	fds[0] = connect_to(listener);
	fds[1] = accept(listener, NULL, NULL);
	assert_int_not_equal(fds[1], -1);
	set_nonblocking(fds[1]);
	close(listener);
}

/* Read as a stream does: until a short read, unless the end is in sight. */
static void
end_read(struct end *end)
{
	size_t left = end->max_read != 0 ? end->max_read : SIZE_MAX;
	char buffer[16384];
	size_t room;
	ssize_t n;

	do {
		room = left < sizeof(buffer) ? left : sizeof(buffer);
		n = recv(end->io.fd, buffer, room, 0);
		if (n > 0)
			end->bytes += (size_t)n;
		if (n <= 0 || ((size_t)n < room && !end->io.eof))
			io_drained(&end->io, IO_READ);
		left -= n > 0 ? (size_t)n : 0;
	} while (n > 0 && left > 0 && io_is_ready(&end->io, IO_READ));
	if (n == 0)
		end->ended = true;
	else if (n == -1 && errno != EAGAIN)
		end->error = errno;
	if (n == 0 || end->error != 0)
		io_want(&end->io, end->io.wanted & IO_WRITE);
}

static void
on_end(struct io *io)
{
	struct end *end = container_of(io, struct end, io);

	end->calls++;
	if (end->order != NULL)
		end->seen = ++*end->order;
	if (end->closes != NULL)
		end_close(end->closes);
	end->closes = NULL;
	if (!end->deaf && (io->wanted & io->ready & IO_READ) != 0)
		end_read(end);
}

void
end_open(struct end *end, struct conformance *test, int fd, unsigned wanted,
    unsigned flags)
{
	memset(end, 0, sizeof(*end));
	end->test = test;
	io_init(&end->io, fd, on_end, flags);
	assert_int_equal(io_add(test->loop, &end->io, wanted), 0);
}

void
end_close(struct end *end)
{
	io_close(&end->io);
}

void
turn(struct conformance *test)
{
	uint64_t limit = clock_mono_ms() + TURN_LIMIT_MS;
	int calls;

	do {
		calls = loop_turn(test->loop, TURN_LIMIT_MS);
		assert_true(clock_mono_ms() < limit);
	} while (calls == 0);
	assert_int_not_equal(calls, -1);
}

unsigned
calls_without_sleeping(struct conformance *test)
{
	unsigned calls = 0;

	for (unsigned i = 0; i < 5; i++)
		calls += (unsigned)loop_turn(test->loop, 0);
	return calls;
}

static void
on_nap(struct timer *timer)
{
	(void)timer;
}

unsigned
turns_of_a_nap(struct conformance *test)
{
	uint64_t before = test->loop->turns;
	struct timer nap;

	timer_init(&nap, on_nap);
	loop_timer_set(test->loop, &nap, NAP_MS);
	while (timer_is_set(&nap))
		assert_int_not_equal(loop_turn(test->loop, -1), -1);
	return (unsigned)(test->loop->turns - before);
}

void
send_bytes(int fd, const char *bytes)
{
	ssize_t n = send(fd, bytes, strlen(bytes), MSG_NOSIGNAL);

	assert_int_equal(n, strlen(bytes));
}

void
reset_peer(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	close(fd);
}

void
fill(int fd)
{
	static const char zeros[65536];

	while (send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL) > 0)
		;
	assert_int_equal(errno, EAGAIN);
}

size_t
drain(int fd)
{
	char buffer[65536];
	size_t bytes = 0;
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
		bytes += (size_t)n;
	return bytes;
}

void
await_sleep(pid_t child)
{
	char path[64], line[512], state = 'S';
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
	do {
		if ((file = fopen(path, "r")) == NULL)
			return;
		if (fgets(line, sizeof(line), file) != NULL &&
		    strrchr(line, ')') != NULL)
			state = strrchr(line, ')')[2];
		fclose(file);
	} while (state != 'S');
}

static int
set_up(void **state)
{
	struct conformance *test = *state;

	test->loop = loop_open_with(test->backend, clock_mono_ms);
	return test->loop == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	struct conformance *test = *state;

	loop_close(test->loop);
	test->loop = NULL;
	return 0;
}

static int
group_run(struct conformance *test, const struct conformance_group *group)
{
	struct CMUnitTest tests[32];
	char name[64];

	assert_true(group->n <= sizeof(tests) / sizeof(tests[0]));
	for (size_t i = 0; i < group->n; i++) {
		tests[i] = group->checks[i];
		tests[i].setup_func = set_up;
		tests[i].teardown_func = tear_down;
		tests[i].initial_state = test;
	}
	(void)snprintf(
	    name, sizeof(name), "%s: %s", test->backend->name, group->name);
	return _cmocka_run_group_tests(name, tests, group->n, NULL, NULL);
}

int
conformance_run(const struct event_backend *backend)
{
	static const struct conformance_group *const groups[] = {
		&conformance_edges,
		&conformance_batches,
		&conformance_times,
		&conformance_processes,
		&conformance_signals,
	};
	struct conformance test = { .backend = backend };
	int failed = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		failed += group_run(&test, groups[i]);
	return failed;
}
