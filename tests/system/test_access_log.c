/*
 * Every session leaves one record that tells who, what, how long, and why it
 * ended.
 */
#include <string.h>

#include <jansson.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
start_echo(const char *log)
{
	return muxd_start("workers = 1\n"
			  "log { target = \"stderr\" %s }\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"unix:@DIR@/s\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n",
	    log);
}

static void
record_tells_all_about_a_session(void **state)
{
	struct muxd *muxd = start_echo("");
	const char *address = muxd_address(muxd, "echo", 0), *line, *name;
	int fd = client_connect(address);

	(void)state;
	name = address_of(fd);
	client_echo(fd, "12345");
	client_half_close(fd);
	client_expect_eof(fd);
	line = muxd_wait_log(muxd, "msg=\"session ended\"", "level=info",
	    "process=worker", "worker=0", "service=echo", "bytes_in=5",
	    "bytes_out=5", "reason=client_closed", "by=client");
	assert_string_equal(log_field(line, "client"), name);
	assert_string_equal(log_field(line, "listener"), address);
	assert_true(log_number(line, "duration_ms") >= 0);
	assert_int_equal(log_number(line, "pid"), muxd_worker(muxd, 0));
	assert_int_equal(strlen(log_field(line, "session")), 16);
	assert_int_equal(strncmp(line, "time=20", 7), 0);
	muxd_stop(muxd);
}

static void
reset_is_told_from_an_end(void **state)
{
	struct muxd *muxd = start_echo("");
	int fd = client_connect(muxd_address(muxd, "echo", 0));
	const char *name = address_of(fd);

	(void)state;
	client_echo(fd, "12345");
	client_reset(fd);
	muxd_wait_log(muxd, "msg=\"session ended\"",
	    test_format("client=%s", name), "reason=client_reset", "by=client",
	    "error=\"Connection reset by peer\"");
	muxd_stop(muxd);
}

static void
unix_client_has_a_record_without_an_address(void **state)
{
	struct muxd *muxd = start_echo("");
	int fd = client_connect(muxd_address(muxd, "echo", 1));

	(void)state;
	client_echo(fd, "12345");
	client_close(fd);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=client_closed",
	    test_format("listener=%s", muxd_address(muxd, "echo", 1)));
	muxd_stop(muxd);
}

static void
sessions_have_numbers_of_their_own(void **state)
{
	static const char *const tokens[] = { "msg=\"session ended\"", NULL };
	struct muxd *muxd = start_echo("");
	const char *a, *b;
	size_t i, j;

	(void)state;
	for (i = 0; i < 20; i++)
		client_close(client_connect(muxd_address(muxd, "echo", 0)));
	muxd_wait_logs(muxd, 20, "msg=\"session ended\"");
	for (i = 0; i < 20; i++) {
		a = log_field(muxd_log_line(muxd, i, tokens), "session");
		for (j = 0; j < i; j++) {
			b = log_field(
			    muxd_log_line(muxd, j, tokens), "session");
			assert_string_not_equal(a, b);
		}
	}
	muxd_stop(muxd);
}

static void
records_can_be_switched_off(void **state)
{
	struct muxd *muxd = start_echo("access = false");
	int fd = client_connect(muxd_address(muxd, "echo", 0));

	(void)state;
	client_echo(fd, "12345");
	client_close(fd);
	muxd_stop(muxd);
	assert_int_equal(muxd_count_log(muxd, "msg=\"session ended\""), 0);
	muxd_wait_log(muxd, "msg=summary", "sessions=1", "client_closed=1");
}

static void
level_leaves_out_what_is_below_it(void **state)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();
	struct muxd *muxd = muxd_new();
	int fd;

	(void)state;
	muxd_configure(muxd,
	    "workers = 1\n"
	    "log { target = \"stderr\" level = \"error\" }\n"
	    "service \"echo\" {\n"
	    "  listen = { \"unix:@DIR@/s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	muxd_launch(muxd);
	/* No line tells that it is ready: ask its socket. */
	do {
		assert_true(test_now_ms() < deadline);
		fd = client_try_connect(
		    test_format("unix:%s/s", muxd->dir), NULL);
	} while (fd == -1);
	client_echo(fd, "hello\n");
	client_close(fd);
	muxd_stop(muxd);
	assert_string_equal(muxd_output(muxd), "");
}

/* The records as a reader of JSON has them. */
static void
json_has_one_object_a_line(void **state)
{
	struct muxd *muxd = muxd_new();
	char *line, *text;
	json_error_t error;
	size_t sessions = 0;
	json_t *record;

	(void)state;
	/* fault 52 */
	muxd_configure(muxd,
	    "workers = 1\n"
	    "log { target = \"stderr\" format = \"json\" level = \"debug\" }\n"
	    "service \"echo\" {\n"
	    "  listen = { \"unix:@DIR@/s\\x1b[1m \\\"\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	muxd_launch(muxd);
	muxd_wait_log(muxd, "*\"msg\":\"ready\"*");
	client_visit(
	    test_format("unix:%s/s\x1b[1m \"", muxd->dir), NULL, "hello\n");
	muxd_stop(muxd);
	text = test_format("%s", muxd_output(muxd));
	while ((line = strsep(&text, "\n")) != NULL) {
		/* Before there is a monitor the master writes for people. */
		if (*line == '\0' || strncmp(line, "time=", 5) == 0)
			continue;
		record = json_loads(line, JSON_REJECT_DUPLICATES, &error);
		if (record == NULL)
			test_fail("%s: %s", error.text, line);
		assert_true(json_is_string(json_object_get(record, "time")));
		assert_true(json_is_string(json_object_get(record, "msg")));
		if (json_object_get(record, "bytes_in") != NULL &&
		    json_object_get(record, "session") != NULL) {
			sessions++;
			assert_int_equal(json_integer_value(json_object_get(
					     record, "bytes_in")),
			    6);
			assert_string_equal(json_string_value(json_object_get(
						record, "listener")),
			    test_format("unix:%s/s\x1b[1m \"", muxd->dir));
			assert_string_equal(json_string_value(json_object_get(
						record, "reason")),
			    "client_closed");
		}
		json_decref(record);
	}
	assert_int_equal(sessions, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(record_tells_all_about_a_session),
		system_test(reset_is_told_from_an_end),
		system_test(unix_client_has_a_record_without_an_address),
		system_test(sessions_have_numbers_of_their_own),
		system_test(records_can_be_switched_off),
		system_test(level_leaves_out_what_is_below_it),
		system_test(json_has_one_object_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
