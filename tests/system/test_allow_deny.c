/*
 * Who may come in, by address.
 */
#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
start_echo(const char *lists)
{
	return muxd_start("workers = 1\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\","
			  "    \"unix:@DIR@/s\" }\n"
			  "  handler = \"echo\"\n"
			  "  %s\n"
			  "}\n",
	    lists);
}

static void
expect_welcome(struct muxd *muxd, const char *source)
{
	int tcp = client_connect_from(muxd_address(muxd, "echo", 0), source);
	int udp = client_connect_from(muxd_address(muxd, "echo", 1), source);
	char byte;

	client_echo(tcp, "let me in\n");
	client_close(tcp);
	client_send_text(udp, "x");
	assert_int_equal(client_receive(udp, &byte, 1), 1);
	client_close(udp);
}

static void
expect_refusal(struct muxd *muxd, const char *source)
{
	int udp = client_connect_from(muxd_address(muxd, "echo", 1), source);

	client_expect_refused(muxd_address(muxd, "echo", 0), source);
	client_send_text(udp, "x");
	/* Behind it in the queue of the same socket. */
	expect_welcome(muxd, "127.0.0.1");
	assert_int_equal(client_peek(udp), CLIENT_SILENT);
	client_close(udp);
}

static void
denied_sources_stay_outside(void **state)
{
	struct muxd *muxd =
	    start_echo("deny = { \"127.0.0.2\", \"127.1.0.0/16\" }");

	(void)state;
	expect_refusal(muxd, "127.0.0.2");
	expect_refusal(muxd, "127.1.2.3");
	expect_welcome(muxd, "127.0.0.3");
	expect_welcome(muxd, "127.2.0.1");
	muxd_wait_log(muxd, "msg=\"client refused\"", "reason=denied",
	    "by=muxd", "service=echo");
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "denied=2", "datagrams_denied=2");
}

static void
only_allowed_sources_come_in(void **state)
{
	struct muxd *muxd =
	    start_echo("allow = { \"127.0.0.1\", \"127.0.1.0/24\" } "
		       "deny = { \"127.0.1.128/25\" }");

	(void)state;
	expect_welcome(muxd, "127.0.0.1");
	expect_welcome(muxd, "127.0.1.5");
	expect_refusal(muxd, "127.0.0.2");
	/* deny comes before allow. */
	expect_refusal(muxd, "127.0.1.200");
	/* Who comes over a UNIX socket has no address; the file's mode and
	 * owner say who may. */
	client_visit(muxd_address(muxd, "echo", 2), NULL, "local\n");
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(denied_sources_stay_outside),
		system_test(only_allowed_sources_come_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
