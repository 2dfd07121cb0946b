/*
 * Two muxds never share a service: the second one is refused, and the first
 * one does not notice.
 */
#include <sys/wait.h>

#include <signal.h>
#include <string.h>

#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
start_first(void)
{
	return muxd_start("workers = 2\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\","
			  "    \"unix:@DIR@/echo.sock\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n");
}

/* The first one serves as before, in all its workers. */
static void
expect_unharmed(struct muxd *muxd)
{
	char byte;
	size_t i;
	int fd;

	for (i = 0; i < 20; i++) {
		client_visit(muxd_address(muxd, "echo", 0), NULL, "tcp\n");
		fd = client_connect(muxd_address(muxd, "echo", 1));
		client_send_text(fd, "u");
		assert_int_equal(client_receive(fd, &byte, 1), 1);
		client_close(fd);
		client_visit(muxd_address(muxd, "echo", 2), NULL, "unix\n");
	}
	muxd_stop(muxd);
}

/* fault 12: by the lock. */
static void
same_control_path_is_refused(void **state)
{
	struct muxd *first = start_first(), *second = muxd_new();

	(void)state;
	muxd_configure(second,
	    "workers = 1\n"
	    "control = \"%s/control.sock\"\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    first->dir);
	muxd_launch(second);
	muxd_expect_failure(second, 2, test_format("%d", (int)first->pid));
	assert_non_null(strstr(muxd_output(second), "another muxd"));
	expect_unharmed(first);
}

/* fault 12: by its addresses. */
static void
same_address_is_refused(void **state)
{
	struct muxd *first = start_first(), *second;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		second = muxd_new();
		muxd_configure(second,
		    "workers = 1\n"
		    "service \"echo\" {\n"
		    "  listen = { \"%s\" }\n"
		    "  handler = \"echo\"\n"
		    "}\n",
		    muxd_address(first, "echo", i));
		muxd_launch(second);
		muxd_expect_failure(second, 2, muxd_address(first, "echo", i));
	}
	expect_unharmed(first);
}

/* The lock goes with its process, however that ends. */
static void
lock_of_a_killed_muxd_is_free(void **state)
{
	struct muxd *first = start_first(), *second = muxd_new();
	int status;

	(void)state;
	muxd_configure(second,
	    "workers = 1\n"
	    "control = \"%s/control.sock\"\n"
	    "service \"echo\" {\n"
	    "  listen = { \"%s\", \"%s\", \"%s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    first->dir, muxd_address(first, "echo", 0),
	    muxd_address(first, "echo", 1), muxd_address(first, "echo", 2));
	muxd_signal(first, SIGKILL);
	status = muxd_wait_exit(first);
	assert_true(WIFSIGNALED(status));
	muxd_launch(second);
	muxd_wait_ready(second);
	expect_unharmed(second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(same_control_path_is_refused),
		system_test(same_address_is_refused),
		system_test(lock_of_a_killed_muxd_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
