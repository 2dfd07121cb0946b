/*
 * A worker runs out of descriptors: it stops accepting without burning CPU
 * time, other workers get the new clients, and those that wait are served as
 * soon as there is room, without anybody else having to come.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

#define CLIENTS 20
#define STEERED "msg=\"new clients are steered around 1 of 2 workers\""

static struct muxd *
start_echo(unsigned workers)
{
	return muxd_start("workers = %u\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n",
	    workers);
}

/* In a process of the same user, who alone may do this without the right to
 * (prlimit(2)). */
static void
become_owner_and_limit(pid_t pid, rlim_t n)
{
	struct rlimit limit;
	struct stat st;

	if (stat(test_format("/proc/%d", (int)pid), &st) == -1 ||
	    (geteuid() == 0 &&
		(setgroups(0, NULL) == -1 || setgid(st.st_gid) == -1 ||
		    setuid(st.st_uid) == -1)) ||
	    prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == -1)
		_exit(1);
	limit.rlim_cur = n;
	_exit(prlimit(pid, RLIMIT_NOFILE, &limit, NULL) == 0 ? 0 : 1);
}

/* Let the process open n descriptors in all. */
static void
set_limit(pid_t pid, rlim_t n)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		become_owner_and_limit(pid, n);
	if (child == -1 || waitpid(child, &status, 0) != child || status != 0)
		test_fail("cannot limit the descriptors of %d", (int)pid);
}

/* fault 29 */
static void
accepting_pauses_and_goes_on_by_itself(void **state)
{
	struct muxd *muxd = start_echo(1);
	const char *address = muxd_address(muxd, "echo", 0);
	pid_t worker = muxd_worker(muxd, 0);
	int fds[CLIENTS], waits;
	int64_t since;
	uint64_t cpu;
	size_t i;

	(void)state;
	if (!procfs_available() || test_is_wrapped())
		skip();
	set_limit(worker, procfs_limit_for(worker, CLIENTS));
	for (i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(address);
		client_echo(fds[i], "in\n");
	}
	waits = client_connect(address);
	client_send_text(waits, "me too\n");
	muxd_wait_log(muxd, "level=warning", "service=echo",
	    "msg=\"accepting is suspended*", "error=\"Too many open files\"");

	/* Waiting is not busy, and those who are in do not suffer. */
	since = test_now_ms();
	cpu = procfs_cpu_ms(worker);
	assert_true(client_stays_silent(waits, 1000));
	cpu = procfs_cpu_ms(worker) - cpu;
	if (!test_is_instrumented())
		assert_in_range(
		    cpu, 0, (uint64_t)(test_now_ms() - since) / 20 + 10);
	client_echo(fds[0], "still here\n");

	/* No new client comes: the timer finds the room. */
	client_close(fds[1]);
	client_expect_text(waits, "me too\n");
	muxd_wait_log(muxd, "msg=\"accepting goes on\"", "service=echo");
	client_close(waits);
	for (i = 0; i < CLIENTS; i++)
		if (i != 1)
			client_close(fds[i]);
	muxd_stop(muxd);
}

/* Whether the client has its answer, rather than its worker a problem. */
static bool
is_served(struct muxd *muxd, int fd)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();

	while (muxd_count_log(muxd, "msg=\"accepting is suspended*") == 0) {
		if (!client_stays_silent(fd, 5))
			return true;
		assert_true(test_now_ms() < deadline);
	}
	return false;
}

/* fault 72 */
static void
new_clients_go_to_a_worker_that_has_room(void **state)
{
	struct muxd *muxd = start_echo(2);
	const char *address = muxd_address(muxd, "echo", 0);
	pid_t full = muxd_worker(muxd, 0);
	int fds[CLIENTS * 8];
	size_t i, n = 0;

	(void)state;
	if (!procfs_available() || test_is_wrapped())
		skip();
	set_limit(full, procfs_limit_for(full, 1));
	muxd_mark_log(muxd);
	/* Until one has come to the full one, and waits there; or it has found
	 * out by itself, trying to accept behind the last one. */
	do {
		assert_true(n < CLIENTS * 8);
		fds[n] = client_connect(address);
		client_send_text(fds[n], "anybody?\n");
	} while (
	    is_served(muxd, fds[n++]) && muxd_count_log(muxd, STEERED) == 0);
	muxd_wait_log(muxd, STEERED);
	for (i = 0; i < 100; i++) {
		client_visit(address, NULL, "served at once\n");
	}
	/* Who waited meanwhile is not forgotten. */
	set_limit(full, 1024);
	for (i = 0; i < n; i++) {
		client_expect_text(fds[i], "anybody?\n");
		client_close(fds[i]);
	}
	muxd_wait_log(muxd, "msg=\"all workers take new clients\"");
	muxd_stop(muxd);
}

#define FEW 64

static void
limit_to_few(void)
{
	const struct rlimit limit = { FEW, FEW };

	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		_exit(125);
}

/* "... can hold only 30: raise the limit of open files" */
static size_t
told_holdable(const char *line)
{
	const char *at = strstr(line, "can hold only ");

	if (at == NULL)
		test_fail("how many is not told: %s", line);
	return strtoul(at + strlen("can hold only "), NULL, 10);
}

/* With few descriptors from the start muxd says what it can hold, holds so
 * many, and lets the others wait. */
static void
worker_holds_what_its_descriptors_allow(void **state)
{
	struct muxd *muxd = muxd_new();
	const char *address;
	int fds[FEW];
	size_t i, holdable;

	(void)state;
	/* A wrapper needs descriptors too. */
	if (test_is_wrapped())
		skip();
	muxd_configure(muxd,
	    "workers = 1\n"
	    "limits { connections = 1000 }\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "  limit { wait_timeout = \"1h\" }\n"
	    "}\n");
	muxd->prepare = limit_to_few;
	muxd_launch(muxd);
	muxd_wait_ready(muxd);
	holdable = told_holdable(
	    muxd_wait_log(muxd, "level=warning", "msg=\"limits.connections*"));
	assert_in_range(holdable, 8, FEW);
	address = muxd_address(muxd, "echo", 0);
	for (i = 0; i < FEW; i++) {
		fds[i] = client_connect(address);
		client_send_text(fds[i], "in\n");
	}
	for (i = 0; i < holdable; i++)
		client_expect_text(fds[i], "in\n");
	client_echo(fds[0], "still here\n");
	/* Whoever leaves makes room for one who waits. */
	for (i = 0; i < FEW; i++) {
		if (i >= holdable)
			client_expect_text(fds[i], "in\n");
		client_close(fds[i]);
	}
	muxd_stop(muxd);
	muxd_wait_log(
	    muxd, "msg=summary", test_format("sessions=%d", FEW), "waited=*");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(accepting_pauses_and_goes_on_by_itself),
		system_test(new_clients_go_to_a_worker_that_has_room),
		system_test(worker_holds_what_its_descriptors_allow),
	};

	return run_under_each_backend(tests);
}
