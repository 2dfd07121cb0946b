/*
 * time (RFC 868) as its clients see it.
 */
#include <arpa/inet.h>

#include <string.h>
#include <time.h>

#include "backends.h"
#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
start_time(void)
{
	return muxd_start("workers = 1\n"
			  "service \"time\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\","
			  "    \"unix:@DIR@/time.sock\" }\n"
			  "  handler = \"time\"\n"
			  "}\n");
}

static void
expect_time_number(const unsigned char data[4], int64_t before, int64_t after)
{
	uint32_t number;

	memcpy(&number, data, sizeof(number));
	/* 2208988800 corresponds to 00:00 1 Jan 1970 GMT, says the RFC. */
	number = ntohl(number) - 2208988800U;
	assert_in_range(number, before, after);
}

static void
tells_the_seconds_since_1900_and_ends(void **state)
{
	struct muxd *muxd = start_time();
	size_t i, len;

	(void)state;
	for (i = 0; i < 3; i += 2) {
		int64_t before = test_wall_s();
		int fd = client_connect(muxd_address(muxd, "time", i));
		char *data = client_read_all(fd, &len);

		assert_int_equal(len, 4);
		expect_time_number(
		    (unsigned char *)data, before, test_wall_s());
		client_close(fd);
	}
	muxd_stop(muxd);
}

static void
answers_a_datagram_that_is_as_long(void **state)
{
	struct muxd *muxd = start_time();
	int fd = client_connect(muxd_address(muxd, "time", 1));
	unsigned char data[16];
	int64_t before = test_wall_s();

	(void)state;
	client_send_text(fd, "1");
	client_send_text(fd, "four");
	assert_int_equal(client_receive(fd, data, sizeof(data)), 4);
	expect_time_number(data, before, test_wall_s());
	assert_int_equal(client_peek(fd), CLIENT_SILENT);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(tells_the_seconds_since_1900_and_ends),
		system_test(answers_a_datagram_that_is_as_long),
	};

	return run_under_each_backend(tests);
}
