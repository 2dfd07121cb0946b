/*
 * Single health checks against servers of every kind: which are good, what
 * is said of those that are not, and how the connection ends.
 */
#include "monitor/check.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/socket.h"

#include "responder.h"

/* One check, and its outcome. */
struct trial {
	struct fixture f;
	struct check_setup setup;
	struct check check;
	struct timer deadline;
	struct check_result result;
	unsigned verdicts;
	unsigned overs;
};

static bool self_connected;

bool __wrap_connect_is_self(int fd, const struct addr *addr);

bool
__wrap_connect_is_self(int fd, const struct addr *addr)
{
	(void)fd;
	(void)addr;
	return self_connected;
}

static void
trial_done(struct check *check, const struct check_result *result)
{
	struct trial *trial = container_of(check, struct trial, check);

	assert_int_equal(trial->overs, 0);
	trial->result = *result;
	trial->verdicts++;
}

static void
trial_over(struct check *check)
{
	struct trial *trial = container_of(check, struct trial, check);

	assert_int_equal(trial->verdicts, 1);
	assert_int_equal(check->io.fd, -1);
	trial->overs++;
}

static const struct check_ops trial_ops = { trial_done, trial_over };

static void
trial_deadline(struct timer *timer)
{
	struct trial *trial = container_of(timer, struct trial, deadline);

	if (check_is_under_way(&trial->check))
		check_expire(&trial->check, false);
}

static int
trial_setup(void **state)
{
	struct trial *trial = calloc(1, sizeof(*trial));

	assert_non_null(trial);
	fixture_open(&trial->f, 1);
	timer_init(&trial->deadline, trial_deadline);
	self_connected = false;
	*state = trial;
	return 0;
}

static int
trial_teardown(void **state)
{
	struct trial *trial = *state;

	fixture_close(&trial->f);
	free(trial);
	return 0;
}

#define trial_test(f) \
	cmocka_unit_test_setup_teardown(f, trial_setup, trial_teardown)

/* Begin a check of the address. */
static void
trial_begin(struct trial *trial, const struct addr *addr)
{
	trial->verdicts = trial->overs = 0;
	memset(&trial->result, 0, sizeof(trial->result));
	assert_int_equal(check_setup_open(&trial->setup, &trial->f.pool,
			     trial->f.listen.transport == TRANSPORT_UDP),
	    0);
	check_init(&trial->check, trial->f.loop, &trial_ops, &trial->setup,
	    &trial->f.servers[0]);
	loop_timer_set(trial->f.loop, &trial->deadline, 1000);
	check_begin(&trial->check, addr);
}

/* The check of one server, until it is over. */
static void
trial_run(struct trial *trial, const struct responder *responder)
{
	unsigned descriptors = fixture_descriptors();

	fixture_server(&trial->f, 0, responder);
	trial_begin(trial, &responder->addr);
	fixture_settle(&trial->f);
	if (trial->overs == 0)
		fixture_advance(&trial->f, 1000);
	assert_int_equal(trial->verdicts, 1);
	assert_int_equal(trial->overs, 1);
	/* The server may have one left, of a connection to be reset. */
	assert_int_equal(fixture_descriptors(), descriptors + responder->open);
	loop_timer_cancel(trial->f.loop, &trial->deadline);
	check_setup_close(&trial->setup);
	free(trial->f.servers[0].target.host);
	trial->f.servers[0].target.host = NULL;
}

/* The check of a fresh server that behaves so. */
static void
trial_of(struct trial *trial, const struct behaviour *how)
{
	struct responder responder;

	responder_open(&responder, &trial->f, how);
	trial_run(trial, &responder);
	responder_close(&responder);
}

static void
expect_good(const struct trial *trial)
{
	if (trial->result.verdict != CHECK_GOOD)
		fail_msg("verdict %d: %s, %s", (int)trial->result.verdict,
		    trial->result.text != NULL ? trial->result.text : "-",
		    strerror(trial->result.error));
}

static void
expect_bad(const struct trial *trial, const char *text)
{
	assert_int_equal(trial->result.verdict, CHECK_BAD);
	assert_int_equal(trial->result.error, 0);
	assert_non_null(trial->result.text);
	assert_string_equal(trial->result.text, text);
}

static void
expect_error(const struct trial *trial, int error)
{
	assert_int_equal(trial->result.verdict, CHECK_BAD);
	assert_null(trial->result.text);
	assert_int_equal(trial->result.error, error);
}

