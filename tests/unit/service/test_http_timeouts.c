/*
 * The time-outs of the http service, on a clock that the test moves.
 */
#include <stdlib.h>
#include <string.h>

#include "http_world.h"

#define GET     "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define BODY    "200 OK"
#define TIMEOUT "408 Request Timeout\n"

static void
silent_client_is_closed_silently(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_expect_silence(world, &client);
	world_pass(world, 1);
	client_expect_end(world, &client);
	client_close(&client);
	world_settle(world);
	assert_int_equal(world_ended(world, REASON_FIRST_BYTE_TIMEOUT), 1);
	assert_int_equal(world_requests(world), 0);
}

static void
first_head_counts_from_the_beginning_of_the_connection(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	world_pass(world, 6000);
	client_send(world, &client, "GET / HTTP/1.1\r\n");
	world_pass(world, WORLD_HEAD_TIMEOUT - 6000 - 1);
	client_expect_silence(world, &client);
	world_pass(world, 1);
	client_expect(world, &client, 408, TIMEOUT);
	client_expect_end(world, &client);
	client_close(&client);
	world_settle(world);
	assert_int_equal(world_ended(world, REASON_REQUEST_TIMEOUT), 1);
}

/* fault 69 */
static void
trickle_buys_no_time_for_a_head(void **state)
{
	struct world *world = *state;
	struct client client;
	int i;

	client = client_open(world);
	client_send(world, &client, "GET / HTTP/1.1\r\nA: ");
	for (i = 0; i < 9; i++) {
		world_pass(world, 1000);
		client_send(world, &client, "x");
		client_expect_silence(world, &client);
	}
	world_pass(world, 1000);
	client_expect(world, &client, 408, TIMEOUT);
	client_expect_end(world, &client);
	client_close(&client);
}

static void
later_head_counts_from_its_first_byte(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client, GET);
	client_expect(world, &client, 200, BODY);
	world_pass(world, 30000);
	client_send(world, &client, "G");
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_expect_silence(world, &client);
	client_send(world, &client, "ET / HTTP/1.1\r\nHost: a\r\n\r\nGET");
	client_expect(world, &client, 200, BODY);
	/* The third one began with that read. */
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_expect_silence(world, &client);
	world_pass(world, 1);
	client_expect(world, &client, 408, TIMEOUT);
	client_expect_end(world, &client);
	client_close(&client);
}

static void
head_after_a_pause_has_its_time_and_no_more(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client, GET);
	client_expect(world, &client, 200, BODY);
	world_pass(world, 30000);
	client_send(world, &client, "G");
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_expect_silence(world, &client);
	world_pass(world, 1);
	client_expect(world, &client, 408, TIMEOUT);
	client_expect_end(world, &client);
	client_close(&client);
}

static void
second_head_does_not_pay_for_silence_before_the_first(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	world_pass(world, 6000);
	client_send(world, &client, GET "G");
	client_expect(world, &client, 200, BODY);
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_expect_silence(world, &client);
	world_pass(world, 1);
	client_expect(world, &client, 408, TIMEOUT);
	client_expect_end(world, &client);
	client_close(&client);
}

static void
idle_connection_is_closed_silently(void **state)
{
	struct world *world = *state;
	struct client client;
	int i;

	client = client_open(world);
	for (i = 0; i < 3; i++) {
		client_send(world, &client, GET);
		client_expect(world, &client, 200, BODY);
		world_pass(world, WORLD_KEEPALIVE - 1);
		client_expect_silence(world, &client);
	}
	world_pass(world, 1);
	client_expect_end(world, &client);
	client_close(&client);
	world_settle(world);
	assert_int_equal(world_ended(world, REASON_IDLE_TIMEOUT), 1);
}

static void
empty_lines_are_no_request(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client, GET "\r\n\r\n");
	client_expect(world, &client, 200, BODY);
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_send(world, &client, "\r\n");
	client_expect_silence(world, &client);
	world_pass(world, 1);
	client_expect_end(world, &client);
	client_close(&client);
}

