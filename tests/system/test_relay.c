/*
 * A relayed connection, as its client and its server see it: bytes, ends and
 * resets travel, each direction by itself.
 */
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "backends.h"
#include "client.h"
#include "harness.h"
#include "records.h"
#include "server.h"

/* Bytes that no socket buffer of this system holds. */
#define MUCH (64UL * 1024 * 1024)

/* muxd before one server, and both ends of one relayed connection. */
struct relayed {
	struct muxd *muxd;
	int listener;
	int client;
	int server;
};

static struct muxd *
start_relay(const char *target, const char *options)
{
	return muxd_start("workers = 1\n"
			  "defaults { drain_timeout = \"50ms\" }\n"
			  "pool \"p\" {\n"
			  "  server \"s\" { address = \"%s\" }\n"
			  "  %s\n"
			  "}\n"
			  "service \"relay\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"unix:@DIR@/r\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "}\n",
	    target, options);
}

static struct relayed
relay_one(const char *options)
{
	struct relayed r;

	r.listener = server_listen("127.0.0.1:0");
	r.muxd = start_relay(address_of(r.listener), options);
	r.client = client_connect(muxd_address(r.muxd, "relay", 0));
	r.server = server_accept(r.listener);
	return r;
}

static const char *
end_of(struct relayed *r)
{
	return muxd_wait_log(r->muxd, "msg=\"session ended\"", "service=relay");
}

static void
bytes_travel_both_ways(void **state)
{
	struct relayed r = relay_one("");
	const char *line;

	(void)state;
	client_send_text(r.client, "question\n");
	client_expect_text(r.server, "question\n");
	client_send_text(r.server, "answer\n");
	client_expect_text(r.client, "answer\n");
	client_close(r.client);
	client_expect_eof(r.server);
	client_close(r.server);
	line = end_of(&r);
	assert_string_equal(log_field(line, "reason"), "client_closed");
	assert_string_equal(log_field(line, "server"), "p/s");
	assert_string_equal(
	    log_field(line, "server_address"), address_of(r.listener));
	assert_int_equal(log_number(line, "bytes_in"), 9);
	assert_int_equal(log_number(line, "bytes_out"), 7);
	assert_int_equal(log_number(line, "attempts"), 1);
	muxd_stop(r.muxd);
}

static void
server_may_speak_first(void **state)
{
	struct relayed r = relay_one("");

	(void)state;
	client_send_text(r.server, "220 ready\r\n");
	client_expect_text(r.client, "220 ready\r\n");
	muxd_stop(r.muxd);
}

/* Every receiver must understand that header; some refuse one of a UNIX
 * address. */
