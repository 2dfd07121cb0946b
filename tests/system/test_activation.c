/*
 * A service manager binds the sockets, and names them after services.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "manager.h"
#include "records.h"
#include "reload.h"

/* Bind as a manager does, blocking and without SO_REUSEPORT; the address. */
static const char *
bind_for(const char *name, const char *address)
{
	struct sockaddr_storage ss;
	int type, fd;
	socklen_t len = address_parse(address, &ss, &type);

	fd = socket(ss.ss_family, type | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&ss, len) == -1 ||
	    (type == SOCK_STREAM && listen(fd, 128) == -1))
		test_fail("cannot bind %s", address);
	if (ss.ss_family != AF_UNIX)
		address = test_format(
		    "%s%s", type == SOCK_DGRAM ? "udp:" : "", address_of(fd));
	manager_keep(fd, name);
	return address;
}

static void
start(struct muxd *muxd)
{
	manager_launch(muxd);
	muxd_wait_ready(muxd);
}

static void
ask_udp(const char *address)
{
	int fd = client_connect(address);
	char text[16];

	client_send_text(fd, "hello");
	assert_int_equal(client_receive(fd, text, sizeof(text)), 5);
	client_close(fd);
}

/* fault 16 */
static void
sockets_are_matched_by_name_type_and_address(void **state)
{
	struct muxd *muxd = muxd_new();
	const char *path = test_format("unix:%s/echo.sock", muxd->dir);
	const char *www, *tcp, *udp;
	int fd, i;

	(void)state;
	manager_open();
	/* In no order at all. */
	udp = bind_for("echo", "udp:127.0.0.1:0");
	www = bind_for("www", "127.0.0.1:0");
	(void)bind_for("echo", path);
	tcp = bind_for("echo", "127.0.0.1:0");
	muxd_configure(muxd,
	    "workers = 3\n"
	    "service \"echo\" {\n"
	    "  listen = { \"%s\", \"127.0.0.2:0\", \"%s\", \"%s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n"
	    "service \"www\" {\n"
	    "  listen = { \"%s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    tcp, udp, path, www);
	start(muxd);
	for (i = 0; i < 20; i++) {
		client_visit(tcp, NULL, "hello\n");
		client_visit(www, NULL, "hello\n");
		client_visit(path, NULL, "hello\n");
		ask_udp(udp);
	}
	/* What it was not given it has bound itself. */
	client_visit(muxd_address(muxd, "echo", 1), NULL, "hello\n");
	/* While it is not there, clients wait at what the manager has. */
	muxd_signal(muxd, SIGTERM);
	assert_int_equal(muxd_wait_status(muxd), 0);
	fd = client_connect(tcp);
	client_send_text(fd, "hello\n");
	start(muxd);
	client_expect_text(fd, "hello\n");
	client_close(fd);
	client_visit(path, NULL, "hello\n");
	/* The file is the manager's. */
	muxd_signal(muxd, SIGTERM);
	assert_int_equal(muxd_wait_status(muxd), 0);
	assert_int_equal(unlink(path + strlen("unix:")), 0);
}

static void
configure_echo(struct muxd *muxd, const char *address)
{
	muxd_configure(muxd,
	    "workers = 2\n"
	    "service \"echo\" {\n"
	    "  listen = { \"%s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    address);
}

/* fault 16 */
static void
sockets_that_fit_nothing_are_a_fatal_error(void **state)
{
	struct muxd *muxd = muxd_new();
	const char *address;

	(void)state;
	manager_open();
	address = bind_for("eco", "127.0.0.1:0");
	configure_echo(muxd, address);
	manager_launch(muxd);
	muxd_expect_failure(muxd, 1,
	    test_format("the socket \"eco\" at %s that the service manager has"
			" handed over fits nothing here: there is no service of"
			" that name",
		address));
	manager_drop("");

	address = bind_for("echo", "udp:127.0.0.1:0");
	configure_echo(muxd, address + strlen("udp:"));
	manager_launch(muxd);
	muxd_expect_failure(muxd, 1,
	    test_format("the socket \"echo\" at %s that the service manager has"
			" handed over fits nothing here: the service listens at"
			" %s",
		address, address + strlen("udp:")));
	manager_drop("");

	address = bind_for("echo", "127.0.0.1:0");
	configure_echo(muxd, "127.0.0.1:0");
	manager_launch(muxd);
	muxd_expect_failure(muxd, 1, "the service listens at 127.0.0.1:0");
}

static void
workers_cannot_share_relayed_datagrams(void **state)
{
	static const char conf[] = "workers = %u\n"
				   "pool \"p\" { server \"a\" {"
				   " address = \"127.0.0.1:9\" } }\n"
				   "service \"dns\" {\n"
				   "  listen = { \"%s\" }\n"
				   "  handler = \"relay\"\n"
				   "  pool = \"p\"\n"
				   "}\n";
	struct muxd *muxd = muxd_new();
	const char *address;

	(void)state;
	manager_open();
	address = bind_for("dns", "udp:127.0.0.1:0");
	muxd_configure(muxd, conf, 2U, address);
	manager_launch(muxd);
	muxd_expect_failure(muxd, 2, "2 workers cannot share");
	muxd_configure(muxd, conf, 1U, address);
	start(muxd);
	muxd_configure(muxd, conf, 2U, address);
	reload_expect_refused(muxd, "2 workers cannot share");
	muxd_stop(muxd);
}

static void
nonsense_is_a_fatal_error(void **state)
{
	struct muxd *muxd = muxd_new();

	(void)state;
	manager_open();
	/* Two names for one descriptor. */
	(void)bind_for("echo:more", "127.0.0.1:0");
	configure_echo(muxd, "127.0.0.1:0");
	manager_launch(muxd);
	muxd_expect_failure(muxd, 2, "LISTEN_FDNAMES has 2 names");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		managed_test(sockets_are_matched_by_name_type_and_address),
		managed_test(sockets_that_fit_nothing_are_a_fatal_error),
		managed_test(workers_cannot_share_relayed_datagrams),
		managed_test(nonsense_is_a_fatal_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
