/*
 * Another process of the program takes over: nobody is reset, sessions go on
 * in the one before, limits and counters are those of both.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "harness.h"
#include "load.h"
#include "procfs.h"
#include "records.h"
#include "server.h"
#include "upgrade.h"

#define CLIENTS 24

#define ECHO                               \
	"service \"echo\" {\n"             \
	"  listen = { \"127.0.0.1:0\" }\n" \
	"  handler = \"echo\"\n"           \
	"}\n"

static void
connect_all(int *fds, size_t n, const char *address)
{
	size_t i;

	for (i = 0; i < n; i++) {
		fds[i] = client_connect(address);
		client_echo(fds[i], "before\n");
	}
}

static void
close_all(const int *fds, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		client_close(fds[i]);
}

static void
stop(struct muxd *muxd)
{
	client_close_all();
	muxd_stop(muxd);
}

static void
load_does_not_notice(void **state)
{
	struct muxd *muxd = muxd_start("workers = 4\n" ECHO);
	const struct load load = {
		.address = muxd_address(muxd, "echo", 0),
		.connections = test_is_instrumented() ? 2000 : 40000,
		.parallel = 20,
	};
	struct load_process *process = load_start(&load);
	struct load_result result;
	uint32_t i;
	pid_t before;

	(void)state;
	for (i = 1; i <= 4; i++) {
		load_wait_progress(process, load.connections / 8 * i);
		before = upgrade_apply(muxd);
		upgrade_wait_left(muxd, before);
	}
	result = load_finish(process);
	assert_int_equal(result.refused, 0);
	assert_int_equal(result.lost, 0);
	assert_int_equal(result.served, load.connections);
	assert_int_equal(muxd_count_log(muxd, "level=error"), 0);
	stop(muxd);
}

static void
sessions_go_on_in_the_process_before(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n" ECHO);
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[CLIENTS], fd;
	pid_t before;
	size_t i;

	(void)state;
	connect_all(fds, CLIENTS, address);
	before = upgrade_apply(muxd);
	for (i = 0; i < CLIENTS; i++)
		client_echo(fds[i], "after\n");
	fd = client_connect(address);
	client_echo(fd, "new\n");
	muxd_mark_log(muxd);
	client_close(fd);
	muxd_wait_log(muxd, "msg=\"session ended\"", "bytes_in=4");
	assert_int_equal(waitpid(before, NULL, WNOHANG), 0);
	close_all(fds, CLIENTS);
	muxd_wait_logs(
	    muxd, CLIENTS, "msg=\"session ended\"", "reason=client_closed");
	upgrade_wait_left(muxd, before);
	stop(muxd);
}

/* The last one has its deadline. */
static void
sessions_end_at_the_deadline(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 2\n"
		       "defaults { drain_timeout = \"1s\" }\n" ECHO);
	int fd = client_connect(muxd_address(muxd, "echo", 0));
	pid_t before;

	(void)state;
	client_echo(fd, "hello\n");
	before = upgrade_apply(muxd);
	(void)client_wait_end(fd);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=drain_deadline");
	upgrade_wait_left(muxd, before);
	stop(muxd);
}

static void
limit_counts_both(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 2\n"
		       "service \"echo\" {\n"
		       "  listen = { \"127.0.0.1:0\" }\n"
		       "  handler = \"echo\"\n"
		       "  limit { connections = 10  when_full = \"refuse\" }\n"
		       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[10], more;
	pid_t before;

	(void)state;
	connect_all(fds, 6, address);
	before = upgrade_apply(muxd);
	connect_all(fds + 6, 4, address);
	client_expect_refused(address, NULL);
	muxd_mark_log(muxd);
	client_close(fds[0]);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=client_closed");
	more = client_connect(address);
	client_echo(more, "in its place\n");
	client_expect_refused(address, NULL);
	close_all(fds + 1, 5);
	upgrade_wait_left(muxd, before);
	connect_all(fds, 5, address);
	client_expect_refused(address, NULL);
	stop(muxd);
}

