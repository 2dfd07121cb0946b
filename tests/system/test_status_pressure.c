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

/* Those that find all places taken wait in the queue and get in later; the
 * service does not notice. */
static void
many_clients_wait_their_turn(void **state)
{
	struct muxd *muxd = start();
	const char *address = status_address(muxd);
	int fds[SERVED], late, echo, i;

	(void)state;
	for (i = 0; i < SERVED; i++) {
		fds[i] = client_connect(address);
		client_send_text(fds[i],
		    "GET /healthz HTTP/1.1\r\n"
		    "Host: localhost\r\n\r\n");
		client_expect_text(fds[i], "HTTP/1.1 200 ");
	}
	late = client_connect(address);
	client_send_text(
	    late, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_true(client_stays_silent(late, 200));
	echo = client_connect(muxd_address(muxd, "echo", 0));
	for (i = 0; i < 100; i++)
		client_echo(echo, "still here");
	client_close(echo);
	client_close(fds[7]);
	client_expect_text(late, "HTTP/1.1 200 ");
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

static void
requests_in_a_second_are_bounded(void **state)
{
	struct muxd *muxd = start();
	const char *address = status_address(muxd);
	int refused = 0, i, fd;
	char answer[13];

	(void)state;
	if (test_is_instrumented())
		skip();
	for (i = 0; i < 2000 && refused == 0; i++) {
		fd = client_connect(address);
		client_send_text(fd,
		    "GET /healthz HTTP/1.1\r\n"
		    "Host: localhost\r\n\r\n");
		client_read(fd, answer, 12);
		answer[12] = '\0';
		refused += strcmp(answer, "HTTP/1.1 429") == 0;
		client_close(fd);
	}
	assert_true(refused > 0);
	assert_true(i > 100);
	status_wait_healthy(muxd);
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
		system_test(many_clients_wait_their_turn),
		system_test(clients_that_do_not_read_hold_nothing_up),
		system_test(requests_in_a_second_are_bounded),
		system_test(idle_page_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
