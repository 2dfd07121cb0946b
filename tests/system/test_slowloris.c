/*
 * Hundreds of clients that dribble their request: they are freed by the
 * time-out of the head, and others are served meanwhile.
 */
#include <poll.h>
#include <string.h>

#include "client.h"
#include "harness.h"
#include "records.h"

#define SLOW 300

static void
expect_ok(int fd)
{
	static const char request[] =
	    "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

	client_send_text(fd, request);
	assert_non_null(strstr(client_read_all(fd, NULL), "200 OK"));
	client_close(fd);
}

/* fault 69 */
static void
slow_clients_are_freed_and_honest_ones_served(void **state)
{
	static const char request[] =
	    "GET / HTTP/1.1\r\nHost: slow\r\nX-Filler: ";
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"http\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"http\"\n"
				       "  http { head_timeout = \"2s\" }\n"
				       "}\n");
	const char *address = muxd_address(muxd, "http", 0);
	int fds[SLOW];
	size_t i, at, alive = SLOW, len;
	char buf[512];

	(void)state;
	for (i = 0; i < SLOW; i++) {
		fds[i] = client_connect_from(
		    address, test_format("127.0.0.%zu", 2 + i % 100));
		client_send(fds[i], request, 1);
	}
	/* A byte now and then keeps none of them alive. */
	for (at = 1; alive > 0; at++) {
		for (i = 0; i < SLOW; i++) {
			if (fds[i] == -1)
				continue;
			if (client_peek(fds[i]) == CLIENT_SILENT) {
				(void)client_send_some(fds[i],
				    at < sizeof(request) - 1 ? request + at
							     : "x",
				    1);
				continue;
			}
			if (client_wait(fds[i], buf, sizeof(buf), &len,
				test_deadline_ms()) == CLIENT_DATA)
				assert_memory_equal(buf, "HTTP/1.1 408 ", 13);
			client_close(fds[i]);
			fds[i] = -1;
			alive--;
		}
		expect_ok(client_connect(address));
		/* The pace of the slow ones. */
		poll(NULL, 0, 50);
	}
	assert_true(at > 2);
	muxd_wait_logs(
	    muxd, SLOW, "msg=\"session ended\"", "reason=request_timeout");
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(slow_clients_are_freed_and_honest_ones_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
