/*
 * Datagrams that are never answered, because their source can be forged and
 * an answer would hit somebody else.
 */
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
start_udp(const char *handler)
{
	return muxd_start("workers = 1\n"
			  "service \"guarded\" {\n"
			  "  listen = { \"udp:127.0.0.1:0\" }\n"
			  "  handler = \"%s\"\n"
			  "}\n",
	    handler);
}

/* The one worker answers in the order of arrival: when somebody behind has
 * an answer, those before have had theirs. */
static int
ask_from(const char *address, const char *source)
{
	int fd = client_connect_from(address, source);
	char byte;

	client_send_text(fd, "x");
	assert_int_equal(client_receive(fd, &byte, 1), 1);
	return fd;
}

static void
expect_served(const char *address)
{
	client_close(ask_from(address, NULL));
}

/* fault 66 */
static void
privileged_port_is_not_answered(void **state)
{
	struct muxd *muxd;
	const char *address;
	char byte;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	muxd = start_udp("echo");
	address = muxd_address(muxd, "guarded", 0);
	fd = client_connect_from(address, "127.0.0.2:7");
	client_send_text(fd, "answer me, echo");
	expect_served(address);
	assert_int_equal(client_peek(fd), CLIENT_SILENT);
	client_close(fd);
	/* One above is anybody's. */
	fd = client_connect_from(address, "127.0.0.2:1024");
	client_send_text(fd, "x");
	assert_int_equal(client_receive(fd, &byte, 1), 1);
	client_close(fd);
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "datagrams_in=3", "datagrams_out=2",
	    "datagrams_guarded=1");
}

/* fault 66: as if sent by one of muxd's own services, on any address. */
static void
own_service_port_is_not_answered(void **state)
{
	struct muxd *muxd = muxd_start("workers = 1\n"
				       "service \"echo\" {\n"
				       "  listen = { \"udp:127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n"
				       "service \"chargen\" {\n"
				       "  listen = { \"udp:127.0.0.1:0\" }\n"
				       "  handler = \"chargen\"\n"
				       "}\n");
	const char *echo = muxd_address(muxd, "echo", 0);
	const char *chargen = muxd_address(muxd, "chargen", 0);
	int fd = client_connect_from(
	    echo, test_format("127.0.0.2:%u", address_port(chargen)));

	(void)state;
	client_send_text(fd, "play with your brother");
	expect_served(echo);
	assert_int_equal(client_peek(fd), CLIENT_SILENT);
	muxd_stop(muxd);
	muxd_wait_log(
	    muxd, "msg=summary", "service=echo", "datagrams_guarded=1");
}

static struct muxd *
start_limited_udp(void)
{
	return muxd_start("workers = 1\n"
			  "service \"guarded\" {\n"
			  "  listen = { \"udp:127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "  limit { source_datagram_rate = \"20/h\" }\n"
			  "}\n");
}

/* fault 66: two muxds that answer each other die out, since neither answers
 * one source faster than its limit. */
static void
two_that_echo_each_other_die_out(void **state)
{
	struct muxd *both[2];
	const char *addresses[2];
	uint64_t out;
	size_t i;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (i = 0; i < 2; i++) {
		both[i] = start_limited_udp();
		addresses[i] = muxd_address(both[i], "guarded", 0);
	}
	/* What a forger sends. */
	client_forge(addresses[0], addresses[1], "ping pong");
	/* Each has seen all that the other could answer meanwhile. */
	for (i = 0; i < 10; i++)
		client_close(ask_from(addresses[i % 2], "127.0.0.2"));
	for (i = 0; i < 2; i++) {
		muxd_stop(both[i]);
		out = (uint64_t)log_number(
		    muxd_wait_log(both[i], "msg=summary"), "datagrams_out");
		assert_in_range(out, 5 + 1, 5 + 20);
	}
}

/* fault 68 */
static void
empty_datagram_is_handled(void **state)
{
	static const char *const handlers[] = { "echo", "chargen", "daytime",
		"time", "discard" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		struct muxd *muxd = start_udp(handlers[i]);
		int fd = client_connect(muxd_address(muxd, "guarded", 0));
		char byte;

		client_send(fd, "", 0);
		client_send(fd, "", 0);
		if (strcmp(handlers[i], "echo") == 0) {
			/* RFC 862: the data received is sent back. */
			assert_int_equal(client_receive(fd, &byte, 1), 0);
			assert_int_equal(client_receive(fd, &byte, 1), 0);
			expect_served(muxd_address(muxd, "guarded", 0));
		}
		muxd_stop(muxd);
		assert_int_equal(client_peek(fd), CLIENT_SILENT);
		client_close(fd);
		muxd_wait_log(muxd, "msg=summary", "datagrams_empty=2");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(privileged_port_is_not_answered),
		system_test(own_service_port_is_not_answered),
		system_test(two_that_echo_each_other_die_out),
		system_test(empty_datagram_is_handled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
