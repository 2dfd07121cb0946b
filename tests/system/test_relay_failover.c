/*
 * Servers that cannot be reached, are full, or are not there: who is tried
 * next, and what the client is told.
 */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "backends.h"
#include "client.h"
#include "harness.h"
#include "records.h"
#include "server.h"

static struct muxd *
start_pool(const char *pool)
{
	return muxd_start("workers = 1\n"
			  "defaults { drain_timeout = \"50ms\" }\n"
			  "pool \"p\" {\n%s\n}\n"
			  "service \"relay\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "}\n",
	    pool);
}

static const char *
server_text(const char *name, const char *address, const char *options)
{
	return test_format(
	    "server \"%s\" { address = \"%s\" %s }\n", name, address, options);
}

static int
visit(struct muxd *muxd)
{
	return client_connect(muxd_address(muxd, "relay", 0));
}

/* A connection that says something: health checks do not. */
static int
server_accept_talking(int listener)
{
	char byte;
	int fd;

	for (;;) {
		fd = server_accept(listener);
		switch (client_wait(
		    fd, &byte, 0, &(size_t){ 0 }, test_deadline_ms())) {
		case CLIENT_DATA:
			return fd;
		default:
			client_close(fd);
		}
	}
}

static void
turned_away(struct muxd *muxd)
{
	client_expect_refused(muxd_address(muxd, "relay", 0), NULL);
}

static void
expect_relayed(int client, int listener)
{
	int server = server_accept(listener);

	client_send_text(client, "ping");
	client_expect_text(server, "ping");
	client_close(client);
	client_expect_eof(server);
	client_close(server);
}

/* fault 35 */
static void
refusing_server_is_passed_over(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_pool(test_format("%s%smax_failures = 0\n",
	    server_text("dead", server_absent(), ""),
	    server_text("alive", address_of(listener), "")));
	const char *line;
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		expect_relayed(visit(muxd), listener);
	line = muxd_wait_log(muxd, "msg=\"session ended\"", "attempts=2");
	assert_string_equal(log_field(line, "server"), "p/alive");
	muxd_wait_logs(muxd, 2, "msg=\"session ended\"", "attempts=2");
	muxd_wait_log(muxd, "msg=\"cannot connect to a server\"",
	    "server=p/dead", "attempt=1");
	muxd_stop(muxd);
}

/* fault 35 */
static void
server_that_does_not_answer_is_given_up_at_the_timeout(void **state)
{
	int full = server_listen_backlog("127.0.0.1:0", 0);
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd =
	    start_pool(test_format("%s%sconnect_timeout = \"300ms\"\n",
		server_text("full", address_of(full), ""),
		server_text("b", address_of(listener), "backup = true")));
	const char *line;
	int client, server;

	(void)state;
	/* Its queue takes one; whoever follows is not answered. */
	(void)client_connect(address_of(full));
	(void)client_begin_connect(address_of(full), NULL);
	client = visit(muxd);
	client_send_text(client, "sent while connecting");
	server = server_accept(listener);
	client_expect_text(server, "sent while connecting");
	client_close(client);
	client_close(server);
	line = muxd_wait_log(muxd, "msg=\"session ended\"");
	assert_string_equal(log_field(line, "server"), "p/b");
	assert_int_equal(log_number(line, "attempts"), 2);
	assert_true(log_number(line, "connect_ms") >= 300);
	muxd_stop(muxd);
}

/* fault 35: each way of failing has its reason. */
static void
reason_tells_why_no_server_was_reached(void **state)
{
	int full = server_listen_backlog("127.0.0.1:0", 0);
	const struct {
		const char *address;
		const char *options;
		const char *reason;
	} cases[] = {
		{ server_absent(), "", "connect_refused" },
		{ "127.255.255.255:9", "", "connect_unreachable" },
		{ server_absent(), "socket { source = \"192.0.2.1\" }",
		    "no_local_port" },
		{ address_of(full), "connect_timeout = \"200ms\"",
		    "connect_timeout" },
		{ "unix:/nonexistent/socket", "", "connect_refused" },
	};
	struct muxd *muxd;
	const char *line;
	size_t i;

	(void)state;
	(void)client_connect(address_of(full));
	(void)client_begin_connect(address_of(full), NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		muxd = start_pool(test_format("%s%s",
		    server_text("s", cases[i].address, ""), cases[i].options));
		turned_away(muxd);
		line = muxd_wait_log(muxd, "msg=\"session ended\"");
		assert_string_equal(log_field(line, "reason"), cases[i].reason);
		assert_string_equal(log_field(line, "server"), "p/s");
		muxd_stop(muxd);
	}
}

static void
disabled_and_draining_servers_get_nobody(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_pool(test_format("%s%s",
	    server_text("d", address_of(listener), "state = \"disabled\""),
	    server_text("e", address_of(listener), "state = \"draining\"")));

	(void)state;
	turned_away(muxd);
	muxd_wait_log(
	    muxd, "msg=\"session ended\"", "reason=no_server", "by=muxd");
	assert_true(server_stays_alone(listener, 50));
	muxd_stop(muxd);
}

