/*
 * Conformance: several processes on one descriptor, and waking one another.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "conformance.h"
#include "event/wake.h"

/* A child that holds what it inherited until it is let go. */
static pid_t
hold_in_child(int go[2])
{
	char byte;
	pid_t child;

	assert_int_equal(compat_pipe(go), 0);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		close(go[1]);
		if (fcntl(go[0], F_SETFL, 0) == -1)
			_exit(1);
		_exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(go[0]);
	return child;
}

static void
let_go(pid_t child, const int go[2])
{
	int status;

	close(go[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
on_somebody_else(struct io *io)
{
	(void)io;
	assert_true(false);
}

/* The duplicate in the child keeps the socket open, and with it, were it not
 * taken back, its registration: the event would meet memory that by then is
 * somebody else's. */
static void
closed_here_and_open_elsewhere_reports_nothing(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2], go[2];
	pid_t child;

	unix_pair(fds);
	end_open(&end, test, fds[0], IO_BOTH, IO_SHARED);
	child = hold_in_child(go);
	end_close(&end);
	io_init(&end.io, -1, on_somebody_else, 0);
	end.io.wanted = IO_BOTH;
	send_bytes(fds[1], "hello");
	assert_int_equal(calls_without_sleeping(test), 0);
	let_go(child, go);
	close(fds[1]);
}

static void
closed_in_a_child_goes_on_here(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2], status;
	pid_t child;

	unix_pair(fds);
	end_open(&end, test, fds[0], IO_READ, IO_SHARED);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		loop_close(test->loop);
		close(fds[0]);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	send_bytes(fds[1], "hello");
	turn(test);
	assert_int_equal(end.bytes, 5);
	end_close(&end);
	close(fds[1]);
}

/* One of the processes that wait on one listener. */
struct herd_worker {
	struct io listener;
	struct wake bell;
	struct loop *loop;
	int report; /* a byte for each call and connection */
};

static void
on_herd(struct io *io)
{
	struct herd_worker *worker =
	    container_of(io, struct herd_worker, listener);
	int fd;

	if (write(worker->report, "c", 1) != 1)
		_exit(1);
	while ((fd = compat_accept(io->fd, NULL, NULL)) != -1) {
		close(fd);
		if (write(worker->report, "a", 1) != 1)
			_exit(1);
	}
	io_drained(io, IO_READ);
}

static void
on_bell(struct wake *wake)
{
	struct herd_worker *worker = wake->owner;

	loop_stop(worker->loop);
}

static void
herd_run(
    const struct event_backend *backend, int listener, int bell, int report)
{
	static struct herd_worker worker;
	struct loop *loop = loop_open_with(backend, clock_mono_ms);

	worker.loop = loop;
	worker.report = report;
	io_init(&worker.listener, listener, on_herd, IO_EXCLUSIVE);
	if (loop == NULL || io_add(loop, &worker.listener, IO_READ) == -1 ||
	    wake_open(&worker.bell, loop, bell, on_bell, &worker) == -1 ||
	    write(report, "r", 1) != 1 || loop_run(loop) == -1)
		_exit(1);
	io_close(&worker.listener);
	wake_close(&worker.bell);
	loop_close(loop);
	_exit(0);
}

static void
await_bytes(int fd, char wanted, unsigned n)
{
	char byte;

	while (n > 0) {
		assert_int_equal(read(fd, &byte, 1), 1);
		if (byte == wanted)
			n--;
	}
}

/* A listener below a directory that is gone again before this returns, and a
 * connected client for each connection. */
static int
listen_unix(struct sockaddr_un *sun, char *directory)
{
	int fd;

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	strcpy(directory, "/tmp/muxd-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	(void)snprintf(
	    sun->sun_path, sizeof(sun->sun_path), "%s/herd", directory);
	fd = compat_socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)sun, sizeof(*sun)), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

/* Each connection reaches one of four processes that wait for it; with epoll
 * the other three are not even woken. */
