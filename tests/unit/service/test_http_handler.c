/*
 * The http service as its clients see it: answers, persistence, pipelining,
 * bodies, faults.
 */
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_world.h"
#include "service/http_parse.h"

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define BODY "200 OK"

static void
answer_is_complete(void **state)
{
	struct world *world = *state;
	struct client client;
	const char *head, *date;

	client = client_open(world);
	client_send(world, &client, GET);
	head = client_expect(world, &client, 200, BODY);
	assert_int_equal(strncmp(head, "HTTP/1.1 200 OK\r\n", 17), 0);
	assert_true(head_has(head, "Content-Type: text/plain"));
	assert_null(strstr(head, "Connection:"));
	date = strstr(head, "\r\nDate: ");
	assert_non_null(date);
	assert_int_equal(strcspn(date + 8, "\r"), 29);
	client_expect_silence(world, &client);
	client_close(&client);
}

static void
head_is_answered_without_body(void **state)
{
	struct world *world = *state;
	struct client client;
	const char *head;

	client = client_open(world);
	client_send(world, &client, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
	head = client_expect(world, &client, 200, NULL);
	assert_true(head_has(head, "Content-Length: 6"));
	assert_true(head_has(head, "Content-Type: text/plain"));
	client_expect_silence(world, &client);
	client_close(&client);
}

static void
each_method_gets_the_answer(void **state)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH",
		"DELETE", "OPTIONS" };
	struct world *world = *state;
	struct client client;
	char text[128];
	size_t i;

	client = client_open(world);
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n\r\n",
		    methods[i]);
		client_send(world, &client, text);
		client_expect(world, &client, 200, BODY);
	}
	assert_int_equal(world_requests(world), i);
	client_close(&client);
}

static void
configured_answer_is_sent(void **state)
{
	static char type[] = "application/json";
	static char one[] = "X-One: 1", two[] = "X-Two: b c";
	static char *headers[] = { one, two };
	static char body[] = "{\"a\":\0}";
	struct world *world = *state;
	struct conf_http *http = &world->service.http;
	struct client client;
	const char *head;

	http->status = 503;
	http->content_type = type;
	http->headers = headers;
	http->nheaders = 2;
	http->body = body;
	http->body_len = sizeof(body) - 1;
	client = client_open(world);
	client_send(world, &client, GET);
	head = client_expect(world, &client, 503, NULL);
	assert_true(head_has(head, "Content-Length: 7"));
	assert_true(head_has(head, "Content-Type: application/json"));
	assert_true(head_has(head, "X-One: 1"));
	assert_true(head_has(head, "X-Two: b c"));
	assert_memory_equal(client_read(world, &client, 7), body, 7);
	client_close(&client);
}

static void
some_statuses_have_no_body(void **state)
{
	static const unsigned statuses[] = { 204, 304, 205 };
	struct world *world = *state;
	struct client client;
	const char *head;
	void *again;
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		world->service.http.status = statuses[i];
		client = client_open(world);
		client_send(world, &client, GET);
		head = client_expect(world, &client, statuses[i], NULL);
		if (statuses[i] == 205)
			assert_true(head_has(head, "Content-Length: 0"));
		else
			assert_null(strstr(head, "Content-Length"));
		assert_null(strstr(head, "Content-Type"));
		client_expect_silence(world, &client);
		client_close(&client);
		if (i + 1 == sizeof(statuses) / sizeof(statuses[0]))
			break;
		again = world;
		world_teardown(&again);
		world_setup(state);
		world = *state;
	}
}

