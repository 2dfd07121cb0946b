/*
 * The http service as its clients see it: answers, persistence, pipelining,
 * bodies, faults.
 */
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_client.h"
#include "service/http_parse.h"

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define BODY "200 OK"

static void
answer_is_complete(void **state)
{
	struct fixture *f = *state;
	struct client client;
	const char *head, *date;

	client = client_open(f);
	client_send(f, &client, GET);
	head = client_expect(f, &client, 200, BODY);
	assert_int_equal(strncmp(head, "HTTP/1.1 200 OK\r\n", 17), 0);
	assert_true(head_has(head, "Content-Type: text/plain"));
	assert_null(strstr(head, "Connection:"));
	date = strstr(head, "\r\nDate: ");
	assert_non_null(date);
	assert_int_equal(strcspn(date + 8, "\r"), 29);
	client_expect_silence(f, &client);
	client_close(&client);
}

static void
head_is_answered_without_body(void **state)
{
	struct fixture *f = *state;
	struct client client;
	const char *head;

	client = client_open(f);
	client_send(f, &client, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
	head = client_expect(f, &client, 200, NULL);
	assert_true(head_has(head, "Content-Length: 6"));
	assert_true(head_has(head, "Content-Type: text/plain"));
	client_expect_silence(f, &client);
	client_close(&client);
}

static void
each_method_gets_the_answer(void **state)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH",
		"DELETE", "OPTIONS" };
	struct fixture *f = *state;
	struct client client;
	char text[128];
	size_t i;

	client = client_open(f);
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n\r\n",
		    methods[i]);
		client_send(f, &client, text);
		client_expect(f, &client, 200, BODY);
	}
	assert_int_equal(http_requests(f), i);
	client_close(&client);
}

static void
configured_answer_is_sent(void **state)
{
	static const char body[] = "{\"a\":\0}";
	struct fixture f;
	struct client client;
	const char *head;

	(void)state;
	fixture_load(&f,
	    "service \"web\" { listen = \"127.0.0.1:0\" handler = \"http\""
	    " http { status = 503 content_type = \"application/json\""
	    " headers = { \"X-One: 1\", \"X-Two: b c\" } } }");
	http_set_body(&f, body, sizeof(body) - 1);
	client = client_open(&f);
	client_send(&f, &client, GET);
	head = client_expect(&f, &client, 503, NULL);
	assert_true(head_has(head, "Content-Length: 7"));
	assert_true(head_has(head, "Content-Type: application/json"));
	assert_true(head_has(head, "X-One: 1"));
	assert_true(head_has(head, "X-Two: b c"));
	assert_memory_equal(client_read(&f, &client, 7), body, 7);
	client_close(&client);
	fixture_close(&f);
}

static void
some_statuses_have_no_body(void **state)
{
	static const unsigned statuses[] = { 204, 304, 205 };
	struct fixture f;
	struct client client;
	const char *head;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		fixture_load(&f, HTTP_CONF);
		http_conf(&f)->status = statuses[i];
		client = client_open(&f);
		client_send(&f, &client, GET);
		head = client_expect(&f, &client, statuses[i], NULL);
		if (statuses[i] == 205)
			assert_true(head_has(head, "Content-Length: 0"));
		else
			assert_null(strstr(head, "Content-Length"));
		assert_null(strstr(head, "Content-Type"));
		client_expect_silence(&f, &client);
		client_close(&client);
		fixture_close(&f);
	}
}

