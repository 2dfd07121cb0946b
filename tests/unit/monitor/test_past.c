/*
 * What is remembered of sessions: how much, and of whom.
 */
#include "monitor/past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned char buf[64 * LOG_RECORD_MAX];

static void
note_kind(struct past *past, const char *message, const char *client,
    const char *reason)
{
	struct log_record record;
	struct log_view view;

	log_record_begin(&record, LOG_LEVEL_INFO, message);
	log_record_str(&record, "client", client);
	log_record_str(&record, "reason", reason);
	log_record_stamp(&record, "worker", 0, 1);
	assert_int_equal(
	    log_view_next(record.data, record.len, &view), record.len);
	past_note(past, record.data, record.len, &view);
}

static void
note(struct past *past, const char *client, const char *reason)
{
	note_kind(past, "session ended", client, reason);
}

/* How many there are of a prefix; *first is the reason of the newest. */
static size_t
find(const struct past *past, const char *text, size_t max, char first[32],
    size_t *copied)
{
	struct prefix prefix;
	struct log_view view;
	struct log_field field;
	const char *why;
	size_t found, len, at, n;

	assert_int_equal(prefix_parse(text, &prefix, &why), 0);
	len = past_find(past, &prefix, max, buf, sizeof(buf), &found);
	first[0] = '\0';
	*copied = 0;
	for (at = 0; at < len; at += n) {
		n = log_view_next(buf + at, len - at, &view);
		assert_int_not_equal(n, 0);
		assert_true(log_view_find(&view, "reason", &field));
		if (at == 0)
			(void)snprintf(first, 32, "%.*s", (int)field.len,
			    (const char *)field.value);
		(*copied)++;
	}
	return found;
}

static void
client_is_found_whatever_its_port_the_newest_first(void **state)
{
	struct past *past = past_open();
	char first[32];
	size_t copied;

	(void)state;
	note(past, "192.0.2.1:1000", "one");
	note(past, "192.0.2.2:1000", "other");
	note(past, "192.0.2.1:1001", "two");
	note_kind(past, "client refused", "[2001:db8::1]:7", "three");
	note_kind(past, "worker started", "192.0.2.1:1", "none");
	assert_int_equal(past_count(past), 4);
	assert_int_equal(find(past, "192.0.2.1", 9, first, &copied), 2);
	assert_string_equal(first, "two");
	assert_int_equal(find(past, "192.0.2.0/24", 1, first, &copied), 3);
	assert_int_equal(copied, 1);
	assert_int_equal(find(past, "2001:db8::/32", 9, first, &copied), 1);
	assert_int_equal(find(past, "192.0.2.3", 9, first, &copied), 0);
	past_close(past);
}

/* One that comes again and again pushes out itself. */
static void
busy_client_pushes_out_nobody_else(void **state)
{
	struct past *past = past_open();
	char client[32], first[32], last[32];
	size_t copied;
	unsigned i;

	(void)state;
	note(past, "192.0.2.9:1", "quiet");
	for (i = 0; i < 2 * PAST_ROWS; i++) {
		(void)snprintf(
		    client, sizeof(client), "192.0.2.1:%u", i % 65536);
		(void)snprintf(last, sizeof(last), "r%u", i);
		note(past, client, last);
	}
	assert_int_equal(
	    find(past, "192.0.2.1", 99, first, &copied), PAST_OF_CLIENT);
	assert_string_equal(first, last);
	assert_int_equal(find(past, "192.0.2.9", 99, first, &copied), 1);
	past_close(past);
}

static void
oldest_of_all_go_when_there_are_too_many(void **state)
{
	struct past *past = past_open();
	char client[32], first[32];
	size_t copied;
	unsigned i;

	(void)state;
	for (i = 0; i < PAST_ROWS + 10; i++) {
		(void)snprintf(
		    client, sizeof(client), "10.0.%u.%u:1", i >> 8, i & 0xff);
		note(past, client, "x");
	}
	assert_int_equal(past_count(past), PAST_ROWS);
	assert_int_equal(find(past, "10.0.0.9", 9, first, &copied), 0);
	assert_int_equal(find(past, "10.0.0.10", 9, first, &copied), 1);
	past_close(past);
}

static void
clients_without_an_address_are_one(void **state)
{
	struct past *past = past_open();
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++)
		note(past, "unix", "x");
	assert_int_equal(past_count(past), PAST_OF_CLIENT);
	past_close(past);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    client_is_found_whatever_its_port_the_newest_first),
		cmocka_unit_test(busy_client_pushes_out_nobody_else),
		cmocka_unit_test(oldest_of_all_go_when_there_are_too_many),
		cmocka_unit_test(clients_without_an_address_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
