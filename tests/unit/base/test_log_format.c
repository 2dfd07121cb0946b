/*
 * The text forms of records.  What is hostile in a record must not be in its
 * line: neither what a terminal obeys nor what ends a line or a string.
 */
#include "base/log_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-21T06:20:06.123456Z */
#define TIME_US INT64_C(1795242006123456)

#define HEAD    "time=2026-11-21T06:20:06.123456Z level=info process=worker "

static struct log_record record;
static char line[LOG_LINE_MAX];

/* The view of record, of a known time and process. */
static struct log_view
viewed(int slot)
{
	struct log_view view;

	log_record_stamp(&record, "worker", slot, 123);
	assert_int_equal(
	    log_view_next(record.data, record.len, &view), record.len);
	view.time_us = TIME_US;
	return view;
}

static const char *
formatted(enum log_format format)
{
	struct log_view view = viewed(0);
	size_t len = log_format_line(&view, format, line);

	assert_int_equal(strlen(line), len);
	return line;
}

static void
logfmt_quotes_where_needed(void **state)
{
	(void)state;
	log_record_begin(&record, LOG_LEVEL_INFO, "session closed");
	log_record_str(&record, "client", "192.0.2.1:4711");
	log_record_uint(&record, "bytes", 42);
	log_record_str(&record, "spaced", "a b");
	log_record_str(&record, "empty", "");
	log_record_str(&record, "equals", "a=b");
	log_record_str(&record, "quote", "a\"b");
	log_record_str(&record, "backslash", "a\\b");
	log_record_str(&record, "umlaut", "\xc3\xa4");
	assert_string_equal(formatted(LOG_FORMAT_LOGFMT),
	    HEAD "worker=0 pid=123 msg=\"session closed\" "
		 "client=192.0.2.1:4711 bytes=42 spaced=\"a b\" empty=\"\" "
		 "equals=\"a=b\" quote=\"a\\\"b\" backslash=\"a\\\\b\" "
		 "umlaut=\"\xc3\xa4\"\n");
}

static void
json_has_strings_and_numbers(void **state)
{
	(void)state;
	log_record_begin(&record, LOG_LEVEL_INFO, "session closed");
	log_record_str(&record, "client", "192.0.2.1:4711");
	log_record_int(&record, "change", -42);
	log_record_str(&record, "digits", "42");
	assert_string_equal(formatted(LOG_FORMAT_JSON),
	    "{\"time\":\"2026-11-21T06:20:06.123456Z\",\"level\":\"info\","
	    "\"process\":\"worker\",\"worker\":0,\"pid\":123,"
	    "\"msg\":\"session closed\",\"client\":\"192.0.2.1:4711\","
	    "\"change\":-42,\"digits\":\"42\"}\n");
}

static void
process_without_slot_shows_none(void **state)
{
	struct log_view view;

	(void)state;
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	view = viewed(-1);
	log_format_line(&view, LOG_FORMAT_LOGFMT, line);
	assert_string_equal(line, HEAD "pid=123 msg=m\n");
}

static void
truncated_record_says_so(void **state)
{
	char text[LOG_RECORD_MAX] = { 0 };

	(void)state;
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	log_record_bytes(&record, "k", text, sizeof(text));
	assert_string_equal(formatted(LOG_FORMAT_LOGFMT),
	    HEAD "worker=0 pid=123 msg=m truncated=true\n");
	assert_non_null(
	    strstr(formatted(LOG_FORMAT_JSON), ",\"truncated\":true}\n"));
}

static void
message_form_leaves_time_and_level_out(void **state)
{
	struct log_view view;
	size_t len;

	(void)state;
	log_record_begin(&record, LOG_LEVEL_INFO, "session \x1b closed");
	log_record_str(&record, "who", "a b");
	view = viewed(7);
	len = log_format_message(&view, line);
	assert_int_equal(strlen(line), len);
	assert_string_equal(
	    line, "session \\u001b closed who=\"a b\" worker=7");
	view = viewed(-1);
	log_format_message(&view, line);
	assert_string_equal(
	    line, "session \\u001b closed who=\"a b\" process=worker");
}

/* One value and how both formats must write it. */
struct hostile {
	const char *value;
	size_t len;
	const char *written;
};

#define ROW(value, written)                       \
	{                                         \
		value, sizeof(value) - 1, written \
	}

static const struct hostile hostiles[] = {
	ROW("\r\nlevel=error", "\\r\\nlevel=error"),
	ROW("\x1b[2J", "\\u001b[2J"),
	ROW("a\0b", "a\\u0000b"),
	ROW("\t\x07\x08\x7f", "\\t\\u0007\\u0008\\u007f"),
	ROW("\",\"admin\":\"", "\\\",\\\"admin\\\":\\\""),
	ROW("\\", "\\\\"),
	/* U+009B, the control sequence introducer in one character */
	ROW("\xc2\x9b"
	    "2J",
	    "\\u009b2J"),
	ROW("\xc2\xa0", "\xc2\xa0"),
	/* U+2028 ends a line for JavaScript; U+202E turns the text around */
	ROW("\xe2\x80\xa8", "\\u2028"),
	ROW("\xe2\x80\xae", "\\u202e"),
	ROW("\xef\xbb\xbf", "\\ufeff"),
	ROW("\xe2\x82\xac", "\xe2\x82\xac"),
	ROW("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"),
	/* not UTF-8 (RFC 3629): lone, cut, overlong, surrogate, too high */
	ROW("\x80", "\\ufffd"),
	ROW("\xff\xfe", "\\ufffd\\ufffd"),
	ROW("\xc3", "\\ufffd"),
	ROW("\xc3(", "\\ufffd("),
	ROW("\xe2\x82", "\\ufffd\\ufffd"),
	ROW("\xf0\x9f\x98", "\\ufffd\\ufffd\\ufffd"),
	ROW("\xc0\x80", "\\ufffd\\ufffd"),
	ROW("\xc1\xbf", "\\ufffd\\ufffd"),
	ROW("\xe0\x80\x8a", "\\ufffd\\ufffd\\ufffd"),
	ROW("\xf0\x80\x80\x8a", "\\ufffd\\ufffd\\ufffd\\ufffd"),
	ROW("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"),
	ROW("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"),
	ROW("\xf5\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"),
};

