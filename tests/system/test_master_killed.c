/*
 * The master dies without a word: its children do not outlive it.
 */
#include <sys/wait.h>

#include <signal.h>

#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

static void
children_end_with_their_master(void **state)
{
	struct muxd *muxd = muxd_start("workers = 4\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	pid_t pids[5] = { muxd_monitor(muxd) };
	int fds[20], status;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		pids[i + 1] = muxd_worker(muxd, (unsigned)i);
	for (i = 0; i < 20; i++) {
		fds[i] = client_connect(muxd_address(muxd, "echo", 0));
		client_echo(fds[i], "hello\n");
	}
	muxd_signal(muxd, SIGKILL);
	status = muxd_wait_exit(muxd);
	assert_true(WIFSIGNALED(status));
	for (i = 0; i < 20; i++)
		(void)client_wait_end(fds[i]);
	for (i = 0; i < 5 && procfs_available(); i++)
		assert_false(procfs_alive(pids[i]));
	/* Their ports are free. */
	assert_int_equal(
	    client_try_connect(muxd_address(muxd, "echo", 0), NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(children_end_with_their_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
