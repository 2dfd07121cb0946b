/*
 * The texts of the http service's answers, and their date.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/http_response.h"

/* A wall clock that the test sets, and that counts who asks. */
static int64_t wall_us;
static unsigned wall_asked;

static int64_t
fake_wall(void)
{
	wall_asked++;
	return wall_us;
}

static struct conf_http
plain_conf(void)
{
	static char body[] = "hi", type[] = "text/plain";
	struct conf_http conf = {
		.status = 200,
		.body = body,
		.body_len = 2,
		.content_type = type,
	};

	return conf;
}

static void
assert_text(const struct http_text *text, const char *want)
{
	assert_int_equal(text->len, strlen(want));
	assert_memory_equal(text->text, want, text->len);
}

static void
each_connection_has_its_text(void **state)
{
	struct conf_http conf = plain_conf();
	struct http_response response;

	(void)state;
	assert_int_equal(http_response_open(&response, &conf), 0);
	wall_us = INT64_C(784111777) * 1000000;
	http_response_refresh(&response, 0, fake_wall);
	assert_text(&response.texts[HTTP_KEEP],
	    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
	assert_text(&response.texts[HTTP_KEEP_1_0],
	    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "Content-Type: text/plain\r\nContent-Length: 2\r\n"
	    "Connection: keep-alive\r\n\r\nhi");
	assert_text(&response.texts[HTTP_CLOSE],
	    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "Content-Type: text/plain\r\nContent-Length: 2\r\n"
	    "Connection: close\r\n\r\nhi");
	assert_int_equal(response.texts[HTTP_KEEP].head_len + 2,
	    response.texts[HTTP_KEEP].len);
	http_response_close(&response);
}

static void
large_body_is_lent(void **state)
{
	struct conf_http conf = plain_conf();
	struct http_response response;

	(void)state;
	conf.body = calloc(1, HTTP_INLINE_MAX + 1);
	assert_non_null(conf.body);
	conf.body_len = HTTP_INLINE_MAX;
	assert_int_equal(http_response_open(&response, &conf), 0);
	assert_null(response.body);
	assert_int_equal(response.texts[0].len - response.texts[0].head_len,
	    HTTP_INLINE_MAX);
	http_response_close(&response);
	conf.body_len = HTTP_INLINE_MAX + 1;
	assert_int_equal(http_response_open(&response, &conf), 0);
	assert_ptr_equal(response.body, conf.body);
	assert_int_equal(response.body_len, HTTP_INLINE_MAX + 1);
	assert_int_equal(response.texts[0].len, response.texts[0].head_len);
	http_response_close(&response);
	free(conf.body);
}

static void
date_is_made_once_a_second(void **state)
{
	struct conf_http conf = plain_conf();
	struct http_response response;

	(void)state;
	assert_int_equal(http_response_open(&response, &conf), 0);
	wall_asked = 0;
	/* 300 ms before the next second. */
	wall_us = INT64_C(784111777) * 1000000 + 700000;
	http_response_refresh(&response, 5000, fake_wall);
	assert_string_equal(response.date, "Sun, 06 Nov 1994 08:49:37 GMT");
	wall_us += 299000;
	http_response_refresh(&response, 5299, fake_wall);
	assert_int_equal(wall_asked, 1);
	wall_us += 1000;
	http_response_refresh(&response, 5300, fake_wall);
	assert_int_equal(wall_asked, 2);
	assert_string_equal(response.date, "Sun, 06 Nov 1994 08:49:38 GMT");
	assert_memory_equal(
	    strstr(response.texts[HTTP_CLOSE].text, "Date: ") + 6,
	    response.date, HTTP_DATE_LEN);
	http_response_refresh(&response, 6299, fake_wall);
	assert_int_equal(wall_asked, 2);
	http_response_close(&response);
}

/* fault 39 */
static void
date_follows_a_stepped_clock(void **state)
{
	struct conf_http conf = plain_conf();
	struct http_response response;

	(void)state;
	assert_int_equal(http_response_open(&response, &conf), 0);
	wall_us = INT64_C(784111777) * 1000000;
	http_response_refresh(&response, 5000, fake_wall);
	wall_us -= INT64_C(3600) * 1000000;
	http_response_refresh(&response, 6000, fake_wall);
	assert_string_equal(response.date, "Sun, 06 Nov 1994 07:49:37 GMT");
	http_response_close(&response);
}

static void
dates_are_formatted(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ 951782399, "Mon, 28 Feb 2000 23:59:59 GMT" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ 4102444799, "Thu, 31 Dec 2099 23:59:59 GMT" },
		{ 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT" },
		/* What has no date of that form gets a valid one. */
		{ 253402300800, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ INT64_MAX, "Thu, 01 Jan 1970 00:00:00 GMT" },
	};
	char text[HTTP_DATE_LEN + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		http_date_format(cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
faults_have_their_text(void **state)
{
	static const unsigned statuses[] = { 400, 408, 413, 414, 417, 431, 501,
		505 };
	struct conf_http conf = plain_conf();
	struct http_response response;
	char text[HTTP_ERROR_MAX], body[64];
	size_t len, bare, i;

	(void)state;
	assert_int_equal(http_response_open(&response, &conf), 0);
	len = http_response_error(&response, 400, true, text);
	assert_int_equal(len, strlen(text));
	assert_string_equal(text,
	    "HTTP/1.1 400 Bad Request\r\n"
	    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
	    "Content-Type: text/plain\r\nContent-Length: 16\r\n"
	    "Connection: close\r\n\r\n400 Bad Request\n");
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		assert_string_not_equal(http_reason_phrase(statuses[i]), "");
		snprintf(body, sizeof(body), "%u %s\n", statuses[i],
		    http_reason_phrase(statuses[i]));
		len = http_response_error(&response, statuses[i], true, text);
		assert_true(len < HTTP_ERROR_MAX);
		assert_string_equal(text + len - strlen(body), body);
		bare = http_response_error(&response, statuses[i], false, text);
		assert_int_equal(bare, len - strlen(body));
	}
	http_response_close(&response);
}

static void
unregistered_status_has_no_phrase(void **state)
{
	struct conf_http conf = plain_conf();
	struct http_response response;

	(void)state;
	conf.status = 299;
	assert_int_equal(http_response_open(&response, &conf), 0);
	assert_memory_equal(
	    response.texts[HTTP_KEEP].text, "HTTP/1.1 299 \r\n", 15);
	http_response_close(&response);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_connection_has_its_text),
		cmocka_unit_test(large_body_is_lent),
		cmocka_unit_test(date_is_made_once_a_second),
		cmocka_unit_test(date_follows_a_stepped_clock),
		cmocka_unit_test(dates_are_formatted),
		cmocka_unit_test(faults_have_their_text),
		cmocka_unit_test(unregistered_status_has_no_phrase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
