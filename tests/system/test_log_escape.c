/*
 * Whatever comes from outside, a log stays one record a line, without a
 * control character.
 */
#include <sys/socket.h>

#include <string.h>

#include "client.h"
#include "harness.h"
#include "records.h"

static const char hostile[] =
    "GET /\x1b[2J\x1b]0;owned\x07 HTTP/1.1\r\nHost: \x1b[31m\r\n"
    "level=error msg=\"forged\" \xff\xfe\x80 \x7f %s%n\r\n\r\n";

/* The name of a socket file is the one text of a record that can have such
 * bytes today. */
#define HOSTILE_NAME "\x1b[31m\nforged=1 \x07\xff"

static void
expect_clean(struct muxd *muxd)
{
	const unsigned char *at = (const unsigned char *)muxd_output(muxd);

	for (; *at != '\0'; at++)
		if ((*at < 0x20 && *at != '\n') || *at >= 0x7f)
			test_fail("the byte %#x is in the log", *at);
	assert_null(strstr(muxd_output(muxd), "\nforged"));
	assert_null(strstr(muxd_output(muxd), "msg=\"forged"));
}

/* Say the worst to a service and leave. */
static void
offend(const char *address)
{
	int fd = client_connect(address);

	client_send(fd, hostile, sizeof(hostile) - 1);
	if (strncmp(address, "udp:", 4) != 0) {
		client_half_close(fd);
		(void)client_wait_end(fd);
	}
	client_close(fd);
}

/* fault 52 */
static void
hostile_bytes_never_reach_the_log_raw(void **state)
{
	static const char *const formats[] = { "logfmt", "json" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct muxd *muxd = muxd_new();

		muxd_configure(muxd,
		    "workers = 1\n"
		    "log { target = \"stderr\" level = \"debug\" "
		    "format = \"%s\" }\n"
		    "service \"echo\" {\n"
		    "  listen = { \"unix:@DIR@/echo\" }\n"
		    "  handler = \"echo\"\n"
		    "  echo { prefix = \"> \" }\n"
		    "}\n"
		    "service \"http\" {\n"
		    "  listen = { \"unix:@DIR@/http\" }\n"
		    "  handler = \"http\"\n"
		    "}\n"
		    "service \"discard\" {\n"
		    "  listen = { \"unix:@DIR@/" HOSTILE_NAME "\" }\n"
		    "  handler = \"discard\"\n"
		    "}\n",
		    formats[i]);
		muxd_launch(muxd);
		muxd_wait_log(muxd, i == 0 ? "msg=ready" : "*ready*");
		offend(test_format("unix:%s/echo", muxd->dir));
		offend(test_format("unix:%s/http", muxd->dir));
		offend(test_format("unix:%s/" HOSTILE_NAME, muxd->dir));
		muxd_stop(muxd);
		expect_clean(muxd);
		/* The name is there all the same, once for the listener and
		 * once for its session. */
		muxd_wait_logs(muxd, 2, "*\\u001b[31m\\nforged=1*");
	}
}

/* The text of a configuration is no better: a terminal shows the errors. */
static void
hostile_configuration_never_reaches_the_terminal_raw(void **state)
{
	struct muxd *muxd = muxd_new();
	struct muxd_result result;
	const char *at;

	(void)state;
	muxd_write_file(muxd, "muxd.conf",
	    "wor\x1b[31mkers = 1\n"
	    "service \"\x1b]0;owned\x07\" {\n"
	    "  listen = { \"127.0.0.1:\x1b[2J\" }\n"
	    "  handler = \"e\x1b"
	    "cho\"\n"
	    "}\n");
	result =
	    muxd_run(muxd, "-t", "-c", test_format("%s/muxd.conf", muxd->dir));
	assert_int_equal(result.status, 1);
	for (at = result.err; *at != '\0'; at++)
		assert_true((unsigned char)*at >= 0x20 || *at == '\n');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(hostile_bytes_never_reach_the_log_raw),
		system_test(
		    hostile_configuration_never_reaches_the_terminal_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
