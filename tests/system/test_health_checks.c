/*
 * Servers that are checked: one that is found dead gets no clients until it
 * is found well again, and the log says so.
 */
#include <signal.h>
#include <string.h>

#include "address.h"
#include "backends.h"
#include "client.h"
#include "harness.h"
#include "process.h"
#include "procfs.h"
#include "records.h"

#define OK(name) "HTTP/1.1 200 OK\r\nServer: " name "\r\n\r\nI am " name
#define REQUEST  "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

/* Checks that come often, and nothing else that would find a server dead. */
#define CHECK(text)          \
	"max_failures = 0\n" \
	"check { interval = \"50ms\"  timeout = \"2s\"  " text " }\n"

static struct muxd *
start_pool(const struct process *a, const struct process *b, const char *pool)
{
	return muxd_start("workers = 1\n"
			  "pool \"p\" {\n"
			  "  server \"a\" { address = \"%s\" }\n"
			  "  server \"b\" { address = \"%s\" }\n"
			  "  %s\n"
			  "}\n"
			  "service \"relay\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "}\n",
	    a->address, b->address, pool);
}

/* How many of n clients this server answers. */
static unsigned
answered_by(struct muxd *muxd, const char *name, unsigned n)
{
	unsigned found = 0;
	char *answer;
	size_t len;
	int fd;

	for (unsigned i = 0; i < n; i++) {
		fd = client_connect(muxd_address(muxd, "relay", 0));
		client_send_text(fd, REQUEST);
		answer = client_read_all(fd, &len);
		client_close(fd);
		found += strstr(answer, test_format("I am %s", name)) != NULL;
	}
	return found;
}

static void
wait_up(struct muxd *muxd, const char *server)
{
	muxd_wait_log(muxd, "msg=\"server up\"", "process=monitor", "pool=p",
	    test_format("server=%s", server));
}

static const char *
wait_down(struct muxd *muxd, const char *server)
{
	return muxd_wait_log(muxd, "msg=\"server down\"", "level=warning",
	    "process=monitor", "pool=p", test_format("server=%s", server));
}

/* Two servers, both found well. */
static struct muxd *
start_both(struct process *a, struct process *b, const char *pool)
{
	struct muxd *muxd;

	process_start(a, OK("a"));
	process_start(b, OK("b"));
	muxd = start_pool(a, b, pool);
	wait_up(muxd, "a");
	wait_up(muxd, "b");
	return muxd;
}

static void
stop_all(struct muxd *muxd, struct process *a, struct process *b)
{
	muxd_stop(muxd);
	process_kill(a);
	process_kill(b);
}

static void
a_dead_server_gets_no_clients_until_it_is_back(void **state)
{
	struct process a = { 0 }, b = { 0 };
	struct muxd *muxd = start_both(&a, &b, CHECK("type = \"tcp\""));
	const char *line;

	(void)state;
	assert_int_equal(answered_by(muxd, "a", 10), 5);
	muxd_mark_log(muxd);
	process_kill(&a);
	line = wait_down(muxd, "a");
	assert_string_equal(log_field(line, "address"), a.address);
	assert_string_equal(log_field(line, "check"), "tcp");
	assert_string_equal(log_field(line, "error"), "Connection refused");
	assert_int_equal(log_number(line, "failed"), 3);
	assert_int_equal(log_number(line, "usable"), 1);
	assert_int_equal(log_number(line, "servers"), 2);
	assert_int_equal(
	    muxd_count_log(muxd, "msg=\"health check failed\""), 2);
	assert_int_equal(answered_by(muxd, "b", 10), 10);
	/* Nobody has tried it. */
	assert_int_equal(
	    muxd_count_log(muxd, "msg=\"cannot connect to a server\""), 0);
	muxd_mark_log(muxd);
	process_start(&a, OK("a"));
	wait_up(muxd, "a");
	assert_int_equal(answered_by(muxd, "a", 10), 5);
	stop_all(muxd, &a, &b);
}

