/*
 * Flows whose servers fail, and flows while the worker drains.
 */
#include <sys/socket.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/socket.h"
#include "service/flows.h"

#include "flow_scene.h"

enum { DRAIN_MS = 30000 };

/* A server comes back to its port. */
static void
restart_server(struct scene *scene, size_t i)
{
	struct endpoint endpoint = { .transport = TRANSPORT_UDP };
	static const struct socket_options options = { .backlog = 0 };
	const char *why;

	assert_int_equal(addr_parse("127.0.0.1:1", &endpoint.addr, &why), 0);
	endpoint.addr.port = scene->ports[i];
	scene->servers[i] = socket_bind(&endpoint, &options, NULL);
	assert_int_not_equal(scene->servers[i], -1);
}

static uint64_t
errors_of(const struct scene *scene, size_t i)
{
	return scene_server_count(scene, i, SERVER_COUNTER_ERRORS);
}

static void
refusing_server_is_left_for_another(void **state) /* fault 68 */
{
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 2, "max_failures = 0", "");
	scene_end_server(&scene, 0);
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(fd, "lost");
	TURN_UNTIL(&scene.f, errors_of(&scene, 0) == 1);
	/* No empty datagram comes of it, and the next one is served. */
	scene_expect_nothing(&scene, fd);
	(void)scene_talk(&scene, fd, 1);
	assert_int_equal(scene_flows(&scene), 1);
	assert_int_equal(scene_server_held(&scene, 0), 0);
	assert_int_equal(scene_server_held(&scene, 1), 1);
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_FAILED), 1);
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_SESSIONS), 0);
	assert_int_equal(
	    scene_server_count(&scene, 1, SERVER_COUNTER_SESSIONS), 1);
	close(fd);
	scene_close(&scene);
}

static void
failures_eject_a_server(void **state)
{
	struct scene scene;
	int fd, i;

	(void)state;
	scene_open(&scene, 2, "max_failures = 2 fail_timeout = \"1m\"", "");
	scene_end_server(&scene, 0);
	for (i = 0; i < 2; i++) {
		fd = scene_client(&scene, 0, NULL, 0, NULL);
		scene_send(fd, "lost");
		TURN_UNTIL(&scene.f, errors_of(&scene, 0) == (uint64_t)i + 1);
		close(fd);
	}
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_EJECTED), 1);
	for (i = 0; i < 3; i++) {
		fd = scene_client(&scene, 0, NULL, 0, NULL);
		(void)scene_talk(&scene, fd, 1);
		close(fd);
	}
	scene_close(&scene);
}

static void
only_server_is_kept_until_it_is_back(void **state) /* fault 68 */
{
	struct scene scene;
	int fd, i;

	(void)state;
	scene_open(&scene, 1, "", "");
	scene_end_server(&scene, 0);
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	for (i = 1; i <= 5; i++) {
		scene_send(fd, "lost");
		TURN_UNTIL(&scene.f, errors_of(&scene, 0) == (uint64_t)i);
		assert_int_equal(scene_server_held(&scene, 0), 1);
	}
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_FAILED), 1);
	restart_server(&scene, 0);
	(void)scene_talk(&scene, fd, 0);
	assert_int_equal(scene_flows(&scene), 1);
	scene_expect_nothing(&scene, fd);
	close(fd);
	scene_close(&scene);
}

static void
server_that_has_answered_keeps_its_clients(void **state)
{
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 2, "max_failures = 0", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, fd, 0);
	scene_end_server(&scene, 0);
	scene_send(fd, "lost");
	TURN_UNTIL(&scene.f, errors_of(&scene, 0) == 1);
	restart_server(&scene, 0);
	(void)scene_talk(&scene, fd, 0);
	assert_int_equal(scene_flows(&scene), 1);
	close(fd);
	scene_close(&scene);
}

static void
server_that_is_down_loses_its_clients(void **state)
{
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 2, "", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, fd, 0);
	scene_end_server(&scene, 0);
	atomic_store(
	    &scene.f.state->servers[scene.f.places[0]].checked, SERVER_DOWN);
	scene_send(fd, "lost");
	TURN_UNTIL(&scene.f, fixture_ended(&scene.f, REASON_SERVER_LOST) == 1);
	(void)scene_talk(&scene, fd, 1);
	close(fd);
	scene_close(&scene);
}

static void
server_that_never_answers_is_taken_for_reached(void **state)
{
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 1, "udp { idle_timeout = \"10s\" }", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(fd, "log");
	(void)scene_serve(&scene, 0, "log");
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_SESSIONS), 0);
	fixture_advance(&scene.f, 2000);
	scene_send(fd, "log");
	(void)scene_serve(&scene, 0, "log");
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_SESSIONS), 1);
	fixture_advance(&scene.f, 11000);
	assert_int_equal(scene_flows(&scene), 0);
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_SESSIONS), 1);
	close(fd);
	scene_close(&scene);
}

static void
no_server_is_counted(void **state)
{
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 1, "", "");
	atomic_store(
	    &scene.f.state->servers[scene.f.places[0]].checked, SERVER_DOWN);
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(fd, "a");
	scene_send(fd, "b");
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(fixture_ended(&scene.f, REASON_NO_SERVER), 2);
	assert_int_equal(scene_count(&scene, COUNTER_SESSIONS), 2);
	assert_int_equal(scene_flows(&scene), 0);
	close(fd);
	scene_close(&scene);
}