static void
use_type(struct trial *trial, enum conf_check_type type)
{
	trial->f.pool.check.type = type;
}

static void
set_text(char **text, size_t *len, const char *value)
{
	free(*text);
	*text = strdup(value);
	assert_non_null(*text);
	if (len != NULL)
		*len = strlen(value);
}

static void
use_send(struct trial *trial, const char *text, const char *expect)
{
	struct conf_check *conf = &trial->f.pool.check;

	use_type(trial, CHECK_SEND);
	set_text(&conf->send, &conf->send_len, text);
	set_text(&conf->expect, &conf->expect_len, expect);
}

/* ---- tcp --------------------------------------------------------------------- */

static void
a_connection_is_enough_and_is_reset(void **state)
{
	static const struct behaviour how = { 0 };
	struct trial *trial = *state;
	struct responder responder;

	responder_open(&responder, &trial->f, &how);
	trial_run(trial, &responder);
	expect_good(trial);
	fixture_settle(&trial->f);
	assert_int_equal(responder.accepted, 1);
	assert_int_equal(responder.resets, 1);
	assert_int_equal(responder.ends, 0);
	responder_close(&responder);
}

/* fault 36 */
static void
a_server_that_accepts_and_closes_is_up(void **state)
{
	static const struct behaviour closes = { .closes = true };
	static const struct behaviour resets = { .resets = true };

	trial_of(*state, &closes);
	expect_good(*state);
	trial_of(*state, &resets);
	expect_good(*state);
}

/* fault 36, where the loop learns of the connection and of its end at
 * once. */
static void
it_is_up_even_if_it_has_closed_before_anybody_looked(void **state)
{
	static const struct behaviour how = { 0 };
	struct trial *trial = *state;
	struct responder responder;
	unsigned reset;
	int fd;

	responder_open(&responder, &trial->f, &how);
	for (reset = 0; reset < 2; reset++) {
		trial_begin(trial, &responder.addr);
		fd = accept(responder.io.fd, NULL, NULL);
		assert_int_not_equal(fd, -1);
		if (reset)
			socket_reset(fd);
		else
			(void)close(fd);
		fixture_settle(&trial->f);
		assert_int_equal(trial->overs, 1);
		expect_good(trial);
		check_setup_close(&trial->setup);
	}
	responder_close(&responder);
}

static void
a_refused_connection_is_bad(void **state)
{
	static const struct behaviour how = { 0 };
	struct trial *trial = *state;
	struct responder responder;

	responder_open(&responder, &trial->f, &how);
	responder_shut(&responder);
	trial_run(trial, &responder);
	expect_error(trial, ECONNREFUSED);
	responder_close(&responder);
}

/* A server whose queue is full does not answer the handshake. */
static void
a_connection_that_takes_too_long_is_bad(void **state)
{
	static const struct behaviour how = { 0 };
	static const struct connect_options plain = { 0 };
	struct trial *trial = *state;
	struct responder responder;
	int fds[8];
	size_t i;

	responder_open(&responder, &trial->f, &how);
	io_want(&responder.io, 0);
	assert_int_equal(listen(responder.io.fd, 0), 0);
	for (i = 0; i < COUNT(fds); i++)
		assert_int_not_equal(connect_stream(&responder.addr, NULL,
					 &plain, &fds[i], NULL),
		    CONNECT_FAILED);
	trial_run(trial, &responder);
	expect_error(trial, ETIMEDOUT);
	for (i = 0; i < COUNT(fds); i++)
		(void)close(fds[i]);
	responder_close(&responder);
}

static void
a_connection_to_itself_is_a_refused_one(void **state)
{
	static const struct behaviour how = { 0 };

	self_connected = true;
	trial_of(*state, &how);
	expect_error(*state, ECONNREFUSED);
}

static void
unix_servers_are_checked_like_others(void **state)
{
	static const struct behaviour how = { 0 };
	struct trial *trial = *state;
	struct responder responder;

	responder_open_unix(&responder, &trial->f, &how);
	trial_run(trial, &responder);
	expect_good(trial);
	responder_shut(&responder);
	trial_run(trial, &responder);
	expect_error(trial, ECONNREFUSED);
	responder_close(&responder);
	trial_run(trial, &responder);
	expect_error(trial, ENOENT);
}

