/*
 * The request parser: where a body ends and the next request begins.
 */
#include "http_feed.h"

static void
body_by_length_is_passed(void **state)
{
	(void)state;
	assert_request(
	    "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello");
	assert_request("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello");
	assert_request("GET / HTTP/1.1\r\n" H "content-length:\t005 \r\n\r\n"
		       "GET /");
	assert_fields("Content-Length: 0\r\n");
}

static void
bad_length_is_refused(void **state)
{
	(void)state;
	assert_fields_fault("Content-Length:\r\n", 400);
	assert_fields_fault("Content-Length: \r\n", 400);
	assert_fields_fault("Content-Length: +5\r\n", 400);
	assert_fields_fault("Content-Length: -5\r\n", 400);
	assert_fields_fault("Content-Length: 0x5\r\n", 400);
	assert_fields_fault("Content-Length: 5a\r\n", 400);
	assert_fields_fault("Content-Length: 5 5\r\n", 400);
	assert_fields_fault("Content-Length: 5, 5\r\n", 400);
	assert_fields_fault("Content-Length: 5.0\r\n", 400);
	/* Two of them: conflicting, and even if they agree. */
	assert_fields_fault("Content-Length: 5\r\nContent-Length: 6\r\n", 400);
	assert_fields_fault("Content-Length: 5\r\nContent-Length: 5\r\n", 400);
}

