/*
 * Reloads of pools: servers come, change and go, and who is relayed stays.
 */
#include <sys/socket.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "process.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"
#include "server.h"

static void
stop(struct muxd *muxd)
{
	client_close_all();
	muxd_stop(muxd);
}

static const char *
server_text(const char *name, int server)
{
	return test_format(
	    "server \"%s\" { address = \"%s\" }\n", name, address_of(server));
}

/* A relay to these servers, with more options of the pool. */
static const char *
relay_text(const char *listen, const char *servers)
{
	return test_format("workers = 2\n"
			   "defaults { drain_timeout = \"50ms\" }\n"
			   "pool \"p\" {\n%s\n}\n"
			   "service \"relay\" {\n"
			   "  listen = { \"%s\" }\n"
			   "  handler = \"relay\"\n"
			   "  pool = \"p\"\n"
			   "}\n",
	    servers, listen);
}

/* A client, and what its server has of it. */
struct pair {
	int client;
	int server;
};

static struct pair
connect_through(struct muxd *muxd, int listener)
{
	struct pair pair;

	pair.client = client_connect(muxd_address(muxd, "relay", 0));
	pair.server = server_accept(listener);
	return pair;
}

static void
talk(struct pair pair, const char *text)
{
	client_send_text(pair.client, text);
	client_expect_text(pair.server, text);
	client_send_text(pair.server, text);
	client_expect_text(pair.client, text);
}

static void
servers_come_and_go(void **state)
{
	int a = server_listen("127.0.0.1:0"), b = server_listen("127.0.0.1:0");
	struct muxd *muxd =
	    muxd_start("%s", relay_text("127.0.0.1:0", server_text("a", a)));
	struct pair old = connect_through(muxd, a), pair;

	(void)state;
	talk(old, "before");
	reload_with(muxd, "%s", relay_text("127.0.0.1:0", server_text("b", b)));
	pair = connect_through(muxd, b);
	talk(pair, "with the new server");
	talk(old, "with the old one");
	/* The same name at another address. */
	reload_with(muxd, "%s", relay_text("127.0.0.1:0", server_text("b", a)));
	talk(connect_through(muxd, a), "elsewhere");
	talk(pair, "still");
	assert_true(server_stays_alone(b, 50));
	client_half_close(old.client);
	client_expect_eof(old.server);
	client_close(old.server);
	client_expect_eof(old.client);
	stop(muxd);
}

/* Also while somebody waits for it, in a pool that knows no path. */
static void
a_server_moves_to_a_unix_socket(void **state)
{
	int a = server_listen("127.0.0.1:0"), b;
	struct muxd *muxd = muxd_start("%s",
	    relay_text("127.0.0.1:0",
		test_format("server \"a\" { address = \"%s\""
			    " max_connections = 1 }\n",
		    address_of(a))));
	const char *path = test_format("unix:%s/moved.sock", muxd->dir);
	struct pair old = connect_through(muxd, a);
	int waiting;

	(void)state;
	b = server_listen(path);
	talk(old, "before");
	waiting = client_connect(muxd_address(muxd, "relay", 0));
	client_send_text(waiting, "I wait");
	assert_true(server_stays_alone(a, 50));
	reload_with(muxd, "%s",
	    relay_text("127.0.0.1:0",
		test_format("server \"a\" { address = \"%s\" }\n", path)));
	talk(old, "still");
	client_close(old.client);
	client_expect_eof(old.server);
	client_close(old.server);
	/* Where it waited there is no server any more. */
	(void)client_wait_end(waiting);
	talk(connect_through(muxd, b), "there");
	assert_null(strstr(muxd_output(muxd), "signal="));
	assert_int_equal(unlink(path + strlen("unix:")), 0);
	stop(muxd);
}

static void
the_pool_may_go_away_under_its_sessions(void **state)
{
	int a = server_listen("127.0.0.1:0"), fd;
	struct muxd *muxd =
	    muxd_start("%s", relay_text("127.0.0.1:0", server_text("a", a)));
	struct pair old = connect_through(muxd, a);
	unsigned i;

	(void)state;
	talk(old, "before");
	for (i = 0; i < 3; i++) {
		reload_with(muxd,
		    "workers = 2\ndefaults { drain_timeout = \"50ms\" }\n"
		    "service \"relay\" { listen = \"127.0.0.1:0\"\n"
		    "handler = \"echo\" }\n");
		fd = client_connect(muxd_address(muxd, "relay", 0));
		client_echo(fd, "no server needed\n");
		talk(old, "after");
	}
	stop(muxd);
}

