/*
 * A worker is killed: its own clients are lost, nobody else is, and whoever
 * waits in its queue is served by its successor.
 */
#include <signal.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "load.h"
#include "procfs.h"
#include "records.h"

#define KILLS 4

static void
kill_worker(struct muxd *muxd, unsigned slot)
{
	size_t starts = muxd_worker_starts(muxd, slot);
	pid_t pid = muxd_worker(muxd, slot);

	assert_int_equal(kill(pid, SIGKILL), 0);
	muxd_wait_logs(muxd, starts + 1, "msg=\"worker started\"",
	    test_format("slot=%u", slot));
}

/* How many of the lost connections no record of the death tells of. */
static size_t
count_unrecorded(
    struct muxd *muxd, const struct load_result *result, const char *source)
{
	size_t i, n = 0;

	for (i = 0; i < result->lost && i < LOAD_LOST_MAX; i++)
		if (muxd_count_log(muxd, "reason=worker_died",
			test_format("client=%s:%u", source,
			    result->lost_ports[i])) == 0)
			n++;
	return n;
}

/* fault 1 */
static void
killed_worker_takes_only_its_own_clients_along(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	const struct load loads[] = {
		{ muxd_address(muxd, "echo", 0), "127.0.0.1", 6000, 24 },
		{ muxd_address(muxd, "echo", 0), "127.0.0.2", 6000, 24 },
	};
	struct load_process *processes[2];
	struct load_result results[2];
	size_t unrecorded = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++)
		processes[i] = load_start(&loads[i]);
	for (i = 0; i < KILLS; i++) {
		load_wait_progress(processes[0], 1000 * (i + 1));
		kill_worker(muxd, i % 2);
	}
	for (i = 0; i < 2; i++) {
		results[i] = load_finish(processes[i]);
		assert_int_equal(results[i].refused, 0);
		assert_int_equal(results[i].served + results[i].lost, 6000);
		/* At most all that the load had open, at each death. */
		assert_in_range(results[i].lost, 0, KILLS * 24);
	}
	muxd_stop(muxd);
	for (i = 0; i < 2; i++)
		unrecorded +=
		    count_unrecorded(muxd, &results[i], loads[i].source);
	/* A death can come between accept(2) and the ledger, once each. */
	assert_in_range(unrecorded, 0, KILLS);
}

/* fault 2 */
static void
queued_clients_are_served_by_the_successor(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	pid_t pid = muxd_worker(muxd, 0);
	int fds[60];
	size_t i;

	(void)state;
	procfs_stop(pid);
	for (i = 0; i < 60; i++) {
		fds[i] = client_connect(address);
		client_send_text(fds[i], "I wait\n");
	}
	kill_worker(muxd, 0);
	for (i = 0; i < 60; i++) {
		client_expect_text(fds[i], "I wait\n");
		client_echo(fds[i], "I am served\n");
		client_close(fds[i]);
	}
	muxd_stop(muxd);
}

static void
queued_clients_of_a_lone_worker_are_served_by_the_successor(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 1\n"
		       "service \"echo\" {\n"
		       "  listen = { \"127.0.0.1:0\", \"unix:@DIR@/s\" }\n"
		       "  handler = \"echo\"\n"
		       "}\n");
	pid_t pid = muxd_worker(muxd, 0);
	int fds[40];
	size_t i;

	(void)state;
	procfs_stop(pid);
	for (i = 0; i < 40; i++)
		fds[i] = client_connect(muxd_address(muxd, "echo", i % 2));
	kill_worker(muxd, 0);
	for (i = 0; i < 40; i++) {
		client_echo(fds[i], "served\n");
		client_close(fds[i]);
	}
	muxd_stop(muxd);
}

/* The clients of the dead one have a record each, written by the master. */
static void
each_lost_session_has_a_record(void **state)
{
	struct muxd *muxd = muxd_start("workers = 1\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	int fds[10];
	size_t i;

	(void)state;
	for (i = 0; i < 10; i++) {
		fds[i] = client_connect(muxd_address(muxd, "echo", 0));
		client_echo(fds[i], "12345678");
	}
	kill_worker(muxd, 0);
	for (i = 0; i < 10; i++)
		muxd_wait_log(muxd, "msg=\"session ended\"", "service=echo",
		    "reason=worker_died", "bytes_in=8", "bytes_out=8",
		    test_format("client=%s", address_of(fds[i])));
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(killed_worker_takes_only_its_own_clients_along),
		system_test(queued_clients_are_served_by_the_successor),
		system_test(
		    queued_clients_of_a_lone_worker_are_served_by_the_successor),
		system_test(each_lost_session_has_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
