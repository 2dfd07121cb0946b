/*
 * accept_proxy: clients of some addresses must say in a PROXY header who they
 * are, and nobody else may.
 */
#include <signal.h>
#include <string.h>

#include "address.h"
#include "backends.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "server.h"

#define TRUSTED   "127.0.0.1"
#define UNTRUSTED "127.0.0.2"

/* A literal without its NUL. */
#define BYTES(text)  (text), sizeof(text) - 1

#define HEADER_V1    "PROXY TCP4 192.0.2.1 192.0.2.2 1001 1002\r\n"
#define SIGNATURE_V2 "\r\n\r\n\0\r\nQUIT\n"
/* From 192.0.2.1:56324 to 192.0.2.2:443, with an ALPN "h2", a checksum and
 * padding. */
#define HEADER_V2                                               \
	SIGNATURE_V2 "\x21\x11\0\x1b\xc0\0\2\1\xc0\0\2\2\xdc\4" \
		     "\1\xbb\1\0\2h2\3\0\4\x91\x41\x99\x4d\4\0\0"

static struct muxd *
start_echo(const char *options)
{
	return muxd_start("workers = 1\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "  accept_proxy = { \"" TRUSTED "/32\" }\n"
			  "  %s\n"
			  "}\n",
	    options);
}

static struct muxd *
start_relay(int listener, const char *pool)
{
	return muxd_start("workers = 1\n"
			  "pool \"p\" {\n"
			  "  server \"s\" { address = \"%s\" }\n"
			  "  %s\n"
			  "}\n"
			  "service \"relay\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "  accept_proxy = { \"" TRUSTED "/32\" }\n"
			  "}\n",
	    address_of(listener), pool);
}

static int
connect_as(struct muxd *muxd, const char *service, const char *source)
{
	return client_connect_from(muxd_address(muxd, service, 0), source);
}

/* A trusted client of the echo service that has said this. */
static int
say(struct muxd *muxd, const void *data, size_t len)
{
	int fd = connect_as(muxd, "echo", TRUSTED);

	client_send(fd, data, len);
	return fd;
}

/* Stop it; none of its clients had a session. */
static void
stop_without_sessions(struct muxd *muxd)
{
	muxd_stop(muxd);
	assert_null(strstr(
	    muxd_wait_log(muxd, "msg=summary", "service=echo"), " sessions="));
}

static void
header_names_the_client(void **state)
{
	struct muxd *muxd = start_echo("");
	const char *line, *peer;
	int fd;

	(void)state;
	fd = say(muxd, BYTES(HEADER_V1 "hello"));
	peer = address_of(fd);
	client_expect_text(fd, "hello");
	client_close(fd);
	line = muxd_wait_log(muxd, "msg=\"session ended\"");
	assert_string_equal(log_field(line, "client"), "192.0.2.1:1001");
	assert_string_equal(log_field(line, "peer"), peer);
	assert_int_equal(log_number(line, "bytes_in"), 5);
	muxd_mark_log(muxd);
	fd = say(muxd, BYTES(HEADER_V2 "world"));
	client_expect_text(fd, "world");
	client_close(fd);
	line = muxd_wait_log(muxd, "msg=\"session ended\"");
	assert_string_equal(log_field(line, "client"), "192.0.2.1:56324");
	muxd_stop(muxd);
}

/* fault 59: addresses that this host may not have a family for. */
static void
header_may_carry_ipv6(void **state)
{
	struct muxd *muxd = start_echo("");
	const char *line;
	int fd;

	(void)state;
	fd =
	    say(muxd, BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\nhello"));
	client_expect_text(fd, "hello");
	client_close(fd);
	line = muxd_wait_log(muxd, "msg=\"session ended\"");
	assert_string_equal(log_field(line, "client"), "[2001:db8::1]:1");
	muxd_stop(muxd);
}

static void
header_without_addresses_leaves_the_sockets_own(void **state)
{
	struct muxd *muxd = start_echo("");
	const char *line, *name;
	int fd;

	(void)state;
	fd = say(muxd, BYTES(SIGNATURE_V2 "\x20\0\0\0check"));
	name = address_of(fd);
	client_expect_text(fd, "check");
	client_close(fd);
	line = muxd_wait_log(muxd, "msg=\"session ended\"");
	assert_string_equal(log_field(line, "client"), name);
	assert_null(strstr(line, " peer="));
	muxd_stop(muxd);
}

/* fault 57 */
static void
header_may_come_byte_by_byte(void **state)
{
	static const char v1[] = HEADER_V1, v2[] = HEADER_V2;
	struct muxd *muxd = start_echo("");
	size_t i;
	int fds[2];

	(void)state;
	fds[0] = connect_as(muxd, "echo", TRUSTED);
	fds[1] = connect_as(muxd, "echo", TRUSTED);
	for (i = 0; i < sizeof(v1) - 1; i++) {
		client_send(fds[0], v1 + i, 1);
		assert_true(client_stays_silent(fds[0], 1));
	}
	for (i = 0; i < sizeof(v2) - 1; i++) {
		client_send(fds[1], v2 + i, 1);
		assert_true(client_stays_silent(fds[1], 1));
	}
	client_echo(fds[0], "one");
	client_echo(fds[1], "two");
	client_close(fds[0]);
	client_close(fds[1]);
	muxd_stop(muxd);
}

/* fault 57 */
static void
silence_ends_at_the_timeout(void **state)
{
	struct muxd *muxd = start_echo("proxy_timeout = \"200ms\"");
	int fds[3];

	(void)state;
	fds[0] = connect_as(muxd, "echo", TRUSTED);
	fds[1] = say(muxd, BYTES("PROXY TCP4 192.0"));
	fds[2] = say(muxd, BYTES(SIGNATURE_V2 "\x21\x11\0\xc"));
	client_expect_reset(fds[0]);
	client_expect_reset(fds[1]);
	client_expect_reset(fds[2]);
	muxd_wait_log(muxd, "msg=\"client refused\"", "reason=proxy_timeout");
	stop_without_sessions(muxd);
}

/* Neither a header that stops in the middle, nor what lies behind one whose
 * client waits for a limit, may be looked at over and over. */
static void
waiting_takes_no_cpu_time(void **state)
{
	struct muxd *muxd = start_echo("proxy_timeout = \"1h\" "
				       "limit { connections = 1 "
				       "wait_timeout = \"1h\" }");
	pid_t worker = muxd_worker(muxd, 0);
	int in = say(muxd, BYTES(HEADER_V1)), begun, behind;
	uint64_t cpu;
	int64_t since;

	(void)state;
	client_echo(in, "first");
	behind = say(muxd, BYTES(HEADER_V1 "please"));
	client_half_close(behind);
	begun = say(muxd, BYTES("PROXY TCP4 192.0"));
	if (procfs_available() && !test_is_instrumented()) {
		since = test_now_ms();
		cpu = procfs_cpu_ms(worker);
		assert_true(client_stays_silent(begun, 500));
		cpu = procfs_cpu_ms(worker) - cpu;
		assert_in_range(
		    cpu, 0, (uint64_t)(test_now_ms() - since) / 20 + 10);
	}
	client_close(in);
	client_expect_text(behind, "please");
	client_expect_eof(behind);
	client_send_text(begun, ".2.1 192.0.2.2 1 2\r\n");
	client_echo(begun, "at last");
	client_close(begun);
	muxd_stop(muxd);
}

/* faults 54, 55, 56, 57, 58 */
static void
bad_header_is_turned_away(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *why;
	} bad[] = {
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\nhello"),
		    "the destination port is no number from 0 to 65535 at "
		    "the line's end" },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nhello"),
		    "the line does not end in CR LF" },
		{ BYTES("PROXY TCP4 ::1 ::1 1 2\r\nhello"),
		    "the source address is none of its protocol" },
		{ BYTES(SIGNATURE_V2 "\x22"), "the command is not known" },
		{ BYTES(SIGNATURE_V2 "\x21\x11\0\xb"),
		    "it is too short for the addresses of its family" },
		{ BYTES(SIGNATURE_V2 "\x21\x11\xff\xff"),
		    "it announces more than muxd takes" },
		{ BYTES(SIGNATURE_V2 "\x20\0\0\7\3\0\4zzzzhello"),
		    "the checksum is wrong" },
	};
	struct muxd *muxd;
	const char *line;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		muxd = start_echo("");
		client_expect_reset(say(muxd, bad[i].data, bad[i].len));
		line = muxd_wait_log(muxd, "msg=\"client refused\"");
		assert_string_equal(log_field(line, "reason"), "proxy_missing");
		assert_string_equal(log_field(line, "detail"), bad[i].why);
		stop_without_sessions(muxd);
	}
}