static void
one_connection_wakes_one_of_the_herd(void **state)
{
	enum { HERD = 4, CONNECTIONS = 20 };
	struct conformance *test = *state;
	bool exact = strncmp(test->backend->name, "epoll", 5) == 0;
	int listener, report[2], bells[HERD][2], fd, status;
	unsigned calls = 0, accepted = 0;
	struct sockaddr_un sun;
	pid_t children[HERD];
	char directory[32], byte;

	listener = listen_unix(&sun, directory);
	assert_int_equal(pipe(report), 0);
	for (unsigned i = 0; i < HERD; i++) {
		assert_int_equal(wake_make(bells[i]), 0);
		children[i] = fork();
		assert_int_not_equal(children[i], -1);
		if (children[i] == 0)
			herd_run(
			    test->backend, listener, bells[i][0], report[1]);
	}
	await_bytes(report[0], 'r', HERD);
	for (unsigned n = 0; n < CONNECTIONS; n++) {
		for (unsigned i = 0; i < HERD; i++)
			await_sleep(children[i]);
		fd = connect_to(listener);
		do {
			assert_int_equal(read(report[0], &byte, 1), 1);
			calls += byte == 'c';
		} while (byte != 'a');
		accepted++;
		close(fd);
	}
	for (unsigned i = 0; i < HERD; i++) {
		wake_send(bells[i][1]);
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
		close(bells[i][0]);
		close(bells[i][1]);
	}
	close(report[1]);
	while (read(report[0], &byte, 1) == 1) {
		calls += byte == 'c';
		accepted += byte == 'a';
	}
	assert_int_equal(accepted, CONNECTIONS);
	assert_in_range(
	    calls, CONNECTIONS, exact ? CONNECTIONS : HERD * CONNECTIONS);
	close(report[0]);
	close(listener);
	unlink(sun.sun_path);
	rmdir(directory);
}

static void
on_wake(struct wake *wake)
{
	++*(unsigned *)wake->owner;
}

static void
rings_wake_and_add_up(void **state)
{
	struct conformance *test = *state;
	unsigned calls = 0;
	struct wake wake;
	int fds[2];

	assert_int_equal(wake_make(fds), 0);
	/* Before anybody waits: a successor hears it. */
	wake_send(fds[1]);
	assert_int_equal(
	    wake_open(&wake, test->loop, fds[0], on_wake, &calls), 0);
	turn(test);
	assert_int_equal(calls, 1);
	assert_int_equal(calls_without_sleeping(test), 0);
	for (unsigned i = 0; i < 100; i++)
		wake_send(fds[1]);
	turn(test);
	assert_int_equal(calls, 2);
	wake_close(&wake);
	close(fds[1]);
}

/* More rings than the pipe holds: the ringer does not block, and the next
 * ring after the call is heard again. */
static void
a_full_pipe_is_awake_enough(void **state)
{
	struct conformance *test = *state;
	unsigned calls = 0;
	struct wake wake;
	int fds[2];
	char byte = 0;

	assert_int_equal(wake_make(fds), 0);
	assert_int_equal(
	    wake_open(&wake, test->loop, fds[0], on_wake, &calls), 0);
	while (write(fds[1], &byte, 1) == 1)
		;
	errno = 0;
	wake_send(fds[1]);
	assert_int_equal(errno, 0);
	turn(test);
	assert_int_equal(calls, 1);
	assert_int_equal(calls_without_sleeping(test), 0);
	wake_send(fds[1]);
	turn(test);
	assert_int_equal(calls, 2);
	wake_close(&wake);
	close(fds[1]);
}

static void
another_process_wakes_a_sleeping_loop(void **state)
{
	struct conformance *test = *state;
	unsigned calls = 0;
	struct wake wake;
	int fds[2], status;
	pid_t child;

	assert_int_equal(wake_make(fds), 0);
	assert_int_equal(
	    wake_open(&wake, test->loop, fds[0], on_wake, &calls), 0);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		await_sleep(getppid());
		wake_send(fds[1]);
		_exit(0);
	}
	assert_int_equal(loop_turn(test->loop, -1), 1);
	assert_int_equal(calls, 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	wake_close(&wake);
	close(fds[1]);
}

static const struct CMUnitTest checks[] = {
	cmocka_unit_test(closed_here_and_open_elsewhere_reports_nothing),
	cmocka_unit_test(closed_in_a_child_goes_on_here),
	cmocka_unit_test(one_connection_wakes_one_of_the_herd),
	cmocka_unit_test(rings_wake_and_add_up),
	cmocka_unit_test(a_full_pipe_is_awake_enough),
	cmocka_unit_test(another_process_wakes_a_sleeping_loop),
};

const struct conformance_group conformance_processes = {
	.name = "processes",
	.checks = checks,
	.n = sizeof(checks) / sizeof(checks[0]),
};