static void
http_1_1_keeps_the_connection(void **state)
{
	struct fixture *f = *state;
	struct client client;
	const char *head;
	int i;

	client = client_open(f);
	for (i = 0; i < 3; i++) {
		client_send(f, &client, GET);
		client_expect(f, &client, 200, BODY);
		client_expect_silence(f, &client);
	}
	client_send(f, &client,
	    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	head = client_expect(f, &client, 200, BODY);
	assert_true(head_has(head, "Connection: close"));
	client_expect_end(f, &client);
	client_close(&client);
	fixture_settle(f);
	assert_int_equal(fixture_ended(f, REASON_SERVED), 1);
}

static void
http_1_0_closes_unless_asked(void **state)
{
	struct fixture *f = *state;
	struct client client;
	const char *head;

	client = client_open(f);
	client_send(
	    f, &client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	head = client_expect(f, &client, 200, BODY);
	assert_true(head_has(head, "Connection: keep-alive"));
	client_send(f, &client, "GET / HTTP/1.0\r\n\r\n");
	head = client_expect(f, &client, 200, BODY);
	assert_true(head_has(head, "Connection: close"));
	client_expect_end(f, &client);
	client_close(&client);
}

static void
request_typed_by_hand_is_answered(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client, "GET / HTTP/1.0\n");
	client_expect_silence(f, &client);
	client_send(f, &client, "\n");
	client_expect(f, &client, 200, BODY);
	client_expect_end(f, &client);
	client_close(&client);
}

/* fault 43 */
static void
request_byte_by_byte_is_answered(void **state)
{
	static const char text[] =
	    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n0\r\n\r\n";
	struct fixture *f = *state;
	struct client client;
	size_t i;

	client = client_open(f);
	for (i = 0; i < sizeof(text) - 1; i++) {
		client_expect_silence(f, &client);
		client_send_bytes(f, &client, text + i, 1);
	}
	client_expect(f, &client, 200, BODY);
	client_send(f, &client, GET);
	client_expect(f, &client, 200, BODY);
	client_close(&client);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client,
	    GET "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n" GET
		"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
		"\r\n4\r\nGET \r\n0\r\nA: b\r\n\r\n"
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
		"BREW / HTTP/1.1\r\nHost: a\r\n\r\n" GET);
	client_expect(f, &client, 200, BODY);
	client_expect(f, &client, 200, NULL);
	client_expect(f, &client, 200, BODY);
	client_expect(f, &client, 200, BODY);
	assert_true(head_has(
	    client_expect(f, &client, 200, BODY), "Connection: keep-alive"));
	/* The fault ends it: what follows is not answered. */
	client_expect(f, &client, 501, "501 Not Implemented\n");
	client_expect_end(f, &client);
	client_close(&client);
	assert_int_equal(http_requests(f), 6);
}

static void
nothing_is_answered_after_close(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client, GET "GET / HTTP/1.0\r\n\r\n" GET GET);
	client_expect(f, &client, 200, BODY);
	client_expect(f, &client, 200, BODY);
	client_expect_end(f, &client);
	client_close(&client);
}

static void
each_fault_is_answered_and_ends_the_connection(void **state)
{
	static const struct {
		const char *text;
		unsigned status;
		const char *body;
	} cases[] = {
		{ "nonsense\r\n\r\n", 400, "400 Bad Request\n" },
		{ "GET / HTTP/1.1\r\n\r\n", 400, "400 Bad Request\n" },
		{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n"
		  "\r\n",
		    413, "413 Content Too Large\n" },
		{ "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417,
		    "417 Expectation Failed\n" },
		{ "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501,
		    "501 Not Implemented\n" },
		{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n"
		  "\r\n",
		    501, "501 Not Implemented\n" },
		{ "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505,
		    "505 HTTP Version Not Supported\n" },
	};
	struct fixture *f = *state;
	struct client client;
	const char *head;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client = client_open(f);
		client_send(f, &client, cases[i].text);
		head =
		    client_expect(f, &client, cases[i].status, cases[i].body);
		assert_true(head_has(head, "Connection: close"));
		assert_true(head_has(head, "Content-Type: text/plain"));
		client_expect_end(f, &client);
		client_close(&client);
		fixture_settle(f);
		assert_int_equal(
		    fixture_ended(f, REASON_PROTOCOL_ERROR), i + 1);
	}
	assert_int_equal(http_requests(f), i);
}

static void
fault_of_head_is_answered_without_body(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client, "HEAD / HTTP/1.1\r\n\r\n");
	client_expect(f, &client, 400, NULL);
	client_expect_end(f, &client);
	client_close(&client);
}

/* begin, then fill bytes, then end. */
static void
send_filled(struct fixture *f, struct client *client, const char *begin,
    size_t fill, const char *end)
{
	size_t begin_len = strlen(begin), end_len = strlen(end);
	char *text = malloc(begin_len + fill + end_len);

	assert_non_null(text);
	memcpy(text, begin, begin_len);
	memset(text + begin_len, 'x', fill);
	memcpy(text + begin_len + fill, end, end_len);
	client_send_bytes(f, client, text, begin_len + fill + end_len);
	free(text);
}

