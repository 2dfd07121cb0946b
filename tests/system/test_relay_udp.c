/*
 * Relayed datagrams, as clients and servers see them: they find their way
 * both ways, each client has a session of its own, and it ends when it
 * should.
 */
#include <sys/socket.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "backends.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "server.h"

#define LARGEST 65507
#define FORGED  200

/* A client as its server sees it: the socket that muxd has for it. */
struct peer {
	int server;
	struct sockaddr_storage ss;
	socklen_t len;
};

static struct muxd *
start_with(
    unsigned workers, const char *servers, const char *pool, const char *limits)
{
	return muxd_start("workers = %u\n"
			  "defaults { drain_timeout = \"50ms\" }\n"
			  "pool \"p\" {\n%s\n%s\n}\n"
			  "service \"relay\" {\n"
			  "  listen = { \"udp:127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "  limit { %s }\n"
			  "}\n",
	    workers, servers, pool, limits);
}

static const char *
server_text(const char *name, int server)
{
	return test_format(
	    "server \"%s\" { address = \"%s\" }\n", name, address_of(server));
}

static int
udp_server(void)
{
	return server_listen("udp:127.0.0.1:0");
}

static int
visit(struct muxd *muxd)
{
	return client_connect(muxd_address(muxd, "relay", 0));
}

/* The next datagram that comes to a server. */
static struct peer
server_receive(int server, void *data, size_t size, size_t *len)
{
	struct pollfd pollfd = { .fd = server, .events = POLLIN };
	struct peer peer = { .server = server, .len = sizeof(peer.ss) };
	ssize_t n;

	if (poll(&pollfd, 1, test_deadline_ms()) != 1)
		test_fail("nothing comes to %s", address_of(server));
	n = recvfrom(
	    server, data, size, 0, (struct sockaddr *)&peer.ss, &peer.len);
	assert_int_not_equal(n, -1);
	*len = (size_t)n;
	return peer;
}

static struct peer
serve(int server, const char *text)
{
	char got[64];
	size_t len;
	struct peer peer = server_receive(server, got, sizeof(got), &len);

	assert_int_equal(len, strlen(text));
	assert_memory_equal(got, text, len);
	return peer;
}

static void
reply(const struct peer *peer, const char *text)
{
	assert_int_equal(sendto(peer->server, text, strlen(text), 0,
			     (const struct sockaddr *)&peer->ss, peer->len),
	    (ssize_t)strlen(text));
}

