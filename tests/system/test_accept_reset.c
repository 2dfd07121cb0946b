/*
 * Clients that reset their connection before muxd has accepted it.
 */
#include <signal.h>

#include "backends.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

#define CLIENTS 200

/* fault 31 */
static void
reset_before_accept_does_no_harm(void **state)
{
	struct muxd *muxd = muxd_start("workers = 1\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "  limit { connections = %d }\n"
				       "}\n",
	    CLIENTS);
	const char *address = muxd_address(muxd, "echo", 0), *line;
	pid_t worker = muxd_worker(muxd, 0);
	int64_t accepted;
	size_t i;
	int fd;

	(void)state;
	if (!procfs_available())
		skip();
	procfs_stop(worker);
	for (i = 0; i < CLIENTS; i++) {
		fd = client_connect(address);
		if (i % 2 == 0)
			client_send_text(fd, "and gone\n");
		client_reset(fd);
	}
	assert_int_equal(kill(worker, SIGCONT), 0);
	/* The whole limit is free again for who comes next. */
	for (i = 0; i < CLIENTS; i++) {
		client_visit(address, NULL, "honest\n");
	}
	assert_int_equal(muxd_worker_starts(muxd, 0), 1);
	assert_in_range(muxd_count_log(muxd, "level=warning"), 0, 2);
	assert_in_range(muxd_count_log(muxd, "level=error"), 0, 2);
	muxd_stop(muxd);
	line = muxd_wait_log(muxd, "msg=summary", "service=echo");
	accepted = log_number(line, "accepted");
	assert_in_range(accepted, CLIENTS, 2 * CLIENTS);
	assert_int_equal(log_number(line, "sessions"), accepted);
	if (accepted > CLIENTS)
		assert_int_equal(
		    log_number(line, "client_reset"), accepted - CLIENTS);
	assert_int_equal(log_number(line, "client_closed"), CLIENTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(reset_before_accept_does_no_harm),
	};

	return run_under_each_backend(tests);
}
