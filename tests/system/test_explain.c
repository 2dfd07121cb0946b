/*
 * muxctl explain: what has become of a client, and what would become of one.
 */
#include <signal.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "records.h"
#include "server.h"

/* Ask until the answer has the text, since records take their way. */
static const char *
explain_until(struct muxd *muxd, const char *request, const char *text)
{
	int64_t until = test_now_ms() + test_deadline_ms();
	const char *answer;

	do {
		answer = control_order(muxd, request);
		if (strstr(answer, text) != NULL)
			return answer;
	} while (test_now_ms() < until);
	test_fail("\"%s\" does not say %s, but: %s", request, text, answer);
}

static void
expect_has(const char *answer, const char *text)
{
	if (strstr(answer, text) == NULL)
		test_fail("no %s in: %s", text, answer);
}

static struct muxd *
start_relay(const char *first, const char *second, const char *options)
{
	return muxd_start("workers = 1\n" /* line 1 */
			  "defaults { drain_timeout = \"50ms\" }\n"
			  "pool \"p\" {\n"
			  "  server \"a\" { address = \"%s\" }\n"
			  "  server \"b\" { address = \"%s\" }\n"
			  "}\n"
			  "service \"relay\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"relay\"\n"
			  "  pool = \"p\"\n"
			  "  %s\n" /* line 11 */
			  "}\n",
	    first, second, options);
}

static struct muxd *
start_echo(const char *log, const char *options)
{
	return muxd_start("log { target = \"stderr\" %s }\n" /* line 1 */
			  "workers = 1 defaults { drain_timeout = \"50ms\" }\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "  %s\n" /* line 6 */
			  "}\n",
	    log, options);
}

static int
enter(struct muxd *muxd, const char *service, const char *source)
{
	return client_connect_from(muxd_address(muxd, service, 0), source);
}

static void
reset_session_tells_its_server_its_attempts_and_tcp(void **state)
{
	int listener = server_listen("127.0.0.1:0"), fd, served;
	struct muxd *muxd =
	    start_relay(server_absent(), address_of(listener), "");
	const char *answer;

	(void)state;
	fd = enter(muxd, "relay", "127.0.0.2");
	served = server_accept(listener);
	client_send_text(fd, "hello");
	client_expect_text(served, "hello");
	client_reset(fd);
	answer = explain_until(muxd, "explain 127.0.0.2", "client_reset");
	expect_has(answer, "\"kind\":\"session\"");
	expect_has(answer, "\"service\":\"relay\"");
	expect_has(answer, "\"server\":\"p/b\"");
	expect_has(answer, "\"attempts\":2");
	expect_has(answer, "\"failures\":\"p/a: Connection refused\"");
	expect_has(answer, "\"bytes_in\":5");
	expect_has(answer, "\"reason_text\":\"the client reset");
	expect_has(answer, "\"by\":\"client\"");
	expect_has(answer, "\"balance\":\"round_robin\"");
	/* Of two servers one was tried before. */
	expect_has(answer, "\"members\":2,\"usable\":1");
#ifdef __linux__
	expect_has(answer, "\"tcp\":{\"client\":{\"rtt_us\":");
	expect_has(answer, "\"server\":{\"rtt_us\":");
#endif
	muxd_stop(muxd);
}

static void
live_session_is_told(void **state)
{
	struct muxd *muxd = start_echo("", "");
	int fd = enter(muxd, "echo", "127.0.0.2");
	const char *answer;

	(void)state;
	client_echo(fd, "hello\n");
	answer = control_order(muxd, "explain 127.0.0.0/8");
	expect_has(answer, "\"kind\":\"live\"");
	expect_has(answer, "\"client\":\"127.0.0.2:");
	assert_null(strstr(control_order(muxd, "explain 127.0.0.3"), "kind"));
	muxd_stop(muxd);
}

