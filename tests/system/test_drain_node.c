/*
 * A node that is taken out of service by order: a balancer in front of it is
 * told, and nobody who comes all the same is turned away, unless that is
 * ordered as well.
 */
#include <signal.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "records.h"
#include "reload.h"
#include "status.h"

#define CONFIG                                                  \
	"workers = 2\n"                                         \
	"defaults { drain_timeout = \"50ms\" }\n"               \
	"status { listen = \"127.0.0.1:0\" }\n"                 \
	"service \"echo\" {\n"                                  \
	"  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }\n" \
	"  handler = \"echo\"\n"                                \
	"}\n"

static int
enter(struct muxd *muxd)
{
	int fd = client_connect(muxd_address(muxd, "echo", 0));

	client_echo(fd, "hello\n");
	return fd;
}

static void
expect_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		test_fail("no %s in: %s", part, text);
}

static void
expect_drained(struct muxd *muxd, const char *problem)
{
	char *body;

	assert_int_equal(status_get(muxd, "/healthz", &body), 503);
	expect_has(body, problem);
	expect_has(control_order(muxd, "status"), "\"healthy\":false");
	expect_has(control_order(muxd, "status"), problem);
}

static void
drained_node_says_so_and_serves_who_comes(void **state)
{
	struct muxd *muxd = muxd_start(CONFIG);
	int before = enter(muxd), fd;

	(void)state;
	assert_int_equal(status_get(muxd, "/healthz", NULL), 200);
	expect_has(control_order(muxd, "drain"), "\"node\":\"draining\"");
	expect_drained(muxd, "muxd is drained by order");
	status_wait_metric(muxd, "muxd_drained", 1);
	muxd_wait_log(muxd, "msg=\"ordered by hand\"", "command=drain");
	client_echo(before, "still here\n");
	fd = enter(muxd);
	expect_has(control_order(muxd, "enable"), "\"node\":\"enabled\"");
	assert_int_equal(status_get(muxd, "/healthz", NULL), 200);
	status_wait_metric(muxd, "muxd_drained", 0);
	client_echo(fd, "again\n");
	muxd_stop(muxd);
}

static void
refusing_node_turns_away_who_comes_and_keeps_who_is_there(void **state)
{
	struct muxd *muxd = muxd_start(CONFIG);
	int before = enter(muxd);
	int datagrams = client_connect(muxd_address(muxd, "echo", 1));

	(void)state;
	(void)control_order(muxd, "drain --refuse");
	expect_drained(muxd, "refuses new clients");
	client_expect_refused(muxd_address(muxd, "echo", 0), "127.0.0.2");
	muxd_wait_log(muxd, "msg=\"client refused\"", "reason=draining");
	client_send_text(datagrams, "hello");
	client_echo(before, "still here\n");
	assert_true(client_stays_silent(datagrams, 50));
	expect_has(
	    control_order(muxd, "explain --try src=127.0.0.2 service=echo"),
	    "\"reason\":\"draining\"");
	client_close(before);
	(void)control_order(muxd, "wait drained --for 30s");
	(void)control_order(muxd, "enable");
	(void)enter(muxd);
	client_send_text(datagrams, "hello");
	client_expect_text(datagrams, "hello");
	control_expect_refused(muxd, "drain p/a --refuse", "--refuse");
	muxd_stop(muxd);
}

static void
order_outlives_a_reload_a_worker_and_the_monitor(void **state)
{
	struct muxd *muxd = muxd_start(CONFIG);
	pid_t worker = muxd_worker(muxd, 0), monitor = muxd_monitor(muxd);

	(void)state;
	(void)control_order(muxd, "drain --refuse");
	reload_apply(muxd);
	/* The address of the page stands before. */
	muxd->mark = 0;
	expect_drained(muxd, "muxd is drained by order");
	assert_int_equal(kill(worker, SIGKILL), 0);
	assert_int_equal(kill(monitor, SIGKILL), 0);
	muxd_wait_logs(muxd, 2, "msg=\"worker started\"", "slot=0");
	muxd_wait_logs(muxd, 2, "msg=\"monitor started\"");
	client_expect_refused(muxd_address(muxd, "echo", 0), "127.0.0.2");
	expect_drained(muxd, "muxd is drained by order");
	muxd_stop(muxd);
}

/* muxctl says it in words. */
static void
muxctl_tells_what_it_means(void **state)
{
	struct muxd *muxd = muxd_start(CONFIG);
	struct muxd_result result = muxctl_run(muxd, "drain");

	(void)state;
	assert_int_equal(result.status, 0);
	expect_has(result.out, "/healthz answers 503");
	result = muxctl_run(muxd, "status");
	expect_has(result.out, "problem        muxd is drained by order");
	result = muxctl_run(muxd, "drain", "--refuse");
	expect_has(result.out, "new clients are refused");
	result = muxctl_run(muxd, "enable");
	expect_has(result.out, "new clients are welcome");
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(drained_node_says_so_and_serves_who_comes),
		system_test(
		    refusing_node_turns_away_who_comes_and_keeps_who_is_there),
		system_test(order_outlives_a_reload_a_worker_and_the_monitor),
		system_test(muxctl_tells_what_it_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
