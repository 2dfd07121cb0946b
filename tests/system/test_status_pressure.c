/*
 * Clients of the status page that are many, slow or large: bounded, and of no
 * concern to the clients of a service.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "status.h"

enum { SERVED = 64 }; /* at once */

static struct muxd *
start(void)
{
	struct muxd *muxd = muxd_start("workers = 1\n"
				       "status { listen = \"127.0.0.1:0\" }\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");

	status_wait_healthy(muxd);
	return muxd;
}

static void
large_requests_are_cut_off(void **state)
{
	struct muxd *muxd = start();
	char *field = test_alloc(100001), *answer;

	(void)state;
	memset(field, 'x', 100000);
	answer = status_exchange(muxd,
	    test_format("GET / HTTP/1.1\r\nHost: localhost\r\n"
			"Connection: close\r\nX: %.*s\r\n\r\n",
		14000, field));
	assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
	answer = status_exchange(muxd,
	    test_format("GET / HTTP/1.1\r\nHost: localhost\r\nX: %.*s\r\n\r\n",
		17000, field));
	assert_memory_equal(answer, "HTTP/1.1 4", 10);
	assert_int_equal(status_get(muxd, "/healthz", NULL), 200);
	muxd_stop(muxd);
}

static void
nonsense_is_answered_or_cut_off(void **state)
{
	static const char *const nonsense[] = { "\r\n\r\n\r\n\r\n",
		"GET\r\n\r\n", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
		"\x16\x03\x01\x02",
		"GET / HTTP/1.1\r\nHost: localhost\r\nbad field\r\n\r\n",
		"GET /%00%ff%zz HTTP/1.0\r\n\r\n" };
	struct muxd *muxd = start();
	char answer[512];
	size_t i, len;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		fd = client_connect(status_address(muxd));
		client_send_text(fd, nonsense[i]);
		client_half_close(fd);
		/* Some it may yet wait for the rest of. */
		(void)client_wait(fd, answer, sizeof(answer), &len, 100);
		client_close(fd);
	}
	assert_int_equal(status_get(muxd, "/healthz", NULL), 200);
	muxd_stop(muxd);
}

/* "At once" is far less than what a silent connection has. */
enum { AT_ONCE_MS = 5000 };

