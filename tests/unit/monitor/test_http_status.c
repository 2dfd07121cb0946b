/*
 * The parser of HTTP responses: which heads it takes, with which status, and
 * that it does not matter in which pieces they come.
 */
#include "monitor/http_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct row {
	const char *text;
	size_t len; /* it may hold NULs */
	enum http_status_verdict verdict;
	unsigned status; /* of FINAL */
};

#define ROW(text, verdict, status)                      \
	{                                               \
		text, sizeof(text) - 1, verdict, status \
	}
#define FINAL(text, status) ROW(text, HTTP_STATUS_FINAL, status)
#define FAULT(text)         ROW(text, HTTP_STATUS_FAULT, 0)
#define MORE(text)          ROW(text, HTTP_STATUS_MORE, 0)

static const struct row rows[] = {
	FINAL("HTTP/1.1 200 OK\r\n\r\n", 200),
	FINAL("HTTP/1.0 200 OK\r\nServer: x\r\n\r\n", 200),
	FINAL("HTTP/1.1 404 Not Found\r\nA: b\r\nC:\r\n\r\nbody", 404),
	FINAL("HTTP/1.1 503 \r\n\r\n", 503),
	FINAL("HTTP/1.1 200 \x80\xff\t ok\r\n\r\n", 200),
	FINAL("HTTP/1.9 299 x\r\n\r\n", 299),
	FINAL("HTTP/1.1 999 x\r\n\r\n", 999),
	FINAL("HTTP/1.1 200 OK\r\n!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n", 200),
	FINAL("HTTP/1.1 200 OK\r\nA: \x80 \t x:y\r\n\r\n", 200),
	/* What follows the head is not looked at. */
	FINAL("HTTP/1.1 200 OK\r\n\r\n\0\1HTTP/1.1 500 x\r\n\r\n", 200),
	/* Leniencies. */
	FINAL("HTTP/1.1 204\r\n\r\n", 204),
	FINAL("HTTP/1.1 200 OK\n\n", 200),
	FINAL("HTTP/1.1 200\n\n", 200),
	FINAL("HTTP/1.1 200 OK\nA: b\r\nC: d\n\r\n", 200),
	FINAL("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td\r\nE: f\r\n\r\n", 200),
	/* Interim responses. */
	FINAL("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200),
	FINAL("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
	      "HTTP/1.1 102\r\n\r\nHTTP/1.1 500 x\r\n\r\n",
	    500),
	FINAL("HTTP/1.1 101 Switching\r\n\r\n", 101),
	MORE("HTTP/1.1 100 Continue\r\n\r\n"),
	FAULT("HTTP/1.1 100 Continue\r\n\r\n\r\n"),
	FAULT("HTTP/1.1 100 Continue\r\n\r\nSMTP"),
	/* The head goes on. */
	MORE(""),
	MORE("H"),
	MORE("HTTP/1.1 200"),
	MORE("HTTP/1.1 200 OK\r\n"),
	MORE("HTTP/1.1 200 OK\r\nA: b\r\n\r"),
	/* Something else. */
	FAULT("\r\nHTTP/1.1 200 OK\r\n\r\n"),
	FAULT(" HTTP/1.1 200 OK\r\n\r\n"),
	FAULT("http/1.1 200 OK\r\n\r\n"),
	FAULT("HTTP/2.0 200 OK\r\n\r\n"),
	FAULT("HTTP/2 200\r\n\r\n"),
	FAULT("HTTP/0.9 200 OK\r\n\r\n"),
	FAULT("HTTP/1.x 200 OK\r\n\r\n"),
	FAULT("HTTP/1.10 200 OK\r\n\r\n"),
	FAULT("HTTP/1. 200 OK\r\n\r\n"),
	FAULT("ICY 200 OK\r\n\r\n"),
	FAULT("220 mail.example.org ESMTP\r\n"),
	FAULT("<html>"),
	FAULT("\0"),
	/* The status. */
	FAULT("HTTP/1.1  200 OK\r\n\r\n"),
	FAULT("HTTP/1.1\t200 OK\r\n\r\n"),
	FAULT("HTTP/1.1 20 OK\r\n\r\n"),
	FAULT("HTTP/1.1 2000 OK\r\n\r\n"),
	FAULT("HTTP/1.1 099 OK\r\n\r\n"),
	FAULT("HTTP/1.1 -20 OK\r\n\r\n"),
	FAULT("HTTP/1.1 2x0 OK\r\n\r\n"),
	FAULT("HTTP/1.1 200OK\r\n\r\n"),
	FAULT("HTTP/1.1 \r\n\r\n"),
	FAULT("HTTP/1.1\r\n\r\n"),
	FAULT("HTTP/1.1 200 O\0K\r\n\r\n"),
	FAULT("HTTP/1.1 200 O\x7fK\r\n\r\n"),
	FAULT("HTTP/1.1 200 O\rK\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\r\n\r\n"),
	/* Fields. */
	FAULT("HTTP/1.1 200 OK\r\n A: b\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\n: b\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\nA : b\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\nA\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\nA\x80: b\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\nA: b\x1b[0m\r\n\r\n"),
	FAULT("HTTP/1.1 200 OK\r\n\rx"),
};

/* In pieces of that size. */
static enum http_status_verdict
parse(struct http_status *parser, const char *text, size_t len, size_t piece)
{
	enum http_status_verdict verdict = HTTP_STATUS_MORE;
	size_t at, n;

	http_status_init(parser);
	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		verdict = http_status_parse(
		    parser, (const unsigned char *)text + at, n);
	}
	return verdict;
}