static void
an_http_server_is_down_while_it_says_so(void **state)
{
	struct process a = { 0 }, b = { 0 };
	struct muxd *muxd = start_both(
	    &a, &b, CHECK("type = \"http\"  path = \"/health\"  fall = 2"));
	const char *line;

	(void)state;
	process_kill(&a);
	process_start(&a, "HTTP/1.1 503 I am full\r\n\r\n");
	line = wait_down(muxd, "a");
	assert_string_equal(log_field(line, "error"), "unexpected status");
	assert_int_equal(log_number(line, "status"), 503);
	assert_int_equal(answered_by(muxd, "b", 4), 4);
	muxd_mark_log(muxd);
	process_kill(&a);
	process_start(&a, OK("a"));
	wait_up(muxd, "a");
	assert_int_equal(answered_by(muxd, "a", 4), 2);
	stop_all(muxd, &a, &b);
}

static void
bytes_are_sent_and_expected(void **state)
{
	struct process a = { 0 }, b = { 0 };
	struct muxd *muxd = start_both(&a, &b,
	    CHECK("type = \"send\"  send = \"PING\\r\\n\"  "
		  "expect = \"200 OK\""));
	const char *line;

	(void)state;
	process_kill(&a);
	process_start(&a, "-LOADING\r\n");
	line = wait_down(muxd, "a");
	assert_string_equal(log_field(line, "error"), "unexpected answer");
	assert_int_equal(answered_by(muxd, "b", 4), 4);
	stop_all(muxd, &a, &b);
}

/* fault 74 */
static void
clients_are_refused_at_once_while_all_are_down(void **state)
{
	struct process a = { 0 }, b = { 0 };
	struct muxd *muxd = start_both(&a, &b, CHECK("type = \"tcp\""));
	const char *line;

	(void)state;
	process_kill(&a);
	process_kill(&b);
	line = wait_down(muxd, "a");
	if (log_number(line, "usable") != 0)
		line = wait_down(muxd, "b");
	assert_int_equal(log_number(line, "usable"), 0);
	for (unsigned i = 0; i < 10; i++)
		client_expect_refused(muxd_address(muxd, "relay", 0), NULL);
	/* No connect was tried for them. */
	muxd_wait_log(muxd, "reason=no_server");
	assert_int_equal(
	    muxd_count_log(muxd, "msg=\"cannot connect to a server\""), 0);
	process_start(&b, OK("b"));
	muxd_wait_log(muxd, "msg=\"server up\"", "level=notice", "server=b",
	    "passed=2", "rise=2", "down_ms=*");
	assert_int_equal(answered_by(muxd, "b", 4), 4);
	process_start(&a, OK("a"));
	stop_all(muxd, &a, &b);
}

/* A client that waits because the other server is full does not wait for
 * anything else than this one. */
static void
a_waiting_client_goes_to_a_server_that_comes_up(void **state)
{
	struct process a = { 0 }, b = { 0 };
	struct muxd *muxd;
	int holds, waits;
	char *answer;
	size_t len;

	(void)state;
	process_start(&a, OK("a"));
	process_start(&b, OK("b"));
	process_kill(&b);
	muxd = muxd_start("workers = 1\n"
			  "pool \"p\" {\n"
			  "  server \"a\" { address = \"%s\"  "
			  "max_connections = 1 }\n"
			  "  server \"b\" { address = \"%s\" }\n"
			  "  queue_timeout = \"1m\"\n"
			  "  %s\n"
			  "}\n"
			  "service \"relay\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "}\n",
	    a.address, b.address, CHECK("type = \"tcp\""));
	wait_down(muxd, "b");
	/* A server that keeps its client, by being stopped. */
	assert_int_equal(kill(a.pid, SIGSTOP), 0);
	holds = client_connect(muxd_address(muxd, "relay", 0));
	client_send_text(holds, REQUEST);
	waits = client_connect(muxd_address(muxd, "relay", 0));
	client_send_text(waits, REQUEST);
	assert_true(client_stays_silent(waits, 300));
	process_start(&b, OK("b"));
	answer = client_read_all(waits, &len);
	assert_non_null(strstr(answer, "I am b"));
	assert_true(client_stays_silent(holds, 0));
	assert_int_equal(kill(a.pid, SIGCONT), 0);
	answer = client_read_all(holds, &len);
	assert_non_null(strstr(answer, "I am a"));
	client_close(waits);
	client_close(holds);
	stop_all(muxd, &a, &b);
}