/* Whoever waits in the process before, or in the one after, comes when a place
 * of the other falls free. */
static void
waiting_clients_come_in(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 1\n"
		       "service \"echo\" {\n"
		       "  listen = { \"127.0.0.1:0\" }\n"
		       "  handler = \"echo\"\n"
		       "  limit { connections = 1  when_full = \"wait\""
		       " wait_timeout = \"10m\" }\n"
		       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	int first = client_connect(address), fds[CLIENTS];
	pid_t before;
	size_t i, j, left = CLIENTS;

	(void)state;
	client_echo(first, "the only one\n");
	for (i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(address);
		client_send_text(fds[i], "hello\n");
	}
	before = upgrade_apply(muxd);
	for (i = 0; i < CLIENTS; i++)
		assert_int_equal(client_peek(fds[i]), CLIENT_SILENT);
	client_close(first);
	/* One after the other, in whatever order. */
	while (left > 0) {
		for (i = 0, j = 0; i < left; i++) {
			if (client_peek(fds[i]) == CLIENT_SILENT) {
				fds[j++] = fds[i];
				continue;
			}
			client_expect_text(fds[i], "hello\n");
			client_close(fds[i]);
		}
		left = j;
	}
	upgrade_wait_left(muxd, before);
	stop(muxd);
}

/* Nobody has accepted them: they wait for the kernel. */
static void
queue_of_a_stopped_worker_is_served(void **state)
{
	struct muxd *muxd;
	int fds[CLIENTS];
	pid_t before, worker;
	size_t i;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = muxd_start("workers = 1\n" ECHO);
	worker = muxd_worker(muxd, 0);
	procfs_stop(worker);
	for (i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(muxd_address(muxd, "echo", 0));
		client_send_text(fds[i], "hello\n");
	}
	before = upgrade_apply(muxd);
	for (i = 0; i < CLIENTS; i++)
		client_expect_text(fds[i], "hello\n");
	assert_int_equal(kill(worker, SIGCONT), 0);
	upgrade_wait_left(muxd, before);
	for (i = 0; i < CLIENTS; i++)
		client_echo(fds[i], "again\n");
	stop(muxd);
}

static long long
number_at(struct muxd *muxd, const char *command, const char *key)
{
	const char *answer = control_order(muxd, command);
	const char *at = strstr(answer, test_format("\"%s\":", key));

	if (at == NULL)
		test_fail("no %s in %s", key, answer);
	return strtoll(at + strlen(key) + 3, NULL, 10);
}

static void
counters_go_on(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n" ECHO);
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[CLIENTS];
	pid_t before, again;
	size_t i;

	(void)state;
	connect_all(fds, CLIENTS, address);
	before = upgrade_apply(muxd);
	for (i = 0; i < 7; i++)
		client_visit(address, NULL, "hello\n");
	muxd_wait_logs(muxd, 7, "msg=\"session ended\"");
	assert_int_equal(
	    number_at(muxd, "show services", "accepted"), CLIENTS + 7);
	assert_int_equal(number_at(muxd, "status", "sessions"), CLIENTS);
	assert_non_null(
	    strstr(control_order(muxd, "show workers"), "\"draining\""));
	close_all(fds, CLIENTS);
	upgrade_wait_left(muxd, before);
	assert_null(strstr(control_order(muxd, "show workers"), "draining"));
	again = upgrade_apply(muxd);
	upgrade_wait_left(muxd, again);
	assert_int_equal(
	    number_at(muxd, "show services", "accepted"), CLIENTS + 7);
	muxd_mark_log(muxd);
	client_close_all();
	muxd_signal(muxd, SIGTERM);
	assert_int_equal(muxd_wait_status(muxd), 0);
	assert_int_equal(muxd_count_log(muxd, "msg=summary", "service=echo",
			     test_format("accepted=%d", CLIENTS + 7)),
	    1);
}

