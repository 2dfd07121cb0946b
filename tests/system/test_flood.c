/*
 * A flood of clients at a full service: they are turned away and counted,
 * memory stays as it is, and who is in is served.
 */
#include "client.h"
#include "harness.h"
#include "load.h"
#include "procfs.h"
#include "records.h"

#define INSIDE 10
#define FLOOD  8000

/* fault 71 */
static void
flood_above_the_limit_changes_nothing(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "  limit {\n"
				       "    connections = %d\n"
				       "    when_full = \"refuse\"\n"
				       "  }\n"
				       "}\n",
	    INSIDE);
	const char *address = muxd_address(muxd, "echo", 0);
	const struct load loads[] = {
		{ address, "127.0.0.1", FLOOD, 32 },
		{ address, "127.0.0.2", FLOOD, 32 },
	};
	pid_t workers[] = { muxd_worker(muxd, 0), muxd_worker(muxd, 1) };
	uint64_t before[2] = { 0 };
	struct load_process *processes[2];
	struct load_result result;
	uint32_t refused = 0;
	int fds[INSIDE];
	size_t i, rounds = 0;

	(void)state;
	for (i = 0; i < INSIDE; i++) {
		fds[i] = client_connect(address);
		client_echo(fds[i], "in\n");
	}
	for (i = 0; i < 2; i++)
		processes[i] = load_start(&loads[i]);
	load_wait_progress(processes[0], FLOOD / 4);
	for (i = 0; i < 2 && procfs_available(); i++)
		before[i] = procfs_private_kib(workers[i]);
	while (load_progress(processes[0]) < FLOOD ||
	    load_progress(processes[1]) < FLOOD) {
		client_echo(fds[rounds % INSIDE], "still served\n");
		rounds++;
	}
	assert_true(rounds > 0);
	for (i = 0; i < 2 && procfs_available() && !test_is_instrumented(); i++)
		assert_in_range(
		    procfs_private_kib(workers[i]), 0, before[i] + 512);
	for (i = 0; i < 2; i++) {
		result = load_finish(processes[i]);
		assert_int_equal(result.served, 0);
		refused += result.refused + result.lost;
	}
	assert_int_equal(refused, 2 * FLOOD);
	for (i = 0; i < INSIDE; i++) {
		client_echo(fds[i], "I never noticed\n");
		client_close(fds[i]);
	}
	/* The log is no second flood. */
	assert_in_range(
	    muxd_count_log(muxd, "msg=\"client refused\""), 1, FLOOD / 10);
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "service=echo",
	    test_format("sessions=%d", INSIDE),
	    test_format("service_full=%d", 2 * FLOOD));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(flood_above_the_limit_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