/* ---- the monitor ------------------------------------------------------------- */

static void
what_is_known_outlives_the_monitor(void **state)
{
	struct process a = { 0 }, b = { 0 };
	struct muxd *muxd = start_both(&a, &b, CHECK("type = \"tcp\""));

	(void)state;
	if (!procfs_available())
		skip();
	process_kill(&a);
	wait_down(muxd, "a");
	assert_int_equal(kill(muxd_monitor(muxd), SIGKILL), 0);
	muxd_mark_log(muxd);
	/* With and without a successor. */
	assert_int_equal(answered_by(muxd, "b", 10), 10);
	muxd_wait_log(muxd, "msg=\"monitor started\"");
	assert_int_equal(answered_by(muxd, "b", 10), 10);
	assert_int_equal(
	    muxd_count_log(muxd, "msg=\"cannot connect to a server\""), 0);
	process_start(&a, OK("a"));
	muxd_wait_log(muxd, "msg=\"server up\"", "server=a", "rise=2");
	assert_int_equal(answered_by(muxd, "a", 10), 5);
	process_kill(&b);
	wait_down(muxd, "b");
	process_start(&b, OK("b"));
	stop_all(muxd, &a, &b);
}

/* Wait until a check is under way, of a server that is stopped. */
static void
wait_checked(const struct process *process)
{
	int64_t until = test_now_ms() + test_deadline_ms();
	uint64_t inode;

	assert_int_equal(
	    procfs_tcp_listeners(address_port(process->address), &inode, 1), 1);
	while (procfs_accept_queue(inode) == 0)
		if (test_now_ms() > until)
			test_fail("nobody checks %s", process->address);
}

/* Nor one that waited for a disk: what the server has answered meanwhile
 * counts, and a time that the monitor has slept through does not. */
static void
a_monitor_that_was_stopped_blames_nobody(void **state)
{
	struct process a = { 0 }, b = { 0 };
	struct muxd *muxd;
	pid_t monitor;
	int idle;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start_both(&a, &b,
	    "check { type = \"http\"  interval = \"20ms\"  "
	    "timeout = \"1s\"  fall = 1 }\n");
	monitor = muxd_monitor(muxd);
	idle = client_connect(a.address);
	assert_int_equal(kill(a.pid, SIGSTOP), 0);
	wait_checked(&a);
	procfs_stop(monitor);
	assert_int_equal(kill(a.pid, SIGCONT), 0);
	/* Longer than the time-out; and what a client sees is its server. */
	assert_true(client_stays_silent(idle, 1500));
	assert_int_equal(answered_by(muxd, "a", 10), 5);
	assert_int_equal(kill(monitor, SIGCONT), 0);
	process_kill(&b);
	wait_down(muxd, "b");
	process_start(&b, OK("b"));
	muxd_wait_log(muxd, "msg=\"server up\"", "server=b", "rise=2");
	assert_int_equal(muxd_count_log(muxd, "msg=\"server down\""), 1);
	assert_null(strstr(muxd_output(muxd), "error=\"no answer in time\""));
	stop_all(muxd, &a, &b);
}

int
main(void)
{
	const struct CMUnitTest checks[] = {
		system_test(a_dead_server_gets_no_clients_until_it_is_back),
		system_test(clients_are_refused_at_once_while_all_are_down),
		system_test(a_waiting_client_goes_to_a_server_that_comes_up),
	};
	const struct CMUnitTest monitor[] = {
		system_test(an_http_server_is_down_while_it_says_so),
		system_test(bytes_are_sent_and_expected),
		system_test(what_is_known_outlives_the_monitor),
		system_test(a_monitor_that_was_stopped_blames_nobody),
	};

	return run_under_each_backend(checks) +
	    cmocka_run_group_tests(monitor, NULL, NULL);
}