static void
unix_and_udp_go_on(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"echo\" {\n"
				       "  listen = { \"unix:@DIR@/echo.sock\","
				       " \"udp:127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	int local = client_connect(muxd_address(muxd, "echo", 0));
	int udp = client_connect(muxd_address(muxd, "echo", 1));
	pid_t before;
	size_t i;

	(void)state;
	client_echo(local, "before\n");
	client_echo(udp, "before");
	before = upgrade_apply(muxd);
	client_echo(local, "after\n");
	for (i = 0; i < 20; i++) {
		client_echo(udp, "after");
		client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	}
	client_close(local);
	upgrade_wait_left(muxd, before);
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	client_echo(udp, "and later");
	stop(muxd);
}

/* Each flow that begins afterwards is the new one's; an answer that is under way
 * arrives. */
static void
relayed_datagrams_go_on(void **state)
{
	int server = server_listen("udp:127.0.0.1:0");
	struct muxd *muxd;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char text[16] = "";
	pid_t before;
	int udp;

	(void)state;
	muxd = muxd_start("workers = 2\n"
			  "pool \"p\" { udp { idle_timeout = \"1s\" } server "
			  "\"s\" { address = \"%s\" } }\n"
			  "service \"relay\" {\n"
			  "  listen = { \"udp:127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "}\n",
	    address_of(server));
	udp = client_connect(muxd_address(muxd, "relay", 0));
	client_send_text(udp, "question");
	assert_false(client_stays_silent(server, test_deadline_ms()));
	assert_int_equal(recvfrom(server, text, sizeof(text), 0,
			     (struct sockaddr *)&from, &len),
	    8);
	before = upgrade_apply(muxd);
	assert_int_equal(
	    sendto(server, "answer", 6, 0, (struct sockaddr *)&from, len), 6);
	client_expect_text(udp, "answer");
	client_send_text(udp, "another");
	assert_int_equal(client_receive(server, text, sizeof(text)), 7);
	upgrade_wait_left(muxd, before);
	stop(muxd);
}

/* The one after may be asked for as soon as the one before has ended, and not
 * earlier. */
static void
one_after_the_other(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n" ECHO);
	int fd = client_connect(muxd_address(muxd, "echo", 0)), i;
	pid_t before;

	(void)state;
	client_echo(fd, "hello\n");
	before = upgrade_apply(muxd);
	control_expect_refused(muxd, "upgrade", "an upgrade is under way");
	muxd_signal(muxd, SIGUSR2);
	muxd_wait_log(muxd, "msg=\"SIGUSR2 is ignored: *");
	client_echo(fd, "still there\n");
	client_close(fd);
	upgrade_wait_left(muxd, before);
	for (i = 0; i < 3; i++) {
		before = upgrade_apply(muxd);
		client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
		upgrade_wait_left(muxd, before);
	}
	stop(muxd);
}

static void
what_a_killed_master_held_is_given_back(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 2\n"
		       "service \"echo\" {\n"
		       "  listen = { \"127.0.0.1:0\" }\n"
		       "  handler = \"echo\"\n"
		       "  limit { connections = 10  when_full = \"refuse\" }\n"
		       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[10], status;
	pid_t before;
	size_t i;

	(void)state;
	connect_all(fds, 10, address);
	before = upgrade_apply(muxd);
	client_expect_refused(address, NULL);
	assert_int_equal(kill(before, SIGKILL), 0);
	for (i = 0; i < 10; i++)
		(void)client_wait_end(fds[i]);
	assert_int_equal(waitpid(before, &status, 0), before);
	muxd_wait_log(muxd, "msg=\"the muxd that was here before has ended\"");
	connect_all(fds, 10, address);
	client_expect_refused(address, NULL);
	assert_null(strstr(control_order(muxd, "show workers"), "draining"));
	client_close_all();
	/* Its workers were this process's children in the end. */
	upgrade_reap(muxd);
	stop(muxd);
}

