/*
 * Log records: packed and unpacked, handed over or dropped, and what a
 * hostile writer can do to the one who unpacks.
 */
#include "base/log.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compat.h"

/* A log on a channel, and what came out of the channel's other end. */
struct fixture {
	struct log log;
	int reader, writer;
	unsigned char data[2 * LOG_BUFFER_SIZE];
	size_t len;
};

static int
setup(void **state)
{
	static struct fixture f;
	int fds[2];

	if (compat_socketpair(SOCK_DGRAM, fds) == -1)
		return -1;
	f.writer = fds[0];
	f.reader = fds[1];
	log_open_channel(&f.log, f.writer, LOG_LEVEL_DEBUG, "worker", 3);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	close(f->reader);
	close(f->writer);
	return 0;
}

/* Receive one datagram; false if there is none. */
static bool
receive(struct fixture *f)
{
	ssize_t n = recv(f->reader, f->data, sizeof(f->data), MSG_DONTWAIT);

	if (n == -1) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	f->len = (size_t)n;
	return true;
}

static void
fill_channel(struct fixture *f)
{
	char junk[1024] = { 0 };

	while (send(f->writer, junk, sizeof(junk), MSG_DONTWAIT) != -1)
		;
}

static void
drain_channel(struct fixture *f)
{
	while (receive(f))
		;
}

/* The value of a field as a string, in a buffer that the next call uses. */
static const char *
field_text(const struct log_view *view, const char *key)
{
	static char text[LOG_RECORD_MAX + 1];
	struct log_field field;
	size_t at = 0;

	while (log_view_field(view, &at, &field))
		if (strcmp(field.key, key) == 0) {
			memcpy(text, field.value, field.len);
			text[field.len] = '\0';
			return text;
		}
	return NULL;
}

static void
record_arrives_as_it_was_built(void **state)
{
	struct fixture *f = *state;
	struct addr addr = {
		.family = ADDR_INET4, .port = 80, .ip = { 192, 0, 2, 1 }
	};
	int64_t before = clock_wall_us();
	struct log_record record;
	struct log_view view;

	log_record_begin(&record, LOG_LEVEL_NOTICE, "something happened");
	log_record_str(&record, "text", "a b");
	log_record_bytes(&record, "bytes", "x\0y", 3);
	log_record_uint(&record, "big", UINT64_MAX);
	log_record_int(&record, "small", INT64_MIN);
	log_record_addr(&record, "client", &addr);
	log_record_fmt(&record, "printed", "%d%%", 50);
	log_record_str(&record, "empty", "");
	log_emit(&f->log, &record);
	assert_false(receive(f));
	log_flush(&f->log);
	assert_true(receive(f));

	assert_int_equal(log_view_next(f->data, f->len, &view), f->len);
	assert_int_equal(view.level, LOG_LEVEL_NOTICE);
	assert_string_equal(view.message, "something happened");
	assert_string_equal(view.process, "worker");
	assert_int_equal(view.slot, 3);
	assert_int_equal(view.pid, getpid());
	assert_false(view.truncated);
	assert_true(view.time_us >= before);
	assert_true(view.time_us <= clock_wall_us());
	assert_int_equal(view.nfields, 7);
	assert_string_equal(field_text(&view, "text"), "a b");
	assert_memory_equal(field_text(&view, "bytes"), "x\0y", 4);
	assert_string_equal(field_text(&view, "big"), "18446744073709551615");
	assert_string_equal(field_text(&view, "small"), "-9223372036854775808");
	assert_string_equal(field_text(&view, "client"), "192.0.2.1:80");
	assert_string_equal(field_text(&view, "printed"), "50%");
	assert_string_equal(field_text(&view, "empty"), "");
}

static void
numbers_are_told_from_texts(void **state)
{
	struct fixture *f = *state;
	struct log_record record;
	struct log_field field;
	struct log_view view;
	size_t at = 0;

	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	log_record_str(&record, "text", "1");
	log_record_uint(&record, "number", 1);
	log_emit(&f->log, &record);
	log_flush(&f->log);
	assert_true(receive(f));
	assert_int_equal(log_view_next(f->data, f->len, &view), f->len);
	assert_true(log_view_field(&view, &at, &field));
	assert_false(field.number);
	assert_true(log_view_field(&view, &at, &field));
	assert_true(field.number);
	assert_false(log_view_field(&view, &at, &field));
	assert_false(log_view_field(&view, &at, &field));
}