static void
each_head_has_its_verdict(void **state)
{
	struct http_status parser;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (parse(&parser, rows[i].text, rows[i].len, SIZE_MAX) !=
			rows[i].verdict ||
		    (rows[i].verdict == HTTP_STATUS_FINAL &&
			parser.status != rows[i].status))
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

/* fault 43 */
static void
pieces_of_any_size_give_the_same_verdict(void **state)
{
	struct http_status whole, pieces;
	size_t i, piece;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		(void)parse(&whole, rows[i].text, rows[i].len, SIZE_MAX);
		for (piece = 1; piece <= rows[i].len; piece++) {
			if (parse(&pieces, rows[i].text, rows[i].len, piece) !=
			    rows[i].verdict)
				fail_msg("row %zu in pieces of %zu: %s", i,
				    piece, rows[i].text);
			assert_memory_equal(&whole, &pieces, sizeof(whole));
		}
	}
}

/* The verdict comes with the last byte of the head and not before. */
static void
the_head_is_over_at_its_last_byte(void **state)
{
	static const char text[] = "HTTP/1.1 100 x\r\n\r\n"
				   "HTTP/1.1 301 x\r\nA: b\r\n\r\n";
	struct http_status parser;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text) - 2; i++)
		assert_int_equal(
		    parse(&parser, text, i, SIZE_MAX), HTTP_STATUS_MORE);
	assert_int_equal(
	    parse(&parser, text, i + 1, SIZE_MAX), HTTP_STATUS_FINAL);
}

static void
a_verdict_stays(void **state)
{
	static const char good[] = "HTTP/1.1 200 OK\r\n\r\n";
	const unsigned char *more = (const unsigned char *)good;
	struct http_status parser;

	(void)state;
	(void)parse(&parser, good, sizeof(good) - 1, SIZE_MAX);
	assert_int_equal(
	    http_status_parse(&parser, more, 5), HTTP_STATUS_FINAL);
	assert_int_equal(parser.status, 200);
	(void)parse(&parser, "x", 1, 1);
	assert_int_equal(http_status_parse(&parser, more, sizeof(good) - 1),
	    HTTP_STATUS_FAULT);
}

/* One of the longest size, and one that is longer by a byte. */
static void
a_head_has_a_limit(void **state)
{
	static const char begin[] = "HTTP/1.1 200 OK\r\nA: ";
	size_t len = HTTP_STATUS_HEAD_MAX;
	char *text = malloc(len + 1);
	struct http_status parser;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', len + 1);
	memcpy(text, begin, sizeof(begin) - 1);
	memcpy(text + len - 4, "\r\n\r\n", 4);
	assert_int_equal(parse(&parser, text, len, 1000), HTTP_STATUS_FINAL);
	memcpy(text + len - 4, "x\r\n\r\n", 5);
	assert_int_equal(
	    parse(&parser, text, len + 1, 1000), HTTP_STATUS_FAULT);
	free(text);
}

/* Interim heads count too: a server cannot send them for ever. */
static void
interim_heads_share_the_limit(void **state)
{
	static const char interim[] = "HTTP/1.1 102 Processing\r\n\r\n";
	const unsigned char *data = (const unsigned char *)interim;
	struct http_status parser;
	size_t sent = 0;

	(void)state;
	http_status_init(&parser);
	while (http_status_parse(&parser, data, sizeof(interim) - 1) ==
	    HTTP_STATUS_MORE)
		sent += sizeof(interim) - 1;
	assert_in_range(
	    sent, HTTP_STATUS_HEAD_MAX - sizeof(interim), HTTP_STATUS_HEAD_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_head_has_its_verdict),
		cmocka_unit_test(pieces_of_any_size_give_the_same_verdict),
		cmocka_unit_test(the_head_is_over_at_its_last_byte),
		cmocka_unit_test(a_verdict_stays),
		cmocka_unit_test(a_head_has_a_limit),
		cmocka_unit_test(interim_heads_share_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