static void
a_port_and_an_address_of_its_own_are_checked_instead(void **state)
{
	static const struct behaviour how = { 0 };
	struct trial *trial = *state;
	struct responder server, other;

	responder_open(&server, &trial->f, &how);
	responder_open(&other, &trial->f, &how);
	trial->f.pool.check.port = other.addr.port;
	trial_run(trial, &server);
	assert_int_equal(server.accepted, 0);
	assert_int_equal(other.accepted, 1);
	responder_close(&other);
	responder_open_unix(&other, &trial->f, &how);
	trial->f.servers[0].check_target.kind = TARGET_UNIX;
	trial->f.servers[0].check_target.addr = other.addr;
	trial->f.servers[0].check_target.host = strdup(other.path);
	trial_run(trial, &server);
	expect_good(trial);
	assert_int_equal(server.accepted, 0);
	assert_int_equal(other.accepted, 1);
	responder_close(&other);
	responder_close(&server);
}

/* What is short here is no fault of the server. */
static void
without_a_descriptor_a_check_says_nothing(void **state)
{
	static const struct behaviour how = { 0 };
	struct rlimit before, none = { 0 };
	struct trial *trial = *state;
	struct responder responder;

	responder_open(&responder, &trial->f, &how);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	trial_begin(trial, &responder.addr);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(trial->overs, 1);
	assert_int_equal(trial->result.verdict, CHECK_VOID);
	assert_int_equal(trial->result.error, EMFILE);
	check_setup_close(&trial->setup);
	responder_close(&responder);
}

/* ---- http -------------------------------------------------------------------- */

static void
an_expected_status_is_good(void **state)
{
	static const struct behaviour how = { .hangs_up = true,
		.answer = "HTTP/1.1 204 No Content\r\n\r\n" };

	use_type(*state, CHECK_HTTP);
	trial_of(*state, &how);
	expect_good(*state);
	assert_int_equal(((struct trial *)*state)->result.status, 204);
}

static void
another_status_is_bad(void **state)
{
	static const struct behaviour how = { .hangs_up = true,
		.answer = "HTTP/1.1 503 Service Unavailable\r\n\r\nsorry" };

	use_type(*state, CHECK_HTTP);
	trial_of(*state, &how);
	expect_bad(*state, "unexpected status");
	assert_int_equal(((struct trial *)*state)->result.status, 503);
}

/* fault 43 */
static void
an_answer_may_come_byte_by_byte(void **state)
{
	static const struct behaviour how = { .by_bytes = true,
		.hangs_up = true,
		.answer = "HTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody" };

	use_type(*state, CHECK_HTTP);
	trial_of(*state, &how);
	expect_good(*state);
	assert_int_equal(((struct trial *)*state)->result.status, 200);
}

static void
what_is_no_http_answer_is_bad(void **state)
{
	static const struct behaviour how = { .talks = true,
		.answer = "220 mail.example.org ESMTP\r\n" };

	use_type(*state, CHECK_HTTP);
	trial_of(*state, &how);
	expect_bad(*state, "the answer is not HTTP");
}

static void
an_http_server_must_answer_and_to_the_end_of_the_head(void **state)
{
	static const struct behaviour silent = { 0 };
	static const struct behaviour stuck = { .answer = "HTTP/1.1 200 OK" };
	static const struct behaviour closes = { .closes = true };
	static const struct behaviour half = { .hangs_up = true,
		.answer = "HTTP/1.1 200 OK\r\n" };
	static const struct behaviour broken = { .breaks = true,
		.answer = "HTTP/1.1 200 OK\r\n" };

	use_type(*state, CHECK_HTTP);
	trial_of(*state, &silent);
	expect_bad(*state, "no answer in time");
	trial_of(*state, &stuck);
	expect_bad(*state, "the answer was not complete in time");
	trial_of(*state, &closes);
	/* The request that it did not read makes its close a reset, or the
	 * request came too late for it. */
	if (((struct trial *)*state)->result.text != NULL)
		expect_bad(*state, "closed without an answer");
	else
		expect_error(*state, ECONNRESET);
	trial_of(*state, &half);
	expect_bad(*state, "closed before the answer was complete");
	trial_of(*state, &broken);
	expect_error(*state, ECONNRESET);
}

/* A server may answer, and then reset: what it has said counts. */
static void
an_answer_before_a_reset_counts(void **state)
{
	static const struct behaviour how = { .breaks = true,
		.answer = "HTTP/1.1 200 OK\r\n\r\n" };

	use_type(*state, CHECK_HTTP);
	trial_of(*state, &how);
	expect_good(*state);
}

