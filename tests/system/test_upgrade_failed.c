/*
 * The program that is to take over cannot: the one that runs goes on as if
 * nothing had been asked, and says why.
 */
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "harness.h"
#include "process.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"
#include "server.h"
#include "upgrade.h"

#define CLIENTS 8

#define ECHO                                                         \
	"service \"echo\" {\n"                                       \
	"  listen = { \"127.0.0.1:0\", \"unix:@DIR@/echo.sock\" }\n" \
	"  handler = \"echo\"\n"                                     \
	"}\n"

/* What an upgrade must leave as it is. */
struct before {
	int fds[CLIENTS];
	size_t descriptors;
	pid_t workers[2];
	pid_t monitor;
};

static void
look_before(struct muxd *muxd, struct before *before)
{
	unsigned i;

	for (i = 0; i < CLIENTS; i++) {
		before->fds[i] = client_connect(muxd_address(muxd, "echo", 0));
		client_echo(before->fds[i], "before\n");
	}
	before->descriptors = procfs_descriptors(muxd->pid);
	before->monitor = muxd_monitor(muxd);
	for (i = 0; i < 2; i++)
		before->workers[i] = muxd_worker(muxd, i);
}

/* The line of the log that begins so says this. */
static void
expect_said(
    struct muxd *muxd, const char *msg, const char *key, const char *text)
{
	const char *value = log_field(muxd_wait_log(muxd, msg), key);

	if (strstr(value, text) == NULL)
		test_fail("%s is not \"%s\": %s", key, text, value);
}

/* All goes on, and the next upgrade of a program that is well works. */
static void
expect_as_before(struct muxd *muxd, struct before *before)
{
	pid_t master;
	unsigned i;

	for (i = 0; i < CLIENTS; i++)
		client_echo(before->fds[i], "after\n");
	for (i = 0; i < CLIENTS; i++)
		client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	client_visit(muxd_address(muxd, "echo", 1), NULL, "hello\n");
	procfs_wait_descriptors(muxd->pid, before->descriptors);
	assert_int_equal(muxd_monitor(muxd), before->monitor);
	for (i = 0; i < 2; i++)
		assert_true(procfs_alive(before->workers[i]));
	muxd_configure(muxd, "workers = 2\n" ECHO);
	reload_apply(muxd);
	upgrade_put_program(muxd);
	for (i = 0; i < CLIENTS; i++)
		client_close(before->fds[i]);
	master = upgrade_apply(muxd);
	upgrade_wait_left(muxd, master);
	client_visit(muxd_address(muxd, "echo", 1), NULL, "hello\n");
	upgrade_reap(muxd);
	muxd_stop(muxd);
}

/* muxctl says why, and with which status. */
static void
expect_refused(struct muxd *muxd, const char *text)
{
	struct muxd_result result;

	muxd_mark_log(muxd);
	result = muxctl_run(muxd, "upgrade");
	if (result.status != 1 || strstr(result.err, text) == NULL)
		test_fail("status %d instead of 1 with \"%s\": %s",
		    result.status, text, result.err);
	muxd_wait_log(muxd, "msg=\"the upgrade has failed: *", "level=error");
}

static struct muxd *
start(struct before *before)
{
	struct muxd *muxd = upgrade_start("workers = 2\n" ECHO);

	look_before(muxd, before);
	return muxd;
}

static void
configuration_is_not_valid(void **state)
{
	struct before before;
	struct muxd *muxd;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	muxd_configure(muxd, "workers = 2\nwrkers = 3\n" ECHO);
	expect_refused(muxd, "muxd.conf:2: ");
	expect_said(muxd, "msg=\"the new muxd says\"", "text", "wrkers");
	expect_as_before(muxd, &before);
}

