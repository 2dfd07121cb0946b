/*
 * Started as root: what is exposed to the network has no privilege at all.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

static void
expect_status(pid_t pid, const char *key, const char *want)
{
	char value[256];

	if (!procfs_status(pid, key, value, sizeof(value)))
		test_fail("process %d has no %s", (int)pid, key);
	if (strcmp(value, want) != 0)
		test_fail("%s of process %d is \"%s\", not \"%s\"", key,
		    (int)pid, value, want);
}

static void
expect_no_privilege(pid_t pid)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff",
		"CapAmb" };
	size_t i;

	/* Real, effective, saved, and of the file system. */
	expect_status(pid, "Uid", "65534\t65534\t65534\t65534");
	expect_status(pid, "Gid", "65534\t65534\t65534\t65534");
	expect_status(pid, "Groups", "");
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		expect_status(pid, sets[i], "0000000000000000");
	expect_status(pid, "NoNewPrivs", "1");
}

/* fault 48 */
static void
children_have_no_privilege(void **state)
{
	struct muxd *muxd;
	char cwd[64];
	ssize_t len;

	(void)state;
	if (geteuid() != 0 || !procfs_available())
		skip();
	muxd = muxd_start("workers = 2\n"
			  "user = \"65534\"\n"
			  "group = \"65534\"\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n");
	expect_no_privilege(muxd_worker(muxd, 0));
	expect_no_privilege(muxd_worker(muxd, 1));
	expect_no_privilege(muxd_monitor(muxd));
	len = readlink(test_format("/proc/%d/cwd", (int)muxd_worker(muxd, 0)),
	    cwd, sizeof(cwd));
	assert_int_equal(len, 1);
	assert_int_equal(cwd[0], '/');
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	muxd_stop(muxd);
}

/* Also those that replace a dead one. */
static void
successor_has_no_privilege_either(void **state)
{
	struct muxd *muxd;

	(void)state;
	if (geteuid() != 0 || !procfs_available())
		skip();
	muxd = muxd_start("workers = 1\n"
			  "user = \"65534\"\n"
			  "group = \"65534\"\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n");
	assert_int_equal(kill(muxd_worker(muxd, 0), SIGKILL), 0);
	muxd_wait_logs(muxd, 2, "msg=\"worker started\"");
	expect_no_privilege(muxd_worker(muxd, 0));
	muxd_stop(muxd);
}

static void
root_is_no_user_to_become(void **state)
{
	struct muxd *muxd = muxd_new();

	(void)state;
	if (geteuid() != 0)
		skip();
	muxd_configure(muxd,
	    "user = \"root\"\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	muxd_launch(muxd);
	muxd_expect_failure(muxd, 2, "must not run as root");
}

static void
become_nobody(void)
{
	if (setgid(65534) == -1 || setuid(65534) == -1)
		_exit(125);
}

/* An ordinary user may run it; user is not looked at then. */
static void
ordinary_user_needs_no_root(void **state)
{
	struct muxd *muxd = muxd_new();
	char path[128];

	(void)state;
	/* A wrapper could not write its report as another user. */
	if (test_is_wrapped())
		skip();
	if (geteuid() != 0 || !procfs_available())
		skip();
	snprintf(path, sizeof(path), "%s/own", muxd->dir);
	if (mkdir(path, 0755) == -1 || chown(path, 65534, 65534) == -1)
		test_fail("cannot make a folder");
	muxd_configure(muxd,
	    "workers = 1\n"
	    "control = \"@DIR@/own/control.sock\"\n"
	    "user = \"no-such-user\"\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	muxd->prepare = become_nobody;
	muxd_launch(muxd);
	muxd_wait_ready(muxd);
	expect_status(muxd_worker(muxd, 0), "NoNewPrivs", "1");
	expect_status(muxd_worker(muxd, 0), "CapEff", "0000000000000000");
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(children_have_no_privilege),
		system_test(successor_has_no_privilege_either),
		system_test(root_is_no_user_to_become),
		system_test(ordinary_user_needs_no_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
