/*
 * Limits on how often clients come.
 */
#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
start_limited(const char *limit)
{
	return muxd_start(
	    "workers = 2\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "  limit { %s }\n"
	    "}\n",
	    limit);
}

/* n clients of the source come in, and the next one does not. */
static void
expect_let_in(struct muxd *muxd, const char *source, size_t n)
{
	const char *address = muxd_address(muxd, "echo", 0);
	size_t i;
	int fd;

	for (i = 0; i < n; i++) {
		fd = client_connect_from(address, source);
		client_echo(fd, "in\n");
		client_close(fd);
	}
	for (i = 0; i < 3; i++)
		client_expect_refused(address, source);
}

static void
each_source_has_its_own_rate(void **state)
{
	struct muxd *muxd = start_limited("source_rate = \"5/h\"");

	(void)state;
	expect_let_in(muxd, "127.0.0.2", 5);
	expect_let_in(muxd, "127.0.0.3", 5);
	expect_let_in(muxd, "127.0.0.2", 0);
	muxd_wait_log(
	    muxd, "msg=\"client refused\"", "reason=source_rate", "by=muxd");
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "sessions=10", "source_rate=9");
}

static void
rate_of_a_service_refuses(void **state)
{
	struct muxd *muxd =
	    start_limited("rate = \"7/h\" when_full = \"refuse\"");

	(void)state;
	expect_let_in(muxd, "127.0.0.2", 7);
	expect_let_in(muxd, "127.0.0.3", 0);
	muxd_wait_log(muxd, "msg=\"client refused\"", "reason=service_rate");
	muxd_stop(muxd);
}

static void
rate_of_a_service_makes_clients_wait(void **state)
{
	struct muxd *muxd = start_limited(
	    "rate = \"20/s\" when_full = \"wait\" wait_timeout = \"1h\"");
	int fds[50];
	size_t i;

	(void)state;
	for (i = 0; i < 50; i++) {
		fds[i] = client_connect(muxd_address(muxd, "echo", 0));
		client_send_text(fds[i], "no hurry\n");
	}
	for (i = 0; i < 50; i++) {
		client_expect_text(fds[i], "no hurry\n");
		client_close(fds[i]);
	}
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "sessions=50");
}

/* fault 67: a flood of datagrams is limited. */
static void
datagrams_of_a_source_are_limited(void **state)
{
	struct muxd *muxd = start_limited("source_datagram_rate = \"5/h\"");
	const char *address = muxd_address(muxd, "echo", 1);
	int flood = client_connect_from(address, "127.0.0.2");
	int other = client_connect_from(address, "127.0.0.3");
	size_t i;
	char buf[16];

	(void)state;
	for (i = 0; i < 200; i++)
		client_send_text(flood, "flood");
	for (i = 0; i < 5; i++)
		assert_int_equal(client_receive(flood, buf, sizeof(buf)), 5);
	client_send_text(other, "I");
	assert_int_equal(client_receive(other, buf, sizeof(buf)), 1);
	muxd_stop(muxd);
	assert_int_equal(client_peek(flood), CLIENT_SILENT);
	muxd_wait_log(muxd, "msg=summary", "datagrams_in=201",
	    "datagrams_out=6", "datagrams_limited=195");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(each_source_has_its_own_rate),
		system_test(rate_of_a_service_refuses),
		system_test(rate_of_a_service_makes_clients_wait),
		system_test(datagrams_of_a_source_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
