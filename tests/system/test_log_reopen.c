/*
 * A log file: written by the monitor, rotated by whoever renames it and
 * sends SIGUSR1.
 */
#include <sys/stat.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"

static void
talk(struct muxd *muxd, const char *text)
{
	int fd = client_connect(test_format("unix:%s/s", muxd->dir));

	client_echo(fd, text);
	client_close(fd);
}

static void
renamed_file_is_left_at_sigusr1(void **state)
{
	struct muxd *muxd = muxd_new();
	char *folder = test_format("%s/var", muxd->dir), *old;

	(void)state;
	/* The monitor has no privilege: the folder must be its user's. */
	if (mkdir(folder, 0755) == -1 ||
	    (geteuid() == 0 && chown(folder, 65534, 65534) == -1))
		test_fail("cannot make a folder");
	muxd_configure(muxd,
	    "workers = 1\n"
	    "user = \"65534\"\n"
	    "log { target = \"file:@DIR@/var/log\" }\n"
	    "service \"echo\" {\n"
	    "  listen = { \"unix:@DIR@/s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	muxd_launch(muxd);
	muxd_wait_text(muxd, "var/log", "msg=ready");
	talk(muxd, "1");
	muxd_wait_text(muxd, "var/log", "bytes_in=1 ");
	assert_int_equal(rename(test_format("%s/var/log", muxd->dir),
			     test_format("%s/var/log.1", muxd->dir)),
	    0);
	/* Until it is told, muxd goes on in the file it has. */
	talk(muxd, "22");
	muxd_wait_text(muxd, "var/log.1", "bytes_in=2 ");
	muxd_signal(muxd, SIGUSR1);
	/* Soon the new file is there, and gets what comes. */
	muxd_wait_text(muxd, "var/log", "");
	talk(muxd, "333");
	muxd_wait_text(muxd, "var/log", "bytes_in=3 ");
	muxd_stop(muxd);
	muxd_wait_text(muxd, "var/log", "msg=summary");
	old = muxd_read_file(muxd, "var/log.1");
	assert_null(strstr(old, "bytes_in=3 "));
	assert_null(strstr(old, "msg=summary"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(renamed_file_is_left_at_sigusr1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