static void
send_health(int fd)
{
	client_send_text(
	    fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

/* As a balancer asks: with a connection of its own. */
static void
expect_health_at_once(struct muxd *muxd)
{
	int64_t begin = test_now_ms();

	assert_int_equal(status_get(muxd, "/healthz", NULL), 200);
	assert_in_range(test_now_ms() - begin, 0,
	    test_is_instrumented() ? 2 * AT_ONCE_MS : AT_ONCE_MS);
}

static bool
has_ended(int fd)
{
	enum client_event event = client_peek(fd);

	return event != CLIENT_DATA && event != CLIENT_SILENT;
}

/* All places and more, again and again, by one who says nothing or half of
 * what there is to say. */
static void
squat(const char *text)
{
	struct muxd *muxd = start();
	const char *address = status_address(muxd);
	int fds[SERVED + 4], round, i;

	for (i = 0; i < SERVED + 4; i++)
		fds[i] = -1;
	for (round = 0; round < 5; round++) {
		for (i = 0; i < SERVED + 4; i++) {
			if (fds[i] != -1 && !has_ended(fds[i]))
				continue;
			if (fds[i] != -1)
				client_close(fds[i]);
			fds[i] = client_connect(address);
			client_send_text(fds[i], text);
		}
		expect_health_at_once(muxd);
	}
	muxd_stop(muxd);
}

static void
silent_clients_keep_nobody_out(void **state)
{
	(void)state;
	squat("");
}

static void
half_requests_keep_nobody_out(void **state)
{
	(void)state;
	squat("GET / HTTP/1.1\r\nHost: loc");
}

/* Who is idle the longest gives way; the service does not notice. */
static void
one_more_client_takes_the_place_of_the_idlest(void **state)
{
	struct muxd *muxd = start();
	const char *address = status_address(muxd);
	int fds[SERVED], late, echo, i;

	(void)state;
	echo = client_connect(muxd_address(muxd, "echo", 0));
	for (i = 0; i < SERVED; i++) {
		fds[i] = client_connect(address);
		send_health(fds[i]);
		client_expect_text(fds[i], "HTTP/1.1 200 ");
	}
	late = client_connect(address);
	send_health(late);
	client_expect_text(late, "HTTP/1.1 200 ");
	(void)client_read_all(fds[0], &(size_t){ 0 });
	client_echo(echo, "still here");
	client_close(echo);
	muxd_stop(muxd);
}

/* However long it has been idle: another source has more. */
static void
many_connections_cost_their_own_source(void **state)
{
	struct muxd *muxd = start();
	const char *address = status_address(muxd);
	int honest, fds[3 * SERVED], i;
	char *rest;
	size_t len;

	(void)state;
	honest = client_connect(address);
	for (i = 0; i < 3 * SERVED; i++)
		fds[i] = client_connect_from(address, "127.0.0.2:0");
	/* All of them have been accepted when the first are gone. */
	for (i = 0; i < 2 * SERVED; i++)
		(void)client_wait_end(fds[i]);
	client_send_text(honest,
	    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
	    "Connection: close\r\n\r\n");
	rest = client_read_all(honest, &len);
	assert_memory_equal(rest, "HTTP/1.1 200 ", 13);
	muxd_stop(muxd);
}

/* Neither more nor less of them: whatever is refused costs nobody else. */
static void
foreign_hosts_use_up_nothing(void **state)
{
	struct muxd *muxd = start();
	int i;

	(void)state;
	for (i = 0; i < 600; i++)
		assert_memory_equal(
		    status_exchange(
			muxd, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
		    "HTTP/1.1 421 ", 13);
	assert_int_equal(status_get(muxd, "/metrics", NULL), 200);
	expect_health_at_once(muxd);
	muxd_stop(muxd);
}

/* Each reader that does not read holds its answer and no more: the monitor
 * goes on to write the log. */
static void
clients_that_do_not_read_hold_nothing_up(void **state)
{
	struct muxd *muxd = start();
	const char *address = status_address(muxd);
	int fds[SERVED - 4], echo, i, j;
	char *request = test_alloc(8192);

	(void)state;
	for (i = 0; i < 20; i++)
		(void)strcat(
		    request, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	for (i = 0; i < SERVED - 4; i++) {
		fds[i] = client_connect(address);
		for (j = 0; j < 10; j++)
			(void)client_send_some(
			    fds[i], request, strlen(request));
	}
	for (i = 0; i < 20; i++) {
		echo = client_connect(muxd_address(muxd, "echo", 0));
		client_echo(echo, "x");
		client_close(echo);
	}
	(void)muxd_wait_logs(muxd, 20, "msg=\"session ended\"");
	for (i = 0; i < SERVED - 4; i++)
		client_close(fds[i]);
	/* What they asked for may have used up the requests of a second. */
	status_wait_healthy(muxd);
	muxd_stop(muxd);
}

/* Ask for a path until it is refused; how often it was answered. */
static int
ask_until_refused(struct muxd *muxd, const char *path)
{
	int n = 0;
	unsigned code;

	while ((code = status_get(muxd, path, NULL)) == 200)
		if (++n == 5000)
			test_fail("%s is never refused", path);
	assert_int_equal(code, 429);
	return n;
}

/* What is used up is so for those alone who ask the same kind of thing. */
static void
requests_in_a_second_are_bounded(void **state)
{
	struct muxd *muxd = start();

	(void)state;
	if (test_is_instrumented())
		skip();
	assert_true(ask_until_refused(muxd, "/api/status") >= 150);
	assert_int_equal(status_get(muxd, "/metrics", NULL), 200);
	expect_health_at_once(muxd);
	assert_true(ask_until_refused(muxd, "/metrics") >= 40);
	expect_health_at_once(muxd);
	muxd_stop(muxd);
}

/* The time that many rows take is not to be had so often. */
static void
expensive_requests_are_bounded_more_tightly(void **state)
{
	struct muxd *muxd = start();

	(void)state;
	if (test_is_instrumented())
		skip();
	assert_in_range(
	    ask_until_refused(muxd, "/api/sessions?max=1000"), 1, 60);
	assert_int_equal(status_get(muxd, "/metrics", NULL), 200);
	expect_health_at_once(muxd);
	muxd_stop(muxd);
}

/* A page that nobody looks at costs no processor. */
static void
idle_page_costs_nothing(void **state)
{
	struct muxd *muxd = start();
	uint64_t before;
	int fd;

	(void)state;
	if (!procfs_available() || test_is_instrumented())
		skip();
	fd = client_connect(status_address(muxd));
	client_send_text(
	    fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	client_expect_text(fd, "HTTP/1.1 200 ");
	before = procfs_cpu_ms(muxd_monitor(muxd));
	/* Not for anything to happen: for what a second of nothing costs. */
	(void)poll(NULL, 0, 1000);
	assert_true(procfs_cpu_ms(muxd_monitor(muxd)) - before <= 50);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(large_requests_are_cut_off),
		system_test(nonsense_is_answered_or_cut_off),
		system_test(silent_clients_keep_nobody_out),
		system_test(half_requests_keep_nobody_out),
		system_test(one_more_client_takes_the_place_of_the_idlest),
		system_test(many_connections_cost_their_own_source),
		system_test(foreign_hosts_use_up_nothing),
		system_test(clients_that_do_not_read_hold_nothing_up),
		system_test(requests_in_a_second_are_bounded),
		system_test(expensive_requests_are_bounded_more_tightly),
		system_test(idle_page_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