/* fault 58 */
static void
nothing_reaches_the_server_without_a_header(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_relay(listener, "");
	int fd = connect_as(muxd, "relay", TRUSTED);

	(void)state;
	client_send_text(fd, "GET / HTTP/1.0\r\n\r\n");
	client_expect_reset(fd);
	muxd_wait_log(muxd, "msg=\"client refused\"", "reason=proxy_missing");
	assert_true(server_stays_alone(listener, 100));
	muxd_stop(muxd);
}

/* fault 58: however the bytes are carried. */
static void
header_of_an_untrusted_client_does_not_reach_the_server(void **state)
{
	static const char *const ways[] = { "splice = \"off\"",
		"splice = \"auto\"", "splice = \"on\"" };
	struct muxd *muxd;
	int listener, client, server;
	size_t i, len;

	(void)state;
	for (i = 0; i < 6; i++) {
		listener = server_listen("127.0.0.1:0");
		muxd = start_relay(listener, ways[i / 2]);
		client = connect_as(muxd, "relay", UNTRUSTED);
		server = server_accept(listener);
		if (i % 2 == 0)
			client_send(client, BYTES(HEADER_V1 "hello"));
		else
			client_send(client, BYTES(HEADER_V2 "hello"));
		client_expect_reset(client);
		(void)client_read_all(server, &len);
		assert_int_equal(len, 0);
		muxd_wait_log(
		    muxd, "msg=\"session ended\"", "reason=proxy_untrusted");
		muxd_stop(muxd);
	}
}