static void
length_and_coding_are_refused_together(void **state)
{
	(void)state;
	assert_fields_fault(
	    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400);
	assert_fields_fault(
	    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400);
	/* HTTP/1.0 has no transfer codings (RFC 9112, 6.1). */
	assert_fault(
	    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
}

static void
chunked_must_be_the_only_coding(void **state)
{
	(void)state;
	assert_fields_fault("Transfer-Encoding: gzip\r\n", 501);
	assert_fields_fault("Transfer-Encoding: gzip, chunked\r\n", 501);
	assert_fields_fault("Transfer-Encoding: identity\r\n", 501);
	assert_fields_fault("Transfer-Encoding: xchunked\r\n", 501);
	assert_fields_fault(
	    "Transfer-Encoding: chunkedchunkedchunked\r\n", 501);
	assert_fields_fault("Transfer-Encoding: chunked;a=b\r\n", 501);
	assert_fields_fault("Transfer-Encoding: chun ked\r\n", 501);
	assert_fields_fault("Transfer-Encoding: \"chunked\"\r\n", 501);
	assert_fields_fault("Transfer-Encoding:\r\n", 400);
	assert_fields_fault("Transfer-Encoding: ,\r\n", 400);
	assert_fields_fault("Transfer-Encoding: chunked, gzip\r\n", 400);
	assert_fields_fault("Transfer-Encoding: chunked, chunked\r\n", 400);
	assert_fields_fault("Transfer-Encoding: chunked\r\n"
			    "Transfer-Encoding: chunked\r\n",
	    400);
	assert_fields_fault("Transfer-Encoding: chunked\x0b\r\n", 400);
}

static void
chunked_body_is_passed(void **state)
{
	(void)state;
	assert_chunks("0\r\n\r\n");
	assert_chunks("5\r\nhello\r\n0\r\n\r\n");
	assert_chunks("a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n");
	assert_chunks("0000000000000001\r\nx\r\n0\r\n\r\n");
	assert_chunks("1;a=b\r\nx\r\n0;c=\"d;e\"\r\n\r\n");
	assert_chunks("1 \t ; a = b\r\nx\r\n0\r\n\r\n");
	assert_chunks("2\r\n\r\n\r\n0\r\n\r\n");
	assert_request("POST / HTTP/1.1\r\n" H
		       "transfer-encoding: , CHUNKED ,\r\n\r\n0\r\n\r\n");
}

static void
trailers_are_passed_and_mean_nothing(void **state)
{
	struct event event;

	(void)state;
	event = assert_chunks("1\r\nx\r\n0\r\nConnection: close\r\n"
			      "Content-Length: 7\r\nHost: b\r\nHost: c\r\n"
			      "Expect: tea\r\n\r\n");
	assert_true(event.persists);
	assert_chunks_fault("0\r\nA : b\r\n\r\n", 400);
	assert_chunks_fault("0\r\nA: b\r\n c\r\n\r\n", 400);
	assert_chunks_fault("0\r\nA\r\n\r\n", 400);
	assert_chunks_fault("0\r\nA: b\001\r\n\r\n", 400);
}

static void
bad_chunks_are_refused(void **state)
{
	(void)state;
	assert_chunks_fault("\r\n", 400);
	assert_chunks_fault(";a\r\n", 400);
	assert_chunks_fault("g\r\n", 400);
	assert_chunks_fault("-1\r\n", 400);
	assert_chunks_fault("0x1\r\n", 400);
	assert_chunks_fault(" 1\r\n", 400);
	assert_chunks_fault("1 \r\nx\r\n0\r\n\r\n", 400);
	assert_chunks_fault("1 1\r\n", 400);
	assert_chunks_fault("1\r\nxy\r\n", 400);
	assert_chunks_fault("1\r\nx0\r\n", 400);
	assert_chunks_fault("1\r\nx\rx", 400);
	assert_chunks_fault("1;a\001\r\n", 400);
	assert_chunks_fault("1;a\rb\r\n", 400);
	assert_chunks_fault("00000000000000001\r\n", 400);
	/* LF alone is taken in heads, never in the framing of a body. */
	assert_chunks_fault("1\nx\r\n0\r\n\r\n", 400);
	assert_chunks_fault("1;a\nx\r\n0\r\n\r\n", 400);
	assert_chunks_fault("1\r\nx\n0\r\n\r\n", 400);
	assert_chunks_fault("1\r\nx\r\n0\n\r\n", 400);
	assert_chunks_fault("1\r\nx\r\n0\r\n\n", 400);
	assert_chunks_fault("1\r\nx\r\n0\r\nA: b\n\r\n", 400);
}

static void
expectations_are_met_or_refused(void **state)
{
	static const char text[] =
	    "POST / HTTP/1.1\r\n" H
	    "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi";
	static const char chunks[] =
	    "POST / HTTP/1.1\r\n" H
	    "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
	    "1\r\nx\r\n0\r\n\r\n";
	struct events events = parse(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(events.n, 2);
	assert_int_equal(events.items[0].verdict, HTTP_CONTINUE);
	assert_int_equal(events.items[0].at, sizeof(text) - 1 - 2);
	assert_int_equal(events.items[1].verdict, HTTP_REQUEST);
	events = parse(chunks, sizeof(chunks) - 1);
	assert_int_equal(events.n, 2);
	assert_int_equal(events.items[0].verdict, HTTP_CONTINUE);
	assert_int_equal(events.items[1].verdict, HTTP_REQUEST);
	/* There is nothing to wait for. */
	assert_fields("Expect: 100-continue\r\n");
	assert_fields("Expect: 100-continue\r\nContent-Length: 0\r\n");
	assert_fields("Expect:\r\n");
	/* HTTP/1.0 knows no 100. */
	assert_request("POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
		       "Content-Length: 2\r\n\r\nhi");
	assert_fields_fault("Expect: tea\r\n", 417);
	assert_fields_fault("Expect: 100-continue, tea\r\n", 417);
	assert_fields_fault("Expect: 100-continue;a=b\r\n", 417);
	assert_fields_fault("Expect: 100-continues\r\n", 417);
	/* What is refused anyway is not waited for. */
	assert_fields_fault(
	    "Expect: 100-continue\r\nContent-Length: 1001\r\n", 413);
}

static void
pipelined_requests_are_told_apart(void **state)
{
	static const char text[] =
	    "GET /1 HTTP/1.1\r\n" H "\r\n"
	    "POST /2 HTTP/1.1\r\n" H "Content-Length: 18\r\n\r\n"
	    "GET / HTTP/1.1\r\n\r\n"
	    "\r\n"
	    "PUT /3 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	    "5\r\nGET /\r\n0\r\nA: b\r\n\r\n"
	    "HEAD /4 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
	    "PATCH /5 HTTP/1.1\r\n" H "Expect: 100-continue\r\n"
	    "Content-Length: 3\r\n\r\nabc"
	    "DELETE /6 HTTP/1.1\r\n" H "Connection: close\r\n\r\n"
	    "BREW /7 HTTP/1.1\r\n" H "\r\n"
	    "GET /8 HTTP/1.1\r\n" H "\r\n";
	static const struct {
		enum http_verdict verdict;
		enum http_method method;
		bool persists;
	} want[] = {
		{ HTTP_REQUEST, HTTP_GET, true },
		{ HTTP_REQUEST, HTTP_POST, true },
		{ HTTP_REQUEST, HTTP_PUT, true },
		{ HTTP_REQUEST, HTTP_HEAD, true },
		{ HTTP_CONTINUE, HTTP_PATCH, true },
		{ HTTP_REQUEST, HTTP_PATCH, true },
		{ HTTP_REQUEST, HTTP_DELETE, false },
		{ HTTP_FAULT, HTTP_METHOD_UNKNOWN, true },
	};
	struct events events = parse(text, sizeof(text) - 1);
	size_t i;

	(void)state;
	assert_int_equal(events.n, sizeof(want) / sizeof(want[0]));
	for (i = 0; i < events.n; i++) {
		assert_int_equal(events.items[i].verdict, want[i].verdict);
		assert_int_equal(events.items[i].method, want[i].method);
		if (want[i].verdict != HTTP_FAULT)
			assert_int_equal(
			    events.items[i].persists, want[i].persists);
	}
	assert_int_equal(events.items[events.n - 1].status, 501);
}

/* fault 43 */
static void
every_pair_of_cuts_gives_the_same(void **state)
{
	static const char text[] =
	    "\r\nPOST /a?b HTTP/1.1\r\nhOst: [::1]:80\r\n"
	    "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
	    "2 ;e\r\nhi\r\n0\r\nA: b\r\n\r\n"
	    "GET / HTTP/1.0\r\nConnection: x, keep-alive\r\n\r\nX";
	size_t len = sizeof(text) - 1, i, j;
	const struct events whole = parse_whole(text, len);
	struct feed feed;

	(void)state;
	assert_int_equal(whole.n, 3);
	for (i = 1; i < len; i++)
		for (j = i + 1; j < len; j++) {
			feed_begin(&feed);
			feed_bytes(&feed, text, i);
			feed_bytes(&feed, text + i, j - i);
			feed_bytes(&feed, text + j, len - j);
			assert_same(&whole, &feed.events);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(body_by_length_is_passed),
		cmocka_unit_test(bad_length_is_refused),
		cmocka_unit_test(length_and_coding_are_refused_together),
		cmocka_unit_test(chunked_must_be_the_only_coding),
		cmocka_unit_test(chunked_body_is_passed),
		cmocka_unit_test(trailers_are_passed_and_mean_nothing),
		cmocka_unit_test(bad_chunks_are_refused),
		cmocka_unit_test(expectations_are_met_or_refused),
		cmocka_unit_test(pipelined_requests_are_told_apart),
		cmocka_unit_test(every_pair_of_cuts_gives_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
