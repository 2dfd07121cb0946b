/*
 * What is ordered of a server holds at once in all workers: whoever comes
 * after the answer goes where the order says.
 */
#include <signal.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "records.h"
#include "server.h"

#define VISITS 12

struct scene {
	struct muxd *muxd;
	int a, b;
};

static void
scene_start(struct scene *scene, const char *options)
{
	scene->a = server_listen("127.0.0.1:0");
	scene->b = server_listen("127.0.0.1:0");
	scene->muxd = muxd_start("workers = 3\n"
				 "defaults { drain_timeout = \"50ms\" }\n"
				 "pool \"p\" {\n"
				 "  server \"a\" { address = \"%s\" }\n"
				 "  server \"b\" { address = \"%s\" }\n"
				 "  %s\n"
				 "}\n"
				 "service \"relay\" {\n"
				 "  listen = { \"127.0.0.1:0\" }\n"
				 "  handler = \"relay\"\n"
				 "  pool = \"p\"\n"
				 "}\n",
	    address_of(scene->a), address_of(scene->b), options);
}

static int
visit(const struct scene *scene)
{
	return client_connect(muxd_address(scene->muxd, "relay", 0));
}

static void
expect_shares(const struct scene *scene, unsigned a, unsigned b)
{
	const int listeners[] = { scene->a, scene->b };

	server_expect_shares(
	    muxd_address(scene->muxd, "relay", 0), a + b, listeners, a);
}

/* A client comes to server a, which may have only one, and another one waits
 * with these bytes, since b has the order. */
static void
fill(const struct scene *scene, const char *order, const char *text)
{
	(void)control_order(scene->muxd, order);
	(void)control_order(scene->muxd, "set max-connections p/a 1");
	(void)visit(scene);
	(void)server_accept(scene->a);
	client_send_text(visit(scene), text);
	assert_true(server_stays_alone(scene->a, 100));
}

static void
drained_server_keeps_its_sessions_and_gets_no_new_ones(void **state)
{
	struct scene scene;
	int client, server;

	(void)state;
	scene_start(&scene, "");
	(void)control_order(scene.muxd, "disable p/b");
	client = visit(&scene);
	server = server_accept(scene.a);
	(void)control_order(scene.muxd, "enable p/b");
	(void)control_order(scene.muxd, "drain p/a");
	expect_shares(&scene, 0, VISITS);
	client_send_text(client, "still here");
	client_expect_text(server, "still here");
	(void)control_order(scene.muxd, "enable p/a");
	expect_shares(&scene, VISITS / 2, VISITS / 2);
	muxd_stop(scene.muxd);
}

/* Where nobody can be used, a client is turned away; and not once one can. */
static void
disabled_pool_turns_clients_away_until_it_is_enabled(void **state)
{
	struct scene scene;

	(void)state;
	scene_start(&scene, "");
	(void)control_order(scene.muxd, "disable p/a");
	(void)control_order(scene.muxd, "disable p/b");
	client_expect_refused(muxd_address(scene.muxd, "relay", 0), NULL);
	muxd_wait_log(scene.muxd, "reason=no_server");
	(void)control_order(scene.muxd, "enable p/a");
	expect_shares(&scene, VISITS, 0);
	muxd_stop(scene.muxd);
}

static void
weight_changes_the_shares(void **state)
{
	struct scene scene;

	(void)state;
	scene_start(&scene, "");
	expect_shares(&scene, VISITS / 2, VISITS / 2);
	(void)control_order(scene.muxd, "set weight p/a 3");
	expect_shares(&scene, VISITS / 4 * 3, VISITS / 4);
	(void)control_order(scene.muxd, "set weight p/a 1");
	expect_shares(&scene, VISITS / 2, VISITS / 2);
	muxd_stop(scene.muxd);
}

static void
max_connections_is_held_and_who_waits_comes_in_when_it_is_raised(void **state)
{
	struct scene scene;
	int server;

	(void)state;
	scene_start(&scene, "queue_timeout = \"1m\"");
	fill(&scene, "drain p/b", "late");
	(void)control_order(scene.muxd, "set max-connections p/a 2");
	server = server_accept(scene.a);
	client_expect_text(server, "late");
	(void)control_order(scene.muxd, "set max-connections p/a 0");
	expect_shares(&scene, VISITS, 0);
	muxd_stop(scene.muxd);
}

static void
one_who_waits_comes_in_when_a_server_is_enabled(void **state)
{
	struct scene scene;
	int server;

	(void)state;
	scene_start(&scene, "queue_timeout = \"1m\"");
	fill(&scene, "disable p/b", "late");
	(void)control_order(scene.muxd, "enable p/b");
	server = server_accept(scene.b);
	client_expect_text(server, "late");
	muxd_stop(scene.muxd);
}

/* A worker that is started later has it from the shared state. */
static void
order_outlives_a_worker(void **state)
{
	struct scene scene;
	unsigned slot;

	(void)state;
	scene_start(&scene, "");
	(void)control_order(scene.muxd, "drain p/a");
	for (slot = 0; slot < 3; slot++)
		kill(muxd_worker(scene.muxd, slot), SIGKILL);
	for (slot = 0; slot < 3; slot++)
		muxd_wait_logs(scene.muxd, 2, "msg=\"worker started\"",
		    test_format("slot=%u", slot));
	expect_shares(&scene, 0, VISITS);
	muxd_stop(scene.muxd);
}

static void
waiting_for_a_server_ends_with_its_last_session(void **state)
{
	struct scene scene;
	int client, server, waits;

	(void)state;
	scene_start(&scene, "");
	(void)control_order(scene.muxd, "disable p/b");
	client = visit(&scene);
	server = server_accept(scene.a);
	(void)control_order(scene.muxd, "drain p/a");
	control_expect_refused(
	    scene.muxd, "wait drained p/a --for 150ms", "1 sessions are left");
	waits = control_connect(scene.muxd);
	client_send_text(waits, "wait drained p/a\n");
	assert_true(client_stays_silent(waits, 150));
	client_close(client);
	client_close(server);
	assert_non_null(strstr(control_answer(waits), "\"ok\":true"));
	muxd_stop(scene.muxd);
}

static void
unknown_servers_and_values_are_refused(void **state)
{
	struct scene scene;

	(void)state;
	scene_start(&scene, "");
	control_expect_refused(scene.muxd, "drain p/c", "no server");
	control_expect_refused(scene.muxd, "drain q/a", "no server");
	control_expect_refused(scene.muxd, "drain p/a/0", "no server");
	control_expect_refused(scene.muxd, "set weight p/a 0", "from 1 to 256");
	control_expect_refused(
	    scene.muxd, "set weight p/a 257", "from 1 to 256");
	control_expect_refused(
	    scene.muxd, "set max-connections p/a 99999999999", "at most");
	expect_shares(&scene, VISITS / 2, VISITS / 2);
	muxd_stop(scene.muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(
		    drained_server_keeps_its_sessions_and_gets_no_new_ones),
		system_test(
		    disabled_pool_turns_clients_away_until_it_is_enabled),
		system_test(weight_changes_the_shares),
		system_test(
		    max_connections_is_held_and_who_waits_comes_in_when_it_is_raised),
		system_test(one_who_waits_comes_in_when_a_server_is_enabled),
		system_test(order_outlives_a_worker),
		system_test(waiting_for_a_server_ends_with_its_last_session),
		system_test(unknown_servers_and_values_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