/* Names that nobody uses any more make room: more than there is room for at
 * a time come and go. */
static void
names_of_the_past_take_no_room(void **state)
{
	int a = server_listen("127.0.0.1:0");
	struct muxd *muxd =
	    muxd_start("%s", relay_text("127.0.0.1:0", server_text("a", a)));
	unsigned i;

	(void)state;
	for (i = 0; i < 150; i++)
		reload_with(muxd,
		    "%s pool \"p%u\" { server \"x\" { address = \"%s\" } }\n"
		    "service \"s%u\" { listen = \"127.0.0.1:0\"\n"
		    "handler = \"relay\" pool = \"p%u\" }\n",
		    relay_text("127.0.0.1:0", server_text("a", a)), i,
		    address_of(a), i, i);
	talk(connect_through(muxd, a), "hello");
	stop(muxd);
}

static void
too_many_names_at_once_are_refused(void **state)
{
	struct muxd *muxd = muxd_start("service \"echo\" {\n"
				       "listen = \"127.0.0.1:0\"\n"
				       "handler = \"echo\" }\n");
	const char *text = "";
	unsigned i;

	(void)state;
	for (i = 0; i < 70; i++)
		text = test_format("%sservice \"s%u\" {\n"
				   "listen = \"127.0.0.1:0\"\n"
				   "handler = \"echo\" }\n",
		    text, i);
	muxd_configure(muxd, "%s", text);
	reload_expect_refused(muxd, "takes a restart");
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	stop(muxd);
}

static void
health_goes_on(void **state)
{
	const char *absent = server_absent(), *text, *quick;
	struct process a = { 0 };
	struct muxd *muxd;
	unsigned i;
	size_t len;
	int fd;

	(void)state;
	process_start(&a, "I am a");
	quick = relay_text("127.0.0.1:0",
	    test_format("server \"a\" { address = \"%s\" }\n"
			"server \"down\" { address = \"%s\" }\n"
			"check { type = \"tcp\" interval = \"20ms\" }\n",
		a.address, absent));
	text = relay_text("127.0.0.1:0",
	    test_format("server \"a\" { address = \"%s\" }\n"
			"server \"down\" { address = \"%s\" }\n"
			"check { type = \"tcp\" interval = \"1h\" }\n",
		a.address, absent));
	muxd = muxd_start("%s", quick);
	muxd_wait_log(muxd, "msg=\"server down\"", "server=down");
	/* Nobody will check it again for an hour, and it stays down. */
	reload_with(muxd, "%s", text);
	for (i = 0; i < 10; i++) {
		fd = client_connect(muxd_address(muxd, "relay", 0));
		client_send_text(fd, "who?");
		assert_string_equal(client_read_all(fd, &len), "I am a");
		client_close(fd);
	}
	stop(muxd);
	process_kill(&a);
	muxd_wait_log(muxd, "msg=summary", "server=p/a", "connects=10");
	assert_int_equal(
	    muxd_count_log(muxd, "msg=summary", "server=p/down"), 0);
}

/* fault 45: a server whose queue is full answers no connect. */
static void
a_server_goes_while_somebody_connects_to_it(void **state)
{
	int full = server_listen_backlog("127.0.0.1:0", 0), fds[20];
	int b = server_listen("127.0.0.1:0");
	const char *check = "check { type = \"http\" interval = \"10ms\" "
			    "timeout = \"1h\" fall = 1000 }\n"
			    "connect_timeout = \"1h\" max_failures = 0\n";
	const char *with = relay_text("127.0.0.1:0",
	    test_format("%s%s", server_text("full", full), check));
	const char *without = relay_text(
	    "127.0.0.1:0", test_format("%s%s", server_text("b", b), check));
	struct muxd *muxd = muxd_start("%s", with);
	unsigned i, round;

	(void)state;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 20; i++) {
			fds[i] = client_connect(muxd_address(muxd, "relay", 0));
			client_send_text(fds[i], "are you there?");
		}
		assert_true(client_stays_silent(fds[19], 50));
		reload_with(muxd, "%s", without);
		client_connect(muxd_address(muxd, "relay", 0));
		/* Some of those who wait give up, others are left. */
		for (i = 0; i < 10; i++)
			client_reset(fds[i]);
		reload_with(muxd, "%s", with);
	}
	reload_with(muxd, "%s", without);
	client_close_all();
	muxd_stop(muxd);
	assert_int_equal(
	    muxd_count_log(muxd, "msg=\"worker ended\"", "signal=*"), 0);
}

