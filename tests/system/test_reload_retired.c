/*
 * Workers that a reload has retired, and that have sessions still: later
 * reloads hold for them too.
 */
#include <sys/socket.h>

#include <poll.h>
#include <signal.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"
#include "server.h"

#define CLIENTS 32

#define DATAGRAMS                               \
	"defaults { drain_timeout = \"1h\" }\n" \
	"pool \"p\" {\n"                        \
	"  server \"s\" { address = \"%s\" }\n" \
	"  udp { idle_timeout = \"1h\" }\n"     \
	"}\n"
#define RELAY                         \
	"service \"relay\" {\n"       \
	"  listen = { \"udp:%s\" }\n" \
	"  handler = \"relay\"\n"     \
	"  pool = \"p\"\n"            \
	"  %s\n"                      \
	"}\n"
#define ECHO                               \
	"service \"echo\" {\n"             \
	"  listen = { \"127.0.0.1:0\" }\n" \
	"  handler = \"echo\"\n"           \
	"}\n"

static void
stop(struct muxd *muxd)
{
	client_close_all();
	muxd_signal(muxd, SIGTERM);
	muxd_wait_log(muxd, "msg=\"stopping: *");
	muxd_signal(muxd, SIGTERM);
	assert_int_equal(muxd_wait_status(muxd), 0);
}

/* Another muxd, for a server of datagrams. */
static struct muxd *
start_server(const char **address)
{
	struct muxd *echo =
	    muxd_start("workers = 1\nservice \"udp\" {\n"
		       "listen = \"udp:127.0.0.1:0\" handler = \"echo\" }\n");

	*address = muxd_address(echo, "udp", 0) + strlen("udp:");
	return echo;
}

/* How many clients are answered.  One that comes from a port which had a session
 * is no new one. */
static unsigned
ask(const char *address, const char *source)
{
	struct pollfd pollfd = { .events = POLLIN };
	unsigned n = 0, i;
	char answer[8];
	int fd;

	for (i = 0; i < CLIENTS; i++) {
		fd = client_connect_from(address, source);
		client_send_text(fd, "hello");
		pollfd.fd = fd;
		(void)poll(&pollfd, 1, test_is_wrapped() ? 1000 : 100);
		n += recv(fd, answer, sizeof(answer), 0) > 0;
		client_close(fd);
	}
	return n;
}

/* Two workers with sessions of datagrams, of which one is retired then. */
static struct muxd *
start_retired(const char *server, const char *address)
{
	struct muxd *muxd = muxd_start(
	    "workers = 2\n" DATAGRAMS RELAY ECHO, server, address, "");
	int fds[CLIENTS], i;

	for (i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(test_format("udp:%s", address));
		client_send_text(fds[i], "hello");
		client_expect_text(fds[i], "hello");
	}
	reload_with(
	    muxd, "workers = 1\n" DATAGRAMS RELAY ECHO, server, address, "");
	return muxd;
}

static void
lists_hold_for_new_sessions_of_datagrams(void **state)
{
	const char *server;
	struct muxd *echo = start_server(&server);
	const char *address = server_absent();
	struct muxd *muxd = start_retired(server, address);

	(void)state;
	assert_int_equal(ask(test_format("udp:%s", address), NULL), CLIENTS);
	reload_with(muxd, "workers = 1\n" DATAGRAMS RELAY ECHO, server, address,
	    "deny = { \"127.0.0.0/8\" }");
	assert_int_equal(ask(test_format("udp:%s", address), "127.0.0.2"), 0);
	stop(muxd);
	stop(echo);
}

/* One worker: the address goes, and comes back. */
static void
expect_to_come_back(struct muxd *muxd, const char *server, const char *address)
{
	const char *udp = test_format("udp:%s", address);

	reload_with(muxd, "workers = 1\n" ECHO);
	assert_int_equal(ask(udp, NULL), 0);
	reload_with(
	    muxd, "workers = 1\n" DATAGRAMS RELAY ECHO, server, address, "");
	assert_int_equal(ask(udp, NULL), CLIENTS);
}

static void
removed_address_can_come_back(void **state)
{
	const char *server;
	struct muxd *echo = start_server(&server);
	const char *address = server_absent();
	struct muxd *muxd = start_retired(server, address);

	(void)state;
	expect_to_come_back(muxd, server, address);
	stop(muxd);
	stop(echo);
}

/* Retired by the same reload that removes its address. */
static void
address_goes_with_the_worker(void **state)
{
	const char *server;
	struct muxd *echo = start_server(&server);
	const char *address = server_absent();
	struct muxd *muxd = muxd_start(
	    "workers = 2\n" DATAGRAMS RELAY ECHO, server, address, "");

	(void)state;
	assert_int_equal(ask(test_format("udp:%s", address), NULL), CLIENTS);
	expect_to_come_back(muxd, server, address);
	stop(muxd);
	stop(echo);
}

/* Who is retired is one that cannot serve, if there is one. */
static void
worker_that_is_down_goes_first(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n" ECHO);
	const char *address = muxd_address(muxd, "echo", 0);
	pid_t well = muxd_worker(muxd, 1);
	unsigned i;

	(void)state;
	if (!procfs_available())
		skip();
	/* Back-off grows with each start. */
	for (i = 0; i < 4; i++) {
		muxd_mark_log(muxd);
		assert_int_equal(kill(muxd_worker(muxd, 0), SIGKILL), 0);
		muxd_wait_log(muxd, "msg=\"worker ended\"*", "slot=0");
		if (i < 3)
			muxd_wait_log(muxd, "msg=\"worker started\"", "slot=0");
	}
	reload_with(muxd, "workers = 1\n" ECHO);
	assert_int_equal(kill(well, 0), 0);
	for (i = 0; i < CLIENTS; i++)
		client_visit(address, NULL, "hello\n");
	muxd_mark_log(muxd);
	reload_with(muxd, "workers = 2\n" ECHO);
	muxd_wait_log(muxd, "msg=\"worker started\"");
	for (i = 0; i < CLIENTS; i++)
		client_visit(address, NULL, "hello\n");
	stop(muxd);
}

/* As when muxd stops: between two requests there is nothing to wait for. */
static void
idle_clients_of_http_do_not_hold_it(void **state)
{
	static const char web[] =
	    "workers = %d\ndefaults { drain_timeout = \"1h\" }\n"
	    "service \"web\" { listen = \"127.0.0.1:0\" handler = \"http\" }\n";
	struct muxd *muxd = muxd_start(web, 2);
	int fds[CLIENTS], i;

	(void)state;
	for (i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(muxd_address(muxd, "web", 0));
		client_send_text(
		    fds[i], "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
		client_expect_text(fds[i], "HTTP/1.1 200 ");
	}
	reload_with(muxd, web, 1);
	muxd_wait_log(muxd, "msg=\"worker ended\"*", "slot=1");
	stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(lists_hold_for_new_sessions_of_datagrams),
		system_test(removed_address_can_come_back),
		system_test(address_goes_with_the_worker),
		system_test(worker_that_is_down_goes_first),
		system_test(idle_clients_of_http_do_not_hold_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