static void
refused_clients_are_told_the_rule_or_limit_and_its_line(void **state)
{
	struct muxd *muxd = start_echo("",
	    "deny = { \"127.0.0.2\" } limit { connections = 1"
	    " when_full = \"refuse\" }");
	const char *answer;
	int fd;

	(void)state;
	client_expect_refused(muxd_address(muxd, "echo", 0), "127.0.0.2");
	answer = explain_until(muxd, "explain 127.0.0.2", "\"refusal\"");
	expect_has(answer, "\"reason\":\"denied\"");
	expect_has(answer, "\"rule\":\"deny\",\"prefix\":\"127.0.0.2/32\"");
	expect_has(answer, "muxd.conf\",\"line\":6");
	fd = enter(muxd, "echo", "127.0.0.3");
	client_echo(fd, "hello\n");
	client_expect_refused(muxd_address(muxd, "echo", 0), "127.0.0.4");
	answer = explain_until(muxd, "explain 127.0.0.4", "service_full");
	expect_has(answer,
	    "\"limit\":{\"max\":\"1\",\"option\":"
	    "\"service.limit.connections\"");
	expect_has(answer, "muxd.conf\",\"line\":6");
	(void)control_order(muxd, "ban 127.0.0.5/32");
	client_expect_refused(muxd_address(muxd, "echo", 0), "127.0.0.5");
	answer = explain_until(muxd, "explain 127.0.0.5", "banned");
	expect_has(answer, "\"rule\":\"ban\",\"prefix\":\"127.0.0.5/32\"");
	muxd_stop(muxd);
}

static void
time_out_is_told_with_the_line_that_sets_it(void **state)
{
	struct muxd *muxd = start_echo("", "idle_timeout = \"50ms\"");
	int fd = enter(muxd, "echo", "127.0.0.2");
	const char *answer;

	(void)state;
	(void)client_wait_end(fd);
	answer = explain_until(muxd, "explain 127.0.0.2", "idle_timeout");
	expect_has(answer,
	    "\"setting\":{\"option\":\"service.idle_timeout\",\"value\":"
	    "\"\\\"50ms\\\"\"");
	expect_has(answer, "muxd.conf\",\"line\":6");
	muxd_stop(muxd);
}

static void
expect_waited(const char *answer, const char *what)
{
	const char *at = strstr(answer, what);

	if (at == NULL || strncmp(at + strlen(what), "0", 1) == 0)
		test_fail("no wait after %s in: %s", what, answer);
}

static void
waits_for_a_limit_and_for_a_server_are_told(void **state)
{
	int a = server_listen("127.0.0.1:0"), b = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_relay(address_of(a), address_of(b),
	    "limit { connections = 2 wait_timeout = \"1m\" }");
	int first, second, third;

	(void)state;
	(void)control_order(muxd, "disable p/b");
	(void)control_order(muxd, "set max-connections p/a 1");
	first = enter(muxd, "relay", "127.0.0.2");
	client_adopt(server_accept(a));
	second = enter(muxd, "relay", "127.0.0.3"); /* for a server */
	(void)explain_until(muxd, "explain 127.0.0.3", "\"phase\":\"queued\"");
	third = enter(muxd, "relay", "127.0.0.4"); /* for a limit */
	(void)explain_until(muxd, "show services", "\"waited\":1");
	assert_true(client_stays_silent(third, 20));
	client_reset(first);
	client_adopt(server_accept(a));
	client_reset(second);
	expect_waited(
	    explain_until(muxd, "explain 127.0.0.3", "\"kind\":\"session\""),
	    "\"server_ms\":");
	client_adopt(server_accept(a));
	client_reset(third);
	expect_waited(
	    explain_until(muxd, "explain 127.0.0.4", "\"kind\":\"session\""),
	    "\"limit_ms\":");
	muxd_stop(muxd);
}

/* What the log does not want is remembered all the same, and not written. */
static void
without_an_access_log_it_is_remembered(void **state)
{
	struct muxd *muxd = start_echo("access = false", "");

	(void)state;
	client_visit(muxd_address(muxd, "echo", 0), "127.0.0.2", "hello\n");
	(void)explain_until(
	    muxd, "explain 127.0.0.2", "\"reason\":\"client_closed\"");
	assert_int_equal(muxd_count_log(muxd, "msg=\"session ended\""), 0);
	muxd_stop(muxd);
}

