/*
 * The time-outs of the http service, on a clock that the test moves.
 */
#include <stdlib.h>
#include <string.h>

#include "http_client.h"

#define GET     "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define BODY    "200 OK"
#define TIMEOUT "408 Request Timeout\n"

static void
silent_client_is_closed_silently(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_expect_silence(f, &client);
	fixture_advance(f, 1);
	client_expect_end(f, &client);
	client_close(&client);
	fixture_settle(f);
	assert_int_equal(fixture_ended(f, REASON_FIRST_BYTE_TIMEOUT), 1);
	assert_int_equal(http_requests(f), 0);
}

static void
first_head_counts_from_the_beginning_of_the_connection(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	fixture_advance(f, 6000);
	client_send(f, &client, "GET / HTTP/1.1\r\n");
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 6000 - 1);
	client_expect_silence(f, &client);
	fixture_advance(f, 1);
	client_expect(f, &client, 408, TIMEOUT);
	client_expect_end(f, &client);
	client_close(&client);
	fixture_settle(f);
	assert_int_equal(fixture_ended(f, REASON_REQUEST_TIMEOUT), 1);
}

/* fault 69 */
static void
trickle_buys_no_time_for_a_head(void **state)
{
	struct fixture *f = *state;
	struct client client;
	int i;

	client = client_open(f);
	client_send(f, &client, "GET / HTTP/1.1\r\nA: ");
	for (i = 0; i < 9; i++) {
		fixture_advance(f, 1000);
		client_send(f, &client, "x");
		client_expect_silence(f, &client);
	}
	fixture_advance(f, 1000);
	client_expect(f, &client, 408, TIMEOUT);
	client_expect_end(f, &client);
	client_close(&client);
}

static void
later_head_counts_from_its_first_byte(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client, GET);
	client_expect(f, &client, 200, BODY);
	fixture_advance(f, 30000);
	client_send(f, &client, "G");
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_expect_silence(f, &client);
	client_send(f, &client, "ET / HTTP/1.1\r\nHost: a\r\n\r\nGET");
	client_expect(f, &client, 200, BODY);
	/* The third one began with that read. */
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_expect_silence(f, &client);
	fixture_advance(f, 1);
	client_expect(f, &client, 408, TIMEOUT);
	client_expect_end(f, &client);
	client_close(&client);
}

static void
head_after_a_pause_has_its_time_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client, GET);
	client_expect(f, &client, 200, BODY);
	fixture_advance(f, 30000);
	client_send(f, &client, "G");
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_expect_silence(f, &client);
	fixture_advance(f, 1);
	client_expect(f, &client, 408, TIMEOUT);
	client_expect_end(f, &client);
	client_close(&client);
}

static void
second_head_does_not_pay_for_silence_before_the_first(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	fixture_advance(f, 6000);
	client_send(f, &client, GET "G");
	client_expect(f, &client, 200, BODY);
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_expect_silence(f, &client);
	fixture_advance(f, 1);
	client_expect(f, &client, 408, TIMEOUT);
	client_expect_end(f, &client);
	client_close(&client);
}

static void
idle_connection_is_closed_silently(void **state)
{
	struct fixture *f = *state;
	struct client client;
	int i;

	client = client_open(f);
	for (i = 0; i < 3; i++) {
		client_send(f, &client, GET);
		client_expect(f, &client, 200, BODY);
		fixture_advance(f, HTTP_KEEPALIVE - 1);
		client_expect_silence(f, &client);
	}
	fixture_advance(f, 1);
	client_expect_end(f, &client);
	client_close(&client);
	fixture_settle(f);
	assert_int_equal(fixture_ended(f, REASON_IDLE_TIMEOUT), 1);
}

static void
empty_lines_are_no_request(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client, GET "\r\n\r\n");
	client_expect(f, &client, 200, BODY);
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_send(f, &client, "\r\n");
	client_expect_silence(f, &client);
	fixture_advance(f, 1);
	client_expect_end(f, &client);
	client_close(&client);
}