static void
records_of_a_turn_are_one_datagram(void **state)
{
	struct fixture *f = *state;
	size_t at = 0, len;
	struct log_view view;
	char want[32];
	int n = 0;

	for (int i = 0; i < 100; i++)
		log_printf(&f->log, LOG_LEVEL_INFO, "record %d", i);
	log_flush(&f->log);
	log_flush(&f->log);
	assert_true(receive(f));
	while ((len = log_view_next(f->data + at, f->len - at, &view)) > 0) {
		snprintf(want, sizeof(want), "record %d", n++);
		assert_string_equal(view.message, want);
		at += len;
	}
	assert_int_equal(n, 100);
	assert_int_equal(at, f->len);
	assert_false(receive(f));
}

static void
full_buffer_is_flushed_before_its_turn_ends(void **state)
{
	struct fixture *f = *state;
	char text[1000];
	struct log_record record;
	struct log_view view;
	unsigned got = 0;

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 100; i++) {
		log_record_begin(&record, LOG_LEVEL_INFO, "m");
		log_record_bytes(&record, "text", text, sizeof(text));
		log_emit(&f->log, &record);
	}
	log_flush(&f->log);
	while (receive(f)) {
		size_t len;

		assert_true(f->len <= LOG_BUFFER_SIZE);
		for (size_t at = 0; at < f->len; at += len) {
			len = log_view_next(f->data + at, f->len - at, &view);
			assert_int_not_equal(len, 0);
			got++;
		}
	}
	assert_int_equal(got, 100);
	assert_int_equal(f->log.dropped_total, 0);
}

static void
level_decides_what_is_kept(void **state)
{
	struct fixture *f = *state;
	struct log_record record;
	struct log_view view;

	f->log.level = LOG_LEVEL_WARNING;
	assert_true(log_wants(&f->log, LOG_LEVEL_ERROR));
	assert_true(log_wants(&f->log, LOG_LEVEL_WARNING));
	assert_false(log_wants(&f->log, LOG_LEVEL_NOTICE));
	log_record_begin(&record, LOG_LEVEL_NOTICE, "m");
	log_emit(&f->log, &record);
	log_printf(&f->log, LOG_LEVEL_INFO, "m");
	log_errno(&f->log, LOG_LEVEL_DEBUG, EPERM, "m");
	log_flush(&f->log);
	assert_false(receive(f));
	log_errno(&f->log, LOG_LEVEL_WARNING, EPERM, "m %d", 1);
	log_flush(&f->log);
	assert_true(receive(f));
	assert_int_equal(log_view_next(f->data, f->len, &view), f->len);
	assert_string_equal(view.message, "m 1");
	assert_string_equal(field_text(&view, "error"), strerror(EPERM));
}

static void
field_that_does_not_fit_is_left_out(void **state)
{
	struct fixture *f = *state;
	char text[LOG_RECORD_MAX];
	struct log_record record;
	struct log_view view;

	memset(text, 'x', sizeof(text));
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	log_record_bytes(&record, "long", text, sizeof(text));
	assert_true(record.truncated);
	log_record_str(&record, "after", "fits");
	log_emit(&f->log, &record);
	log_flush(&f->log);
	assert_true(receive(f));
	assert_int_equal(log_view_next(f->data, f->len, &view), f->len);
	assert_true(view.truncated);
	assert_int_equal(view.nfields, 1);
	assert_string_equal(field_text(&view, "after"), "fits");
}

static void
record_can_be_filled_to_the_last_byte(void **state)
{
	struct log_record record;
	char text[LOG_RECORD_MAX];
	struct log_view view;
	size_t room;

	(void)state;
	memset(text, 'x', sizeof(text));
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	/* Key, its NUL, kind and length take five bytes. */
	room = LOG_RECORD_MAX - record.len - 5;
	log_record_bytes(&record, "k", text, room + 1);
	assert_true(record.truncated);
	record.truncated = false;
	log_record_bytes(&record, "k", text, room);
	assert_false(record.truncated);
	assert_int_equal(record.len, LOG_RECORD_MAX);
	log_record_str(&record, "k", "");
	assert_true(record.truncated);
	log_record_stamp(&record, "master", -1, 1);
	assert_int_equal(
	    log_view_next(record.data, record.len, &view), LOG_RECORD_MAX);
	assert_int_equal(strlen(field_text(&view, "k")), room);
}