static void
what_is_not_to_be_remembered_is_not(void **state)
{
	struct muxd *muxd = start_echo("remember = false", "");
	const char *answer;

	(void)state;
	client_visit(muxd_address(muxd, "echo", 0), "127.0.0.2", "hello\n");
	muxd_wait_log(muxd, "msg=\"session ended\"");
	answer = control_order(muxd, "explain 127.0.0.2");
	expect_has(answer, "\"remembers\":false");
	assert_null(strstr(answer, "client_closed"));
	muxd_stop(muxd);
}

static void
client_behind_a_proxy_is_found_by_its_own_address(void **state)
{
	struct muxd *muxd =
	    start_echo("", "accept_proxy = { \"127.0.0.0/8\" }");
	int fd = enter(muxd, "echo", "127.0.0.1");
	const char *answer;

	(void)state;
	client_send_text(
	    fd, "PROXY TCP4 192.0.2.1 192.0.2.2 1001 1002\r\nhello\n");
	client_expect_text(fd, "hello\n");
	client_close(fd);
	answer = explain_until(muxd, "explain 192.0.2.1", "client_closed");
	expect_has(answer, "\"client\":\"192.0.2.1:1001\"");
	expect_has(answer, "\"peer\":\"127.0.0.1:");
	muxd_stop(muxd);
}

/* The answer comes, and says that; the master goes on. */
static void
monitor_that_is_stopped_makes_nobody_wait(void **state)
{
	struct muxd *muxd = start_echo("", "");
	int fd = enter(muxd, "echo", "127.0.0.2");
	pid_t monitor = muxd_monitor(muxd);
	int asked = control_connect(muxd);

	(void)state;
	client_echo(fd, "hello\n");
	assert_int_equal(kill(monitor, SIGSTOP), 0);
	client_send_text(asked, "explain 127.0.0.2\n");
	/* Others are served meanwhile. */
	expect_has(control_order(muxd, "status"), "\"ok\":true");
	control_expect_refused(muxd, "explain 127.0.0.2", "does not answer");
	expect_has(control_answer(asked), "\"kind\":\"live\"");
	assert_int_equal(kill(monitor, SIGCONT), 0);
	client_close(fd);
	(void)explain_until(muxd, "explain 127.0.0.2", "client_closed");
	muxd_stop(muxd);
}

/* ---- what would be ---- */

static void
trial_tells_the_server_and_takes_no_turn(void **state)
{
	int a = server_listen("127.0.0.1:0"), b = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_relay(
	    address_of(a), address_of(b), "limit { connections = 5 }");
	const char *request = "explain --try src=127.0.0.2 service=relay";
	const char *answer, *turn;
	int i;

	(void)state;
	/* Until the worker's heart has beaten. */
	(void)explain_until(muxd, request, "\"notes\":[]");
	for (i = 0; i < 5; i++) {
		answer = control_order(muxd, request);
		expect_has(answer, "\"verdict\":\"served\"");
		turn = strstr(answer, "it is sent to p/");
		assert_non_null(turn);
		/* A trial changes nothing. */
		assert_string_equal(answer, control_order(muxd, request));
		(void)enter(muxd, "relay", "127.0.0.2");
		client_adopt(server_accept(turn[16] == 'a' ? a : b));
		expect_has(control_order(muxd, request),
		    test_format("\"held\":%d,\"max\":\"5\"", i + 1));
	}
	answer = control_order(muxd, request);
	expect_has(answer, "\"verdict\":\"waits\"");
	expect_has(answer, "\"reason\":\"service_full\"");
	expect_has(answer, "muxd.conf\",\"line\":11,\"held\":5");
	muxd_stop(muxd);
}