static void
beginning_of_a_header_reaches_the_server_if_it_is_none(void **state)
{
	static const char *const ways[] = { "splice = \"off\"",
		"splice = \"on\"" };
	struct muxd *muxd;
	int listener, client, server;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		listener = server_listen("127.0.0.1:0");
		muxd = start_relay(listener, ways[i]);
		client = connect_as(muxd, "relay", UNTRUSTED);
		server = server_accept(listener);
		client_send_text(client, "PROX");
		assert_true(client_stays_silent(server, 50));
		client_send_text(client, "IMITY " HEADER_V1);
		client_expect_text(server, "PROXIMITY " HEADER_V1);
		client_send_text(server, "answer");
		client_expect_text(client, "answer");
		client_close(client);
		client_expect_eof(server);
		client_close(server);
		client = connect_as(muxd, "relay", UNTRUSTED);
		server = server_accept(listener);
		client_send_text(client, "PROXY");
		client_half_close(client);
		client_expect_text(server, "PROXY");
		client_expect_eof(server);
		client_close(server);
		client_close(client);
		muxd_stop(muxd);
	}
}

/* fault 60: as it came, since it says the same. */
static void
server_is_told_what_the_header_said(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_relay(listener, "proxy_protocol = \"v2\"");
	int client = connect_as(muxd, "relay", TRUSTED), server;

	(void)state;
	client_send(client, BYTES(HEADER_V2 "hello"));
	server = server_accept(listener);
	client_expect(server, BYTES(HEADER_V2 "hello"));
	client_send_text(server, "answer");
	client_expect_text(client, "answer");
	client_close(client);
	client_expect_eof(server);
	client_close(server);
	muxd_stop(muxd);
	muxd = start_relay(listener, "proxy_protocol = \"v1\"");
	client = connect_as(muxd, "relay", TRUSTED);
	client_send(client, BYTES(HEADER_V2 "hello"));
	server = server_accept(listener);
	client_expect_text(server,
	    "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"
	    "hello");
	client_close(client);
	client_close(server);
	muxd_stop(muxd);
}

