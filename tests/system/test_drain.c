/*
 * SIGTERM and SIGINT: who waits is served, who is served may finish, and
 * after the deadline, or at a second signal, muxd ends all the same.
 */
#include <errno.h>
#include <signal.h>

#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

static struct muxd *
start_echo(const char *drain_timeout)
{
	return muxd_start("workers = 2\n"
			  "defaults { drain_timeout = \"%s\" }\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"unix:@DIR@/s\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n",
	    drain_timeout);
}

/* fault 14 */
static void
deadline_closes_the_rest(void **state)
{
	struct muxd *muxd = start_echo("300ms");
	int fds[10];
	size_t i, n = 0;
	const char *line;

	(void)state;
	for (i = 0; i < 10; i++) {
		fds[i] = client_connect(muxd_address(muxd, "echo", i % 2));
		client_echo(fds[i], "I stay\n");
	}
	muxd_stop(muxd);
	for (i = 0; i < 10; i++)
		client_expect_eof(fds[i]);
	muxd_wait_logs(muxd, 10, "msg=\"session ended\"",
	    "reason=drain_deadline", "by=admin");
	for (i = 0;; i++) {
		static const char *const tokens[] = { "sessions=*",
			"level=warning", NULL };

		line = muxd_log_line(muxd, i, tokens);
		if (line == NULL)
			break;
		n += (size_t)log_number(line, "sessions");
	}
	assert_int_equal(n, 10);
}

/* The end of the last session ends the drain, whatever the deadline. */
static void
sessions_may_finish(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct muxd *muxd = start_echo("1h");
		int first = client_connect(muxd_address(muxd, "echo", 0));
		int second = client_connect(muxd_address(muxd, "echo", 1));

		client_echo(first, "before\n");
		client_echo(second, "before\n");
		muxd_signal(muxd, signals[i]);
		muxd_wait_logs(muxd, 1, "msg=\"stopping: sessions have*");
		client_echo(first, "I am not done yet\n");
		client_half_close(first);
		client_expect_eof(first);
		client_echo(second, "nor am I\n");
		client_close(second);
		assert_int_equal(muxd_wait_exit(muxd), 0);
		muxd_wait_logs(
		    muxd, 2, "msg=\"session ended\"", "reason=client_closed");
	}
}

static void
queued_clients_are_served(void **state)
{
	struct muxd *muxd = start_echo("1h");
	pid_t workers[] = { muxd_worker(muxd, 0), muxd_worker(muxd, 1) };
	int fds[60];
	size_t i;

	(void)state;
	if (!procfs_available())
		skip();
	for (i = 0; i < 2; i++) {
		procfs_stop(workers[i]);
	}
	for (i = 0; i < 60; i++) {
		fds[i] = client_connect(muxd_address(muxd, "echo", i % 2));
		client_send_text(fds[i], "last orders\n");
		client_half_close(fds[i]);
	}
	muxd_signal(muxd, SIGTERM);
	for (i = 0; i < 2; i++)
		assert_int_equal(kill(workers[i], SIGCONT), 0);
	for (i = 0; i < 60; i++) {
		client_expect_text(fds[i], "last orders\n");
		client_expect_eof(fds[i]);
	}
	assert_int_equal(muxd_wait_exit(muxd), 0);
}

/* Also those in the queue of a slot whose worker is gone, and would not be
 * there again for a while. */
static void
queued_clients_of_a_dead_worker_are_served(void **state)
{
	struct muxd *muxd = start_echo("1h");
	unsigned crash;
	int fds[60];
	size_t i;

	(void)state;
	if (!procfs_available())
		skip();
	for (crash = 1; crash <= 4; crash++) {
		pid_t pid;

		muxd_wait_logs(muxd, crash, "msg=\"worker started\"", "slot=0");
		pid = muxd_worker(muxd, 0);
		if (crash == 4) {
			procfs_stop(pid);
			for (i = 0; i < 60; i++)
				fds[i] = client_connect(
				    muxd_address(muxd, "echo", 0));
		}
		assert_int_equal(kill(pid, SIGKILL), 0);
		muxd_wait_logs(muxd, crash, "msg=\"worker ended\"", "slot=0");
	}
	muxd_signal(muxd, SIGTERM);
	for (i = 0; i < 60; i++) {
		client_echo(fds[i], "last orders\n");
		client_close(fds[i]);
	}
	assert_int_equal(muxd_wait_exit(muxd), 0);
}

static void
new_clients_are_refused(void **state)
{
	struct muxd *muxd = start_echo("1h");
	const char *address = muxd_address(muxd, "echo", 0);
	int64_t deadline = test_now_ms() + test_deadline_ms();
	int stays = client_connect(address), fd;

	(void)state;
	client_echo(stays, "I stay\n");
	muxd_signal(muxd, SIGTERM);
	do {
		assert_true(test_now_ms() < deadline);
		fd = client_try_connect(address, NULL);
		if (fd != -1) {
			/* Whether it came in before the door was shut is a
			 * matter of luck. */
			(void)client_try_echo(fd, "just in time?\n");
			client_close(fd);
		}
	} while (fd != -1);
	assert_int_equal(errno, ECONNREFUSED);
	client_echo(stays, "I am still here\n");
	client_close(stays);
	assert_int_equal(muxd_wait_exit(muxd), 0);
}

static void
second_signal_ends_at_once(void **state)
{
	struct muxd *muxd = start_echo("1h");
	int fds[10];
	size_t i;

	(void)state;
	for (i = 0; i < 10; i++) {
		fds[i] = client_connect(muxd_address(muxd, "echo", i % 2));
		client_echo(fds[i], "I stay\n");
	}
	muxd_signal(muxd, SIGTERM);
	muxd_wait_logs(muxd, 1, "msg=\"stopping: sessions have*");
	client_echo(fds[0], "not yet\n");
	muxd_stop(muxd);
	for (i = 0; i < 10; i++)
		client_wait_end(fds[i]);
	muxd_wait_logs(
	    muxd, 10, "msg=\"session ended\"", "reason=stopped", "by=admin");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(deadline_closes_the_rest),
		system_test(sessions_may_finish),
		system_test(queued_clients_are_served),
		system_test(queued_clients_of_a_dead_worker_are_served),
		system_test(new_clients_are_refused),
		system_test(second_signal_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