static void
http_1_1_keeps_the_connection(void **state)
{
	struct world *world = *state;
	struct client client;
	const char *head;
	int i;

	client = client_open(world);
	for (i = 0; i < 3; i++) {
		client_send(world, &client, GET);
		client_expect(world, &client, 200, BODY);
		client_expect_silence(world, &client);
	}
	client_send(world, &client,
	    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	head = client_expect(world, &client, 200, BODY);
	assert_true(head_has(head, "Connection: close"));
	client_expect_end(world, &client);
	client_close(&client);
	world_settle(world);
	assert_int_equal(world_ended(world, REASON_SERVED), 1);
}

static void
http_1_0_closes_unless_asked(void **state)
{
	struct world *world = *state;
	struct client client;
	const char *head;

	client = client_open(world);
	client_send(
	    world, &client, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	head = client_expect(world, &client, 200, BODY);
	assert_true(head_has(head, "Connection: keep-alive"));
	client_send(world, &client, "GET / HTTP/1.0\r\n\r\n");
	head = client_expect(world, &client, 200, BODY);
	assert_true(head_has(head, "Connection: close"));
	client_expect_end(world, &client);
	client_close(&client);
}

static void
request_typed_by_hand_is_answered(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client, "GET / HTTP/1.0\n");
	client_expect_silence(world, &client);
	client_send(world, &client, "\n");
	client_expect(world, &client, 200, BODY);
	client_expect_end(world, &client);
	client_close(&client);
}

/* fault 43 */
static void
request_byte_by_byte_is_answered(void **state)
{
	static const char text[] =
	    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n0\r\n\r\n";
	struct world *world = *state;
	struct client client;
	size_t i;

	client = client_open(world);
	for (i = 0; i < sizeof(text) - 1; i++) {
		client_expect_silence(world, &client);
		client_send_bytes(world, &client, text + i, 1);
	}
	client_expect(world, &client, 200, BODY);
	client_send(world, &client, GET);
	client_expect(world, &client, 200, BODY);
	client_close(&client);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client,
	    GET "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n" GET
		"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
		"\r\n4\r\nGET \r\n0\r\nA: b\r\n\r\n"
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
		"BREW / HTTP/1.1\r\nHost: a\r\n\r\n" GET);
	client_expect(world, &client, 200, BODY);
	client_expect(world, &client, 200, NULL);
	client_expect(world, &client, 200, BODY);
	client_expect(world, &client, 200, BODY);
	assert_true(head_has(client_expect(world, &client, 200, BODY),
	    "Connection: keep-alive"));
	/* The fault ends it: what follows is not answered. */
	client_expect(world, &client, 501, "501 Not Implemented\n");
	client_expect_end(world, &client);
	client_close(&client);
	assert_int_equal(world_requests(world), 6);
}

static void
nothing_is_answered_after_close(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client, GET "GET / HTTP/1.0\r\n\r\n" GET GET);
	client_expect(world, &client, 200, BODY);
	client_expect(world, &client, 200, BODY);
	client_expect_end(world, &client);
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
	struct world *world = *state;
	struct client client;
	const char *head;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client = client_open(world);
		client_send(world, &client, cases[i].text);
		head = client_expect(
		    world, &client, cases[i].status, cases[i].body);
		assert_true(head_has(head, "Connection: close"));
		assert_true(head_has(head, "Content-Type: text/plain"));
		client_expect_end(world, &client);
		client_close(&client);
		world_settle(world);
		assert_int_equal(
		    world_ended(world, REASON_PROTOCOL_ERROR), i + 1);
	}
	assert_int_equal(world_requests(world), i);
}

static void
fault_of_head_is_answered_without_body(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client, "HEAD / HTTP/1.1\r\n\r\n");
	client_expect(world, &client, 400, NULL);
	client_expect_end(world, &client);
	client_close(&client);
}

/* begin, then fill bytes, then end. */
static void
send_filled(struct world *world, struct client *client, const char *begin,
    size_t fill, const char *end)
{
	size_t begin_len = strlen(begin), end_len = strlen(end);
	char *text = malloc(begin_len + fill + end_len);

	assert_non_null(text);
	memcpy(text, begin, begin_len);
	memset(text + begin_len, 'x', fill);
	memcpy(text + begin_len + fill, end, end_len);
	client_send_bytes(world, client, text, begin_len + fill + end_len);
	free(text);
}

static void
limits_on_heads_are_exact(void **state)
{
	static const char begin[] = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
	struct world *world = *state;
	size_t fill = 8192 - (sizeof(begin) - 1) - 4;
	struct client client;

	client = client_open(world);
	send_filled(world, &client, begin, fill, "\r\n\r\n");
	client_expect(world, &client, 200, BODY);
	send_filled(world, &client, begin, fill + 1, "\r\n\r\n");
	client_expect(
	    world, &client, 431, "431 Request Header Fields Too Large\n");
	client_expect_end(world, &client);
	client_close(&client);

	client = client_open(world);
	send_filled(world, &client, "GET /", HTTP_TARGET_MAX,
	    " HTTP/1.1\r\nHost: a\r\n\r\n");
	client_expect(world, &client, 414, "414 URI Too Long\n");
	client_expect_end(world, &client);
	client_close(&client);
}