static void
unix_client_has_no_address_for_the_server(void **state)
{
	static const char header[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0";
	int listener = server_listen("127.0.0.1:0");
	struct muxd *muxd =
	    start_relay(address_of(listener), "proxy_protocol = \"v2\"");
	int client = client_connect(muxd_address(muxd, "relay", 1));
	int server = server_accept(listener);

	(void)state;
	client_send_text(client, "hello");
	client_expect(server, header, sizeof(header));
	client_expect_text(server, "hello");
	muxd_stop(muxd);
}

static void
any_pair_of_tcp_and_unix_is_relayed(void **state)
{
	const char *path = test_format("unix:%s/s", muxd_new()->dir);
	const char *const targets[] = { "127.0.0.1:0", "[::1]:0", path };
	struct muxd *muxd;
	size_t i, j;
	int listener, client, server;

	(void)state;
	for (i = 0; i < 3; i++) {
		if (i == 1 && !address_has_ipv6())
			continue;
		listener = server_listen(targets[i]);
		muxd = start_relay(i == 2 ? path : address_of(listener), "");
		for (j = 0; j < 2; j++) {
			client = client_connect(muxd_address(muxd, "relay", j));
			server = server_accept(listener);
			client_send_text(client, "to the server");
			client_expect_text(server, "to the server");
			client_send_text(server, "to the client");
			client_half_close(server);
			client_expect_text(client, "to the client");
			client_expect_eof(client);
			client_send_text(client, "more");
			client_expect_text(server, "more");
			client_close(client);
			client_expect_eof(server);
		}
		muxd_stop(muxd);
		client_close(listener);
	}
}

/* fault 23 */
static void
bytes_and_fin_at_once_both_arrive(void **state)
{
	struct relayed r = relay_one("");
	int client, server;

	(void)state;
	client = client_connect(muxd_address(r.muxd, "relay", 0));
	client_send_text(client, "hello");
	client_half_close(client);
	server = server_accept(r.listener);
	client_expect_text(server, "hello");
	client_expect_eof(server);
	client_send_text(server, "world");
	client_close(server);
	client_expect_text(client, "world");
	client_expect_eof(client);
	muxd_stop(r.muxd);
}

/* fault 24 */
static void
server_ends_first_client_still_sends(void **state)
{
	struct relayed r = relay_one("");

	(void)state;
	client_send_text(r.server, "bye");
	client_half_close(r.server);
	client_expect_text(r.client, "bye");
	client_expect_eof(r.client);
	client_send_text(r.client, "one ");
	client_expect_text(r.server, "one ");
	client_send_text(r.client, "two");
	client_half_close(r.client);
	client_expect_text(r.server, "two");
	client_expect_eof(r.server);
	assert_string_equal(log_field(end_of(&r), "reason"), "server_closed");
	muxd_stop(r.muxd);
}

/* fault 24 */
static void
client_ends_first_server_still_sends(void **state)
{
	struct relayed r = relay_one("");

	(void)state;
	client_send_text(r.client, "request");
	client_half_close(r.client);
	client_expect_text(r.server, "request");
	client_expect_eof(r.server);
	client_send_text(r.server, "long ");
	client_expect_text(r.client, "long ");
	client_send_text(r.server, "answer");
	client_close(r.server);
	client_expect_text(r.client, "answer");
	client_expect_eof(r.client);
	assert_string_equal(log_field(end_of(&r), "reason"), "client_closed");
	muxd_stop(r.muxd);
}

/* fault 25 */
static void
half_closed_silence_ends_at_its_timeout(void **state)
{
	struct relayed r = relay_one("half_close_timeout = \"200ms\"");
	const char *line;

	(void)state;
	client_half_close(r.client);
	client_expect_eof(r.server);
	client_expect_eof(r.client);
	line = end_of(&r);
	assert_string_equal(log_field(line, "reason"), "half_close_timeout");
	assert_string_equal(log_field(line, "phase"), "half_closed");
	muxd_stop(r.muxd);
}

/* The time-out is that of the silence behind the FIN, not of one before. */
static void
late_end_leaves_time_for_the_answer(void **state)
{
	struct relayed r = relay_one("half_close_timeout = \"2s\"");

	(void)state;
	assert_true(client_stays_silent(r.client, 2100));
	client_half_close(r.client);
	client_expect_eof(r.server);
	client_send_text(r.server, "answer");
	client_close(r.server);
	client_expect_text(r.client, "answer");
	client_expect_eof(r.client);
	assert_string_equal(log_field(end_of(&r), "reason"), "client_closed");
	muxd_stop(r.muxd);
}

/* What is missing must not look like the end. */
static void
client_that_is_cut_off_in_a_transfer_sees_a_reset(void **state)
{
	struct relayed r = relay_one("lifetime = \"300ms\"");
	char much[65536] = "", buffer[4096];
	enum client_event event;
	size_t n;

	(void)state;
	do {
		(void)send(
		    r.server, much, sizeof(much), MSG_NOSIGNAL | MSG_DONTWAIT);
		event = client_wait(r.client, buffer, sizeof(buffer), &n, 10);
	} while (event == CLIENT_DATA || event == CLIENT_SILENT);
	assert_int_equal(event, CLIENT_RESET);
	assert_string_equal(log_field(end_of(&r), "reason"), "lifetime");
	muxd_stop(r.muxd);
}

static void
expect_reset_to_travel(struct relayed *r, int from, int to, const char *reason)
{
	client_send_text(r->client, "x");
	client_expect_text(r->server, "x");
	client_reset(from);
	client_expect_reset(to);
	assert_string_equal(log_field(end_of(r), "reason"), reason);
	muxd_stop(r->muxd);
}

/* fault 26 */
static void
reset_of_the_client_reaches_the_server(void **state)
{
	struct relayed r = relay_one("");

	(void)state;
	expect_reset_to_travel(&r, r.client, r.server, "client_reset");
}

/* fault 26 */
static void
reset_of_the_server_reaches_the_client(void **state)
{
	struct relayed r = relay_one("");

	(void)state;
	expect_reset_to_travel(&r, r.server, r.client, "server_reset");
}

/* fault 34 */
static void
writing_to_a_reset_peer_ends_the_session_alone(void **state)
{
	struct relayed r = relay_one("");
	char *much = test_alloc(MUCH);
	size_t sent = 0, n;
	int other, server;

	(void)state;
	other = client_connect(muxd_address(r.muxd, "relay", 0));
	server = server_accept(r.listener);
	while ((n = client_send_some(r.server, much + sent, MUCH - sent)) > 0)
		sent += n;
	client_reset(r.client);
	client_expect_reset(r.server);
	client_send_text(other, "still here");
	client_expect_text(server, "still here");
	assert_int_equal(muxd_count_log(r.muxd, "msg=\"worker ended*"), 0);
	muxd_stop(r.muxd);
}

static void
client_of_a_refusing_server_is_reset_and_told_why(void **state)
{
	struct muxd *muxd = start_relay(server_absent(), "");
	const char *line;

	(void)state;
	client_expect_refused(muxd_address(muxd, "relay", 0), NULL);
	line = muxd_wait_log(muxd, "msg=\"session ended\"");
	assert_string_equal(log_field(line, "reason"), "connect_refused");
	assert_string_equal(log_field(line, "by"), "server");
	assert_string_equal(log_field(line, "phase"), "connecting");
	muxd_stop(muxd);
}

/* fault 36 */
static void
server_that_closes_at_once_stays_in_use(void **state)
{
	struct relayed r = relay_one("max_failures = 1");
	int i, client, server;

	(void)state;
	for (i = 0; i < 5; i++) {
		client = client_connect(muxd_address(r.muxd, "relay", 0));
		server = server_accept(r.listener);
		client_close(server);
		client_expect_eof(client);
		client_close(client);
	}
	muxd_wait_logs(
	    r.muxd, 5, "msg=\"session ended\"", "reason=server_closed");
	muxd_stop(r.muxd);
}

static void
much_arrives_whole_in_both_directions_at_once(void **state)
{
	static const char *const ways[] = { "splice = \"off\"",
		"splice = \"auto\"", "splice = \"on\"" };
	unsigned char *much = test_alloc(MUCH);
	unsigned char *back = test_alloc(MUCH);
	size_t i, w;

	(void)state;
	for (i = 0; i < MUCH; i++)
		much[i] = (unsigned char)(i * 2654435761U >> 24);
	for (w = 0; w < 3; w++) {
		struct relayed r = relay_one(ways[w]);
		size_t sent[2] = { 0, 0 }, got[2] = { 0, 0 }, n;
		int ends[2];

		ends[0] = r.client;
		ends[1] = r.server;
		while (got[0] < MUCH || got[1] < MUCH) {
			for (i = 0; i < 2; i++) {
				sent[i] += client_send_some(
				    ends[i], much + sent[i], MUCH - sent[i]);
				if (got[i] == MUCH ||
				    client_wait(ends[i], back, MUCH - got[i],
					&n, 20) != CLIENT_DATA)
					continue;
				assert_memory_equal(back, much + got[i], n);
				got[i] += n;
			}
		}
		client_half_close(r.client);
		client_expect_eof(r.server);
		client_close(r.server);
		client_expect_eof(r.client);
		assert_int_equal(log_number(end_of(&r), "bytes_in"), MUCH);
		assert_int_equal(log_number(end_of(&r), "bytes_out"), MUCH);
		muxd_stop(r.muxd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(bytes_travel_both_ways),
		system_test(server_may_speak_first),
		system_test(any_pair_of_tcp_and_unix_is_relayed),
		system_test(unix_client_has_no_address_for_the_server),
		system_test(bytes_and_fin_at_once_both_arrive),
		system_test(server_ends_first_client_still_sends),
		system_test(client_ends_first_server_still_sends),
		system_test(half_closed_silence_ends_at_its_timeout),
		system_test(late_end_leaves_time_for_the_answer),
		system_test(client_that_is_cut_off_in_a_transfer_sees_a_reset),
		system_test(reset_of_the_client_reaches_the_server),
		system_test(reset_of_the_server_reaches_the_client),
		system_test(writing_to_a_reset_peer_ends_the_session_alone),
		system_test(client_of_a_refusing_server_is_reset_and_told_why),
		system_test(server_that_closes_at_once_stays_in_use),
		system_test(much_arrives_whole_in_both_directions_at_once),
	};

	return run_under_each_backend(tests);
}