static void
full_server_makes_clients_wait_in_turn(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_pool(
	    server_text("s", address_of(listener), "max_connections = 1"));
	int first, second, third, server;

	(void)state;
	first = visit(muxd);
	server = server_accept(listener);
	second = visit(muxd);
	client_send_text(second, "second");
	assert_true(server_stays_alone(listener, 100));
	third = visit(muxd);
	client_send_text(third, "third");
	client_close(first);
	client_expect_eof(server);
	client_close(server);
	server = server_accept(listener);
	client_expect_text(server, "second");
	assert_true(server_stays_alone(listener, 50));
	client_close(second);
	client_expect_eof(server);
	client_close(server);
	server = server_accept(listener);
	client_expect_text(server, "third");
	client_close(third);
	muxd_stop(muxd);
}

static void
queue_ends_by_its_timeout_and_its_length(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd =
	    start_pool(test_format("%squeue = 1\nqueue_timeout = \"300ms\"\n",
		server_text("s", address_of(listener), "max_connections = 1")));
	int first, waits;

	(void)state;
	first = visit(muxd);
	(void)server_accept(listener);
	waits = visit(muxd);
	assert_true(client_stays_silent(waits, 20));
	turned_away(muxd);
	muxd_wait_log(muxd, "reason=queue_full", "phase=connecting");
	client_expect_reset(waits);
	muxd_wait_log(muxd, "reason=queue_timeout", "phase=queued");
	client_close(first);
	muxd_stop(muxd);
}

/* select(2) alone does not tell of a reset where nothing is waited for. */
static bool
backend_tells_resets(void)
{
	const char *backend = getenv("MUXD_BACKEND");

	return backend == NULL || strcmp(backend, "select") != 0;
}

static void
client_that_leaves_the_queue_gives_its_place_back(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd =
	    start_pool(test_format("%squeue = 1\nqueue_timeout = \"1m\"\n",
		server_text("s", address_of(listener), "max_connections = 1")));
	int first, server, i, fd;

	(void)state;
	first = visit(muxd);
	server = server_accept(listener);
	for (i = backend_tells_resets() ? 1 : 4; i <= 3; i++) {
		fd = visit(muxd);
		assert_true(client_stays_silent(fd, 20));
		client_reset(fd);
		muxd_wait_logs(muxd, (size_t)i, "msg=\"session ended\"",
		    "reason=client_reset", "phase=queued");
	}
	fd = visit(muxd);
	client_send_text(fd, "my turn");
	client_close(first);
	client_expect_eof(server);
	client_close(server);
	client_expect_text(server_accept(listener), "my turn");
	muxd_stop(muxd);
}

static void
client_that_waits_goes_to_the_backup_when_the_server_falls(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	int backup = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_pool(test_format(
	    "%s%squeue_timeout = \"1m\"\n"
	    "check { type = \"tcp\" interval = \"100ms\" fall = 2 }\n",
	    server_text("s", address_of(listener), "max_connections = 1"),
	    server_text("b", address_of(backup), "backup = true")));
	int first, waits;

	(void)state;
	first = visit(muxd);
	client_send_text(first, "first");
	client_expect_text(server_accept_talking(listener), "first");
	waits = visit(muxd);
	client_send_text(waits, "waits");
	assert_true(client_stays_silent(waits, 50));
	client_close(listener);
	client_expect_text(server_accept_talking(backup), "waits");
	client_close(first);
	client_close(waits);
	muxd_stop(muxd);
}

static void
pool_without_a_queue_turns_clients_away_at_once(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_pool(test_format("%squeue = 0\n",
	    server_text("s", address_of(listener), "max_connections = 1")));
	int first;

	(void)state;
	first = visit(muxd);
	(void)server_accept(listener);
	turned_away(muxd);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=queue_full");
	client_close(first);
	muxd_stop(muxd);
}

/* Fewer than retries + 1 attempts cannot be seen from outside with one dead
 * server; with four of them the count is exact. */
static void
attempts_are_bounded_by_retries(void **state)
{
	struct muxd *muxd =
	    start_pool(test_format("%s%s%s%sretries = 2\nmax_failures = 0\n",
		server_text("a", server_absent(), ""),
		server_text("b", server_absent(), ""),
		server_text("c", server_absent(), ""),
		server_text("d", server_absent(), "")));

	(void)state;
	turned_away(muxd);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=connect_refused",
	    "attempts=3");
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(refusing_server_is_passed_over),
		system_test(
		    server_that_does_not_answer_is_given_up_at_the_timeout),
		system_test(reason_tells_why_no_server_was_reached),
		system_test(disabled_and_draining_servers_get_nobody),
		system_test(full_server_makes_clients_wait_in_turn),
		system_test(queue_ends_by_its_timeout_and_its_length),
		system_test(client_that_leaves_the_queue_gives_its_place_back),
		system_test(
		    client_that_waits_goes_to_the_backup_when_the_server_falls),
		system_test(pool_without_a_queue_turns_clients_away_at_once),
		system_test(attempts_are_bounded_by_retries),
	};

	return run_under_each_backend(tests);
}