static void
bodies_are_read_and_dropped(void **state)
{
	struct world *world = *state;
	struct client client;
	int i;

	client = client_open(world);
	for (i = 0; i < 3; i++) {
		send_filled(world, &client,
		    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"
		    "\r\n",
		    99999, "");
		client_expect_silence(world, &client);
		client_send(world, &client, "x" GET);
		client_expect(world, &client, 200, BODY);
		client_expect(world, &client, 200, BODY);
		send_filled(world, &client,
		    "POST / HTTP/1.1\r\nHost: a\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n186a0\r\n",
		    100000, "\r\n0\r\n\r\n");
		client_expect(world, &client, 200, BODY);
	}
	send_filled(world, &client,
	    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "186a0\r\n",
	    100000, "\r\n1\r\nx\r\n0\r\n\r\n");
	client_expect(world, &client, 413, "413 Content Too Large\n");
	client_expect_end(world, &client);
	client_close(&client);
}

static void
body_that_is_too_large_is_answered_while_it_is_sent(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	/* It comes all the same; the answer must not be lost in a reset. */
	send_filled(world, &client,
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n",
	    500000, "");
	client_expect(world, &client, 413, "413 Content Too Large\n");
	client_expect_end(world, &client);
	client_close(&client);
}

static void
client_that_waits_is_told_to_go_on(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client,
	    GET "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
		"Content-Length: 2\r\n\r\n");
	client_expect(world, &client, 200, BODY);
	client_expect(world, &client, 100, NULL);
	client_expect_silence(world, &client);
	client_send(world, &client, "hi");
	client_expect(world, &client, 200, BODY);
	client_close(&client);
}

static void
half_closed_client_gets_its_answer(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	send(client.fd, GET GET, 2 * strlen(GET), MSG_NOSIGNAL);
	client_finish(&client);
	client_expect(world, &client, 200, BODY);
	client_expect(world, &client, 200, BODY);
	client_expect_end(world, &client);
	client_close(&client);
	assert_int_equal(world_ended(world, REASON_CLIENT_CLOSED), 1);
}

static void
incomplete_request_is_refused(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client, "GET / HTTP/1.1\r\nHost: a\r\n");
	client_finish(&client);
	client_expect(world, &client, 400, "400 Bad Request\n");
	client_expect_end(world, &client);
	client_close(&client);
	assert_int_equal(world_ended(world, REASON_PROTOCOL_ERROR), 1);
	/* Empty lines are no request. */
	client = client_open(world);
	client_send(world, &client, "\r\n");
	client_finish(&client);
	client_expect_end(world, &client);
	client_close(&client);
	assert_int_equal(world_ended(world, REASON_CLIENT_CLOSED), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(answer_is_complete),
		WORLD_TEST(head_is_answered_without_body),
		WORLD_TEST(each_method_gets_the_answer),
		WORLD_TEST(configured_answer_is_sent),
		WORLD_TEST(some_statuses_have_no_body),
		WORLD_TEST(http_1_1_keeps_the_connection),
		WORLD_TEST(http_1_0_closes_unless_asked),
		WORLD_TEST(request_typed_by_hand_is_answered),
		WORLD_TEST(request_byte_by_byte_is_answered),
		WORLD_TEST(pipelined_requests_are_answered_in_order),
		WORLD_TEST(nothing_is_answered_after_close),
		WORLD_TEST(each_fault_is_answered_and_ends_the_connection),
		WORLD_TEST(fault_of_head_is_answered_without_body),
		WORLD_TEST(limits_on_heads_are_exact),
		WORLD_TEST(bodies_are_read_and_dropped),
		WORLD_TEST(body_that_is_too_large_is_answered_while_it_is_sent),
		WORLD_TEST(client_that_waits_is_told_to_go_on),
		WORLD_TEST(half_closed_client_gets_its_answer),
		WORLD_TEST(incomplete_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