static void
expect(int client, const char *text)
{
	char got[64];

	assert_int_equal(
	    client_receive(client, got, sizeof(got)), strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

/* Ask the server, and get the answer. */
static struct peer
talk(int client, int server)
{
	struct peer peer;

	client_send_text(client, "ask");
	peer = serve(server, "ask");
	reply(&peer, "answer");
	expect(client, "answer");
	return peer;
}

static bool
same_peer(const struct peer *a, const struct peer *b)
{
	return a->len == b->len && memcmp(&a->ss, &b->ss, a->len) == 0;
}

static void
clients_get_their_own_answers(void **state)
{
	int server = udp_server(), clients[2];
	struct muxd *muxd = start_with(1, server_text("s", server), "", "");
	struct peer peers[2];
	const char *line;

	(void)state;
	clients[0] = visit(muxd);
	clients[1] = visit(muxd);
	client_send_text(clients[0], "one");
	peers[0] = serve(server, "one");
	client_send_text(clients[1], "two");
	peers[1] = serve(server, "two");
	assert_false(same_peer(&peers[0], &peers[1]));
	reply(&peers[1], "for two");
	reply(&peers[0], "for one");
	reply(&peers[0], "and more");
	expect(clients[0], "for one");
	expect(clients[0], "and more");
	expect(clients[1], "for two");
	assert_int_equal(client_peek(clients[1]), CLIENT_SILENT);
	muxd_stop(muxd);
	line = muxd_wait_log(muxd, "msg=\"session ended\"",
	    test_format("client=%s", address_of(clients[0])));
	assert_string_equal(log_field(line, "service"), "relay");
	assert_string_equal(log_field(line, "server"), "p/s");
	assert_string_equal(
	    log_field(line, "server_address"), address_of(server));
	assert_int_equal(log_number(line, "attempts"), 1);
	assert_int_equal(log_number(line, "datagrams_in"), 1);
	assert_int_equal(log_number(line, "datagrams_out"), 2);
	assert_int_equal(log_number(line, "bytes_in"), 3);
	assert_int_equal(log_number(line, "bytes_out"), 7 + 8);
	assert_string_equal(log_field(line, "phase"), "open");
	muxd_wait_log(muxd, "msg=summary", "accepted=2", "sessions=2",
	    "datagrams_in=2", "datagrams_out=3", "drain_deadline=2");
}

/* The clients are connected, and get nothing from any other address. */
static void
answers_leave_from_the_address_that_was_used(void **state)
{
	static const char *const used[] = { "127.0.0.1", "127.0.0.2",
		"127.3.2.1", "[::1]" };
	int server = udp_server(), clients[4];
	struct peer peers[4];
	struct muxd *muxd;
	size_t i, n = address_has_ipv6() ? 4 : 3;

	(void)state;
	muxd = muxd_start("workers = 2\n"
			  "defaults { drain_timeout = \"50ms\" }\n"
			  "pool \"p\" { %s }\n"
			  "service \"relay\" {\n"
			  "  listen = { \"udp:0.0.0.0:0\"%s }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "}\n",
	    server_text("s", server), n == 4 ? ", \"udp:[::]:0\"" : "");
	for (i = 0; i < n; i++) {
		clients[i] = client_connect(test_format("udp:%s:%u", used[i],
		    address_port(muxd_address(muxd, "relay", i == 3))));
		client_send_text(clients[i], used[i]);
		peers[i] = serve(server, used[i]);
	}
	for (i = 0; i < n; i++)
		reply(&peers[i], used[i]);
	for (i = 0; i < n; i++)
		expect(clients[i], used[i]);
	muxd_stop(muxd);
}

static void
server_may_speak_another_family(void **state)
{
	struct muxd *muxd;
	int server;

	(void)state;
	if (!address_has_ipv6())
		skip();
	server = server_listen("udp:[::1]:0");
	muxd = start_with(1, server_text("s", server), "", "");
	(void)talk(visit(muxd), server);
	muxd_stop(muxd);
}

/* fault 68 */
static void
empty_datagrams_pass(void **state)
{
	int server = udp_server(), client;
	struct muxd *muxd = start_with(1, server_text("s", server), "", "");
	struct peer peer;

	(void)state;
	client = visit(muxd);
	client_send_text(client, "");
	peer = serve(server, "");
	reply(&peer, "");
	expect(client, "");
	muxd_stop(muxd);
}

/* fault 67 */
static void
largest_datagrams_pass_whole(void **state)
{
	static unsigned char out[LARGEST], in[LARGEST + 1];
	int server = udp_server(), client;
	struct muxd *muxd = start_with(1, server_text("s", server), "", "");
	struct peer peer;
	size_t i, len;

	(void)state;
	for (i = 0; i < LARGEST; i++)
		out[i] = (unsigned char)(i * 7 / 5);
	client = visit(muxd);
	client_send(client, out, LARGEST);
	peer = server_receive(server, in, sizeof(in), &len);
	assert_int_equal(len, LARGEST);
	assert_memory_equal(in, out, LARGEST);
	assert_int_equal(sendto(server, out, LARGEST, 0,
			     (struct sockaddr *)&peer.ss, peer.len),
	    LARGEST);
	assert_int_equal(client_receive(client, in, sizeof(in)), LARGEST);
	assert_memory_equal(in, out, LARGEST);
	muxd_stop(muxd);
}

static void
idle_session_ends(void **state)
{
	int server = udp_server(), client;
	struct muxd *muxd = start_with(1, server_text("s", server),
	    "udp { idle_timeout = \"200ms\" }", "");

	(void)state;
	client = visit(muxd);
	(void)talk(client, server);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=idle_timeout",
	    "by=muxd", "datagrams_in=1", "datagrams_out=1");
	/* Another one begins. */
	(void)talk(client, server);
	muxd_wait_logs(muxd, 2, "msg=\"session ended\"", "reason=idle_timeout");
	muxd_stop(muxd);
}