/* Before it has said that another one may take over: that one does. */
static void
takes_over_from_one_that_dies(void **state)
{
	struct muxd *muxd;
	int fds[CLIENTS], status;
	pid_t before, monitor, worker;
	size_t i;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = muxd_start("workers = 1\n" ECHO);
	before = muxd->pid;
	monitor = muxd_monitor(muxd);
	worker = muxd_worker(muxd, 0);
	procfs_stop(monitor);
	procfs_stop(worker);
	for (i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(muxd_address(muxd, "echo", 0));
		client_send_text(fds[i], "hello\n");
	}
	muxd_mark_log(muxd);
	muxd_signal(muxd, SIGUSR2);
	muxd->pid = (pid_t)log_number(
	    muxd_wait_log(muxd, "msg=\"ready to take over\""), "pid");
	assert_int_equal(kill(before, SIGKILL), 0);
	assert_int_equal(waitpid(before, &status, 0), before);
	muxd_wait_log(muxd, "msg=\"has taken over\"");
	for (i = 0; i < CLIENTS; i++)
		client_expect_text(fds[i], "hello\n");
	assert_int_equal(kill(monitor, SIGCONT), 0);
	/* The worker stays as it is. */
	muxd_wait_log(muxd, "msg=\"the muxd that was here before has ended\"");
	upgrade_reap(muxd);
	stop(muxd);
}

