/*
 * discard (RFC 863) as its clients see it.
 */
#include <string.h>

#include "backends.h"
#include "client.h"
#include "harness.h"
#include "records.h"

#define MEBIBYTE 1048576

static struct muxd *
start_discard(void)
{
	return muxd_start("workers = 1\n"
			  "service \"discard\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\","
			  "    \"unix:@DIR@/discard.sock\" }\n"
			  "  handler = \"discard\"\n"
			  "}\n");
}

static void
takes_everything_and_says_nothing(void **state)
{
	struct muxd *muxd = start_discard();
	char *data = test_alloc(MEBIBYTE);
	size_t i;

	(void)state;
	for (i = 0; i < 3; i += 2) {
		int fd = client_connect(muxd_address(muxd, "discard", i));

		client_send(fd, data, MEBIBYTE);
		client_half_close(fd);
		client_expect_eof(fd);
	}
	muxd_wait_logs(muxd, 2, "msg=\"session ended\"", "reason=client_closed",
	    "bytes_in=1048576", "bytes_out=0");
	muxd_stop(muxd);
}

static void
does_not_answer_datagrams(void **state)
{
	struct muxd *muxd = start_discard();
	int fd = client_connect(muxd_address(muxd, "discard", 1));
	const char *line;

	(void)state;
	client_send_text(fd, "nobody listens");
	muxd_stop(muxd);
	assert_int_equal(client_peek(fd), CLIENT_SILENT);
	line = muxd_wait_log(
	    muxd, "msg=summary", "service=discard", "datagrams_in=1");
	assert_false(log_has(line, "datagrams_out=*"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(takes_everything_and_says_nothing),
		system_test(does_not_answer_datagrams),
	};

	return run_under_each_backend(tests);
}
