/*
 * The status page, metrics and the API, as scrapers and browsers see them.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "server.h"
#include "status.h"

static struct muxd *
start(const char *options)
{
	return muxd_start("workers = 2\n"
			  "status { listen = \"127.0.0.1:0\" %s }\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "  limit { connections = 3 when_full = \"refuse\" }\n"
			  "}\n",
	    options);
}

static void
expect_code(struct muxd *muxd, const char *request, const char *code)
{
	char *answer = status_exchange(muxd, request);

	if (strncmp(answer, "HTTP/1.1 ", 9) != 0 ||
	    strncmp(answer + 9, code, 3) != 0)
		test_fail("%s instead of %s after %s", answer, code, request);
}

static void
counters_are_right_after_known_traffic(void **state)
{
	struct muxd *muxd = start("");
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[3];
	size_t i;

	(void)state;
	for (i = 0; i < 20; i++)
		client_visit(address, NULL, "hello");
	status_wait_metric(muxd, "muxd_live_sessions", 0);
	for (i = 0; i < 3; i++) {
		fds[i] = client_connect(address);
		client_echo(fds[i], "0123456789");
	}
	for (i = 0; i < 2; i++)
		client_expect_refused(address, NULL);
	status_wait_metric(muxd, "muxd_accepted_total{service=\"echo\"}", 25);
	assert_true(
	    status_metric(muxd, "muxd_sessions_total{service=\"echo\"}") == 23);
	assert_true(status_metric(muxd,
			"muxd_service_connections{service=\"echo\"}") == 3);
	assert_true(
	    status_metric(
		muxd, "muxd_service_connections_limit{service=\"echo\"}") == 3);
	assert_true(status_metric(muxd,
			"muxd_closes_total{service=\"echo\","
			"reason=\"service_full\",by=\"muxd\"}") == 2);
	assert_true(status_metric(muxd,
			"muxd_closes_total{service=\"echo\","
			"reason=\"client_closed\",by=\"client\"}") == 20);
	for (i = 0; i < 3; i++)
		client_close(fds[i]);
	/* Bytes are counted no later than with the end. */
	status_wait_metric(muxd, "muxd_live_sessions", 0);
	assert_true(status_metric(muxd,
			"muxd_received_bytes_total{service=\"echo\"}") == 130);
	assert_true(status_metric(muxd,
			"muxd_sent_bytes_total{service=\"echo\"}") == 130);
	assert_true(status_metric(muxd, "muxd_worker_up{worker=\"0\"}") == 1);
	assert_true(status_metric(muxd, "muxd_worker_up{worker=\"1\"}") == 1);
	muxd_stop(muxd);
}

static void
health_of_a_server_is_seen(void **state)
{
	int server = server_listen("127.0.0.1:0");
	struct muxd *muxd = muxd_start(
	    "workers = 1\n"
	    "status { listen = \"127.0.0.1:0\" }\n"
	    "service \"www\" { listen = \"127.0.0.1:0\" handler = relay\n"
	    "  pool = p }\n"
	    "pool \"p\" { server \"a\" { address = \"%s\" }\n"
	    "  check { type = tcp interval = 20ms fall = 1 rise = 1 } }\n",
	    address_of(server));
	char *body;

	(void)state;
	status_wait_metric(
	    muxd, "muxd_server_up{pool=\"p\",server=\"a\",place=\"0\"}", 1);
	client_close(server);
	status_wait_metric(
	    muxd, "muxd_server_up{pool=\"p\",server=\"a\",place=\"0\"}", 0);
	assert_int_equal(status_get(muxd, "/api/pools", &body), 200);
	assert_non_null(strstr(body, "\"status\":\"down\""));
	/* The daemon itself is well. */
	assert_int_equal(status_get(muxd, "/healthz", &body), 200);
	assert_string_equal(body, "ok\n");
	assert_int_equal(status_get(muxd, "/api/status", &body), 200);
	assert_non_null(strstr(body, "no server that could be used"));
	muxd_stop(muxd);
}

static void
session_is_listed_while_it_lives(void **state)
{
	struct muxd *muxd = start("");
	int fd = client_connect(muxd_address(muxd, "echo", 0));
	char *body;

	(void)state;
	client_echo(fd, "x");
	assert_int_equal(
	    status_get(muxd, "/api/sessions?service=echo", &body), 200);
	assert_non_null(
	    strstr(body, test_format("\"client\":\"%s\"", address_of(fd))));
	assert_int_equal(
	    status_get(muxd, "/api/sessions?service=other", &body), 200);
	assert_null(strstr(body, "\"client\""));
	client_close(fd);
	status_wait_metric(muxd, "muxd_live_sessions", 0);
	assert_int_equal(status_get(muxd, "/api/sessions", &body), 200);
	assert_null(strstr(body, "\"client\""));
	muxd_stop(muxd);
}

static void
errors_are_told_with_their_reason(void **state)
{
	struct muxd *muxd = start("");
	int fd = client_connect(muxd_address(muxd, "echo", 0));
	char *body;

	(void)state;
	client_echo(fd, "x");
	client_reset(fd);
	(void)muxd_wait_log(
	    muxd, "msg=\"session ended\"", "reason=client_reset");
	assert_int_equal(status_get(muxd, "/api/errors", &body), 200);
	assert_non_null(strstr(body, "\"reason\":\"client_reset\""));
	assert_non_null(strstr(body, "\"message\":\"session ended\""));
	muxd_stop(muxd);
}