static void
endless_fields_are_left_out(void **state)
{
	struct log_record record;
	struct log_view view;

	(void)state;
	log_record_begin(&record, LOG_LEVEL_INFO, "m");
	for (int i = 0; i < 1000; i++)
		log_record_str(&record, "k", "");
	assert_true(record.truncated);
	log_record_stamp(&record, "master", -1, 1);
	assert_int_equal(
	    log_view_next(record.data, record.len, &view), record.len);
	assert_int_equal(view.nfields, 255);
}

static void
long_message_is_cut_and_leaves_room_for_fields(void **state)
{
	struct fixture *f = *state;
	char text[3 * LOG_RECORD_MAX];
	struct log_view view;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_errno(&f->log, LOG_LEVEL_INFO, ENOENT, "%s", text);
	log_flush(&f->log);
	assert_true(receive(f));
	assert_int_equal(log_view_next(f->data, f->len, &view), f->len);
	assert_true(strlen(view.message) >= 1000);
	assert_string_equal(field_text(&view, "error"), strerror(ENOENT));
}

static void
full_channel_drops_and_reports_later(void **state)
{
	struct fixture *f = *state;
	struct log_view view;
	size_t len;

	fill_channel(f);
	for (int i = 0; i < 5; i++)
		log_printf(&f->log, LOG_LEVEL_INFO, "lost");
	log_flush(&f->log);
	log_printf(&f->log, LOG_LEVEL_INFO, "lost");
	log_flush(&f->log);
	assert_int_equal(f->log.dropped, 6);
	assert_int_equal(f->log.dropped_total, 6);

	drain_channel(f);
	log_printf(&f->log, LOG_LEVEL_INFO, "kept");
	log_flush(&f->log);
	assert_true(receive(f));
	len = log_view_next(f->data, f->len, &view);
	assert_int_not_equal(len, 0);
	assert_int_equal(view.level, LOG_LEVEL_WARNING);
	assert_string_equal(view.message, "log records dropped");
	assert_string_equal(field_text(&view, "count"), "6");
	assert_string_equal(view.process, "worker");
	assert_int_equal(
	    log_view_next(f->data + len, f->len - len, &view), f->len - len);
	assert_string_equal(view.message, "kept");
	assert_int_equal(f->log.dropped, 0);
	assert_int_equal(f->log.dropped_total, 6);

	log_printf(&f->log, LOG_LEVEL_INFO, "kept");
	log_flush(&f->log);
	assert_true(receive(f));
	assert_int_equal(log_view_next(f->data, f->len, &view), f->len);
	assert_string_equal(view.message, "kept");
}

static void
report_and_full_buffer_are_no_longer_than_a_buffer(void **state)
{
	struct fixture *f = *state;
	struct log_record record;
	struct log_view view;
	size_t before, len;

	fill_channel(f);
	f->log.dropped = UINT64_MAX - 1;
	log_printf(&f->log, LOG_LEVEL_INFO, "lost");
	log_flush(&f->log);
	drain_channel(f);
	/* Until one byte more has the buffer flushed. */
	log_record_begin(&record, LOG_LEVEL_INFO, "");
	do {
		before = f->log.len;
		log_emit(&f->log, &record);
	} while (f->log.len > before);
	assert_true(receive(f));
	assert_true(f->len <= LOG_BUFFER_SIZE);
	for (size_t at = 0; at < f->len; at += len) {
		len = log_view_next(f->data + at, f->len - at, &view);
		assert_int_not_equal(len, 0);
	}
}

static void
full_buffer_on_a_full_channel_makes_room(void **state)
{
	struct fixture *f = *state;

	fill_channel(f);
	for (int i = 0; i < 10000; i++)
		log_printf(&f->log, LOG_LEVEL_INFO, "lost");
	log_flush(&f->log);
	assert_int_equal(f->log.dropped_total, 10000);
}

static void
reader_that_is_gone_is_no_signal(void **state)
{
	struct fixture *f = *state;

	close(f->reader);
	f->reader = -1;
	log_printf(&f->log, LOG_LEVEL_INFO, "lost");
	log_flush(&f->log);
	assert_int_equal(f->log.dropped_total, 1);
}

