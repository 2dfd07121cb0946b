/*
 * Responses as muxload reads them: however they are cut, and only good ones.
 */
#include "../../bench/load_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char good[] = "HTTP/1.1 200 OK\r\n"
			   "Date: today\r\n"
			   "content-LENGTH:\t5 \r\n"
			   "\r\n"
			   "hello";

/* Feed the text in pieces of that size; how many responses were complete, or
 * -1 for a bad one. */
static int
feed(struct load_http *http, struct load_http_head *head, const char *text,
    size_t piece)
{
	size_t len = strlen(text), at = 0, used, n;
	const char *why = NULL;
	int done = 0;

	while (at < len) {
		n = len - at < piece ? len - at : piece;
		switch (load_http_feed(http, head,
		    (const unsigned char *)text + at, n, &used, &why)) {
		case LOAD_HTTP_BAD:
			assert_non_null(why);
			return -1;
		case LOAD_HTTP_DONE:
			done++;
			break;
		case LOAD_HTTP_MORE:
			assert_int_equal(used, n);
			break;
		}
		at += used;
	}
	return done;
}

static void
response_is_taken_however_it_is_cut(void **state)
{
	size_t piece;

	(void)state;
	for (piece = 1; piece <= strlen(good); piece++) {
		struct load_http_head head = { .len = 0 };
		struct load_http http = { .body = 0 };

		assert_int_equal(feed(&http, &head, good, piece), 1);
		assert_false(http.closes);
		assert_int_equal(feed(&http, &head, good, piece), 1);
	}
}

static void
several_responses_in_one_piece_are_told_apart(void **state)
{
	struct load_http_head head = { .len = 0 };
	struct load_http http = { .body = 0 };
	char text[1024] = "";
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		(void)strcat(text, good);
	(void)strcat(text,
	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
	    "Connection: close\r\n\r\n");
	assert_int_equal(feed(&http, &head, text, sizeof(text)), 5);
	assert_true(http.closes);
}

static void
head_that_changes_is_looked_through_again(void **state)
{
	struct load_http_head head = { .len = 0 };
	struct load_http http = { .body = 0 };

	(void)state;
	assert_int_equal(feed(&http, &head, good, 1000), 1);
	assert_int_equal(feed(&http, &head,
			     "HTTP/1.1 200 OK\r\nDate: later\r\n"
			     "Content-Length: 2\r\n\r\nhi",
			     1000),
	    1);
	assert_int_equal(feed(&http, &head, good, 1000), 1);
	assert_int_equal(
	    feed(&http, &head, "HTTP/1.1 404 Not Found\r\n\r\n", 1000), -1);
}

static void
bad_responses_are_refused(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"HTTP/2 200\r\n\r\n",
		"hello\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	size_t i, piece;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (piece = 1; piece < 100; piece += 98) {
			struct load_http_head head = { .len = 0 };
			struct load_http http = { .body = 0 };

			assert_int_equal(
			    feed(&http, &head, texts[i], piece), -1);
		}
	}
}

static void
version_1_0_closes_unless_it_says_otherwise(void **state)
{
	struct load_http_head head = { .len = 0 };
	struct load_http http = { .body = 0 };

	(void)state;
	assert_int_equal(
	    feed(&http, &head, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		1000),
	    1);
	assert_true(http.closes);
	assert_int_equal(feed(&http, &head,
			     "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n"
			     "Content-Length: 0\r\n\r\n",
			     1000),
	    1);
	assert_false(http.closes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(response_is_taken_however_it_is_cut),
		cmocka_unit_test(several_responses_in_one_piece_are_told_apart),
		cmocka_unit_test(head_that_changes_is_looked_through_again),
		cmocka_unit_test(bad_responses_are_refused),
		cmocka_unit_test(version_1_0_closes_unless_it_says_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
