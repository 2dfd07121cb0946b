/*
 * What holds for a client, over reloads: settings that it began with, limits
 * and lists that hold for whoever comes, counters that go on.
 */
#include "client.h"
#include "harness.h"
#include "records.h"
#include "reload.h"

/* With whatever sessions there are. */
static void
stop(struct muxd *muxd)
{
	client_close_all();
	muxd_stop(muxd);
}

static void
sessions_keep_the_settings_they_began_with(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 1\nservice \"echo\" {\n"
		       "listen = \"127.0.0.1:0\"\n"
		       "handler = \"echo\" idle_timeout = \"1h\"\n"
		       "echo { prefix = \"a\" } }\n");
	const char *address = muxd_address(muxd, "echo", 0);
	int old = client_connect(address), fd;

	(void)state;
	client_send_text(old, "1\n");
	client_expect_text(old, "a1\n");
	reload_with(muxd,
	    "workers = 1\nservice \"echo\" {\n"
	    "listen = \"127.0.0.1:0\"\n"
	    "handler = \"echo\" idle_timeout = \"200ms\"\n"
	    "echo { prefix = \"b\" } }\n");
	fd = client_connect(address);
	client_send_text(fd, "2\n");
	client_expect_text(fd, "b2\n");
	client_expect_eof(fd);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=idle_timeout");
	client_send_text(old, "3\n");
	client_expect_text(old, "a3\n");
	stop(muxd);
}

static void
limits_and_lists_hold_at_once(void **state)
{
	static const char text[] =
	    "workers = 1\nservice \"echo\" {\n"
	    "listen = \"127.0.0.1:0\" handler = \"echo\"\n"
	    "limit { connections = %u wait_timeout = \"1h\" } %s }\n";
	struct muxd *muxd = muxd_start(text, 1U, "");
	const char *address = muxd_address(muxd, "echo", 0);
	int first = client_connect(address), second, third;

	(void)state;
	client_echo(first, "first\n");
	second = client_connect(address);
	third = client_connect(address);
	client_send_text(second, "second\n");
	assert_true(client_stays_silent(second, 100));
	/* The first of the queue was accepted already, the other was not. */
	reload_with(muxd, text, 3U, "");
	client_expect_text(second, "second\n");
	client_echo(third, "third\n");
	client_echo(first, "first\n");
	reload_with(muxd, text, 3U, "deny = \"127.0.0.1\"");
	client_expect_refused(address, NULL);
	client_echo(first, "I stay\n");
	/* Those who are there count in the limit all along. */
	reload_with(muxd, text, 2U, "");
	client_close(second);
	second = client_connect(address);
	client_send_text(second, "wait\n");
	assert_true(client_stays_silent(second, 100));
	client_close(third);
	client_expect_text(second, "wait\n");
	stop(muxd);
}

/* Who waits has paid with the token of its source. */
static void
who_waits_does_not_pay_again(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 1\nservice \"echo\" {\n"
		       "listen = \"127.0.0.1:0\" handler = \"echo\"\n"
		       "limit { connections = 1 wait_timeout = \"1h\"\n"
		       "source_rate = \"2/h\" } }\n");
	int first = client_connect(muxd_address(muxd, "echo", 0)), second;

	(void)state;
	client_echo(first, "first\n");
	second = client_connect(muxd_address(muxd, "echo", 0));
	client_send_text(second, "second\n");
	assert_true(client_stays_silent(second, 100));
	reload_apply(muxd);
	assert_true(client_stays_silent(second, 100));
	client_close(first);
	client_expect_text(second, "second\n");
	stop(muxd);
}

static void
counters_go_on(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"echo\" {\n"
				       "  listen = \"127.0.0.1:0\"\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	const char *line;
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
		reload_apply(muxd);
	}
	stop(muxd);
	line = muxd_wait_log(muxd, "msg=summary", "service=echo");
	assert_int_equal(log_number(line, "sessions"), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(sessions_keep_the_settings_they_began_with),
		system_test(limits_and_lists_hold_at_once),
		system_test(who_waits_does_not_pay_again),
		system_test(counters_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