static void
stderr_gets_a_line_at_once(void **state)
{
	struct log log;
	int fds[2], saved;
	char line[512];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	saved = dup(STDERR_FILENO);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	log_open_stderr(&log, LOG_LEVEL_INFO);
	log_errno(&log, LOG_LEVEL_ERROR, ENOENT, "cannot open %s", "x\ny");
	log_printf(&log, LOG_LEVEL_DEBUG, "not wanted");
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	close(fds[0]);
	assert_non_null(strstr(line, " level=error "));
	assert_non_null(strstr(line, " msg=\"cannot open x\\ny\" "));
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
}

static void
closed_stderr_drops_and_reports_later(void **state)
{
	struct log log;
	int fds[2], saved;
	char text[1024];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	close(STDERR_FILENO);
	log_open_stderr(&log, LOG_LEVEL_INFO);
	log_printf(&log, LOG_LEVEL_INFO, "lost");
	assert_int_equal(log.dropped, 1);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	log_printf(&log, LOG_LEVEL_INFO, "kept");
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	close(fds[0]);
	assert_non_null(strstr(text, "msg=\"log records dropped\" count=1\n"));
	assert_non_null(strstr(text, "msg=kept\n"));
}

static void
levels_have_names(void **state)
{
	(void)state;
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++)
		assert_int_equal(
		    log_level_parse(log_level_name((enum log_level)i)), i);
	assert_int_equal(log_level_parse("warning"), LOG_LEVEL_WARNING);
	assert_int_equal(log_level_parse("warn"), -1);
	assert_int_equal(log_level_parse("Error"), -1);
	assert_int_equal(log_level_parse(""), -1);
}

static void
repeated_error_is_told_once_a_second(void **state)
{
	struct log_limit limit = { 0 };
	uint64_t left_out = 99;

	(void)state;
	/* fault 30 */
	assert_true(log_limit_pass(&limit, 5000, &left_out));
	assert_int_equal(left_out, 0);
	for (int i = 0; i < 1000; i++)
		assert_false(log_limit_pass(&limit, 5999, &left_out));
	assert_int_equal(left_out, 0);
	assert_true(log_limit_pass(&limit, 6000, &left_out));
	assert_int_equal(left_out, 1000);
	assert_false(log_limit_pass(&limit, 6001, &left_out));
	assert_true(log_limit_pass(&limit, 60000, &left_out));
	assert_int_equal(left_out, 1);
}

/* A record that is whole, for breaking. */
static size_t
whole_record(unsigned char *data)
{
	struct log_record record;

	log_record_begin(&record, LOG_LEVEL_INFO, "message");
	log_record_str(&record, "text", "value");
	log_record_int(&record, "number", -17);
	log_record_stamp(&record, "worker", 0, 1);
	memcpy(data, record.data, record.len);
	return record.len;
}

/* Keeps the compiler from leaving the reads out. */
static volatile size_t read_sum;

/* What a reader does with a record, so that a sanitizer sees every access. */
static size_t
read_all(const unsigned char *data, size_t len)
{
	size_t sum = 0;
	struct log_field field;
	struct log_view view;
	size_t at = 0, used;

	used = log_view_next(data, len, &view);
	if (used == 0)
		return 0;
	assert_true(used <= len);
	sum += strlen(view.message) + strlen(view.process);
	while (log_view_field(&view, &at, &field)) {
		sum += strlen(field.key);
		for (size_t i = 0; i < field.len; i++)
			sum += field.value[i];
	}
	read_sum = sum;
	return used;
}

static void
cut_record_is_no_record(void **state)
{
	unsigned char data[LOG_RECORD_MAX], *copy;
	size_t len = whole_record(data);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		/* Memory of just this size, for the sanitizers. */
		copy = test_malloc(n + 1);
		memcpy(copy, data, n);
		assert_int_equal(read_all(copy, n), 0);
		test_free(copy);
	}
	assert_int_equal(read_all(data, len), len);
}

static void
changed_byte_is_refused_or_harmless(void **state)
{
	unsigned char data[LOG_RECORD_MAX];
	size_t len = whole_record(data);

	(void)state;
	/* fault 52 */
	for (size_t i = 0; i < len; i++)
		for (unsigned byte = 0; byte < 256; byte++) {
			unsigned char *copy = test_malloc(len);

			memcpy(copy, data, len);
			copy[i] = (unsigned char)byte;
			(void)read_all(copy, len);
			test_free(copy);
		}
	assert_int_equal(read_all(data, len), len);
}