static void
body_must_make_progress(void **state)
{
	struct world *world = *state;
	struct client client;
	char part[4096];
	int i;

	memset(part, 'x', sizeof(part));
	client = client_open(world);
	client_send(world, &client, "POST / HTTP/1.1\r\nHost: a\r\n");
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_send(world, &client, "Content-Length: 99999\r\n\r\n");
	for (i = 0; i < 5; i++) {
		world_pass(world, WORLD_HEAD_TIMEOUT - 1);
		client_expect_silence(world, &client);
		client_send_bytes(world, &client, part, sizeof(part));
	}
	/* One byte less buys nothing. */
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_send_bytes(world, &client, part, sizeof(part) - 1);
	client_expect_silence(world, &client);
	world_pass(world, 1);
	client_expect(world, &client, 408, TIMEOUT);
	client_expect_end(world, &client);
	client_close(&client);
	world_settle(world);
	assert_int_equal(world_ended(world, REASON_REQUEST_TIMEOUT), 1);
}

static void
next_body_has_its_own_time(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client,
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_send(world, &client,
	    "x"
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
	client_expect(world, &client, 200, BODY);
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_expect_silence(world, &client);
	client_send(world, &client, "x");
	client_expect(world, &client, 200, BODY);
	client_close(&client);
}

static void
client_that_was_told_to_go_on_must(void **state)
{
	struct world *world = *state;
	struct client client;

	client = client_open(world);
	client_send(world, &client,
	    GET "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		"Expect: 100-continue\r\n\r\n");
	client_expect(world, &client, 200, BODY);
	client_expect(world, &client, 100, NULL);
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_expect_silence(world, &client);
	world_pass(world, 1);
	client_expect(world, &client, 408, TIMEOUT);
	client_expect_end(world, &client);
	client_close(&client);
}

/* The keep-alive time begins when the answer is gone. */
static void
slow_reader_is_not_cut_off(void **state)
{
	struct world *world = *state;
	size_t len = 200000, got = 0;
	struct client client;
	char *body = malloc(len);

	assert_non_null(body);
	memset(body, 'b', len);
	world->service.http.body = body;
	world->service.http.body_len = len;
	world->small = true;
	client = client_open(world);
	client_send(world, &client, GET);
	client_expect(world, &client, 200, NULL);
	while (got < len) {
		world_pass(world, WORLD_KEEPALIVE * 2);
		client_read(
		    world, &client, len - got < 20000 ? len - got : 20000);
		got += 20000;
	}
	client_expect_silence(world, &client);
	world_pass(world, WORLD_KEEPALIVE - 1);
	client_expect_silence(world, &client);
	world_pass(world, WORLD_KEEPALIVE);
	client_expect_end(world, &client);
	client_close(&client);
	free(body);
}

/* A request that waited for its predecessor's answer has its own time. */
static void
waiting_for_a_slow_reader_costs_no_time(void **state)
{
	struct world *world = *state;
	size_t len = 200000;
	struct client client;
	char *body = malloc(len);

	assert_non_null(body);
	memset(body, 'b', len);
	world->service.http.body = body;
	world->service.http.body_len = len;
	world->small = true;
	client = client_open(world);
	client_send(world, &client, GET "GET / HTTP/1.1\r\n");
	world_pass(world, WORLD_HEAD_TIMEOUT * 10);
	client_expect(world, &client, 200, NULL);
	client_read(world, &client, len);
	world_pass(world, WORLD_HEAD_TIMEOUT - 1);
	client_expect_silence(world, &client);
	client_send(world, &client, "Host: a\r\n\r\n");
	client_expect(world, &client, 200, NULL);
	client_read(world, &client, len);
	/* From then on it runs as ever. */
	client_send(world, &client, GET "GET / HTTP/1.1\r\n");
	client_expect(world, &client, 200, NULL);
	client_read(world, &client, len);
	world_pass(world, WORLD_HEAD_TIMEOUT);
	client_expect(world, &client, 408, TIMEOUT);
	client_expect_end(world, &client);
	client_close(&client);
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(silent_client_is_closed_silently),
		WORLD_TEST(
		    first_head_counts_from_the_beginning_of_the_connection),
		WORLD_TEST(trickle_buys_no_time_for_a_head),
		WORLD_TEST(later_head_counts_from_its_first_byte),
		WORLD_TEST(head_after_a_pause_has_its_time_and_no_more),
		WORLD_TEST(
		    second_head_does_not_pay_for_silence_before_the_first),
		WORLD_TEST(idle_connection_is_closed_silently),
		WORLD_TEST(empty_lines_are_no_request),
		WORLD_TEST(body_must_make_progress),
		WORLD_TEST(next_body_has_its_own_time),
		WORLD_TEST(client_that_was_told_to_go_on_must),
		WORLD_TEST(slow_reader_is_not_cut_off),
		WORLD_TEST(waiting_for_a_slow_reader_costs_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
