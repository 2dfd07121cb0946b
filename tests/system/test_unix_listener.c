/*
 * UNIX sockets: their files, and many workers on one of them.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "client.h"
#include "harness.h"
#include "records.h"

static struct muxd *
configure_echo(unsigned workers, const char *options)
{
	struct muxd *muxd = muxd_new();

	muxd_configure(muxd,
	    "workers = %u\n"
	    "service \"echo\" {\n"
	    "  listen = { \"unix:@DIR@/echo.sock\" }\n"
	    "  handler = \"echo\"\n"
	    "  socket { %s }\n"
	    "}\n",
	    workers, options);
	return muxd;
}

static void
launch(struct muxd *muxd)
{
	muxd_launch(muxd);
	muxd_wait_ready(muxd);
}

static void
expect_service(struct muxd *muxd)
{
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
}

/* A socket file with or without somebody behind it. */
static int
make_socket(struct muxd *muxd, bool alive)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s/echo.sock", muxd->dir);
	if (fd == -1 || bind(fd, (struct sockaddr *)&un, sizeof(un)) == -1 ||
	    listen(fd, 5) == -1)
		test_fail("cannot make a socket");
	client_adopt(fd);
	if (!alive)
		client_close(fd);
	return fd;
}

static void
mode_and_owner_are_those_configured(void **state)
{
	struct muxd *muxd = configure_echo(1,
	    geteuid() == 0 ? "unix_mode = \"0620\" unix_user = \"65534\" "
			     "unix_group = \"65533\""
			   : "unix_mode = \"0620\"");
	struct stat st;

	(void)state;
	launch(muxd);
	assert_int_equal(stat(test_format("%s/echo.sock", muxd->dir), &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0620);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, 65534);
		assert_int_equal(st.st_gid, 65533);
	}
	expect_service(muxd);
	muxd_stop(muxd);
}

static void
stale_file_is_replaced(void **state)
{
	struct muxd *muxd = configure_echo(1, "");

	(void)state;
	make_socket(muxd, false);
	launch(muxd);
	expect_service(muxd);
	muxd_stop(muxd);
}

static void
file_of_a_killed_muxd_is_replaced(void **state)
{
	struct muxd *muxd = configure_echo(2, "");

	(void)state;
	launch(muxd);
	muxd_signal(muxd, SIGKILL);
	(void)muxd_wait_exit(muxd);
	launch(muxd);
	expect_service(muxd);
	muxd_stop(muxd);
}

static void
live_socket_is_left_alone(void **state)
{
	struct muxd *muxd = configure_echo(1, "");
	struct stat before, after;
	char *path = test_format("%s/echo.sock", muxd->dir);

	(void)state;
	make_socket(muxd, true);
	assert_int_equal(stat(path, &before), 0);
	muxd_launch(muxd);
	assert_int_equal(muxd_wait_status(muxd), 2);
	assert_non_null(strstr(muxd_output(muxd), "echo.sock"));
	assert_non_null(strstr(muxd_output(muxd), "Address already in use"));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void
file_that_is_no_socket_is_left_alone(void **state)
{
	struct muxd *muxd = configure_echo(1, "");

	(void)state;
	muxd_write_file(muxd, "echo.sock", "precious");
	muxd_launch(muxd);
	muxd_expect_failure(muxd, 2, "echo.sock");
	assert_string_equal(muxd_read_file(muxd, "echo.sock"), "precious");
}

/* All workers accept on the one socket; a connection wakes one that takes
 * it, and none is lost or served twice. */
static void
workers_share_one_socket(void **state)
{
	struct muxd *muxd = configure_echo(4, "");
	int fds[200];
	size_t i;

	(void)state;
	launch(muxd);
	for (i = 0; i < 200; i++) {
		fds[i] = client_connect(muxd_address(muxd, "echo", 0));
		client_send_text(fds[i], test_format("client %zu\n", i));
	}
	for (i = 0; i < 200; i++) {
		client_expect_text(fds[i], test_format("client %zu\n", i));
		client_close(fds[i]);
	}
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "accepted=200", "sessions=200");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(mode_and_owner_are_those_configured),
		system_test(stale_file_is_replaced),
		system_test(file_of_a_killed_muxd_is_replaced),
		system_test(live_socket_is_left_alone),
		system_test(file_that_is_no_socket_is_left_alone),
		system_test(workers_share_one_socket),
	};

	return run_under_each_backend(tests);
}
