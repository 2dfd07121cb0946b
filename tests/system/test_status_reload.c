/*
 * The status page of a muxd that is reloaded: from then on it speaks of the
 * configuration that is in force.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"
#include "server.h"
#include "status.h"

#define PAGE "workers = 2\nstatus { listen = \"127.0.0.1:0\" }\n"
#define ECHO                               \
	"service \"echo\" {\n"             \
	"  listen = { \"127.0.0.1:0\" }\n" \
	"  handler = \"echo\"\n"           \
	"}\n"
#define MORE                               \
	"service \"more\" {\n"             \
	"  listen = \"unix:@DIR@/more\"\n" \
	"  handler = \"echo\"\n"           \
	"  limit { connections = 5 }\n"    \
	"}\n"

static bool
told(struct muxd *muxd, const char *path, const char *text)
{
	char *body;

	assert_int_equal(status_get(muxd, path, &body), 200);
	return strstr(body, text) != NULL;
}

static bool
has_more(struct muxd *muxd)
{
	bool told_of = told(muxd, "/api/services", "\"name\":\"more\"");

	assert_int_equal(told(muxd, "/metrics", "{service=\"more\""), told_of);
	assert_true(told(muxd, "/api/services", "\"name\":\"echo\""));
	return told_of;
}

/* Where a service is defined, as the monitor knows it. */
static int
line_of(struct muxd *muxd, const char *service, char file[200])
{
	char *body, *at;
	int line;

	assert_int_equal(status_get(muxd, "/api/services", &body), 200);
	at = strstr(body, test_format("\"name\":\"%s\"", service));
	assert_non_null(at);
	at = strstr(at, "\"file\":\"");
	assert_non_null(at);
	assert_int_equal(
	    sscanf(at, "\"file\":\"%199[^\"]\",\"line\":%d", file, &line), 2);
	return line;
}

static void
places_in_the_file_are_the_new_ones(void **state)
{
	struct muxd *muxd = muxd_start(PAGE ECHO);
	char before[200], after[200];
	int line;

	(void)state;
	line = line_of(muxd, "echo", before);
	reload_with(muxd, PAGE "\n\n\n" ECHO MORE);
	assert_int_equal(line_of(muxd, "echo", after), line + 3);
	assert_string_equal(after, before);
	assert_int_equal(line_of(muxd, "more", after), line + 3 + 4);
	assert_true(told(muxd, "/api/limits",
	    test_format("\"service\":\"more\",\"file\":\"%s\",\"line\":%d",
		before, line + 3 + 4)));
	muxd_stop(muxd);
}

/* Many times, so that what is released is looked at if anything does. */
static void
services_of_a_reload_come_and_go(void **state)
{
	struct muxd *muxd = muxd_start(PAGE ECHO);
	unsigned i;

	(void)state;
	assert_false(has_more(muxd));
	for (i = 0; i < 5; i++) {
		reload_with(muxd, PAGE ECHO MORE);
		assert_true(has_more(muxd));
		client_visit(
		    test_format("unix:%s/more", muxd->dir), NULL, "hello");
		(void)muxd_wait_log(
		    muxd, "msg=\"session ended\"", "service=more");
		/* What is gone and comes back may or may not be remembered. */
		assert_true(status_metric(muxd,
				"muxd_accepted_total{service=\"more\"}") >= 1);
		reload_with(muxd, PAGE ECHO);
		assert_false(has_more(muxd));
	}
	muxd_stop(muxd);
}

static void
limits_are_those_in_force(void **state)
{
	struct muxd *muxd =
	    muxd_start(PAGE "limits { connections = 50 }\n" ECHO);

	(void)state;
	assert_true(status_metric(muxd, "muxd_connections_limit") == 50);
	reload_with(muxd, PAGE "limits { connections = 70 }\n" ECHO MORE);
	assert_true(status_metric(muxd, "muxd_connections_limit") == 70);
	assert_true(
	    status_metric(
		muxd, "muxd_service_connections_limit{service=\"more\"}") == 5);
	muxd_stop(muxd);
}

static void
monitor_of_after_a_reload_serves_the_same(void **state)
{
	struct muxd *muxd =
	    muxd_start(PAGE "limits { connections = 50 }\n" ECHO);

	(void)state;
	if (!procfs_available())
		skip();
	reload_with(muxd, PAGE "limits { connections = 70 }\n" ECHO MORE);
	assert_int_equal(kill(muxd_monitor(muxd), SIGKILL), 0);
	(void)muxd_wait_log(muxd, "msg=\"monitor ended\"*");
	assert_true(has_more(muxd));
	assert_true(status_metric(muxd, "muxd_connections_limit") == 70);
	muxd_stop(muxd);
}

static void
page_itself_stays_as_it_is(void **state)
{
	int other = server_listen("127.0.0.1:0");
	struct muxd *muxd = muxd_start(PAGE ECHO);

	(void)state;
	reload_with(muxd, "workers = 2\nstatus { listen = \"%s\" }\n" ECHO MORE,
	    address_of(other));
	assert_int_equal(muxd_count_log(muxd, "msg=\"status page\""), 0);
	assert_true(has_more(muxd));
	reload_with(muxd, "workers = 2\n" ECHO);
	assert_false(has_more(muxd));
	muxd_stop(muxd);
}

/* Neither where the file has the page, nor where it stays until a restart. */
static void
service_cannot_take_the_address_of_the_page(void **state)
{
	int probe = server_listen("127.0.0.1:0");
	const char *address = address_of(probe);
	unsigned port = address_port(address);
	struct muxd *muxd;

	(void)state;
	client_close(probe);
	muxd = muxd_start(
	    "workers = 2\nstatus { listen = \"%s\" }\n" ECHO, address);
	muxd_configure(muxd,
	    "workers = 2\nstatus { listen = \"%s\" }\n"
	    "service \"all\" { handler = echo listen = \"0.0.0.0:%u\" }\n",
	    address, port);
	reload_expect_refused(muxd,
	    test_format(
		"listens on 0.0.0.0:%u, at %s/muxd.conf:3", port, muxd->dir));
	muxd_configure(muxd,
	    PAGE "service \"all\" { handler = echo listen = \"0.0.0.0:%u\" }\n",
	    port);
	reload_expect_refused(muxd,
	    test_format(
		"listens on 0.0.0.0:%u, at %s/muxd.conf:3", port, muxd->dir));
	assert_false(has_more(muxd));
	muxd_stop(muxd);
}

static void
connection_that_is_kept_is_told_of_the_new_one(void **state)
{
	struct muxd *muxd = muxd_start(PAGE ECHO);
	int fd = client_connect(status_address(muxd));
	size_t len;

	(void)state;
	client_send_text(
	    fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	client_expect_text(fd, "HTTP/1.1 200 OK\r\n");
	reload_with(muxd, PAGE ECHO MORE);
	client_send_text(fd,
	    "GET /api/services HTTP/1.1\r\nHost: localhost\r\n"
	    "Connection: close\r\n\r\n");
	assert_non_null(strstr(client_read_all(fd, &len), "\"name\":\"more\""));
	client_close(fd);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(places_in_the_file_are_the_new_ones),
		system_test(services_of_a_reload_come_and_go),
		system_test(limits_are_those_in_force),
		system_test(monitor_of_after_a_reload_serves_the_same),
		system_test(page_itself_stays_as_it_is),
		system_test(service_cannot_take_the_address_of_the_page),
		system_test(connection_that_is_kept_is_told_of_the_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
