/*
 * A worker that dies again and again is restarted more and more slowly, and
 * gets no new connections meanwhile.
 */
#include <signal.h>

#include "client.h"
#include "harness.h"
#include "records.h"

#define CRASHES 5
#define CLIENTS 20

/* fault 3 */
static void
new_clients_are_steered_away_from_a_crashing_slot(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	unsigned crash, i;
	size_t served, steered = 0;

	(void)state;
	for (crash = 1; crash <= CRASHES; crash++) {
		muxd_wait_logs(muxd, crash, "msg=\"worker started\"", "slot=0");
		assert_int_equal(kill(muxd_worker(muxd, 0), SIGKILL), 0);
		muxd_wait_logs(muxd, crash, "msg=\"worker ended\"", "slot=0",
		    "signal=Killed");
		for (i = 0; i < CLIENTS; i++)
			client_visit(address, NULL, "served\n");
		steered += muxd_worker_starts(muxd, 0) == crash;
	}
	/* Nobody had to wait until the slot had a worker again, unless that
	 * was very soon. */
	assert_true(steered > 0);
	/* When it is back it takes its share again. */
	muxd_wait_logs(muxd, CRASHES + 1, "msg=\"worker started\"", "slot=0");
	served = muxd_count_log(muxd, "msg=\"session ended\"", "worker=0");
	while (
	    muxd_count_log(muxd, "msg=\"session ended\"", "worker=0") == served)
		client_visit(address, NULL, "served\n");
	/* The first restart is at once, later ones are not. */
	assert_int_equal(
	    muxd_count_log(muxd, "msg=\"the worker fails again*"), CRASHES - 1);
	muxd_wait_log(muxd,
	    "msg=\"the worker fails again and again: next start in 800 ms\"");
	muxd_wait_log(
	    muxd, "msg=\"new clients are steered around 1 of 2 workers\"");
	muxd_wait_log(muxd, "msg=\"all workers take new clients\"");
	assert_int_equal(muxd_worker_starts(muxd, 1), 1);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(new_clients_are_steered_away_from_a_crashing_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