static void
limits_on_heads_are_exact(void **state)
{
	static const char begin[] = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
	struct fixture *f = *state;
	size_t fill = 8192 - (sizeof(begin) - 1) - 4;
	struct client client;

	client = client_open(f);
	send_filled(f, &client, begin, fill, "\r\n\r\n");
	client_expect(f, &client, 200, BODY);
	send_filled(f, &client, begin, fill + 1, "\r\n\r\n");
	client_expect(f, &client, 431, "431 Request Header Fields Too Large\n");
	client_expect_end(f, &client);
	client_close(&client);

	client = client_open(f);
	send_filled(f, &client, "GET /", HTTP_TARGET_MAX,
	    " HTTP/1.1\r\nHost: a\r\n\r\n");
	client_expect(f, &client, 414, "414 URI Too Long\n");
	client_expect_end(f, &client);
	client_close(&client);
}

static void
bodies_are_read_and_dropped(void **state)
{
	struct fixture *f = *state;
	struct client client;
	int i;

	client = client_open(f);
	for (i = 0; i < 3; i++) {
		send_filled(f, &client,
		    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"
		    "\r\n",
		    99999, "");
		client_expect_silence(f, &client);
		client_send(f, &client, "x" GET);
		client_expect(f, &client, 200, BODY);
		client_expect(f, &client, 200, BODY);
		send_filled(f, &client,
		    "POST / HTTP/1.1\r\nHost: a\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n186a0\r\n",
		    100000, "\r\n0\r\n\r\n");
		client_expect(f, &client, 200, BODY);
	}
	send_filled(f, &client,
	    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "186a0\r\n",
	    100000, "\r\n1\r\nx\r\n0\r\n\r\n");
	client_expect(f, &client, 413, "413 Content Too Large\n");
	client_expect_end(f, &client);
	client_close(&client);
}

static void
body_that_is_too_large_is_answered_while_it_is_sent(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	/* It comes all the same; the answer must not be lost in a reset. */
	send_filled(f, &client,
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n",
	    500000, "");
	client_expect(f, &client, 413, "413 Content Too Large\n");
	client_expect_end(f, &client);
	client_close(&client);
}

static void
client_that_waits_is_told_to_go_on(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client,
	    GET "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		"Content-Length: 2\r\n\r\n");
	client_expect(f, &client, 200, BODY);
	client_expect(f, &client, 100, NULL);
	client_expect_silence(f, &client);
	client_send(f, &client, "hi");
	client_expect(f, &client, 200, BODY);
	client_close(&client);
}

static void
half_closed_client_gets_its_answer(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	send(client.fd, GET GET, 2 * strlen(GET), MSG_NOSIGNAL);
	client_finish(&client);
	client_expect(f, &client, 200, BODY);
	client_expect(f, &client, 200, BODY);
	client_expect_end(f, &client);
	client_close(&client);
	assert_int_equal(fixture_ended(f, REASON_CLIENT_CLOSED), 1);
}

static void
incomplete_request_is_refused(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client, "GET / HTTP/1.1\r\nHost: a\r\n");
	client_finish(&client);
	client_expect(f, &client, 400, "400 Bad Request\n");
	client_expect_end(f, &client);
	client_close(&client);
	assert_int_equal(fixture_ended(f, REASON_PROTOCOL_ERROR), 1);
	/* Empty lines are no request. */
	client = client_open(f);
	client_send(f, &client, "\r\n");
	client_finish(&client);
	client_expect_end(f, &client);
	client_close(&client);
	assert_int_equal(fixture_ended(f, REASON_CLIENT_CLOSED), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		HTTP_TEST(answer_is_complete),
		HTTP_TEST(head_is_answered_without_body),
		HTTP_TEST(each_method_gets_the_answer),
		cmocka_unit_test(configured_answer_is_sent),
		cmocka_unit_test(some_statuses_have_no_body),
		HTTP_TEST(http_1_1_keeps_the_connection),
		HTTP_TEST(http_1_0_closes_unless_asked),
		HTTP_TEST(request_typed_by_hand_is_answered),
		HTTP_TEST(request_byte_by_byte_is_answered),
		HTTP_TEST(pipelined_requests_are_answered_in_order),
		HTTP_TEST(nothing_is_answered_after_close),
		HTTP_TEST(each_fault_is_answered_and_ends_the_connection),
		HTTP_TEST(fault_of_head_is_answered_without_body),
		HTTP_TEST(limits_on_heads_are_exact),
		HTTP_TEST(bodies_are_read_and_dropped),
		HTTP_TEST(body_that_is_too_large_is_answered_while_it_is_sent),
		HTTP_TEST(client_that_waits_is_told_to_go_on),
		HTTP_TEST(half_closed_client_gets_its_answer),
		HTTP_TEST(incomplete_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
