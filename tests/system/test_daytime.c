/*
 * daytime (RFC 867) as its clients see it.
 */
#include <string.h>
#include <time.h>

#include "backends.h"
#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
start_daytime(void)
{
	return muxd_start("workers = 1\n"
			  "service \"daytime\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\","
			  "    \"unix:@DIR@/daytime.sock\" }\n"
			  "  handler = \"daytime\"\n"
			  "}\n");
}

/* What time it is, as inetd writes it. */
static void
expect_time_of_day(const char *text, int64_t before, int64_t after)
{
	char want[64];
	time_t at;
	struct tm tm;
	size_t i;

	for (at = before; at <= after; at++) {
		localtime_r(&at, &tm);
		strftime(want, sizeof(want), "%d %b %Y %H:%M:%S %Z\r\n", &tm);
		for (i = 3; i < 6; i++)
			want[i] = (char)(want[i] & ~0x20);
		if (strcmp(text, want) == 0)
			return;
	}
	test_fail("not the time of day: %s", text);
}

static void
tells_the_date_and_ends(void **state)
{
	struct muxd *muxd = start_daytime();
	size_t i;

	(void)state;
	for (i = 0; i < 3; i += 2) {
		int64_t before = test_wall_s();
		int fd = client_connect(muxd_address(muxd, "daytime", i));
		char *text = client_read_all(fd, NULL);

		expect_time_of_day(text, before, test_wall_s());
		client_close(fd);
	}
	muxd_wait_logs(
	    muxd, 2, "msg=\"session ended\"", "reason=served", "by=muxd");
	muxd_stop(muxd);
}

static void
answers_a_datagram_that_is_as_long(void **state)
{
	struct muxd *muxd = start_daytime();
	int fd = client_connect(muxd_address(muxd, "daytime", 1));
	char text[64] = { 0 };
	int64_t before = test_wall_s();

	(void)state;
	client_send_text(fd, "too short");
	client_send(fd, text, sizeof(text));
	text[client_receive(fd, text, sizeof(text) - 1)] = '\0';
	expect_time_of_day(text, before, test_wall_s());
	assert_int_equal(client_peek(fd), CLIENT_SILENT);
	muxd_stop(muxd);
}

/* A client that leaves at once, and one that sends before it reads, are
 * neither errors nor resets. */
static void
answer_outlives_unread_input(void **state)
{
	struct muxd *muxd = start_daytime();
	const char *address = muxd_address(muxd, "daytime", 0);
	char *data = test_alloc(100000), *text;
	int64_t before = test_wall_s();
	int fd;

	(void)state;
	client_close(client_connect(address));
	fd = client_connect(address);
	client_send_some(fd, data, 100000);
	text = client_read_all(fd, NULL);
	expect_time_of_day(text, before, test_wall_s());
	client_close(fd);
	muxd_wait_logs(muxd, 2, "msg=\"session ended\"", "reason=served");
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(tells_the_date_and_ends),
		system_test(answers_a_datagram_that_is_as_long),
		system_test(answer_outlives_unread_input),
	};

	return run_under_each_backend(tests);
}