static void
session_ends_with_its_responses(void **state)
{
	int server = udp_server(), client;
	struct muxd *muxd = start_with(1, server_text("s", server),
	    "udp { responses = 2  idle_timeout = \"1h\" }", "");
	struct peer peer;

	(void)state;
	client = visit(muxd);
	peer = talk(client, server);
	assert_int_equal(muxd_count_log(muxd, "msg=\"session ended\""), 0);
	reply(&peer, "more");
	expect(client, "more");
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=responded",
	    "by=server", "datagrams_in=1", "datagrams_out=2");
	muxd_stop(muxd);
}

/* fault 73 */
static void
longest_idle_session_makes_room(void **state)
{
	int server = udp_server(), first, second;
	struct muxd *muxd = start_with(1, server_text("s", server),
	    "udp { idle_timeout = \"1h\" }", "connections = 1");
	struct pollfd pollfd = { .fd = server, .events = POLLIN };

	(void)state;
	first = visit(muxd);
	client_send_text(first, "first");
	(void)serve(server, "first");
	/* It is let in once the first one is idle for a moment. */
	second = visit(muxd);
	do {
		client_send_text(second, "second");
	} while (poll(&pollfd, 1, 20) == 0);
	(void)serve(server, "second");
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=evicted",
	    "phase=unanswered", test_format("client=%s", address_of(first)));
	muxd_stop(muxd);
}

/* fault 73 */
static void
forged_sources_push_out_nobody_who_was_answered(void **state)
{
	int server = udp_server(), client, i;
	struct muxd *muxd = start_with(1, server_text("s", server),
	    "udp { idle_timeout = \"1h\" }",
	    "connections = 8  source_datagram_rate = \"0\"");
	const char *address = muxd_address(muxd, "relay", 0);
	struct peer before, after;

	(void)state;
	if (geteuid() != 0)
		skip();
	client = visit(muxd);
	before = talk(client, server);
	for (i = 0; i < FORGED; i++)
		client_forge(test_format("udp:127.9.%d.1:%d", i, 2000 + i),
		    address, "forged");
	/* Behind all of them, and still in the same session. */
	client_send_text(client, "still here");
	for (;;) {
		char got[64];
		size_t len;

		after = server_receive(server, got, sizeof(got), &len);
		if (len == 10)
			break;
	}
	assert_true(same_peer(&before, &after));
	reply(&after, "so am I");
	expect(client, "so am I");
	muxd_stop(muxd);
	muxd_wait_log(
	    muxd, "msg=summary", "datagrams_in=202", "*service_full*");
}

/* fault 68 */
static void
refusing_server_is_left_for_another(void **state)
{
	int server = udp_server(), dead = udp_server(), client;
	struct muxd *muxd = start_with(1,
	    test_format("%s%s", server_text("dead", dead),
		server_text("alive", server)),
	    "max_failures = 0", "");
	struct pollfd pollfd = { .fd = server, .events = POLLIN };
	struct peer peer;

	(void)state;
	client_close(dead);
	client = visit(muxd);
	do {
		client_send_text(client, "anybody?");
	} while (poll(&pollfd, 1, 20) == 0);
	peer = serve(server, "anybody?");
	reply(&peer, "me");
	/* The first thing that it gets: no error looks like a datagram. */
	expect(client, "me");
	muxd_stop(muxd);
	muxd_wait_log(
	    muxd, "msg=\"session ended\"", "server=p/alive", "attempts=2");
}

/* fault 68 */
static void
dead_server_ends_neither_worker_nor_session(void **state)
{
	int dead = udp_server(), client, other, i;
	struct muxd *muxd = start_with(1, server_text("s", dead), "", "");
	const char *address = address_of(dead);

	(void)state;
	client_close(dead);
	client = visit(muxd);
	for (i = 0; i < 10; i++)
		client_send_text(client, "anybody?");
	assert_true(client_stays_silent(client, 100));
	dead = server_listen(test_format("udp:%s", address));
	(void)talk(client, dead);
	other = visit(muxd);
	(void)talk(other, dead);
	assert_int_equal(muxd_worker_starts(muxd, 0), 1);
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "sessions=2");
}

