/*
 * Limits hold exactly over all workers together, also when one of them dies
 * with what it held.
 */
#include <signal.h>
#include <string.h>

#include "client.h"
#include "harness.h"
#include "records.h"

#define MAX 40

/* Holders of a limit. */
struct crowd {
	struct muxd *muxd;
	const char *address;
	const char *source;
	int fds[MAX];
};

static struct muxd *
start_limited(const char *daemon, const char *service)
{
	return muxd_start("workers = 4\n"
			  "limits { %s }\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "  limit { when_full = \"refuse\" %s }\n"
			  "}\n",
	    daemon, service);
}

/* Connect and see whether muxd lets the client in: the descriptor, or -1. */
static int
try_enter(struct crowd *crowd)
{
	int fd = client_try_connect(crowd->address, crowd->source);

	if (fd == -1)
		return -1;
	if (client_try_echo(fd, "let me in\n") == CLIENT_DATA)
		return fd;
	client_close(fd);
	return -1;
}

/* Fill the limit: exactly as many come in as there are free places. */
static void
fill(struct crowd *crowd)
{
	size_t i;

	for (i = 0; i < MAX; i++) {
		if (crowd->fds[i] != -1)
			continue;
		crowd->fds[i] = try_enter(crowd);
		assert_int_not_equal(crowd->fds[i], -1);
	}
	for (i = 0; i < 5; i++)
		assert_int_equal(try_enter(crowd), -1);
}

/* Close some and wait until muxd has noticed. */
static void
release(struct crowd *crowd, size_t n)
{
	size_t i;

	muxd_mark_log(crowd->muxd);
	for (i = 0; i < n; i++) {
		client_close(crowd->fds[i * (MAX / n)]);
		crowd->fds[i * (MAX / n)] = -1;
	}
	muxd_wait_logs(crowd->muxd, n, "msg=\"session ended\"");
}

/* Kill a worker, and forget its clients. */
static void
kill_worker(struct crowd *crowd, unsigned slot)
{
	size_t i, lost = 0;
	pid_t pid = muxd_worker(crowd->muxd, slot);

	muxd_mark_log(crowd->muxd);
	assert_int_equal(kill(pid, SIGKILL), 0);
	muxd_wait_log(crowd->muxd, "msg=\"worker started\"",
	    test_format("slot=%u", slot));
	for (i = 0; i < MAX; i++) {
		if (client_peek(crowd->fds[i]) == CLIENT_SILENT)
			continue;
		client_close(crowd->fds[i]);
		crowd->fds[i] = -1;
		lost++;
	}
	if (lost > 0)
		muxd_wait_logs(crowd->muxd, lost, "reason=worker_died");
	assert_int_equal(
	    muxd_count_log(crowd->muxd, "reason=worker_died"), lost);
}

/* fault 70 */
static void
check_exact(struct muxd *muxd, const char *source, const char *reason)
{
	struct crowd crowd = {
		.muxd = muxd,
		.address = muxd_address(muxd, "echo", 0),
		.source = source,
	};
	size_t i;

	memset(crowd.fds, -1, sizeof(crowd.fds));
	fill(&crowd);
	muxd_wait_log(muxd, "msg=\"client refused\"",
	    test_format("reason=%s", reason), "by=muxd");
	release(&crowd, 1);
	fill(&crowd);
	release(&crowd, MAX / 2);
	fill(&crowd);
	for (i = 0; i < 4; i++) {
		kill_worker(&crowd, (unsigned)i);
		fill(&crowd);
	}
	release(&crowd, MAX);
	fill(&crowd);
	for (i = 0; i < MAX; i++)
		client_close(crowd.fds[i]);
}

static void
limit_of_the_daemon_is_exact(void **state)
{
	struct muxd *muxd = start_limited("connections = 40", "");

	(void)state;
	check_exact(muxd, NULL, "daemon_full");
	muxd_stop(muxd);
}

static void
limit_of_a_service_is_exact(void **state)
{
	struct muxd *muxd = start_limited("", "connections = 40");

	(void)state;
	check_exact(muxd, NULL, "service_full");
	muxd_stop(muxd);
}

/* Somebody else comes in while the source is full. */
static void
check_source_limit(struct muxd *muxd)
{
	int fds[MAX];
	size_t i;

	check_exact(muxd, "127.0.0.2", "source_full");
	muxd_mark_log(muxd);
	for (i = 0; i < MAX; i++) {
		fds[i] = client_connect_from(
		    muxd_address(muxd, "echo", 0), "127.0.0.3");
		client_echo(fds[i], "in\n");
	}
	client_expect_refused(muxd_address(muxd, "echo", 0), "127.0.0.3");
	client_visit(
	    muxd_address(muxd, "echo", 0), "127.0.0.4", "another source\n");
	for (i = 0; i < MAX; i++)
		client_close(fds[i]);
	muxd_stop(muxd);
}

static void
limit_of_a_source_is_exact(void **state)
{
	(void)state;
	check_source_limit(start_limited("per_source = 40", ""));
}

static void
limit_of_a_source_in_a_service_is_exact(void **state)
{
	(void)state;
	check_source_limit(start_limited("", "per_source = 40"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(limit_of_the_daemon_is_exact),
		system_test(limit_of_a_service_is_exact),
		system_test(limit_of_a_source_is_exact),
		system_test(limit_of_a_source_in_a_service_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