static void
hostile_value_is_escaped(void **state)
{
	char want[256];

	(void)state;
	/* fault 52 */
	for (size_t i = 0; i < sizeof(hostiles) / sizeof(hostiles[0]); i++) {
		const struct hostile *h = &hostiles[i];

		log_record_begin(&record, LOG_LEVEL_INFO, "m");
		log_record_bytes(&record, "k", h->value, h->len);
		strcpy(want, "k=\"");
		strcat(want, h->written);
		strcat(want, "\"\n");
		assert_non_null(strstr(formatted(LOG_FORMAT_LOGFMT), want));
		strcpy(want, "\"k\":\"");
		strcat(want, h->written);
		strcat(want, "\"}\n");
		assert_non_null(strstr(formatted(LOG_FORMAT_JSON), want));
	}
}

static void
hostile_message_is_escaped(void **state)
{
	(void)state;
	/* fault 52 */
	log_record_begin(&record, LOG_LEVEL_INFO, "a\r\n\x1b]0;x\x07\xff\"");
	assert_non_null(strstr(formatted(LOG_FORMAT_LOGFMT),
	    "msg=\"a\\r\\n\\u001b]0;x\\u0007\\ufffd\\\"\"\n"));
}

/* Whether the text is one line of nothing but what may stand raw. */
static void
assert_harmless(const char *text, size_t len)
{
	assert_int_equal(strlen(text), len);
	for (size_t i = 0; i < len - 1; i++) {
		unsigned char c = (unsigned char)text[i];

		assert_true(c >= 0x20 && c != 0x7f);
	}
	assert_int_equal(text[len - 1], '\n');
}

static void
any_bytes_become_one_line(void **state)
{
	unsigned char bytes[256];
	uint32_t seed = 1;

	(void)state;
	/* fault 52 */
	for (int round = 0; round < 2000; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1103515245 + 12345;
			bytes[i] = (unsigned char)(seed >> 16);
		}
		log_record_begin(&record, LOG_LEVEL_INFO, "m");
		log_record_bytes(&record, "k", bytes, sizeof(bytes));
		(void)formatted(LOG_FORMAT_LOGFMT);
		assert_harmless(line, strlen(line));
		(void)formatted(LOG_FORMAT_JSON);
		assert_harmless(line, strlen(line));
	}
}

static void
longest_record_fits_its_line(void **state)
{
	struct log_record full;
	char *message = test_malloc(LOG_RECORD_MAX);
	char *exact = test_malloc(LOG_LINE_MAX);
	struct log_view view;

	(void)state;
	memset(message, 0x01, LOG_RECORD_MAX - 1);
	message[LOG_RECORD_MAX - 1] = '\0';
	/* Once as few fields as possible, once as many. */
	for (int many = 0; many < 2; many++) {
		log_record_begin(&full, LOG_LEVEL_WARNING, many ? "" : message);
		while (!many && full.len < LOG_RECORD_MAX - 5)
			log_record_bytes(&full, "k", message,
			    (size_t)(LOG_RECORD_MAX - 5 - full.len));
		for (int i = 0; many && i < 256; i++)
			log_record_str(&full, "k", "\x01\x01");
		full.truncated = true;
		log_record_stamp(&full, "monitor", INT32_MAX, INT32_MIN);
		assert_int_equal(
		    log_view_next(full.data, full.len, &view), full.len);
		view.time_us = INT64_MIN;
		assert_true(log_format_line(&view, LOG_FORMAT_JSON, exact) <
		    LOG_LINE_MAX);
		assert_true(log_format_line(&view, LOG_FORMAT_LOGFMT, exact) <
		    LOG_LINE_MAX);
		assert_true(log_format_message(&view, exact) < LOG_LINE_MAX);
	}
	test_free(message);
	test_free(exact);
}

static void
time_before_the_epoch_is_a_time(void **state)
{
	struct log_view view;

	(void)state;
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	view = viewed(0);
	view.time_us = -1;
	log_format_line(&view, LOG_FORMAT_LOGFMT, line);
	assert_memory_equal(line, "time=1969-12-31T23:59:59.999999Z ", 33);
}

static void
time_does_not_depend_on_the_time_zone(void **state)
{
	(void)state;
	assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	assert_memory_equal(formatted(LOG_FORMAT_LOGFMT), HEAD, strlen(HEAD));
	assert_int_equal(unsetenv("TZ"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logfmt_quotes_where_needed),
		cmocka_unit_test(json_has_strings_and_numbers),
		cmocka_unit_test(process_without_slot_shows_none),
		cmocka_unit_test(truncated_record_says_so),
		cmocka_unit_test(message_form_leaves_time_and_level_out),
		cmocka_unit_test(hostile_value_is_escaped),
		cmocka_unit_test(hostile_message_is_escaped),
		cmocka_unit_test(any_bytes_become_one_line),
		cmocka_unit_test(longest_record_fits_its_line),
		cmocka_unit_test(time_before_the_epoch_is_a_time),
		cmocka_unit_test(time_does_not_depend_on_the_time_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