/* ---- draining ---- */

static void
flows_go_on_while_the_worker_drains(void **state)
{
	struct scene_peer peer;
	struct scene scene;
	int fd, other;

	(void)state;
	scene_open(&scene, 1, "udp { idle_timeout = \"5s\" }", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, fd, 0);
	/* Who waits is let in, even so late. */
	other = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(other, "early");
	services_drain(&scene.f.services, DRAIN_MS, false);
	services_close_doors(&scene.f.services);
	peer = scene_serve(&scene, 0, "early");
	scene_reply(&peer, "enough");
	scene_expect(&scene, other, "enough");
	close(other);
	/* Not any more. */
	other = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(other, "late");
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(scene_count(&scene, COUNTER_SESSIONS), 2);
	assert_int_equal(fixture_ended(&scene.f, REASON_DRAINING), 1);
	fixture_advance(&scene.f, 4000);
	(void)scene_talk(&scene, fd, 0);
	fixture_advance(&scene.f, 4000);
	assert_false(scene.f.drained);
	(void)scene_talk(&scene, fd, 0);
	fixture_advance(&scene.f, 5001);
	assert_true(scene.f.drained);
	assert_int_equal(fixture_ended(&scene.f, REASON_IDLE_TIMEOUT), 2);
	close(fd);
	close(other);
	scene_close(&scene);
}

static void
last_response_is_sent_before_the_door_closes(void **state)
{
	struct scene_peer peer;
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 1, "udp { responses = 1 }", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(fd, "ask");
	peer = scene_serve(&scene, 0, "ask");
	services_drain(&scene.f.services, DRAIN_MS, false);
	services_close_doors(&scene.f.services);
	assert_false(scene.f.drained);
	scene_reply(&peer, "answer");
	TURN_UNTIL(&scene.f, scene.f.drained);
	scene_expect(&scene, fd, "answer");
	close(fd);
	scene_close(&scene);
}

static void
flows_end_at_the_drain_deadline(void **state)
{
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 1, "udp { idle_timeout = \"1h\" }", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, fd, 0);
	services_drain(&scene.f.services, DRAIN_MS, false);
	services_close_doors(&scene.f.services);
	fixture_advance(&scene.f, DRAIN_MS - 1);
	assert_false(scene.f.drained);
	fixture_advance(&scene.f, 1);
	assert_true(scene.f.drained);
	assert_int_equal(fixture_ended(&scene.f, REASON_DRAIN_DEADLINE), 1);
	close(fd);
	scene_close(&scene);
}

static void
stop_ends_flows_at_once(void **state)
{
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 1, "", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, fd, 0);
	services_drain(&scene.f.services, DRAIN_MS, false);
	services_stop(&scene.f.services);
	assert_true(scene.f.drained);
	assert_int_equal(fixture_ended(&scene.f, REASON_STOPPED), 1);
	close(fd);
	scene_close(&scene);
}

/* Its sockets are in the groups through which others' clients come. */
static void
worker_without_flows_awaits_the_others(void **state)
{
	struct sockaddr_storage ss;
	struct scene_peer peer;
	struct scene scene;
	socklen_t len;
	int fd;

	(void)state;
	scene_open(&scene, 1, "udp { idle_timeout = \"5s\" }", "");
	fixture_open_other(&scene.f);
	fd = compat_socket(AF_INET, SOCK_DGRAM, 0);
	len = addr_to_sockaddr(
	    &scene.f.other.current->doors[0].endpoint.addr, &ss);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	scene_send(fd, "ask");
	peer = scene_serve(&scene, 0, "ask");
	services_drain(&scene.f.services, DRAIN_MS, false);
	services_close_doors(&scene.f.services);
	fixture_settle(&scene.f);
	assert_false(scene.f.drained);
	scene_reply(&peer, "answer");
	scene_expect(&scene, fd, "answer");
	assert_false(scene.f.drained);
	/* The last session of the other one ends. */
	fixture_advance(&scene.f, 5001);
	TURN_UNTIL(&scene.f, scene.f.drained);
	close(fd);
	scene_close(&scene);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusing_server_is_left_for_another),
		cmocka_unit_test(failures_eject_a_server),
		cmocka_unit_test(only_server_is_kept_until_it_is_back),
		cmocka_unit_test(server_that_has_answered_keeps_its_clients),
		cmocka_unit_test(server_that_is_down_loses_its_clients),
		cmocka_unit_test(
		    server_that_never_answers_is_taken_for_reached),
		cmocka_unit_test(no_server_is_counted),
		cmocka_unit_test(flows_go_on_while_the_worker_drains),
		cmocka_unit_test(last_response_is_sent_before_the_door_closes),
		cmocka_unit_test(flows_end_at_the_drain_deadline),
		cmocka_unit_test(stop_ends_flows_at_once),
		cmocka_unit_test(worker_without_flows_awaits_the_others),
	};

	return cmocka_run_group_tests_name("flows_servers", tests, NULL, NULL);
}