static void
other_names_are_refused(void **state)
{
	struct muxd *muxd = start("hosts = { \"mux.example\" }");

	(void)state;
	expect_code(muxd,
	    "GET /api/status HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421");
	expect_code(
	    muxd, "GET / HTTP/1.1\r\nHost: evil.example:80\r\n\r\n", "421");
	expect_code(muxd,
	    "GET / HTTP/1.1\r\nHost: mux.example\r\n"
	    "Connection: close\r\n\r\n",
	    "200");
	expect_code(muxd,
	    "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"
	    "Connection: close\r\n\r\n",
	    "200");
	expect_code(muxd, "GET / HTTP/1.1\r\n\r\n", "400");
	muxd_stop(muxd);
}

static void
nothing_but_get_and_head_is_answered(void **state)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE",
		"OPTIONS", "TRACE", "PATCH", "get", "BREW" };
	struct muxd *muxd = start("");
	char *answer, *end;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		expect_code(muxd,
		    test_format("%s /metrics HTTP/1.1\r\nHost: localhost\r\n"
				"Content-Length: 0\r\n\r\n",
			methods[i]),
		    "405");
	expect_code(muxd,
	    "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Length: 3\r\n\r\nabc",
	    "413");
	expect_code(muxd,
	    "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	    "413");
	answer = status_exchange(muxd,
	    "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n"
	    "Connection: close\r\n\r\n");
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	end = strstr(answer, "\r\n\r\n");
	assert_non_null(end);
	assert_string_equal(end + 4, "");
	muxd_stop(muxd);
}

static void
answers_are_safe_in_a_browser(void **state)
{
	static const char *const fields[] = { "Cache-Control: no-store",
		"X-Content-Type-Options: nosniff", "X-Frame-Options: DENY",
		"Content-Security-Policy: default-src 'none'; script-src "
		"'nonce-" };
	struct muxd *muxd = start("");
	char *answer = status_exchange(muxd,
	    "GET / HTTP/1.1\r\nHost: localhost\r\n"
	    "Connection: close\r\n\r\n");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strstr(answer, test_format("\r\n%s", fields[i])) == NULL)
			test_fail("no %s in %s", fields[i], answer);
	assert_null(strstr(answer, "Access-Control-Allow-Origin"));
	muxd_stop(muxd);
}

static void
page_serves_again_after_the_monitor_died(void **state)
{
	struct muxd *muxd = start("");
	pid_t monitor;

	(void)state;
	if (!procfs_available())
		skip();
	monitor = muxd_monitor(muxd);
	assert_int_equal(status_get(muxd, "/healthz", NULL), 200);
	assert_int_equal(kill(monitor, SIGKILL), 0);
	(void)muxd_wait_log(muxd, "msg=\"monitor ended\"*");
	/* Who connects meanwhile waits in the queue. */
	assert_int_equal(status_get(muxd, "/healthz", NULL), 200);
	muxd_stop(muxd);
}

/* ---- starts that are refused ---- */

static void
expect_refused_start(
    int status, const char *listen, const char *options, const char *text)
{
	struct muxd *muxd = muxd_new();

	muxd_configure(muxd,
	    "workers = 1\n"
	    "status {\n"
	    "  %s\n"
	    "  listen = { \"%s\" }\n"
	    "}\n"
	    "service \"echo\" { listen = \"127.0.0.1:7777\" handler = echo }\n",
	    options, listen);
	muxd_launch(muxd);
	muxd_expect_failure(muxd, status, text);
	assert_non_null(strstr(muxd_output(muxd), "muxd.conf:4: "));
}

static void
taken_port_is_an_error_of_the_start(void **state)
{
	int other = server_listen("127.0.0.1:0");

	(void)state;
	expect_refused_start(
	    2, address_of(other), "", "Address already in use");
}

static void
remote_address_must_be_meant(void **state)
{
	struct muxd *muxd;

	(void)state;
	expect_refused_start(1, "0.0.0.0:0", "", "allow_remote");
	expect_refused_start(1, "192.0.2.1:80", "", "allow_remote");
	expect_refused_start(1, "127.0.0.1:7777", "", "service \"echo\"");
	muxd = muxd_start(
	    "status { listen = \"0.0.0.0:0\" allow_remote = true }\n"
	    "service \"echo\" { listen = \"127.0.0.1:0\" handler = echo }\n");
	assert_string_not_equal(status_address(muxd), "");
	muxd_stop(muxd);
}

/* A balancer that asks at once is not told to wait for its next time. */
static void
page_is_healthy_as_soon_as_muxd_is_ready(void **state)
{
	struct muxd *muxd;
	int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		muxd = start("");
		assert_int_equal(status_get(muxd, "/healthz", NULL), 200);
		muxd_stop(muxd);
	}
}

static void
without_the_section_nobody_listens(void **state)
{
	struct muxd *muxd = muxd_start(
	    "service \"echo\" { listen = \"127.0.0.1:0\" handler = echo }\n");

	(void)state;
	assert_int_equal(muxd_count_log(muxd, "msg=\"status page\""), 0);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(counters_are_right_after_known_traffic),
		system_test(health_of_a_server_is_seen),
		system_test(session_is_listed_while_it_lives),
		system_test(errors_are_told_with_their_reason),
		system_test(other_names_are_refused),
		system_test(nothing_but_get_and_head_is_answered),
		system_test(answers_are_safe_in_a_browser),
		system_test(page_serves_again_after_the_monitor_died),
		system_test(taken_port_is_an_error_of_the_start),
		system_test(remote_address_must_be_meant),
		system_test(page_is_healthy_as_soon_as_muxd_is_ready),
		system_test(without_the_section_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
