/*
 * Sessions that last too long, are silent too long, or never speak.
 */
#include <string.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
start_echo(const char *options)
{
	return muxd_start("workers = 1\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"unix:@DIR@/s\" }\n"
			  "  handler = \"echo\"\n"
			  "  %s\n"
			  "}\n",
	    options);
}

static void
silent_session_ends_at_the_idle_timeout(void **state)
{
	struct muxd *muxd = start_echo("idle_timeout = \"300ms\"");
	const char *line;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		int fd = client_connect(muxd_address(muxd, "echo", i));

		client_echo(fd, "hello\n");
		client_expect_eof(fd);
		line = muxd_wait_logs(muxd, i + 1, "msg=\"session ended\"",
		    "reason=idle_timeout", "by=muxd", "bytes_in=6");
		assert_true(log_number(line, "duration_ms") >= 300);
	}
	muxd_stop(muxd);
}

/* Speak for longer than the time-out, at intervals well below it.  False if
 * this process was held up so long that muxd may have been right to end it. */
static bool
speak_on(int fd, int64_t total_ms, int64_t timeout_ms)
{
	int64_t begun = test_now_ms(), last = begun, now;

	while (last - begun < total_ms) {
		if (client_try_echo(fd, "x") != CLIENT_DATA)
			return test_now_ms() - last < timeout_ms / 2;
		now = test_now_ms();
		if (now - last >= timeout_ms / 2)
			return false;
		last = now;
		(void)client_stays_silent(fd, (int)(timeout_ms / 20));
	}
	return true;
}

static void
session_that_speaks_outlives_the_idle_timeout(void **state)
{
	struct muxd *muxd = start_echo("idle_timeout = \"600ms\"");
	const char *line;
	int fd;

	(void)state;
	do
		fd = client_connect(muxd_address(muxd, "echo", 0));
	while (!speak_on(fd, 1500, 600));
	client_echo(fd, "last words\n");
	client_expect_eof(fd);
	line = muxd_wait_log(muxd, "msg=\"session ended\"",
	    test_format("client=%s", address_of(fd)), "reason=idle_timeout");
	assert_true(log_number(line, "duration_ms") >= 2100);
	muxd_stop(muxd);
}

static void
client_that_never_speaks_ends_at_the_first_byte_timeout(void **state)
{
	struct muxd *muxd = start_echo("first_byte_timeout = \"300ms\"");
	int mute = client_connect(muxd_address(muxd, "echo", 0));
	int speaks = client_connect(muxd_address(muxd, "echo", 0));

	(void)state;
	client_echo(speaks, "hello\n");
	client_expect_eof(mute);
	muxd_wait_log(muxd, "msg=\"session ended\"",
	    test_format("client=%s", address_of(mute)),
	    "reason=first_byte_timeout", "by=muxd", "bytes_in=0");
	client_echo(speaks, "I am still here\n");
	client_close(speaks);
	muxd_stop(muxd);
}

static void
busy_session_ends_at_its_lifetime(void **state)
{
	struct muxd *muxd = start_echo("lifetime = \"500ms\"");
	int fd = client_connect(muxd_address(muxd, "echo", 0));
	const char *line;
	unsigned rounds = 0;

	(void)state;
	while (client_try_echo(fd, "x") == CLIENT_DATA)
		rounds++;
	assert_true(rounds > 0);
	line = muxd_wait_log(
	    muxd, "msg=\"session ended\"", "reason=lifetime", "by=muxd");
	assert_true(log_number(line, "duration_ms") >= 500);
	muxd_stop(muxd);
}

/* A client that does not read its answers is silent too. */
static void
client_that_does_not_read_ends_at_the_idle_timeout(void **state)
{
	struct muxd *muxd = muxd_start("workers = 1\n"
				       "service \"chargen\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"chargen\"\n"
				       "  idle_timeout = \"300ms\"\n"
				       "}\n");
	int fd = client_connect(muxd_address(muxd, "chargen", 0));

	(void)state;
	muxd_wait_log(
	    muxd, "msg=\"session ended\"", "reason=idle_timeout", "by=muxd");
	client_close(fd);
	muxd_stop(muxd);
}

static void
defaults_hold_for_all_services(void **state)
{
	struct muxd *muxd = muxd_start("workers = 1\n"
				       "defaults { idle_timeout = \"300ms\" }\n"
				       "service \"short\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n"
				       "service \"long\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "  idle_timeout = \"1h\"\n"
				       "}\n");
	int longer = client_connect(muxd_address(muxd, "long", 0));
	int shorter = client_connect(muxd_address(muxd, "short", 0));

	(void)state;
	client_expect_eof(shorter);
	client_echo(longer, "still here\n");
	client_close(longer);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(silent_session_ends_at_the_idle_timeout),
		system_test(session_that_speaks_outlives_the_idle_timeout),
		system_test(
		    client_that_never_speaks_ends_at_the_first_byte_timeout),
		system_test(busy_session_ends_at_its_lifetime),
		system_test(client_that_does_not_read_ends_at_the_idle_timeout),
		system_test(defaults_hold_for_all_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