static void
the_server_closes_first_and_is_not_reset(void **state)
{
	static const struct behaviour how = {
		.answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
	};
	struct trial *trial = *state;
	struct responder responder;

	use_type(trial, CHECK_HTTP);
	responder_open(&responder, &trial->f, &how);
	trial_begin(trial, &responder.addr);
	fixture_settle(&trial->f);
	/* The verdict does not wait for the body. */
	assert_int_equal(trial->verdicts, 1);
	expect_good(trial);
	assert_int_equal(trial->overs, 0);
	responder_send(&responder, "body");
	fixture_settle(&trial->f);
	assert_int_equal(trial->overs, 0);
	responder_hang_up(&responder);
	fixture_settle(&trial->f);
	assert_int_equal(trial->overs, 1);
	assert_int_equal(responder.resets, 0);
	check_setup_close(&trial->setup);
	responder_close(&responder);
}

/* But not for ever, and not for any number of bytes. */
static void
a_server_that_does_not_close_is_left(void **state)
{
	static const struct behaviour stays = { .answer =
						    "HTTP/1.1 200 OK\r\n\r\n" };
	struct trial *trial = *state;
	struct behaviour floods = { .answer_len = 1 << 20 };
	char *text = calloc(1, floods.answer_len);

	use_type(trial, CHECK_HTTP);
	trial_of(trial, &stays);
	expect_good(trial);
	assert_non_null(text);
	strcpy(text, "HTTP/1.1 200 OK\r\n\r\n");
	floods.answer = text;
	trial_of(trial, &floods);
	expect_good(trial);
	free(text);
}

/* The request for a server at this address. */
static void
expect_request(struct trial *trial, const char *fmt, const char *host)
{
	static const struct behaviour how = { .hangs_up = true,
		.answer = "HTTP/1.1 200 OK\r\n\r\n" };
	char expected[512], address[ADDR_STRLEN];
	struct responder responder;

	responder_open(&responder, &trial->f, &how);
	(void)snprintf(expected, sizeof(expected), fmt,
	    host != NULL
		? host
		: addr_format(&responder.addr, address, sizeof(address)));
	trial_run(trial, &responder);
	expect_good(trial);
	assert_string_equal(responder.request, expected);
	responder_close(&responder);
}

static void
the_request_is_what_is_configured(void **state)
{
	struct trial *trial = *state;
	struct conf_check *conf = &trial->f.pool.check;

	use_type(trial, CHECK_HTTP);
	expect_request(trial,
	    "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: muxd\r\n"
	    "Connection: close\r\n\r\n",
	    NULL);
	set_text(&conf->method, NULL, "HEAD");
	set_text(&conf->path, NULL, "/health?x=1");
	set_text(&conf->host, NULL, "www.example.org");
	expect_request(trial,
	    "HEAD /health?x=1 HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: muxd\r\nConnection: close\r\n\r\n",
	    "www.example.org");
	set_text(&conf->method, NULL, "POST");
	expect_request(trial,
	    "POST /health?x=1 HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: muxd\r\nContent-Length: 0\r\n"
	    "Connection: close\r\n\r\n",
	    "www.example.org");
}

static void
the_host_is_the_name_if_the_server_has_one(void **state)
{
	static const struct behaviour how = { .hangs_up = true,
		.answer = "HTTP/1.1 200 OK\r\n\r\n" };
	struct trial *trial = *state;
	struct responder responder;
	char expected[256];

	use_type(trial, CHECK_HTTP);
	responder_open6(&responder, &trial->f, &how);
	(void)snprintf(expected, sizeof(expected), "Host: [::1]:%u\r\n",
	    responder.addr.port);
	trial_run(trial, &responder);
	assert_non_null(strstr(responder.request, expected));
	responder_close(&responder);
	responder_open_unix(&responder, &trial->f, &how);
	trial_run(trial, &responder);
	assert_non_null(strstr(responder.request, "Host: localhost\r\n"));
	responder_close(&responder);
	responder_open(&responder, &trial->f, &how);
	trial->f.servers[0].target.kind = TARGET_NAME;
	trial->f.servers[0].target.host = strdup("www.example.org");
	trial_begin(trial, &responder.addr);
	fixture_settle(&trial->f);
	expect_good(trial);
	(void)snprintf(expected, sizeof(expected),
	    "Host: www.example.org:%u\r\n", responder.addr.port);
	assert_non_null(strstr(responder.request, expected));
	check_setup_close(&trial->setup);
	responder_close(&responder);
}