static void
trial_tells_who_is_kept_out(void **state)
{
	struct muxd *muxd = start_echo("",
	    "allow = { \"127.0.0.0/8\" } limit { rate = \"1/h\""
	    " when_full = \"refuse\" }");
	const char *answer;

	(void)state;
	answer =
	    control_order(muxd, "explain --try service=echo src=192.0.2.1");
	expect_has(answer, "\"verdict\":\"refused\"");
	expect_has(answer, "\"rule\":\"allow\"");
	expect_has(answer, "muxd.conf\",\"line\":6");
	(void)control_order(muxd, "ban 127.0.0.3/32");
	expect_has(
	    control_order(muxd, "explain --try service=echo src=127.0.0.3"),
	    "\"reason\":\"banned\"");
	answer =
	    control_order(muxd, "explain --try service=echo src=127.0.0.2");
	expect_has(answer, "\"verdict\":\"served\"");
	expect_has(answer, "\"held\":0,\"max\":\"1/h\"");
	client_visit(muxd_address(muxd, "echo", 0), "127.0.0.2", "hello\n");
	answer =
	    control_order(muxd, "explain --try service=echo src=127.0.0.2");
	expect_has(answer, "\"reason\":\"service_rate\"");
	control_expect_refused(
	    muxd, "explain --try service=x src=127.0.0.2", "no service");
	control_expect_refused(
	    muxd, "explain --try service=echo src=127.0.0.0/8", "address");
	muxd_stop(muxd);
}

static void
trial_tells_a_pool_that_cannot_serve(void **state)
{
	int a = server_listen("127.0.0.1:0"), b = server_listen("127.0.0.1:0");
	struct muxd *muxd = start_relay(address_of(a), address_of(b), "");
	const char *request = "explain --try src=127.0.0.2 service=relay";

	(void)state;
	(void)control_order(muxd, "drain p/a");
	expect_has(control_order(muxd, request), "it is sent to p/b");
	expect_has(control_order(muxd, request), "\"status\":\"draining\"");
	(void)control_order(muxd, "disable p/b");
	expect_has(control_order(muxd, request), "\"reason\":\"no_server\"");
	(void)control_order(muxd, "enable p/b");
	(void)control_order(muxd, "set max-connections p/b 1");
	(void)enter(muxd, "relay", "127.0.0.2");
	client_adopt(server_accept(b));
	expect_has(control_order(muxd, request), "\"verdict\":\"queued\"");
	muxd_stop(muxd);
}

/* In words, for people. */
static void
muxctl_says_it_in_words(void **state)
{
	struct muxd *muxd = start_echo("", "deny = { \"127.0.0.2\" }");
	struct muxd_result result;

	(void)state;
	client_expect_refused(muxd_address(muxd, "echo", 0), "127.0.0.2");
	(void)explain_until(muxd, "explain 127.0.0.2", "denied");
	result = muxctl_run(muxd, "explain", "127.0.0.2");
	assert_int_equal(result.status, 0);
	expect_has(result.out, "denied, by muxd: the client's address");
	expect_has(result.out, "deny 127.0.0.2/32 (");
	expect_has(result.out, "muxd.conf:6)");
	result = muxctl_run(
	    muxd, "explain", "--try", "src=127.0.0.2", "service=echo");
	assert_int_equal(result.status, 0);
	expect_has(result.out, "127.0.0.2 to echo: refused, ");
	result = muxctl_run(muxd, "explain", "--try", "src=127.0.0.2");
	assert_int_equal(result.status, 2);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(
		    reset_session_tells_its_server_its_attempts_and_tcp),
		system_test(live_session_is_told),
		system_test(
		    refused_clients_are_told_the_rule_or_limit_and_its_line),
		system_test(time_out_is_told_with_the_line_that_sets_it),
		system_test(waits_for_a_limit_and_for_a_server_are_told),
		system_test(without_an_access_log_it_is_remembered),
		system_test(what_is_not_to_be_remembered_is_not),
		system_test(client_behind_a_proxy_is_found_by_its_own_address),
		system_test(monitor_that_is_stopped_makes_nobody_wait),
		system_test(trial_tells_the_server_and_takes_no_turn),
		system_test(trial_tells_who_is_kept_out),
		system_test(trial_tells_a_pool_that_cannot_serve),
		system_test(muxctl_says_it_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
