/*
 * Sessions that are ended by hand, clients that are banned, and a daemon that
 * is told to stop.
 */
#include <string.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "records.h"
#include "server.h"

static struct muxd *
start_echo(const char *drain_timeout)
{
	return muxd_start(
	    "workers = 3\n"
	    "defaults { drain_timeout = \"%s\" }\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    drain_timeout);
}

static int
enter(struct muxd *muxd, const char *source)
{
	int fd = client_connect_from(muxd_address(muxd, "echo", 0), source);

	client_echo(fd, "hello\n");
	return fd;
}

/* The number of the one session of that client, as "show sessions" has it. */
static const char *
session_of(struct muxd *muxd, const char *client)
{
	const char *all = control_order(
	    muxd, test_format("show sessions --source %s", client));
	const char *at = strstr(all, "\"session\":\"");

	assert_non_null(at);
	at += strlen("\"session\":\"");
	return test_format("%.16s", at);
}

static void
killed_session_ends_and_its_neighbours_stay(void **state)
{
	struct muxd *muxd = start_echo("50ms");
	int first = enter(muxd, "127.0.0.2");
	int second = enter(muxd, "127.0.0.3");
	const char *session = session_of(muxd, "127.0.0.2"), *line;

	(void)state;
	(void)control_order(muxd, test_format("kill %s", session));
	(void)client_wait_end(first);
	line = muxd_wait_log(muxd, "msg=\"session ended\"", "reason=admin",
	    "by=admin", test_format("session=%s", session));
	assert_non_null(strstr(line, "client=127.0.0.2:"));
	client_echo(second, "still here\n");
	control_expect_refused(
	    muxd, test_format("kill %s", session), "no session");
	muxd_wait_log(muxd, "msg=\"ordered by hand\"",
	    test_format("command=\"kill %s\"", session));
	muxd_stop(muxd);
}

/* In whatever worker they are. */
static void
killed_prefix_loses_all_its_sessions(void **state)
{
	struct muxd *muxd = start_echo("50ms");
	int meant[12], spared[12];
	size_t i;

	(void)state;
	for (i = 0; i < 12; i++) {
		meant[i] = enter(muxd, "127.0.1.1");
		spared[i] = enter(muxd, "127.0.2.1");
	}
	assert_non_null(
	    strstr(control_order(muxd, "kill --source 127.0.1.0/24"),
		"\"sessions\":12"));
	for (i = 0; i < 12; i++) {
		(void)client_wait_end(meant[i]);
		client_echo(spared[i], "still here\n");
	}
	muxd_wait_logs(muxd, 12, "msg=\"session ended\"", "reason=admin");
	assert_non_null(
	    strstr(control_order(muxd, "kill --source 127.0.1.0/24"),
		"\"sessions\":0"));
	/* Nobody is kept out. */
	client_close(enter(muxd, "127.0.1.1"));
	muxd_stop(muxd);
}

static void
relayed_sessions_of_both_kinds_are_killed(void **state)
{
	int tcp = server_listen("127.0.0.1:0"), client, flow, server;
	struct muxd *muxd;
	char byte;

	(void)state;
	muxd =
	    muxd_start("workers = 2\n"
		       "defaults { drain_timeout = \"50ms\" }\n"
		       "pool \"p\" { server \"a\" { address = \"%s\" } }\n"
		       "service \"relay\" {\n"
		       "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }\n"
		       "  handler = \"relay\"\n"
		       "  pool = \"p\"\n"
		       "}\n",
		address_of(tcp));
	client = client_connect(muxd_address(muxd, "relay", 0));
	server = server_accept(tcp);
	client_send_text(client, "x");
	client_read(server, &byte, 1);
	(void)control_order(muxd, "kill --source 127.0.0.1");
	(void)client_wait_end(client);
	(void)client_wait_end(server);
	muxd_wait_log(muxd, "reason=admin", "server=p/a", "bytes_in=1");
	/* A client that sends a datagram has a session until it is idle. */
	flow = client_connect(muxd_address(muxd, "relay", 1));
	client_send_text(flow, "y");
	while (strstr(control_order(muxd, "kill --source 127.0.0.1"),
		   "\"sessions\":1") == NULL)
		continue;
	muxd_wait_log(muxd, "reason=admin", "server=p/a", "datagrams_in=1");
	muxd_stop(muxd);
}

static void
banned_clients_are_refused_until_it_is_taken_back(void **state)
{
	struct muxd *muxd = start_echo("50ms");
	const char *udp = muxd_address(muxd, "echo", 1);
	int before = enter(muxd, "127.0.1.1"), i, fd;
	char byte;

	(void)state;
	(void)control_order(muxd, "ban 127.0.1.0/24");
	/* Enough for all workers. */
	for (i = 0; i < 12; i++)
		client_expect_refused(
		    muxd_address(muxd, "echo", 0), "127.0.1.9");
	muxd_wait_log(muxd, "msg=\"client refused\"", "reason=banned",
	    "by=admin", "client=127.0.1.9:*");
	client_close(enter(muxd, "127.0.2.1"));
	/* Who was here before stays until it is killed. */
	client_echo(before, "still here\n");
	fd = client_connect_from(udp, "127.0.1.9");
	client_send_text(fd, "x");
	assert_true(client_stays_silent(fd, 100));
	assert_non_null(strstr(
	    control_order(muxd, "show bans"), "\"prefix\":\"127.0.1.0/24\""));
	(void)control_order(muxd, "unban 127.0.1.0/24");
	client_close(enter(muxd, "127.0.1.9"));
	client_send_text(fd, "y");
	assert_int_equal(client_receive(fd, &byte, 1), 1);
	muxd_stop(muxd);
}

static void
ban_for_a_time_ends_by_itself(void **state)
{
	struct muxd *muxd = start_echo("50ms");
	int64_t begun = test_now_ms();
	int fd;

	(void)state;
	(void)control_order(muxd, "ban 127.0.1.0/24 --for 400ms");
	client_expect_refused(muxd_address(muxd, "echo", 0), "127.0.1.1");
	for (;;) {
		fd = client_try_connect(
		    muxd_address(muxd, "echo", 0), "127.0.1.1");
		if (fd != -1 && client_try_echo(fd, "x") == CLIENT_DATA)
			break;
		if (fd != -1)
			client_close(fd);
		assert_true(test_now_ms() - begun < test_deadline_ms());
	}
	assert_true(test_now_ms() - begun >= 400);
	assert_null(strstr(control_order(muxd, "show bans"), "127.0.1.0"));
	muxd_stop(muxd);
}

/* As many prefixes as there is room for, and not one more. */
static void
bans_are_bounded(void **state)
{
	struct muxd *muxd = start_echo("50ms");
	int fd = control_connect(muxd);
	unsigned i;

	(void)state;
	for (i = 0; i < 256; i++)
		assert_non_null(
		    strstr(control_ask(fd, test_format("ban 10.0.%u.0/24", i)),
			"\"ok\":true"));
	assert_non_null(
	    strstr(control_ask(fd, "ban 127.0.1.0/24"), "as many as can be"));
	client_close(enter(muxd, "127.0.1.1"));
	assert_non_null(
	    strstr(control_ask(fd, "ban 10.0.7.0/24 --for 1h"), "\"ok\":true"));
	muxd_stop(muxd);
}

static void
stop_drains_and_who_waits_is_told(void **state)
{
	struct muxd *muxd = start_echo("1m");
	int client = enter(muxd, NULL), waits = control_connect(muxd);

	(void)state;
	client_send_text(waits, "wait drained\n");
	(void)control_order(muxd, "stop");
	muxd_wait_log(muxd, "msg=\"stopping:*");
	assert_true(client_stays_silent(waits, 150));
	/* It can still be asked. */
	assert_non_null(strstr(control_order(muxd, "status"), "muxd drains"));
	client_close(client);
	assert_non_null(strstr(control_answer(waits), "\"ok\":true"));
	assert_int_equal(muxd_wait_status(muxd), 0);
}

static void
second_stop_stops_at_once(void **state)
{
	struct muxd *muxd = start_echo("1m");
	int client = enter(muxd, NULL);

	(void)state;
	(void)control_order(muxd, "stop");
	muxd_wait_log(muxd, "msg=\"stopping:*");
	(void)control_order(muxd, "stop");
	(void)client_wait_end(client);
	assert_int_equal(muxd_wait_status(muxd), 0);
}

/* More than are told in one turn. */
static void
many_sessions_are_told_one_by_one(void **state)
{
	struct muxd *muxd = start_echo("50ms");
	const char *all, *at;
	int i;
	size_t n = 0;

	(void)state;
	for (i = 0; i < 500; i++)
		(void)enter(muxd, i % 2 == 0 ? "127.0.1.1" : "127.0.2.1");
	all = control_order(muxd, "show sessions --source 127.0.1.0/24");
	for (at = all; (at = strstr(at, "\"session\":")) != NULL; at++)
		n++;
	assert_int_equal(n, 250);
	assert_null(strstr(all, "127.0.2.1"));
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(killed_session_ends_and_its_neighbours_stay),
		system_test(killed_prefix_loses_all_its_sessions),
		system_test(relayed_sessions_of_both_kinds_are_killed),
		system_test(banned_clients_are_refused_until_it_is_taken_back),
		system_test(ban_for_a_time_ends_by_itself),
		system_test(bans_are_bounded),
		system_test(stop_drains_and_who_waits_is_told),
		system_test(second_stop_stops_at_once),
		system_test(many_sessions_are_told_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
