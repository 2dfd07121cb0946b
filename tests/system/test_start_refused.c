/*
 * A muxd that cannot start says why, in which line, and leaves nothing
 * behind.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

/* A foreign listener on a port of the kernel's choice; its address. */
static const char *
take_port(int type, bool reuseport)
{
	struct sockaddr_in in4 = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	socklen_t len = sizeof(in4);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1 ||
	    (reuseport &&
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ==
		    -1) ||
	    bind(fd, (struct sockaddr *)&in4, sizeof(in4)) == -1 ||
	    (type == SOCK_STREAM && listen(fd, 1) == -1) ||
	    getsockname(fd, (struct sockaddr *)&in4, &len) == -1)
		test_fail("cannot take a port");
	client_adopt(fd);
	return test_format("%s127.0.0.1:%u",
	    type == SOCK_STREAM ? "" : "udp:", ntohs(in4.sin_port));
}

static void
expect_taken(const char *address)
{
	struct muxd *muxd = muxd_new();

	muxd_configure(muxd,
	    "workers = 2\n"
	    "\n"
	    "service \"free\" {\n"
	    "  listen = { \"unix:@DIR@/free.sock\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n"
	    "service \"taken\" {\n"
	    "  listen = { \"%s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    address);
	muxd_launch(muxd);
	muxd_expect_failure(muxd, 2, address);
	assert_non_null(strstr(muxd_output(muxd), "muxd.conf:7: "));
	assert_non_null(strstr(muxd_output(muxd), "Address already in use"));
}

static void
port_of_another_program_is_named(void **state)
{
	(void)state;
	expect_taken(take_port(SOCK_STREAM, false));
	expect_taken(take_port(SOCK_DGRAM, false));
}

/* fault 12: a bind with SO_REUSEPORT would silently join its sockets. */
static void
port_that_could_be_shared_is_refused_too(void **state)
{
	(void)state;
	expect_taken(take_port(SOCK_STREAM, true));
	expect_taken(take_port(SOCK_DGRAM, true));
}

static struct muxd *
launch_echo(const char *options, const char *listen)
{
	struct muxd *muxd = muxd_new();

	muxd_configure(muxd,
	    "workers = 1\n"
	    "%s\n"
	    "service \"echo\" {\n"
	    "  listen = { \"%s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    options, listen);
	muxd_launch(muxd);
	return muxd;
}

static void
address_of_another_host_is_named(void **state)
{
	struct muxd *muxd = launch_echo("", "192.0.2.1:7777");

	(void)state;
	muxd_expect_failure(muxd, 2, "192.0.2.1:7777");
	assert_non_null(strstr(muxd_output(muxd), "muxd.conf:3: "));
}

/* fault 49 */
static void
missing_user_is_named(void **state)
{
	struct muxd *muxd;

	(void)state;
	if (geteuid() != 0)
		skip();
	muxd = launch_echo("user = \"no-such-user\"", "127.0.0.1:0");
	muxd_expect_failure(muxd, 2, "no-such-user");
}

/* fault 49 */
static void
missing_group_is_named(void **state)
{
	struct muxd *muxd;

	(void)state;
	if (geteuid() != 0)
		skip();
	muxd = launch_echo(
	    "user = \"nobody\"\ngroup = \"no-such-group\"", "127.0.0.1:0");
	muxd_expect_failure(muxd, 2, "no-such-group");
}

/* fault 49 */
static void
unusable_control_folder_is_named(void **state)
{
	struct muxd *muxd = launch_echo(
	    "control = \"@DIR@/no/such/folder/control.sock\"", "127.0.0.1:0");

	(void)state;
	muxd_expect_failure(muxd, 2, "no/such/folder/control.sock");
}

static void
become_nobody(void)
{
	if (geteuid() == 0 && (setgid(65534) == -1 || setuid(65534) == -1))
		_exit(125);
}

/* fault 49: a folder without the right to write. */
static void
unwritable_control_folder_is_named(void **state)
{
	struct muxd *muxd = muxd_new();
	char *folder = test_format("%s/closed", muxd->dir);

	(void)state;
	/* A wrapper could not write its report as another user. */
	if (test_is_wrapped())
		skip();
	if (mkdir(folder, 0555) == -1)
		test_fail("mkdir");
	muxd_configure(muxd,
	    "workers = 1\n"
	    "control = \"@DIR@/closed/control.sock\"\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	muxd->prepare = become_nobody;
	muxd_launch(muxd);
	muxd_expect_failure(muxd, 2, "closed/control.sock");
	assert_non_null(strstr(muxd_output(muxd), "Permission denied"));
}

static void
low_port_without_the_right_is_explained(void **state)
{
	struct muxd *muxd;

	(void)state;
	/* A wrapper could not write its report as another user. */
	if (test_is_wrapped())
		skip();
	if (procfs_number("/proc/sys/net/ipv4/ip_unprivileged_port_start") < 8)
		skip();
	muxd = muxd_new();
	muxd_configure(muxd,
	    "workers = 1\n"
	    "control = \"@DIR@/own/control.sock\"\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:7\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	if (mkdir(test_format("%s/own", muxd->dir), 0777) == -1 ||
	    chmod(test_format("%s/own", muxd->dir), 0777) == -1)
		test_fail("mkdir");
	muxd->prepare = become_nobody;
	muxd_launch(muxd);
	muxd_expect_failure(muxd, 2, "CAP_NET_BIND_SERVICE");
}

static void
log_file_that_cannot_be_written_is_named(void **state)
{
	struct muxd *muxd =
	    launch_echo("log { target = \"file:@DIR@/no/such/folder/log\" }",
		"127.0.0.1:0");

	(void)state;
	muxd_expect_failure(muxd, 2, "no/such/folder/log");
}

static void
close_stdin_and_stdout(void)
{
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
}

/* fault 49: a socket never gets the number of a standard stream, and with it
 * whatever a library prints. */
static void
closed_standard_streams_are_replaced(void **state)
{
	struct muxd *muxd = muxd_new();
	char target[64];
	ssize_t len;
	int fd;

	(void)state;
	/* A wrapper opens files of its own in their place. */
	if (test_is_wrapped())
		skip();
	if (!procfs_available())
		skip();
	muxd_configure(muxd,
	    "workers = 1\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	muxd->prepare = close_stdin_and_stdout;
	muxd_launch(muxd);
	muxd_wait_ready(muxd);
	for (fd = 0; fd < 2; fd++) {
		len =
		    readlink(test_format("/proc/%d/fd/%d", (int)muxd->pid, fd),
			target, sizeof(target) - 1);
		assert_true(len > 0);
		target[len] = '\0';
		assert_string_equal(target, "/dev/null");
	}
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	muxd_stop(muxd);
}

static void
unknown_event_backend_is_named(void **state)
{
	static const char *const arguments[] = { "--event-backend", "magic",
		NULL };
	struct muxd *muxd = muxd_new();

	(void)state;
	muxd_configure(muxd,
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	muxd->arguments = arguments;
	muxd_launch(muxd);
	muxd_expect_failure(muxd, 1, "magic");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(port_of_another_program_is_named),
		system_test(port_that_could_be_shared_is_refused_too),
		system_test(address_of_another_host_is_named),
		system_test(missing_user_is_named),
		system_test(missing_group_is_named),
		system_test(unusable_control_folder_is_named),
		system_test(unwritable_control_folder_is_named),
		system_test(low_port_without_the_right_is_explained),
		system_test(log_file_that_cannot_be_written_is_named),
		system_test(closed_standard_streams_are_replaced),
		system_test(unknown_event_backend_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
