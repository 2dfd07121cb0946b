/*
 * A worker has the listening sockets of its own slot and no other: a
 * listener that leaks into a process which does not accept on it swallows
 * clients.
 */
#include <signal.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

#define WORKERS 3

/* How many of the sockets the process has. */
static size_t
count_held(pid_t pid, const uint64_t *inodes, size_t n)
{
	size_t i, held = 0;

	for (i = 0; i < n; i++)
		held += procfs_has_socket(pid, inodes[i]);
	return held;
}

static void
expect_one_each(struct muxd *muxd, const uint64_t inodes[WORKERS])
{
	size_t i, holders;
	unsigned slot;

	for (slot = 0; slot < WORKERS; slot++)
		assert_int_equal(
		    count_held(muxd_worker(muxd, slot), inodes, WORKERS), 1);
	for (i = 0; i < WORKERS; i++) {
		holders = 0;
		for (slot = 0; slot < WORKERS; slot++)
			holders += procfs_has_socket(
			    muxd_worker(muxd, slot), inodes[i]);
		assert_int_equal(holders, 1);
	}
	assert_int_equal(count_held(muxd->pid, inodes, WORKERS), WORKERS);
	assert_int_equal(count_held(muxd_monitor(muxd), inodes, WORKERS), 0);
}

/* fault 50 */
static void
worker_has_the_listeners_of_its_slot_alone(void **state)
{
	struct muxd *muxd;
	uint64_t tcp[WORKERS], udp[WORKERS];
	unsigned slot;

	(void)state;
	if (!procfs_available())
		skip();
	muxd =
	    muxd_start("workers = %d\n"
		       "service \"echo\" {\n"
		       "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }\n"
		       "  handler = \"echo\"\n"
		       "}\n",
		WORKERS);
	assert_int_equal(
	    procfs_tcp_listeners(
		address_port(muxd_address(muxd, "echo", 0)), tcp, WORKERS),
	    WORKERS);
	assert_int_equal(
	    procfs_udp_sockets(
		address_port(muxd_address(muxd, "echo", 1)), udp, WORKERS),
	    WORKERS);
	expect_one_each(muxd, tcp);
	expect_one_each(muxd, udp);
	/* A successor is no different, in whichever order they come. */
	for (slot = 0; slot < WORKERS; slot++) {
		assert_int_equal(kill(muxd_worker(muxd, slot), SIGKILL), 0);
		muxd_wait_logs(muxd, 2, "msg=\"worker started\"",
		    test_format("slot=%u", slot));
	}
	expect_one_each(muxd, tcp);
	expect_one_each(muxd, udp);
	muxd_stop(muxd);
}

/* A thousand sessions later there are no more descriptors than before. */
static void
sessions_leave_no_descriptor(void **state)
{
	struct muxd *muxd;
	size_t before, i;
	pid_t pid;
	int fd;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = muxd_start("workers = 1\n"
			  "log { target = \"stderr\" access = false }\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n");
	pid = muxd_worker(muxd, 0);
	before = procfs_descriptors(pid);
	for (i = 0; i < 1000; i++) {
		fd = client_connect(muxd_address(muxd, "echo", 0));
		client_echo(fd, "hello\n");
		if (i % 2 == 0) {
			client_half_close(fd);
			client_expect_eof(fd);
			client_close(fd);
		} else {
			client_reset(fd);
		}
	}
	/* The last reset is noticed before the next client is answered. */
	fd = client_connect(muxd_address(muxd, "echo", 0));
	client_echo(fd, "hello\n");
	assert_in_range(procfs_descriptors(pid), before, before + 1);
	client_close(fd);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(worker_has_the_listeners_of_its_slot_alone),
		system_test(sessions_leave_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