/* Whether whole_record() is refused after old was replaced by new. */
static bool
refused(const char *old, const char *new, size_t n)
{
	unsigned char data[LOG_RECORD_MAX], *at;
	size_t len = whole_record(data);

	at = memmem(data, len, old, n);
	assert_non_null(at);
	memcpy(at, new, n);
	return read_all(data, len) == 0;
}

static void
ill_formed_record_is_refused(void **state)
{
	(void)state;
	assert_false(refused("value", "VALUE", 5));
	assert_false(refused("message", "mess\nge", 7));
	assert_true(refused("text", "te=t", 4));
	assert_true(refused("text", "te\nt", 4));
	assert_true(refused("text", "TEXT", 4));
	assert_true(refused("\0text", "\0\0ext", 5));
	assert_true(refused("worker", "wor er", 6));
	assert_true(refused("worker", "\0orker", 6));
	assert_true(refused("-17", "-1 ", 3));
	assert_true(refused("-17", "-01", 3));
	assert_true(refused("-17", "017", 3));
	assert_true(refused("-17", "+17", 3));
	assert_true(refused("-17", "--1", 3));
	assert_true(refused("-17", "1e3", 3));
	assert_true(refused("-17", "nan", 3));
}

/* A memo is seen by nobody who does not ask for it; what is not for the log goes
 * to the monitor all the same, whatever the level. */
static void
memo_and_unlogged_records_go_to_the_monitor_alone(void **state)
{
	static const char memo[] = { 'a', 0, 'b' };
	struct fixture *f = *state;
	struct log_record record;
	struct log_field field;
	struct log_view view;
	const unsigned char *found;
	size_t at = 0, len;

	f->log.level = LOG_LEVEL_ERROR;
	log_record_begin(&record, LOG_LEVEL_INFO, "session ended");
	log_record_str(&record, "first", "1");
	log_record_memo(&record, memo, sizeof(memo));
	log_record_str(&record, "last", "2");
	log_emit(&f->log, &record);
	log_flush(&f->log);
	assert_false(receive(f));
	record.unlogged = true;
	log_emit(&f->log, &record);
	log_flush(&f->log);
	assert_true(receive(f));
	assert_int_equal(log_view_next(f->data, f->len, &view), f->len);
	assert_true(view.unlogged);
	assert_true(log_view_field(&view, &at, &field));
	assert_string_equal(field.key, "first");
	assert_true(log_view_field(&view, &at, &field));
	assert_string_equal(field.key, "last");
	assert_false(log_view_field(&view, &at, &field));
	assert_true(log_view_find(&view, "last", &field));
	assert_false(log_view_find(&view, "memo", &field));
	found = log_view_memo(&view, &len);
	assert_int_equal(len, sizeof(memo));
	assert_memory_equal(found, memo, sizeof(memo));
}

int
main(void)
{
#define WITH_CHANNEL(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_CHANNEL(record_arrives_as_it_was_built),
		WITH_CHANNEL(numbers_are_told_from_texts),
		WITH_CHANNEL(records_of_a_turn_are_one_datagram),
		WITH_CHANNEL(full_buffer_is_flushed_before_its_turn_ends),
		WITH_CHANNEL(level_decides_what_is_kept),
		WITH_CHANNEL(field_that_does_not_fit_is_left_out),
		cmocka_unit_test(record_can_be_filled_to_the_last_byte),
		cmocka_unit_test(endless_fields_are_left_out),
		WITH_CHANNEL(long_message_is_cut_and_leaves_room_for_fields),
		WITH_CHANNEL(full_channel_drops_and_reports_later),
		WITH_CHANNEL(
		    report_and_full_buffer_are_no_longer_than_a_buffer),
		WITH_CHANNEL(full_buffer_on_a_full_channel_makes_room),
		WITH_CHANNEL(reader_that_is_gone_is_no_signal),
		cmocka_unit_test(stderr_gets_a_line_at_once),
		cmocka_unit_test(closed_stderr_drops_and_reports_later),
		cmocka_unit_test(levels_have_names),
		cmocka_unit_test(repeated_error_is_told_once_a_second),
		cmocka_unit_test(cut_record_is_no_record),
		cmocka_unit_test(changed_byte_is_refused_or_harmless),
		cmocka_unit_test(ill_formed_record_is_refused),
		WITH_CHANNEL(memo_and_unlogged_records_go_to_the_monitor_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
