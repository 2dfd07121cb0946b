/*
 * http as its clients see it: one fixed response, whatever they ask for.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backends.h"
#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
start_http(const char *options)
{
	return muxd_start("workers = 1\n"
			  "service \"http\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"unix:@DIR@/s\" }\n"
			  "  handler = \"http\"\n"
			  "  http { %s }\n"
			  "}\n",
	    options);
}

static int
http_connect(struct muxd *muxd)
{
	return client_connect(muxd_address(muxd, "http", 0));
}

/* Read a head with its empty line. */
static char *
read_head(int fd)
{
	char *head = test_alloc(8192);
	size_t len = 0;

	while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
		if (len == 8191)
			test_fail("no end of the head: %s", head);
		client_read(fd, head + len++, 1);
	}
	return head;
}

static bool
head_has(const char *head, const char *line)
{
	return strstr(head, test_format("\r\n%s\r\n", line)) != NULL;
}

/* A whole response with this status line and body. */
static char *
expect_response(int fd, const char *status, const char *body)
{
	char *head = read_head(fd);

	assert_memory_equal(head, status, strlen(status));
	assert_true(
	    head_has(head, test_format("Content-Length: %zu", strlen(body))));
	client_expect_text(fd, body);
	return head;
}

static void
get_is_answered(void **state)
{
	struct muxd *muxd =
	    start_http("body = \"all is well\\n\" "
		       "content_type = \"text/x-status\" "
		       "headers = { \"X-One: 1\", \"X-Two: two words\" }");
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		int fd = client_connect(muxd_address(muxd, "http", i));
		char *head;

		client_send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
		head =
		    expect_response(fd, "HTTP/1.1 200 OK\r\n", "all is well\n");
		assert_true(head_has(head, "Content-Type: text/x-status"));
		assert_true(head_has(head, "X-One: 1"));
		assert_true(head_has(head, "X-Two: two words"));
		client_close(fd);
	}
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "service=http", "requests=2");
}

static void
date_is_that_of_today(void **state)
{
	struct muxd *muxd = start_http("");
	int fd = http_connect(muxd);
	int64_t before = test_wall_s(), at = 0;
	char *head, *field;
	struct tm tm = { 0 };

	(void)state;
	client_send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	head = read_head(fd);
	field = strstr(head, "\r\nDate: ");
	assert_non_null(field);
	assert_non_null(
	    strptime(field + 8, "%a, %d %b %Y %H:%M:%S GMT\r\n", &tm));
	at = timegm(&tm);
	/* The clock is cached for a second. */
	assert_in_range(at, before - 1, test_wall_s() + 1);
	client_close(fd);
	muxd_stop(muxd);
}

static void
connection_is_kept_for_more_requests(void **state)
{
	struct muxd *muxd = start_http("body = \"ok\"");
	int fd = http_connect(muxd);
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) {
		client_send_text(
		    fd, test_format("GET /%u HTTP/1.1\r\nHost: x\r\n\r\n", i));
		expect_response(fd, "HTTP/1.1 200 OK\r\n", "ok");
	}
	client_send_text(
	    fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_true(head_has(expect_response(fd, "HTTP/1.1 200 OK\r\n", "ok"),
	    "Connection: close"));
	client_expect_eof(fd);
	client_close(fd);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=served");
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "sessions=1", "requests=101");
}

