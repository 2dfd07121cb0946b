/*
 * The limits of the request parser, to the byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_feed.h"

#define TEXT_MAX 20000

static void
body_limit_is_exact(void **state)
{
	char text[4096];
	size_t len;
	int n;

	(void)state;
	n = snprintf(text, sizeof(text),
	    "POST / HTTP/1.1\r\n" H "Content-Length: %d\r\n\r\n", MAX_BODY);
	len = (size_t)n;
	memset(text + len, 'x', MAX_BODY);
	text[len + MAX_BODY] = '\0';
	assert_request(text);
	assert_fields_fault("Content-Length: 1001\r\n", 413);
	assert_fields_fault("Content-Length: 18446744073709551615\r\n", 413);
	assert_fields_fault("Content-Length: 18446744073709551616\r\n", 413);
	assert_fields_fault(
	    "Content-Length: 99999999999999999999999999999999\r\n", 413);
	/* 0x3e8 is 1000, in one chunk or several. */
	assert_chunks_fault("3e9\r\n", 413);
	assert_chunks_fault("ffffffffffffffff\r\n", 413);
	n = snprintf(text, sizeof(text),
	    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	    "3e7\r\n%0999d\r\n",
	    0);
	len = (size_t)n;
	snprintf(text + len, sizeof(text) - len, "1\r\nx\r\n0\r\n\r\n");
	assert_request(text);
	snprintf(text + len, sizeof(text) - len, "2\r\nxx\r\n0\r\n\r\n");
	assert_fault(text, 413);
	snprintf(text + len, sizeof(text) - len, "ffffffffffffffff\r\n");
	assert_fault(text, 413);
}

static void
no_body_limit_takes_any_length(void **state)
{
	static const char text[] =
	    "POST / HTTP/1.1\r\n" H
	    "Content-Length: 18446744073709551615\r\n\r\nx";
	static const char over[] =
	    "POST / HTTP/1.1\r\n" H
	    "Content-Length: 18446744073709551616\r\n\r\nx";
	struct http_parser parser;
	enum http_verdict verdict;
	size_t n;

	(void)state;
	http_parser_init(&parser, 0);
	n = http_parse(
	    &parser, (const unsigned char *)text, sizeof(text) - 1, &verdict);
	assert_int_equal(verdict, HTTP_MORE);
	assert_int_equal(n, sizeof(text) - 1);
	http_parser_init(&parser, 0);
	http_parse(
	    &parser, (const unsigned char *)over, sizeof(over) - 1, &verdict);
	assert_int_equal(verdict, HTTP_FAULT);
	assert_int_equal(parser.status, 413);
}

/* A head of exactly len bytes: one field is as long as it takes. */
static char *
head_of(size_t len)
{
	static const char begin[] = "GET / HTTP/1.1\r\n" H "A: ";
	static const char end[] = "\r\n\r\n";
	char *text = malloc(len + 1);
	size_t fill = len - (sizeof(begin) - 1) - (sizeof(end) - 1);

	assert_non_null(text);
	memcpy(text, begin, sizeof(begin) - 1);
	memset(text + sizeof(begin) - 1, 'x', fill);
	memcpy(text + sizeof(begin) - 1 + fill, end, sizeof(end));
	return text;
}

static void
head_limit_is_exact(void **state)
{
	char *text = head_of(8192);
	struct event event = parse_long(text, 8192);

	(void)state;
	assert_int_equal(event.verdict, HTTP_REQUEST);
	assert_int_equal(event.at, 8192);
	free(text);
	text = head_of(8193);
	event = parse_long(text, 8193);
	assert_int_equal(event.verdict, HTTP_FAULT);
	assert_int_equal(event.status, 431);
	assert_int_equal(event.at, 8192);
	/* Refused at the byte too many, not for want of an end before it. */
	assert_int_equal(parse_whole(text, 8192).n, 0);
	free(text);
}

static void
empty_lines_count_as_head(void **state)
{
	char text[8300];
	size_t i;

	(void)state;
	for (i = 0; i < 8194; i += 2)
		memcpy(text + i, "\r\n", 2);
	assert_int_equal(parse_whole(text, 8192).n, 0);
	assert_int_equal(parse_long(text, 8194).status, 431);
}

