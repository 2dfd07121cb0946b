/*
 * muxd -d: the caller has its prompt back once muxd serves, or learns why it
 * does not.
 */
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "records.h"
#include "upgrade.h"

static const char *const detach[] = { "-d", NULL };

static struct muxd *
launch_detached(const char *listen)
{
	struct muxd *muxd = muxd_new();

	muxd_configure(muxd,
	    "workers = 2\n"
	    "service \"echo\" {\n"
	    "  listen = { \"%s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    listen);
	muxd->arguments = detach;
	muxd_launch(muxd);
	return muxd;
}

static void
caller_goes_on_when_muxd_serves(void **state)
{
	struct muxd *muxd = launch_detached("unix:@DIR@/s");
	pid_t caller = muxd->pid;

	(void)state;
	assert_int_equal(muxd_wait_detached(muxd), 0);
	muxd->pid =
	    (pid_t)strtol(muxd_read_file(muxd, "control.sock.lock"), NULL, 10);
	assert_int_not_equal(muxd->pid, caller);
	/* No terminal is left to send it a signal. */
	assert_int_equal(getsid(muxd->pid), muxd->pid);
	client_visit(test_format("unix:%s/s", muxd->dir), NULL, "hello\n");
	muxd_stop(muxd);
}

/* The new one is detached as well, and finds its files from where the first was
 * started. */
static void
upgrade_of_a_detached_one(void **state)
{
	struct muxd *muxd = launch_detached("unix:@DIR@/s");
	pid_t before;

	(void)state;
	assert_int_equal(muxd_wait_detached(muxd), 0);
	muxd->pid =
	    (pid_t)strtol(muxd_read_file(muxd, "control.sock.lock"), NULL, 10);
	muxd->group = muxd->pid;
	before = upgrade_apply(muxd);
	upgrade_wait_left(muxd, before);
	assert_int_equal(
	    strtol(muxd_read_file(muxd, "control.sock.lock"), NULL, 10),
	    muxd->pid);
	client_visit(test_format("unix:%s/s", muxd->dir), NULL, "hello\n");
	muxd_stop(muxd);
}

static void
caller_learns_that_muxd_cannot_start(void **state)
{
	struct muxd *first = muxd_start("workers = 1\n"
					"service \"echo\" {\n"
					"  listen = { \"127.0.0.1:0\" }\n"
					"  handler = \"echo\"\n"
					"}\n");
	struct muxd *second = launch_detached(muxd_address(first, "echo", 0));

	(void)state;
	assert_int_equal(muxd_wait_detached(second), 2);
	muxd_stop(first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(caller_goes_on_when_muxd_serves),
		system_test(upgrade_of_a_detached_one),
		system_test(caller_learns_that_muxd_cannot_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