static void
version_1_0_ends_unless_asked_to_keep_alive(void **state)
{
	struct muxd *muxd = start_http("body = \"ok\"");
	int fd = http_connect(muxd);

	(void)state;
	client_send_text(
	    fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_true(head_has(expect_response(fd, "HTTP/1.1 200 OK\r\n", "ok"),
	    "Connection: keep-alive"));
	client_send_text(fd, "GET / HTTP/1.0\r\n\r\n");
	expect_response(fd, "HTTP/1.1 200 OK\r\n", "ok");
	client_expect_eof(fd);
	client_close(fd);
	muxd_stop(muxd);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
	struct muxd *muxd = start_http("body = \"ok\"");
	int fd = http_connect(muxd);
	char *requests = test_alloc(200 * 64), *at = requests;
	unsigned i;

	(void)state;
	for (i = 0; i < 200; i++)
		at += sprintf(at, "%s / HTTP/1.1\r\nHost: x\r\n\r\n",
		    i % 3 == 0 ? "HEAD" : "GET");
	client_send_text(fd, requests);
	for (i = 0; i < 200; i++) {
		if (i % 3 == 0)
			assert_true(
			    head_has(read_head(fd), "Content-Length: 2"));
		else
			expect_response(fd, "HTTP/1.1 200 OK\r\n", "ok");
	}
	client_close(fd);
	muxd_stop(muxd);
}

/* A client that asks for more than it reads is not listened to for a while,
 * and gets every answer all the same. */
static void
pipelined_requests_wait_for_their_reader(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	enum { REQUESTS = 400, BODY = 50000 };
	struct muxd *muxd = muxd_new();
	char *body = test_alloc(BODY + 1),
	     *all = test_alloc(REQUESTS * sizeof(request));
	size_t len = REQUESTS * (sizeof(request) - 1), sent = 0, n, got = 0;
	int fd;

	(void)state;
	memset(body, 'b', BODY);
	muxd_write_file(muxd, "body", body);
	muxd_configure(muxd,
	    "workers = 1\n"
	    "service \"http\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"http\"\n"
	    "  http { body_file = \"@DIR@/body\" }\n"
	    "}\n");
	muxd_launch(muxd);
	muxd_wait_ready(muxd);
	for (n = 0; n < REQUESTS; n++)
		memcpy(all + n * (sizeof(request) - 1), request,
		    sizeof(request) - 1);
	fd = http_connect(muxd);
	/* Only what fits on the way: nobody reads the answers. */
	while ((n = client_send_some(fd, all + sent, len - sent)) > 0)
		sent += n;
	for (got = 0; got < REQUESTS; got++) {
		while (sent < len &&
		    (n = client_send_some(fd, all + sent, len - sent)) > 0)
			sent += n;
		expect_response(fd, "HTTP/1.1 200 OK\r\n", body);
	}
	client_close(fd);
	muxd_stop(muxd);
}

static void
body_of_a_request_is_read_and_dropped(void **state)
{
	struct muxd *muxd = start_http("body = \"ok\"");
	int fd = http_connect(muxd);
	char *body = test_alloc(100001);

	(void)state;
	memset(body, 'b', 100000);
	client_send_text(
	    fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
	client_send(fd, body, 100000);
	expect_response(fd, "HTTP/1.1 200 OK\r\n", "ok");
	client_send_text(fd,
	    "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n");
	expect_response(fd, "HTTP/1.1 200 OK\r\n", "ok");
	client_send_text(fd,
	    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
	    "Expect: 100-continue\r\n\r\n");
	client_expect_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	client_send_text(fd, "body");
	expect_response(fd, "HTTP/1.1 200 OK\r\n", "ok");
	client_close(fd);
	muxd_stop(muxd);
}

/* What a request gets that muxd does not take. */
static const struct {
	const char *request;
	const char *status;
} faults[] = {
	{ "NONSENSE\r\n\r\n", "HTTP/1.1 400 " },
	{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
	{ "GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", "HTTP/1.1 400 " },
	{ "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
	  "Content-Length: 2\r\n\r\n",
	    "HTTP/1.1 400 " },
	{ "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n",
	    "HTTP/1.1 413 " },
	{ "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
	    "HTTP/1.1 501 " },
	{ "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 " },
};

static void
bad_request_is_told_so(void **state)
{
	struct muxd *muxd = start_http("max_body = \"1K\"");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		int fd = http_connect(muxd);
		char *answer;

		client_send_text(fd, faults[i].request);
		answer = client_read_all(fd, NULL);
		assert_memory_equal(
		    answer, faults[i].status, strlen(faults[i].status));
		client_close(fd);
	}
	muxd_wait_logs(
	    muxd, i, "msg=\"session ended\"", "reason=protocol_error");
	muxd_stop(muxd);
}

static void
endless_head_is_told_so(void **state)
{
	struct muxd *muxd = start_http("");
	char *filler = test_alloc(20001);
	int fd = http_connect(muxd);
	char *answer;

	(void)state;
	memset(filler, 'a', 20000);
	client_send_text(fd, "GET /");
	client_send(fd, filler, 20000);
	answer = client_read_all(fd, NULL);
	assert_memory_equal(answer, "HTTP/1.1 414 ", 13);
	client_close(fd);

	fd = http_connect(muxd);
	client_send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\nX: ");
	client_send(fd, filler, 20000);
	answer = client_read_all(fd, NULL);
	assert_memory_equal(answer, "HTTP/1.1 431 ", 13);
	client_close(fd);
	muxd_stop(muxd);
}

static void
request_in_single_bytes_is_answered(void **state)
{
	static const char request[] =
	    "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n3\r\nabc\r\n0\r\n\r\n";
	struct muxd *muxd = start_http("body = \"ok\"");
	int fd = http_connect(muxd);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(request) - 1; i++)
		client_send(fd, request + i, 1);
	expect_response(fd, "HTTP/1.1 200 OK\r\n", "ok");
	client_close(fd);
	muxd_stop(muxd);
}

static void
third_client_is_served_while_two_are_silent(void **state)
{
	struct muxd *muxd = start_http("body = \"ok\"");
	int first = http_connect(muxd), second = http_connect(muxd);
	int third = http_connect(muxd);

	(void)state;
	client_send_text(third, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_response(third, "HTTP/1.1 200 OK\r\n", "ok");
	client_close(third);
	client_close(first);
	client_close(second);
	muxd_stop(muxd);
}

static void
slow_head_gets_408_and_silence_nothing(void **state)
{
	struct muxd *muxd = start_http("head_timeout = \"300ms\" "
				       "keepalive_timeout = \"300ms\"");
	int slow = http_connect(muxd), silent = http_connect(muxd);
	int idle = http_connect(muxd);
	char *answer;

	(void)state;
	client_send_text(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_response(idle, "HTTP/1.1 200 OK\r\n", "");
	client_send_text(slow, "GET / HTTP/1.1\r\nHo");
	answer = client_read_all(slow, NULL);
	assert_memory_equal(answer, "HTTP/1.1 408 ", 13);
	client_expect_eof(silent);
	client_expect_eof(idle);
	client_close(slow);
	client_close(silent);
	client_close(idle);
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=request_timeout");
	muxd_wait_log(
	    muxd, "msg=\"session ended\"", "reason=first_byte_timeout");
	muxd_wait_log(muxd, "msg=\"session ended\"", "reason=idle_timeout");
	muxd_stop(muxd);
}

/* A request that is on its way when the daemon drains is answered. */
static void
draining_answers_and_closes(void **state)
{
	struct muxd *muxd = start_http("body = \"ok\"");
	int busy = http_connect(muxd), idle = http_connect(muxd);

	(void)state;
	client_send_text(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_response(idle, "HTTP/1.1 200 OK\r\n", "ok");
	client_send_text(busy, "GET / HTTP/1.1\r\nHos");
	/* The worker has seen the first half once it answers another. */
	client_send_text(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	expect_response(idle, "HTTP/1.1 200 OK\r\n", "ok");
	muxd_signal(muxd, SIGTERM);
	client_expect_eof(idle);
	client_close(idle);
	client_send_text(busy, "t: x\r\n\r\n");
	assert_true(head_has(expect_response(busy, "HTTP/1.1 200 OK\r\n", "ok"),
	    "Connection: close"));
	client_expect_eof(busy);
	client_close(busy);
	assert_int_equal(muxd_wait_exit(muxd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(get_is_answered),
		system_test(date_is_that_of_today),
		system_test(connection_is_kept_for_more_requests),
		system_test(version_1_0_ends_unless_asked_to_keep_alive),
		system_test(pipelined_requests_are_answered_in_order),
		system_test(pipelined_requests_wait_for_their_reader),
		system_test(body_of_a_request_is_read_and_dropped),
		system_test(bad_request_is_told_so),
		system_test(endless_head_is_told_so),
		system_test(request_in_single_bytes_is_answered),
		system_test(third_client_is_served_while_two_are_silent),
		system_test(slow_head_gets_408_and_silence_nothing),
		system_test(draining_answers_and_closes),
	};

	return run_under_each_backend(tests);
}