/* A server that wants a PROXY header would not take a check without one. */
static void
a_proxy_header_goes_first_where_servers_want_one(void **state)
{
	struct trial *trial = *state;
	struct conf_pool *pool = &trial->f.pool;

	use_type(trial, CHECK_HTTP);
	pool->proxy_protocol = PROXY_V1;
	expect_request(trial,
	    "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: muxd\r\nConnection: close\r\n\r\n",
	    NULL);
}

static void
a_proxy_header_of_version_2_is_local(void **state)
{
	static const unsigned char expected[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00,
		0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x20, 0x00, 0x00,
		0x00, 'P', 'I', 'N', 'G', '\r', '\n' };
	static const struct behaviour how = { .answer = "+PONG\r\n" };
	struct trial *trial = *state;
	struct responder responder, other;

	use_type(trial, CHECK_SEND);
	trial->f.pool.proxy_protocol = PROXY_V2;
	responder_open(&responder, &trial->f, &how);
	trial_run(trial, &responder);
	expect_good(trial);
	assert_int_equal(responder.request_len, sizeof(expected));
	assert_memory_equal(responder.request, expected, sizeof(expected));
	/* A port of its own is for those who want to know how it is. */
	responder_open(&other, &trial->f, &how);
	trial->f.pool.check.port = other.addr.port;
	trial_run(trial, &responder);
	expect_good(trial);
	assert_string_equal(other.request, "PING\r\n");
	responder_close(&other);
	responder_close(&responder);
}

/* ---- send -------------------------------------------------------------------- */

static void
expected_bytes_are_good_wherever_they_come(void **state)
{
	static const struct behaviour whole = { .answer = "x +PONG\r\n" };
	static const struct behaviour bytes = { .by_bytes = true,
		.answer = "++P+PON+PONG" };
	struct trial *trial = *state;

	use_type(trial, CHECK_SEND);
	trial_of(trial, &whole);
	expect_good(trial);
	trial_of(trial, &bytes);
	expect_good(trial);
}

static void
a_greeting_needs_no_question(void **state)
{
	static const struct behaviour how = { .talks = true,
		.answer = "220 mail.example.org ESMTP\r\n" };
	struct trial *trial = *state;

	use_send(trial, "", "220 ");
	trial_of(trial, &how);
	expect_good(trial);
	use_send(trial, "", "");
	trial_of(trial, &how);
	expect_good(trial);
}

static void
waiting_for_a_greeting_keeps_nobody_busy(void **state)
{
	static const struct behaviour silent = { 0 };
	struct trial *trial = *state;
	struct responder responder;

	use_send(trial, "", "220 ");
	responder_open(&responder, &trial->f, &silent);
	trial_begin(trial, &responder.addr);
	for (unsigned i = 0; i < 10; i++)
		assert_int_not_equal(loop_turn(trial->f.loop, 1), -1);
	assert_int_equal(trial->overs, 0);
	assert_int_equal(loop_turn(trial->f.loop, 1), 0);
	fixture_advance(&trial->f, 1000);
	expect_bad(trial, "no answer in time");
	check_setup_close(&trial->setup);
	responder_close(&responder);
}

static void
other_bytes_are_bad(void **state)
{
	static const struct behaviour stays = { .answer = "-LOADING\r\n" };
	static const struct behaviour closes = { .hangs_up = true,
		.answer = "-LOADING\r\n" };
	static const struct behaviour silent = { 0 };
	struct trial *trial = *state;

	use_type(trial, CHECK_SEND);
	trial_of(trial, &stays);
	expect_bad(trial, "the answer was not complete in time");
	trial_of(trial, &closes);
	expect_bad(trial, "unexpected answer");
	trial_of(trial, &silent);
	expect_bad(trial, "no answer in time");
	use_send(trial, "PING\r\n", "");
	trial_of(trial, &silent);
	expect_bad(trial, "no answer in time");
}

