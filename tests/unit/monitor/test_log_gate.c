/*
 * Asking before writing: a full queue is seen, and seen to have room again.
 */
#include "monitor/log_gate.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"

/* A log daemon's socket: a path in a directory of its own. */
struct fixture {
	char dir[64];
	char path[80];
	int daemon, gate;
};

static int
serve(const char *path, int type)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = compat_socket(AF_UNIX, type, 0);

	assert_int_not_equal(fd, -1);
	(void)compat_strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static int
setup(void **state)
{
	static struct fixture f;

	strcpy(f.dir, "/tmp/muxd-gate.XXXXXX");
	if (mkdtemp(f.dir) == NULL)
		return -1;
	snprintf(f.path, sizeof(f.path), "%s/socket", f.dir);
	f.daemon = serve(f.path, SOCK_DGRAM);
	f.gate = log_gate_open();
	*state = &f;
	return f.gate == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	close(f->daemon);
	close(f->gate);
	(void)unlink(f->path);
	return rmdir(f->dir);
}

/* Fill the daemon's queue from another socket; how many it took. */
static unsigned
fill(struct fixture *f)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = compat_socket(AF_UNIX, SOCK_DGRAM, 0);
	unsigned n = 0;

	assert_int_not_equal(fd, -1);
	(void)compat_strlcpy(sun.sun_path, f->path, sizeof(sun.sun_path));
	while (sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&sun,
		   sizeof(sun)) == 1)
		n++;
	assert_int_equal(errno, EAGAIN);
	close(fd);
	return n;
}

static void
daemon_with_room_is_open(void **state)
{
	struct fixture *f = *state;
	unsigned budget = 100;

	assert_int_equal(log_gate_check(f->gate, f->path, &budget), 0);
	assert_int_equal(budget, 100);
}

static void
full_queue_is_shut_until_it_is_read(void **state)
{
	struct fixture *f = *state;
	unsigned budget = 0, n = fill(f);
	char byte;

	assert_int_equal(log_gate_check(f->gate, f->path, &budget), -1);
	assert_int_equal(errno, EAGAIN);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(recv(f->daemon, &byte, 1, 0), 1);
	assert_int_equal(log_gate_check(f->gate, f->path, &budget), 0);
}

static void
waiting_spends_the_budget(void **state)
{
	struct fixture *f = *state;
	unsigned budget = 20;

	(void)fill(f);
	/* Rounding of clocks may leave a last millisecond or two. */
	for (int i = 0; i < 20 && budget > 0; i++)
		assert_int_equal(log_gate_check(f->gate, f->path, &budget), -1);
	assert_int_equal(budget, 0);
}

static void
nobody_there_is_an_error(void **state)
{
	struct fixture *f = *state;
	unsigned budget = 100;

	close(f->daemon);
	assert_int_equal(log_gate_check(f->gate, f->path, &budget), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(log_gate_check(f->gate, f->path, &budget), -1);
	assert_int_equal(errno, ENOENT);
	/* A daemon that came back is found. */
	f->daemon = serve(f->path, SOCK_DGRAM);
	assert_int_equal(log_gate_check(f->gate, f->path, &budget), 0);
	assert_int_equal(budget, 100);
}

static void
socket_of_another_type_is_not_looked_into(void **state)
{
	struct fixture *f = *state;
	unsigned budget = 100;

	close(f->daemon);
	assert_int_equal(unlink(f->path), 0);
	f->daemon = serve(f->path, SOCK_STREAM);
	assert_int_equal(listen(f->daemon, 1), 0);
	assert_int_equal(log_gate_check(f->gate, f->path, &budget), 0);
}

static void
path_too_long_is_an_error(void **state)
{
	struct fixture *f = *state;
	unsigned budget = 100;
	char path[200];

	memset(path, '/', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(log_gate_check(f->gate, path, &budget), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void
full_pipe_is_waited_for_within_the_budget(void **state)
{
	char byte = 'x', drain[4096] = { 0 };
	unsigned budget = 10;
	int fds[2];

	(void)state;
	assert_int_equal(compat_pipe(fds), 0);
	assert_int_equal(log_gate_wait(fds[1], &budget), 0);
	while (write(fds[1], drain, sizeof(drain)) > 0)
		;
	for (int i = 0; i < 10 && budget > 0; i++) {
		assert_int_equal(log_gate_wait(fds[1], &budget), -1);
		assert_int_equal(errno, EAGAIN);
	}
	assert_int_equal(budget, 0);
	while (read(fds[0], drain, sizeof(drain)) > 0)
		;
	assert_int_equal(log_gate_wait(fds[1], &budget), 0);
	assert_int_equal(write(fds[1], &byte, 1), 1);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_DAEMON(daemon_with_room_is_open),
		WITH_DAEMON(full_queue_is_shut_until_it_is_read),
		WITH_DAEMON(waiting_spends_the_budget),
		WITH_DAEMON(nobody_there_is_an_error),
		WITH_DAEMON(socket_of_another_type_is_not_looked_into),
		WITH_DAEMON(path_too_long_is_an_error),
		cmocka_unit_test(full_pipe_is_waited_for_within_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