static void
address_is_taken(void **state)
{
	int taken = server_listen("127.0.0.1:0");
	struct before before;
	struct muxd *muxd;

	(void)state;
	(void)taken;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	muxd_configure(muxd,
	    "workers = 2\n" ECHO "service \"more\" {\n"
	    "  listen = { \"127.0.0.1:0\", \"%s\","
	    " \"unix:@DIR@/more.sock\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    address_of(taken));
	expect_refused(muxd, "Address already in use");
	expect_as_before(muxd, &before);
}

static void
program_is_missing(void **state)
{
	struct before before;
	struct muxd *muxd;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	upgrade_no_program(muxd);
	expect_refused(muxd, "No such file or directory");
	expect_as_before(muxd, &before);
}

static void
program_is_another_one(void **state)
{
	struct before before;
	struct muxd *muxd;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	upgrade_put_script(muxd, "echo 'no muxd here' >&2; exit 3");
	expect_refused(muxd, "no muxd here");
	expect_said(
	    muxd, "msg=\"the upgrade has failed: *", "reason", "status 3");
	upgrade_put_script(muxd, "exit 0");
	expect_refused(muxd, "status 0");
	expect_as_before(muxd, &before);
}

/* The process that the master has started last and that is none of those that
 * were there. */
static pid_t
find_new(const struct muxd *muxd, const struct before *before)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();
	pid_t children[16];
	size_t i, n;

	while (test_now_ms() < deadline) {
		n = procfs_children(muxd->pid, children, 16);
		for (i = 0; i < n && i < 16; i++)
			if (children[i] != before->monitor &&
			    children[i] != before->workers[0] &&
			    children[i] != before->workers[1])
				return children[i];
		poll(NULL, 0, 2);
	}
	test_fail("no new process");
	return -1;
}

static void
new_process_is_killed(void **state)
{
	struct before before;
	struct muxd *muxd;
	int fd;
	pid_t pid;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	upgrade_put_script(muxd, "exec sleep 1000");
	muxd_mark_log(muxd);
	fd = control_connect(muxd);
	client_send_text(fd, "upgrade\n");
	pid = find_new(muxd, &before);
	control_expect_refused(muxd, "upgrade", "an upgrade is under way");
	control_expect_refused(muxd, "reload", "an upgrade is under way");
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_non_null(strstr(control_answer(fd), "\"ok\":false"));
	expect_said(
	    muxd, "msg=\"the upgrade has failed: *", "reason", "Killed");
	client_close(fd);
	expect_as_before(muxd, &before);
}

static pid_t
wait_ready_to_take_over(struct muxd *muxd)
{
	return (pid_t)log_number(
	    muxd_wait_log(muxd, "msg=\"ready to take over\""), "pid");
}

/* Upgrade, and stop the monitor, which is to yield: the new master, which waits
 * for that. */
static pid_t
upgrade_and_hold(struct muxd *muxd, pid_t monitor)
{
	procfs_stop(monitor);
	muxd_mark_log(muxd);
	muxd_signal(muxd, SIGUSR2);
	return wait_ready_to_take_over(muxd);
}

/* With workers of its own, while the monitor here is to yield. */
static void
new_muxd_is_killed_when_it_is_ready(void **state)
{
	struct before before;
	struct muxd *muxd;
	pid_t pid;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	pid = upgrade_and_hold(muxd, before.monitor);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(kill(before.monitor, SIGCONT), 0);
	expect_said(
	    muxd, "msg=\"the upgrade has failed: *", "reason", "Killed");
	expect_as_before(muxd, &before);
}

/* Its master was killed, and it holds what it has: it must not give that back
 * later. */
static void
worker_of_the_new_one_hangs(void **state)
{
	struct before before;
	struct muxd *muxd;
	pid_t pid, children[4], worker = 0;
	char title[128];
	size_t i, n;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	pid = upgrade_and_hold(muxd, before.monitor);
	n = procfs_children(pid, children, 4);
	for (i = 0; i < n && i < 4; i++) {
		procfs_title(children[i], title, sizeof(title));
		if (strstr(title, "worker") != NULL)
			worker = children[i];
	}
	assert_int_not_equal(worker, 0);
	procfs_stop(worker);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(kill(before.monitor, SIGCONT), 0);
	muxd_wait_log(muxd, "level=error",
	    test_format("*(process %d) has outlived its master*", (int)worker));
	expect_said(
	    muxd, "msg=\"the upgrade has failed: *", "reason", "Killed");
	assert_false(procfs_alive(worker));
	expect_as_before(muxd, &before);
}