/* What is expected must stand in the first 16 KiB, to the byte. */
static void
only_the_beginning_of_an_answer_is_looked_at(void **state)
{
	struct trial *trial = *state;
	struct behaviour how = { .answer_len = CHECK_ANSWER_MAX + 1 };
	char *text = malloc(how.answer_len);

	assert_non_null(text);
	use_type(trial, CHECK_SEND);
	memset(text, '+', how.answer_len);
	how.answer = text;
	memcpy(text + CHECK_ANSWER_MAX - 5, "+PONG", 5);
	trial_of(trial, &how);
	expect_good(trial);
	memcpy(text + CHECK_ANSWER_MAX - 5, "++PONG", 6);
	trial_of(trial, &how);
	expect_bad(trial, "unexpected answer");
	free(text);
}

/* ---- send over UDP ------------------------------------------------------------ */

static void
datagrams_are_sent_where_all_clients_send_them(void **state)
{
	static const struct behaviour good = { .answer = "+PONG" };
	static const struct behaviour bytes = { .by_bytes = true,
		.answer = "+PONG" };
	static const struct behaviour silent = { 0 };
	struct trial *trial = *state;
	struct responder responder;

	trial->f.listen.transport = TRANSPORT_UDP;
	use_type(trial, CHECK_SEND);
	responder_open_udp(&responder, &trial->f, &good);
	trial_run(trial, &responder);
	expect_good(trial);
	assert_string_equal(responder.request, "PING\r\n");
	/* Datagrams are not a stream. */
	responder.how = bytes;
	trial_run(trial, &responder);
	expect_bad(trial, "the answer was not complete in time");
	responder.how = silent;
	trial_run(trial, &responder);
	expect_bad(trial, "no answer in time");
	use_send(trial, "", "+PONG");
	responder.how = good;
	trial_run(trial, &responder);
	expect_good(trial);
	assert_int_equal(responder.request_len, 0);
	responder_shut(&responder);
	trial_run(trial, &responder);
	expect_error(trial, ECONNREFUSED);
	responder_close(&responder);
}

static void
any_datagram_may_be_answer_enough_even_an_empty_one(void **state)
{
	struct trial *trial = *state;
	struct responder responder;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	static const struct behaviour how = { 0 };
	char buf[16];

	trial->f.listen.transport = TRANSPORT_UDP;
	use_send(trial, "PING\r\n", "");
	responder_open_udp(&responder, &trial->f, &how);
	trial_begin(trial, &responder.addr);
	assert_int_equal(recvfrom(responder.io.fd, buf, sizeof(buf), 0,
			     (struct sockaddr *)&peer, &len),
	    6);
	assert_int_equal(
	    sendto(responder.io.fd, "", 0, 0, (struct sockaddr *)&peer, len),
	    0);
	fixture_settle(&trial->f);
	assert_int_equal(trial->overs, 1);
	expect_good(trial);
	check_setup_close(&trial->setup);
	responder_close(&responder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		trial_test(a_connection_is_enough_and_is_reset),
		trial_test(a_server_that_accepts_and_closes_is_up),
		trial_test(
		    it_is_up_even_if_it_has_closed_before_anybody_looked),
		trial_test(a_refused_connection_is_bad),
		trial_test(a_connection_that_takes_too_long_is_bad),
		trial_test(a_connection_to_itself_is_a_refused_one),
		trial_test(unix_servers_are_checked_like_others),
		trial_test(
		    a_port_and_an_address_of_its_own_are_checked_instead),
		trial_test(without_a_descriptor_a_check_says_nothing),
		trial_test(an_expected_status_is_good),
		trial_test(another_status_is_bad),
		trial_test(an_answer_may_come_byte_by_byte),
		trial_test(what_is_no_http_answer_is_bad),
		trial_test(
		    an_http_server_must_answer_and_to_the_end_of_the_head),
		trial_test(an_answer_before_a_reset_counts),
		trial_test(the_server_closes_first_and_is_not_reset),
		trial_test(a_server_that_does_not_close_is_left),
		trial_test(the_request_is_what_is_configured),
		trial_test(the_host_is_the_name_if_the_server_has_one),
		trial_test(a_proxy_header_goes_first_where_servers_want_one),
		trial_test(a_proxy_header_of_version_2_is_local),
		trial_test(expected_bytes_are_good_wherever_they_come),
		trial_test(a_greeting_needs_no_question),
		trial_test(waiting_for_a_greeting_keeps_nobody_busy),
		trial_test(other_bytes_are_bad),
		trial_test(only_the_beginning_of_an_answer_is_looked_at),
		trial_test(datagrams_are_sent_where_all_clients_send_them),
		trial_test(any_datagram_may_be_answer_enough_even_an_empty_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