static void
killed_worker_leaves_nothing_counted(void **state)
{
	int server = udp_server(), client, i;
	struct muxd *muxd = start_with(1, server_text("s", server),
	    "udp { idle_timeout = \"1h\" }", "connections = 1");
	size_t starts;

	(void)state;
	client = visit(muxd);
	(void)talk(client, server);
	for (i = 0; i < 2; i++) {
		starts = muxd_worker_starts(muxd, 0);
		assert_int_equal(kill(muxd_worker(muxd, 0), SIGKILL), 0);
		muxd_wait_logs(muxd, starts + 1, "msg=\"worker started\"");
		muxd_wait_logs(muxd, (size_t)i + 1, "msg=\"session ended\"",
		    "reason=worker_died", "server=p/s");
		/* The same client finds its successor behind the socket. */
		(void)talk(client, server);
	}
	muxd_stop(muxd);
}

static void
sessions_go_on_while_muxd_drains(void **state)
{
	int server = udp_server(), client, late;
	struct muxd *muxd;
	struct peer before, after;
	const char *address;

	(void)state;
	muxd = muxd_start("workers = 2\n"
			  "defaults { drain_timeout = \"1m\" }\n"
			  "pool \"p\" {\n"
			  "  %s\n"
			  "  udp { responses = 2  idle_timeout = \"1h\" }\n"
			  "}\n"
			  "service \"relay\" {\n"
			  "  listen = { \"udp:127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "}\n",
	    server_text("s", server));
	address = muxd_address(muxd, "relay", 0);
	client = client_connect(address);
	before = talk(client, server);
	muxd_signal(muxd, SIGTERM);
	/* Who comes too late is told of in the log, and nobody else. */
	do {
		late = client_connect(address);
		client_send_text(late, "hello?");
		assert_true(client_stays_silent(late, 20));
	} while (muxd_count_log(muxd, "msg=\"client refused\"",
		     "reason=draining", "by=muxd") == 0);
	client_send_text(client, "go on");
	do {
		char got[64];
		size_t len;

		after = server_receive(server, got, sizeof(got), &len);
	} while (!same_peer(&before, &after));
	reply(&after, "1");
	expect(client, "1");
	assert_int_equal(muxd_count_log(muxd, "msg=stopped"), 0);
	muxd_signal(muxd, SIGTERM);
	assert_int_equal(muxd_wait_status(muxd), 0);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=stopped",
	    test_format("client=%s", address_of(client)));
}

static void
muxd_stops_with_its_last_session(void **state)
{
	int server = udp_server(), client;
	struct muxd *muxd;

	(void)state;
	muxd = muxd_start("workers = 2\n"
			  "defaults { drain_timeout = \"1h\" }\n"
			  "pool \"p\" {\n"
			  "  %s\n"
			  "  udp { idle_timeout = \"300ms\" }\n"
			  "}\n"
			  "service \"relay\" {\n"
			  "  listen = { \"udp:127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "}\n",
	    server_text("s", server));
	client = client_connect(muxd_address(muxd, "relay", 0));
	(void)talk(client, server);
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=idle_timeout");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(clients_get_their_own_answers),
		system_test(answers_leave_from_the_address_that_was_used),
		system_test(server_may_speak_another_family),
		system_test(empty_datagrams_pass),
		system_test(largest_datagrams_pass_whole),
		system_test(idle_session_ends),
		system_test(session_ends_with_its_responses),
		system_test(longest_idle_session_makes_room),
		system_test(forged_sources_push_out_nobody_who_was_answered),
		system_test(refusing_server_is_left_for_another),
		system_test(dead_server_ends_neither_worker_nor_session),
		system_test(killed_worker_leaves_nothing_counted),
		system_test(sessions_go_on_while_muxd_drains),
		system_test(muxd_stops_with_its_last_session),
	};

	return run_under_each_backend(tests);
}