/* When the servers and the status page are to be its own. */
static void
new_muxd_hangs_while_it_takes_over(void **state)
{
	struct before before;
	struct muxd *muxd;
	const char *sessions;
	pid_t pid, monitor;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	pid = upgrade_and_hold(muxd, before.monitor);
	monitor = (pid_t)log_number(
	    muxd_wait_log(muxd, "msg=\"monitor started\""), "child");
	procfs_stop(monitor);
	assert_int_equal(kill(before.monitor, SIGCONT), 0);
	procfs_wait_gone(pid);
	(void)kill(monitor, SIGCONT);
	expect_said(muxd, "msg=\"the upgrade has failed: *", "reason",
	    "does not take over");
	sessions = control_order(muxd, "show sessions");
	assert_non_null(strstr(sessions, "\"service\":\"echo\""));
	assert_null(strstr(sessions, "\"service\":\"\""));
	expect_as_before(muxd, &before);
}

#define RELAY                                                         \
	"workers = 2\n" ECHO "pool \"p\" {\n"                         \
	"  server \"s\" { address = \"%s\"  weight = %d }\n"          \
	"  check { type = \"tcp\"  interval = \"50ms\"  fall = 2 }\n" \
	"}\n"                                                         \
	"service \"relay\" {\n"                                       \
	"  listen = { \"127.0.0.1:0\" }\n"                            \
	"  handler = \"relay\"\n"                                     \
	"  pool = \"p\"\n"                                            \
	"}\n"

/* It was told to take over, and does nothing of it: then the monitor here looks
 * after the servers again. */
static void
new_muxd_does_not_take_over(void **state)
{
	struct process server = { 0 };
	struct muxd *muxd;
	pid_t pid, monitor;

	(void)state;
	if (!procfs_available())
		skip();
	process_start(&server, "hello");
	muxd = upgrade_start(RELAY, server.address, 1);
	muxd_wait_log(muxd, "msg=\"server up\"");
	monitor = muxd_monitor(muxd);
	muxd_configure(muxd, RELAY, server.address, 2);
	pid = upgrade_and_hold(muxd, monitor);
	procfs_stop(pid);
	assert_int_equal(kill(monitor, SIGCONT), 0);
	expect_said(muxd, "msg=\"the upgrade has failed: *", "reason",
	    "does not take over");
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	process_kill(&server);
	muxd_wait_log(muxd, "msg=\"server down\"");
	assert_int_equal(muxd_monitor(muxd), monitor);
	upgrade_reap(muxd);
	muxd_stop(muxd);
}

static void
hang_up_follows(void **state)
{
	struct before before;
	struct muxd *muxd;
	pid_t pid;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	upgrade_put_script(muxd, "exec sleep 1000");
	muxd_mark_log(muxd);
	muxd_signal(muxd, SIGUSR2);
	pid = find_new(muxd, &before);
	muxd_signal(muxd, SIGHUP);
	/* The signals were heard in one order or the other. */
	control_expect_refused(muxd, "reload", "an upgrade is under way");
	assert_int_equal(muxd_count_log(muxd, "msg=reloaded"), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	muxd_wait_log(muxd, "msg=reloaded");
	expect_as_before(muxd, &before);
}

static void
stop_ends_it(void **state)
{
	struct before before;
	struct muxd *muxd;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start(&before);
	upgrade_put_script(muxd, "exec sleep 1000");
	muxd_mark_log(muxd);
	muxd_signal(muxd, SIGUSR2);
	(void)find_new(muxd, &before);
	client_close_all();
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(configuration_is_not_valid),
		system_test(address_is_taken),
		system_test(program_is_missing),
		system_test(program_is_another_one),
		system_test(new_process_is_killed),
		system_test(new_muxd_is_killed_when_it_is_ready),
		system_test(worker_of_the_new_one_hangs),
		system_test(new_muxd_hangs_while_it_takes_over),
		system_test(new_muxd_does_not_take_over),
		system_test(hang_up_follows),
		system_test(stop_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