/* A configuration that has other addresses and workers. */
static void
configuration_changes_with_it(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 3\n" ECHO "service \"old\" {\n"
		       "  listen = { \"127.0.0.1:0\","
		       " \"unix:@DIR@/old.sock\" }\n"
		       "  handler = \"echo\"\n"
		       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	const char *old = muxd_address(muxd, "old", 0);
	const char *local = muxd_address(muxd, "old", 1);
	int fd = client_connect(old);
	pid_t before;
	size_t i;

	(void)state;
	client_echo(fd, "hello\n");
	muxd_configure(muxd,
	    "workers = 5\n" ECHO "service \"new\" {\n"
	    "  listen = { \"127.0.0.1:0\", \"unix:@DIR@/new.sock\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	before = upgrade_apply(muxd);
	client_echo(fd, "still there\n");
	for (i = 0; i < 30; i++) {
		client_visit(address, NULL, "hello\n");
		client_visit(muxd_address(muxd, "new", 0), NULL, "hello\n");
	}
	client_visit(muxd_address(muxd, "new", 1), NULL, "hello\n");
	client_close(fd);
	upgrade_wait_left(muxd, before);
	assert_int_equal(client_try_connect(old, NULL), -1);
	assert_int_equal(client_try_connect(local, NULL), -1);
	muxd_configure(muxd, "workers = 1\n" ECHO);
	before = upgrade_apply(muxd);
	upgrade_wait_left(muxd, before);
	for (i = 0; i < 30; i++)
		client_visit(address, NULL, "hello\n");
	stop(muxd);
}

/* SIGTERM means both. */
static void
stop_lets_both_drain(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n" ECHO);
	int fds[2];
	pid_t before;

	(void)state;
	connect_all(&fds[0], 1, muxd_address(muxd, "echo", 0));
	before = upgrade_apply(muxd);
	connect_all(&fds[1], 1, muxd_address(muxd, "echo", 0));
	muxd_signal(muxd, SIGTERM);
	muxd_wait_log(muxd, "msg=\"stopping: *");
	client_echo(fds[0], "old\n");
	client_echo(fds[1], "new\n");
	client_close(fds[1]);
	client_echo(fds[0], "the last one\n");
	client_close(fds[0]);
	upgrade_wait_left(muxd, before);
	assert_int_equal(muxd_wait_status(muxd), 0);
}

/* It is the new one that has to be asked then. */
static void
who_waits_for_the_last_session_is_told(void **state)
{
	struct muxd *muxd = muxd_start("workers = 1\n" ECHO);
	int asked = control_connect(muxd), fd;
	pid_t before;

	(void)state;
	connect_all(&fd, 1, muxd_address(muxd, "echo", 0));
	client_send_text(asked, "wait drained\n");
	assert_true(client_stays_silent(asked, 100));
	before = upgrade_apply(muxd);
	assert_non_null(
	    strstr(control_answer(asked), "another muxd has taken over"));
	client_echo(fd, "after\n");
	client_close(asked);
	client_close(fd);
	upgrade_wait_left(muxd, before);
	stop(muxd);
}

/* The end of the process before, and of its sessions, takes nothing of the
 * time that is left. */
static void
stop_gives_the_rest_its_time(void **state)
{
	struct muxd *muxd = muxd_start(
	    "defaults { drain_timeout = \"1h\" }\nworkers = 2\n" ECHO);
	int fds[2];
	pid_t before;

	(void)state;
	connect_all(&fds[0], 1, muxd_address(muxd, "echo", 0));
	before = upgrade_apply(muxd);
	connect_all(&fds[1], 1, muxd_address(muxd, "echo", 0));
	muxd_signal(muxd, SIGTERM);
	muxd_wait_log(muxd, "msg=\"stopping: *");
	/* As a terminal does: that one drains already. */
	assert_int_equal(kill(before, SIGTERM), 0);
	client_echo(fds[0], "old\n");
	client_close(fds[0]);
	upgrade_wait_left(muxd, before);
	/* For longer than workers have to end when there is no time left. */
	assert_true(client_stays_silent(fds[1], 3000));
	client_echo(fds[1], "new\n");
	client_close(fds[1]);
	assert_int_equal(muxd_wait_status(muxd), 0);
}

static void
orders_reach_the_sessions_before(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n" ECHO);
	int fds[4];
	pid_t before;

	(void)state;
	connect_all(fds, 4, muxd_address(muxd, "echo", 0));
	before = upgrade_apply(muxd);
	muxd_mark_log(muxd);
	(void)control_order(muxd, "kill --source 127.0.0.1");
	muxd_wait_logs(muxd, 4, "msg=\"session ended\"", "reason=admin");
	upgrade_wait_left(muxd, before);
	stop(muxd);
}

/* More workers than there is room for take memory of their own. */
static void
orders_hold_in_memory_of_its_own(void **state)
{
	struct muxd *muxd = muxd_start("workers = 1\n" ECHO);
	const char *bans, *address = muxd_address(muxd, "echo", 0);
	pid_t before;

	(void)state;
	(void)control_order(muxd, "drain --refuse");
	(void)control_order(muxd, "ban 192.0.2.0/24");
	(void)control_order(muxd, "ban 2001:db8::/32 --for 1h");
	client_expect_refused(address, NULL);
	muxd_configure(muxd, "workers = 16\n" ECHO);
	before = upgrade_apply(muxd);
	muxd_wait_log(muxd, "msg=\"the shared memory of the muxd before *",
	    "level=warning", test_format("pid=%d", (int)muxd->pid));
	upgrade_wait_left(muxd, before);
	assert_non_null(strstr(control_order(muxd, "status"), "\"refusing\""));
	client_expect_refused(address, NULL);
	bans = control_order(muxd, "show bans");
	assert_non_null(strstr(bans, "{\"prefix\":\"192.0.2.0/24\"}"));
	assert_non_null(
	    strstr(bans, "{\"prefix\":\"2001:db8::/32\",\"left_ms\":"));
	(void)control_order(muxd, "enable");
	client_visit(address, NULL, "hello\n");
	stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(load_does_not_notice),
		system_test(sessions_go_on_in_the_process_before),
		system_test(sessions_end_at_the_deadline),
		system_test(limit_counts_both),
		system_test(waiting_clients_come_in),
		system_test(queue_of_a_stopped_worker_is_served),
		system_test(counters_go_on),
		system_test(unix_and_udp_go_on),
		system_test(relayed_datagrams_go_on),
		system_test(one_after_the_other),
		system_test(what_a_killed_master_held_is_given_back),
		system_test(takes_over_from_one_that_dies),
		system_test(configuration_changes_with_it),
		system_test(orders_hold_in_memory_of_its_own),
		system_test(stop_lets_both_drain),
		system_test(who_waits_for_the_last_session_is_told),
		system_test(stop_gives_the_rest_its_time),
		system_test(orders_reach_the_sessions_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