static void
many_small_fields_meet_the_head_limit(void **state)
{
	char text[9000];
	size_t len =
	    (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" H);

	(void)state;
	while (len < 8500)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "a:\n");
	assert_int_equal(parse_long(text, len).status, 431);
}

static size_t
line_with_target(char *text, size_t target)
{
	size_t len = 4;

	memcpy(text, "GET ", 4);
	memset(text + len, 'x', target);
	text[len] = '/';
	len += target;
	memcpy(text + len, " HTTP/1.1\r\n" H "\r\n", 22);
	return len + 22;
}

static void
target_limit_is_exact(void **state)
{
	char *text = malloc(TEXT_MAX);
	struct event event;
	size_t len;

	(void)state;
	assert_non_null(text);
	len = line_with_target(text, HTTP_TARGET_MAX);
	event = parse_long(text, len);
	assert_int_equal(event.verdict, HTTP_REQUEST);
	len = line_with_target(text, HTTP_TARGET_MAX + 1);
	event = parse_long(text, len);
	assert_int_equal(event.verdict, HTTP_FAULT);
	assert_int_equal(event.status, 414);
	assert_int_equal(event.at, 4 + HTTP_TARGET_MAX + 1);
	free(text);
}

static void
endless_method_meets_the_head_limit(void **state)
{
	char *text = malloc(TEXT_MAX);

	(void)state;
	assert_non_null(text);
	memset(text, 'A', 9000);
	assert_int_equal(parse_long(text, 9000).status, 431);
	free(text);
}

/* A head and then a part of fill bytes between before and after. */
static struct event
chunked_with(const char *before, size_t fill, const char *after)
{
	char *text = malloc(TEXT_MAX);
	struct event event;
	size_t len;

	assert_non_null(text);
	len = (size_t)snprintf(text, TEXT_MAX,
	    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n%s",
	    before);
	memset(text + len, 'x', fill);
	len += fill;
	len += (size_t)snprintf(text + len, TEXT_MAX - len, "%s", after);
	event = parse_long(text, len);
	free(text);
	return event;
}

static void
extension_limit_is_exact(void **state)
{
	struct event event;

	(void)state;
	event = chunked_with("0;", HTTP_EXTENSIONS_MAX, "\r\n\r\n");
	assert_int_equal(event.verdict, HTTP_REQUEST);
	event = chunked_with("0;", HTTP_EXTENSIONS_MAX + 1, "\r\n\r\n");
	assert_int_equal(event.status, 400);
	/* It is one limit for all chunks, white space included. */
	event = chunked_with(
	    "1;a\r\nx\r\n1 ;b\r\nx\r\n0;", HTTP_EXTENSIONS_MAX - 3, "\r\n\r\n");
	assert_int_equal(event.verdict, HTTP_REQUEST);
	event = chunked_with(
	    "1;a\r\nx\r\n1 ;b\r\nx\r\n0;", HTTP_EXTENSIONS_MAX - 2, "\r\n\r\n");
	assert_int_equal(event.status, 400);
}

static void
trailer_limit_is_exact(void **state)
{
	struct event event;

	(void)state;
	/* "A:" before and CR LF CR LF behind. */
	event = chunked_with("0\r\nA:", HTTP_HEAD_MAX - 6, "\r\n\r\n");
	assert_int_equal(event.verdict, HTTP_REQUEST);
	event = chunked_with("0\r\nA:", HTTP_HEAD_MAX - 5, "\r\n\r\n");
	assert_int_equal(event.status, 431);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(body_limit_is_exact),
		cmocka_unit_test(no_body_limit_takes_any_length),
		cmocka_unit_test(head_limit_is_exact),
		cmocka_unit_test(empty_lines_count_as_head),
		cmocka_unit_test(many_small_fields_meet_the_head_limit),
		cmocka_unit_test(target_limit_is_exact),
		cmocka_unit_test(endless_method_meets_the_head_limit),
		cmocka_unit_test(extension_limit_is_exact),
		cmocka_unit_test(trailer_limit_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