static void
limits_go_by_the_carried_address(void **state)
{
	struct muxd *muxd = start_echo("limit { per_source = 1 }");
	const char *line;
	int fds[3];

	(void)state;
	fds[0] = say(muxd, BYTES("PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n"));
	client_echo(fds[0], "first");
	fds[1] = say(muxd, BYTES("PROXY TCP4 192.0.2.2 192.0.2.9 1 2\r\n"));
	client_echo(fds[1], "second");
	fds[2] = say(muxd, BYTES("PROXY TCP4 192.0.2.1 192.0.2.9 3 2\r\n"));
	client_expect_reset(fds[2]);
	line = muxd_wait_log(muxd, "msg=\"client refused\"");
	assert_string_equal(log_field(line, "reason"), "source_full");
	assert_string_equal(log_field(line, "client"), "192.0.2.1:3");
	assert_int_equal(strncmp(log_field(line, "peer"), TRUSTED, 9), 0);
	client_close(fds[0]);
	client_close(fds[1]);
	muxd_stop(muxd);
}

static void
who_waits_for_a_limit_comes_in_when_it_falls(void **state)
{
	struct muxd *muxd =
	    start_echo("limit { connections = 1 wait_timeout = \"1h\" }");
	int fds[4];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		fds[i] = say(muxd, BYTES(HEADER_V1 "please"));
		if (i == 0)
			client_expect_text(fds[0], "please");
		else
			assert_true(client_stays_silent(fds[i], 20));
	}
	for (i = 1; i < 4; i++) {
		client_close(fds[i - 1]);
		client_expect_text(fds[i], "please");
	}
	client_close(fds[3]);
	muxd_stop(muxd);
}

static void
worker_that_dies_gives_back_what_arrivals_held(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 1\n"
		       "limits { connections = 1 }\n"
		       "service \"echo\" {\n"
		       "  listen = { \"127.0.0.1:0\" }\n"
		       "  handler = \"echo\"\n"
		       "  accept_proxy = { \"" TRUSTED "/32\" }\n"
		       "  proxy_timeout = \"1h\"\n"
		       "  limit { wait_timeout = \"1h\" }\n"
		       "}\n");
	int first = say(muxd, BYTES("PROXY")), second;

	(void)state;
	assert_true(client_stays_silent(first, 50));
	second = say(muxd, BYTES(HEADER_V1));
	assert_int_equal(kill(muxd_worker(muxd, 0), SIGKILL), 0);
	client_close(first);
	client_close(second);
	muxd_wait_logs(muxd, 2, "msg=\"worker started\"");
	first = say(muxd, BYTES(HEADER_V1));
	client_echo(first, "served");
	client_close(first);
	muxd_stop(muxd);
}

static void
stopping_waits_for_a_header_that_is_on_its_way(void **state)
{
	struct muxd *muxd = start_echo("proxy_timeout = \"1h\"");
	int fd = say(muxd, BYTES("PROXY TCP4 192.0"));

	(void)state;
	assert_true(client_stays_silent(fd, 50));
	muxd_signal(muxd, SIGTERM);
	muxd_wait_log(muxd, "msg=\"stopping*");
	client_send_text(fd, ".2.1 192.0.2.2 1 2\r\n");
	client_echo(fd, "still served");
	client_close(fd);
	assert_int_equal(muxd_wait_status(muxd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(header_names_the_client),
		system_test(header_may_carry_ipv6),
		system_test(header_without_addresses_leaves_the_sockets_own),
		system_test(header_may_come_byte_by_byte),
		system_test(silence_ends_at_the_timeout),
		system_test(waiting_takes_no_cpu_time),
		system_test(bad_header_is_turned_away),
		system_test(nothing_reaches_the_server_without_a_header),
		system_test(
		    header_of_an_untrusted_client_does_not_reach_the_server),
		system_test(
		    beginning_of_a_header_reaches_the_server_if_it_is_none),
		system_test(server_is_told_what_the_header_said),
		system_test(limits_go_by_the_carried_address),
		system_test(who_waits_for_a_limit_comes_in_when_it_falls),
		system_test(worker_that_dies_gives_back_what_arrivals_held),
		system_test(stopping_waits_for_a_header_that_is_on_its_way),
	};

	return run_under_each_backend(tests);
}