/* ---- datagrams ---- */

static struct sockaddr_storage from;
static socklen_t from_len;

static void
udp_serve(int server, const char *text)
{
	struct pollfd pollfd = { .fd = server, .events = POLLIN };
	char got[64];
	ssize_t n;

	assert_int_equal(poll(&pollfd, 1, test_deadline_ms()), 1);
	from_len = sizeof(from);
	n = recvfrom(
	    server, got, sizeof(got), 0, (struct sockaddr *)&from, &from_len);
	assert_int_equal(n, (ssize_t)strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void
udp_reply(int server, const char *text)
{
	assert_int_equal(sendto(server, text, strlen(text), 0,
			     (struct sockaddr *)&from, from_len),
	    (ssize_t)strlen(text));
}

static void
udp_expect(int client, const char *text)
{
	char got[64];

	assert_int_equal(
	    client_receive(client, got, sizeof(got)), strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

/* fault 18: of the same server, by the same socket, whatever others have. */
static void
a_session_of_datagrams_keeps_its_server(void **state)
{
	enum { CLIENTS = 8 };
	int a = server_listen("udp:127.0.0.1:0");
	int b = server_listen("udp:127.0.0.1:0");
	struct muxd *muxd = muxd_start(
	    "%s", relay_text("udp:127.0.0.1:0", server_text("a", a)));
	struct sockaddr_storage peers[CLIENTS];
	int clients[CLIENTS], fresh, i, round;
	char text[32];

	(void)state;
	for (i = 0; i < CLIENTS; i++) {
		clients[i] = client_connect(muxd_address(muxd, "relay", 0));
		client_send_text(clients[i], "first");
		udp_serve(a, "first");
		peers[i] = from;
		udp_reply(a, "yes");
		udp_expect(clients[i], "yes");
	}
	for (round = 0; round < 4; round++) {
		reload_with(muxd, "%s",
		    relay_text("udp:127.0.0.1:0", server_text("b", b)));
		for (i = 0; i < CLIENTS; i++) {
			(void)snprintf(text, sizeof(text), "%d/%d", round, i);
			client_send_text(clients[i], text);
			udp_serve(a, text);
			assert_memory_equal(&from, &peers[i], from_len);
			udp_reply(a, text);
			udp_expect(clients[i], text);
		}
		fresh = client_connect(muxd_address(muxd, "relay", 0));
		client_send_text(fresh, "new");
		udp_serve(b, "new");
		udp_reply(b, "yes");
		udp_expect(fresh, "yes");
		/* And what a server says of its own accord. */
		from = peers[round];
		udp_reply(a, "by the way");
		udp_expect(clients[round], "by the way");
	}
	stop(muxd);
}

static void
sessions_of_datagrams_end_with_their_address(void **state)
{
	int a = server_listen("udp:127.0.0.1:0");
	struct muxd *muxd = muxd_start(
	    "%s", relay_text("udp:127.0.0.1:0", server_text("a", a)));
	int client = client_connect(muxd_address(muxd, "relay", 0));
	const char *line;

	(void)state;
	client_send_text(client, "ask");
	udp_serve(a, "ask");
	udp_reply(a, "answer");
	udp_expect(client, "answer");
	reload_with(
	    muxd, "%s", relay_text("udp:127.0.0.2:0", server_text("a", a)));
	line = muxd_wait_log(muxd, "msg=\"session ended\"", "reason=removed");
	assert_true(log_has(line, "by=admin"));
	client = client_connect(muxd_address(muxd, "relay", 1));
	client_send_text(client, "again");
	udp_serve(a, "again");
	stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(servers_come_and_go),
		system_test(a_server_moves_to_a_unix_socket),
		system_test(the_pool_may_go_away_under_its_sessions),
		system_test(names_of_the_past_take_no_room),
		system_test(too_many_names_at_once_are_refused),
		system_test(health_goes_on),
		system_test(a_server_goes_while_somebody_connects_to_it),
		system_test(a_session_of_datagrams_keeps_its_server),
		system_test(sessions_of_datagrams_end_with_their_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
