/*
 * A worker hangs: the others go on as if nothing had happened, and the
 * master replaces it when its heartbeat is too old.
 */
#include <signal.h>

#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

#define CLIENTS 40

/* faults 4 and 22 */
static void
hanging_worker_hurts_nobody_else_and_is_replaced(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	pid_t sick = muxd_worker(muxd, 0), well = muxd_worker(muxd, 1);
	int before[CLIENTS], after[CLIENTS];
	size_t i, round, others, served;

	(void)state;
	if (!procfs_available())
		skip();
	others = procfs_descriptors(well);
	for (i = 0; i < CLIENTS; i++) {
		before[i] = client_connect(address);
		client_echo(before[i], "hello\n");
	}
	others = procfs_descriptors(well) - others;
	procfs_stop(sick);

	/* All clients of the other one get their answers, round by round. */
	for (round = 0; round < 50; round++) {
		for (i = 0; i < CLIENTS; i++)
			if (round == 0 || client_peek(before[i]) == CLIENT_DATA)
				client_send_text(before[i], "x");
		do {
			served = 0;
			for (i = 0; i < CLIENTS; i++)
				served += client_peek(before[i]) == CLIENT_DATA;
		} while (served < others);
		assert_int_equal(served, others);
	}

	for (i = 0; i < CLIENTS; i++) {
		after[i] = client_connect(address);
		client_send_text(after[i], "new here\n");
	}
	muxd_wait_log(muxd, "msg=\"worker 0 is silent\"");
	muxd_wait_log(muxd, "msg=\"worker 0 has not moved for*");
	muxd_wait_logs(muxd, 2, "msg=\"worker started\"", "slot=0");
	for (i = 0; i < CLIENTS; i++) {
		client_expect_text(after[i], "new here\n");
		client_close(after[i]);
	}
	assert_int_equal(muxd_worker_starts(muxd, 1), 1);
	muxd_wait_logs(muxd, CLIENTS - others, "reason=worker_died");
	for (i = 0; i < CLIENTS; i++)
		client_close(before[i]);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(hanging_worker_hurts_nobody_else_and_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
