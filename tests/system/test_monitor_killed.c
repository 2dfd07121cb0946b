/*
 * The monitor dies: the data path does not notice, and logs go on.
 */
#include <signal.h>

#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

static void
logs_go_on_after_the_monitor_was_killed(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	int stays = client_connect(muxd_address(muxd, "echo", 0));
	unsigned round;

	(void)state;
	if (!procfs_available())
		skip();
	client_echo(stays, "before\n");
	for (round = 1; round <= 3; round++) {
		assert_int_equal(kill(muxd_monitor(muxd), SIGKILL), 0);
		client_echo(stays, "meanwhile\n");
		client_visit(muxd_address(muxd, "echo", 0), NULL, "new\n");
		muxd_wait_logs(muxd, round, "msg=\"monitor ended\"",
		    "process=master", "signal=Killed");
		/* What happened meanwhile is not lost. */
		muxd_wait_logs(muxd, round, "msg=\"session ended\"");
	}
	client_close(stays);
	muxd_wait_logs(muxd, 4, "msg=\"session ended\"");
	assert_int_equal(muxd_worker_starts(muxd, 0), 1);
	assert_int_equal(muxd_worker_starts(muxd, 1), 1);
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "sessions=4");
}

/* A log that nobody takes costs records, never a client's time. */
static void
clients_are_served_while_the_monitor_hangs(void **state)
{
	struct muxd *muxd = muxd_start("workers = 1\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	pid_t monitor;
	size_t i;

	(void)state;
	if (!procfs_available())
		skip();
	monitor = muxd_monitor(muxd);
	procfs_stop(monitor);
	for (i = 0; i < 3000; i++)
		client_visit(address, "127.0.0.2", "hello\n");
	assert_int_equal(kill(monitor, SIGCONT), 0);
	/* As soon as there is room, records come again, and tell how many did
	 * not. */
	for (; muxd_count_log(muxd, "msg=\"session ended\"", "bytes_in=9") == 0;
	     i++)
		client_visit(address, "127.0.0.3", "12345678\n");
	muxd_wait_log(muxd, "msg=\"log records dropped\"", "count=*");
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", test_format("sessions=%zu", i));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(logs_go_on_after_the_monitor_was_killed),
		system_test(clients_are_served_while_the_monitor_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