static void
body_must_make_progress(void **state)
{
	struct fixture *f = *state;
	struct client client;
	char part[4096];
	int i;

	memset(part, 'x', sizeof(part));
	client = client_open(f);
	client_send(f, &client, "POST / HTTP/1.1\r\nHost: a\r\n");
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_send(f, &client, "Content-Length: 99999\r\n\r\n");
	for (i = 0; i < 5; i++) {
		fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
		client_expect_silence(f, &client);
		client_send_bytes(f, &client, part, sizeof(part));
	}
	/* One byte less buys nothing. */
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_send_bytes(f, &client, part, sizeof(part) - 1);
	client_expect_silence(f, &client);
	fixture_advance(f, 1);
	client_expect(f, &client, 408, TIMEOUT);
	client_expect_end(f, &client);
	client_close(&client);
	fixture_settle(f);
	assert_int_equal(fixture_ended(f, REASON_REQUEST_TIMEOUT), 1);
}

static void
next_body_has_its_own_time(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client,
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_send(f, &client,
	    "x"
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
	client_expect(f, &client, 200, BODY);
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_expect_silence(f, &client);
	client_send(f, &client, "x");
	client_expect(f, &client, 200, BODY);
	client_close(&client);
}

static void
client_that_was_told_to_go_on_must(void **state)
{
	struct fixture *f = *state;
	struct client client;

	client = client_open(f);
	client_send(f, &client,
	    GET "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		"Expect: 100-continue\r\n\r\n");
	client_expect(f, &client, 200, BODY);
	client_expect(f, &client, 100, NULL);
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_expect_silence(f, &client);
	fixture_advance(f, 1);
	client_expect(f, &client, 408, TIMEOUT);
	client_expect_end(f, &client);
	client_close(&client);
}

/* The keep-alive time begins when the answer is gone. */
static void
slow_reader_is_not_cut_off(void **state)
{
	struct fixture *f = *state;
	size_t len = 200000, got = 0;
	struct client client;
	char *body = malloc(len);

	assert_non_null(body);
	memset(body, 'b', len);
	http_set_body(f, body, len);
	f->small = true;
	client = client_open(f);
	client_send(f, &client, GET);
	client_expect(f, &client, 200, NULL);
	while (got < len) {
		fixture_advance(f, HTTP_KEEPALIVE * 2);
		client_read(f, &client, len - got < 20000 ? len - got : 20000);
		got += 20000;
	}
	client_expect_silence(f, &client);
	fixture_advance(f, HTTP_KEEPALIVE - 1);
	client_expect_silence(f, &client);
	fixture_advance(f, HTTP_KEEPALIVE);
	client_expect_end(f, &client);
	client_close(&client);
	free(body);
}

/* A request that waited for its predecessor's answer has its own time. */
static void
waiting_for_a_slow_reader_costs_no_time(void **state)
{
	struct fixture *f = *state;
	size_t len = 200000;
	struct client client;
	char *body = malloc(len);

	assert_non_null(body);
	memset(body, 'b', len);
	http_set_body(f, body, len);
	f->small = true;
	client = client_open(f);
	client_send(f, &client, GET "GET / HTTP/1.1\r\n");
	fixture_advance(f, HTTP_HEAD_TIMEOUT * 10);
	client_expect(f, &client, 200, NULL);
	client_read(f, &client, len);
	fixture_advance(f, HTTP_HEAD_TIMEOUT - 1);
	client_expect_silence(f, &client);
	client_send(f, &client, "Host: a\r\n\r\n");
	client_expect(f, &client, 200, NULL);
	client_read(f, &client, len);
	/* From then on it runs as ever. */
	client_send(f, &client, GET "GET / HTTP/1.1\r\n");
	client_expect(f, &client, 200, NULL);
	client_read(f, &client, len);
	fixture_advance(f, HTTP_HEAD_TIMEOUT);
	client_expect(f, &client, 408, TIMEOUT);
	client_expect_end(f, &client);
	client_close(&client);
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		HTTP_TEST(silent_client_is_closed_silently),
		HTTP_TEST(
		    first_head_counts_from_the_beginning_of_the_connection),
		HTTP_TEST(trickle_buys_no_time_for_a_head),
		HTTP_TEST(later_head_counts_from_its_first_byte),
		HTTP_TEST(head_after_a_pause_has_its_time_and_no_more),
		HTTP_TEST(
		    second_head_does_not_pay_for_silence_before_the_first),
		HTTP_TEST(idle_connection_is_closed_silently),
		HTTP_TEST(empty_lines_are_no_request),
		HTTP_TEST(body_must_make_progress),
		HTTP_TEST(next_body_has_its_own_time),
		HTTP_TEST(client_that_was_told_to_go_on_must),
		HTTP_TEST(slow_reader_is_not_cut_off),
		HTTP_TEST(waiting_for_a_slow_reader_costs_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
