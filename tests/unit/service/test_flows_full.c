/*
 * Flows where there is no room for another one: which of them goes, and that
 * forged sources push out no client that was answered.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/flows.h"

#include "flow_scene.h"

enum { TEXT_MAX = 1024, ROOM = 4, FORGED = 50 };

static void
ask_once(struct scene *scene, int fd)
{
	scene_send(fd, "ask");
	(void)scene_serve(scene, 0, "ask");
}

/* Fill the room with clients that were answered, or not. */
static void
fill(struct scene *scene, int *fds, unsigned answered)
{
	unsigned i;

	for (i = 0; i < ROOM; i++) {
		fds[i] = scene_client(scene, 0, NULL, 0, NULL);
		if (i < answered)
			(void)scene_talk(scene, fds[i], 0);
		else
			ask_once(scene, fds[i]);
		fixture_advance(&scene->f, 10);
	}
	assert_int_equal(scene_flows(scene), ROOM);
}

static void
close_all(const int *fds)
{
	unsigned i;

	for (i = 0; i < ROOM; i++)
		close(fds[i]);
}

/* Whether the client's flow is there: an answer still comes through. */
static bool
is_kept(struct scene *scene, const struct scene_peer *peer, int fd)
{
	char got[16];

	scene_reply(peer, "still");
	fixture_settle(&scene->f);
	return recv(fd, got, sizeof(got), MSG_DONTWAIT) == 5;
}

static void
longest_idle_goes_first(void **state) /* fault 73 */
{
	struct scene_peer first, second;
	struct scene scene;
	int fds[ROOM], other;

	(void)state;
	scene_open(&scene, 1, "", "connections = 4");
	fill(&scene, fds, ROOM);
	fixture_advance(&scene.f, 1000);
	/* The one that has come first is the last one that spoke. */
	first = scene_talk(&scene, fds[0], 0);
	fixture_advance(&scene.f, 2000);
	second = scene_talk(&scene, fds[1], 0);
	other = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, other, 0);
	assert_int_equal(scene_flows(&scene), ROOM);
	assert_int_equal(fixture_ended(&scene.f, REASON_EVICTED), 1);
	assert_true(is_kept(&scene, &first, fds[0]));
	assert_true(is_kept(&scene, &second, fds[1]));
	close(other);
	close_all(fds);
	scene_close(&scene);
}

static void
forged_sources_push_out_their_own(void **state) /* fault 73 */
{
	struct scene_peer peers[ROOM - 1];
	struct scene scene;
	int fds[ROOM - 1], forged, i;

	(void)state;
	scene_open(&scene, 1, "", "connections = 4");
	for (i = 0; i < ROOM - 1; i++) {
		fds[i] = scene_client(&scene, 0, NULL, 0, NULL);
		peers[i] = scene_talk(&scene, fds[i], 0);
	}
	fixture_advance(&scene.f, 20000);
	for (i = 0; i < FORGED; i++) {
		forged = scene_client(&scene, 0, "127.0.0.2", 0, NULL);
		ask_once(&scene, forged);
		close(forged);
		fixture_advance(&scene.f, FLOW_MOMENT_UNANSWERED_MS);
	}
	assert_int_equal(fixture_ended(&scene.f, REASON_EVICTED), FORGED - 1);
	for (i = 0; i < ROOM - 1; i++) {
		assert_true(is_kept(&scene, &peers[i], fds[i]));
		close(fds[i]);
	}
	scene_close(&scene);
}

static void
nobody_goes_who_was_active_a_moment_ago(void **state) /* fault 73 */
{
	struct scene scene;
	int fds[ROOM], other;

	(void)state;
	scene_open(&scene, 1, "", "connections = 4");
	fill(&scene, fds, ROOM);
	other = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(other, "now");
	scene_send(other, "now");
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(fixture_ended(&scene.f, REASON_SERVICE_FULL), 2);
	assert_int_equal(fixture_ended(&scene.f, REASON_EVICTED), 0);
	fixture_advance(&scene.f, FLOW_MOMENT_ANSWERED_MS);
	(void)scene_talk(&scene, other, 0);
	assert_int_equal(fixture_ended(&scene.f, REASON_EVICTED), 1);
	close(other);
	close_all(fds);
	scene_close(&scene);
}

static void
whole_daemon_full_takes_any_flow(void **state)
{
	char text[TEXT_MAX];
	struct scene scene;
	int one, two;

	(void)state;
	scene_prepare(&scene);
	(void)snprintf(text, sizeof(text),
	    "limits { connections = 1 }"
	    "pool \"p\" { server \"a\" { address = \"127.0.0.1:%u\" } }"
	    "service \"one\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"relay\" pool = \"p\" }"
	    "service \"two\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"relay\" pool = \"p\" }",
	    scene.ports[0]);
	scene_open_text(&scene, text);
	one = scene_client(&scene, 0, NULL, 0, NULL);
	two = scene_client(&scene, 1, NULL, 0, NULL);
	ask_once(&scene, one);
	fixture_advance(&scene.f, FLOW_MOMENT_UNANSWERED_MS);
	(void)scene_talk(&scene, two, 0);
	assert_int_equal(scene_flows(&scene), 1);
	assert_int_equal(fixture_ended(&scene.f, REASON_EVICTED), 1);
	close(one);
	close(two);
	scene_close(&scene);
}

static void
other_service_makes_no_room_in_this_one(void **state)
{
	char text[TEXT_MAX];
	struct scene scene;
	int own, other, fd;

	(void)state;
	scene_prepare(&scene);
	(void)snprintf(text, sizeof(text),
	    "pool \"p\" { server \"a\" { address = \"127.0.0.1:%u\" } }"
	    "service \"one\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"relay\" pool = \"p\" limit { connections = 1 } }"
	    "service \"two\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"relay\" pool = \"p\" }",
	    scene.ports[0]);
	scene_open_text(&scene, text);
	other = scene_client(&scene, 1, NULL, 0, NULL);
	ask_once(&scene, other);
	fixture_advance(&scene.f, 5000);
	own = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, own, 0);
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(fd, "no");
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(scene_flows(&scene), 2);
	close(own);
	close(other);
	close(fd);
	scene_close(&scene);
}

static void
full_servers_take_the_longest_idle_flow(void **state)
{
	struct scene scene;
	char text[TEXT_MAX];
	int one, two;

	(void)state;
	scene_prepare(&scene);
	(void)snprintf(text, sizeof(text),
	    "pool \"p\" { server \"a\" { address = \"127.0.0.1:%u\""
	    " max_connections = 1 } }"
	    "service \"one\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"relay\" pool = \"p\" }",
	    scene.ports[0]);
	scene_open_text(&scene, text);
	one = scene_client(&scene, 0, NULL, 0, NULL);
	two = scene_client(&scene, 0, NULL, 0, NULL);
	ask_once(&scene, one);
	scene_send(two, "too early");
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(fixture_ended(&scene.f, REASON_QUEUE_FULL), 1);
	fixture_advance(&scene.f, FLOW_MOMENT_UNANSWERED_MS);
	(void)scene_talk(&scene, two, 0);
	assert_int_equal(scene_server_held(&scene, 0), 1);
	assert_int_equal(fixture_ended(&scene.f, REASON_EVICTED), 1);
	close(one);
	close(two);
	scene_close(&scene);
}

/* The ledger of a worker of the fixture has 64 places. */
static void
full_ledger_takes_the_longest_idle_flow(void **state)
{
	enum { PLACES = 64 };
	struct scene scene;
	int fds[PLACES], other, i;

	(void)state;
	scene_open(&scene, 1, "", "");
	for (i = 0; i < PLACES; i++) {
		fds[i] = scene_client(&scene, 0, NULL, 0, NULL);
		ask_once(&scene, fds[i]);
	}
	other = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(other, "too early");
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(fixture_ended(&scene.f, REASON_WORKER_FULL), 1);
	assert_int_equal(scene.f.congestions, 1);
	fixture_advance(&scene.f, FLOW_MOMENT_UNANSWERED_MS);
	(void)scene_talk(&scene, other, 0);
	assert_int_equal(scene_flows(&scene), PLACES);
	assert_int_equal(fixture_ended(&scene.f, REASON_EVICTED), 1);
	for (i = 0; i < PLACES; i++)
		close(fds[i]);
	close(other);
	scene_close(&scene);
}

/* Leave no descriptor free. */
static struct rlimit
exhaust_descriptors(void)
{
	struct rlimit old, none;
	int fd = dup(0);

	assert_int_not_equal(fd, -1);
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)fd;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	return old;
}

static void
last_descriptor_takes_the_longest_idle_flow(void **state)
{
	struct rlimit old;
	struct scene scene;
	int fds[2];

	(void)state;
	scene_open(&scene, 1, "", "");
	fds[0] = scene_client(&scene, 0, NULL, 0, NULL);
	fds[1] = scene_client(&scene, 0, NULL, 0, NULL);
	ask_once(&scene, fds[0]);
	old = exhaust_descriptors();
	scene_send(fds[1], "too early");
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(fixture_ended(&scene.f, REASON_NO_DESCRIPTOR), 1);
	fixture_advance(&scene.f, FLOW_MOMENT_UNANSWERED_MS);
	(void)scene_talk(&scene, fds[1], 0);
	assert_int_equal(fixture_ended(&scene.f, REASON_EVICTED), 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	/* It was no fault of the server's. */
	assert_int_equal(
	    atomic_load(&scene.f.state->servers[scene.f.places[0]].failures),
	    0);
	close(fds[0]);
	close(fds[1]);
	scene_close(&scene);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_idle_goes_first),
		cmocka_unit_test(forged_sources_push_out_their_own),
		cmocka_unit_test(nobody_goes_who_was_active_a_moment_ago),
		cmocka_unit_test(whole_daemon_full_takes_any_flow),
		cmocka_unit_test(other_service_makes_no_room_in_this_one),
		cmocka_unit_test(full_servers_take_the_longest_idle_flow),
		cmocka_unit_test(full_ledger_takes_the_longest_idle_flow),
		cmocka_unit_test(last_descriptor_takes_the_longest_idle_flow),
	};

	return cmocka_run_group_tests_name("flows_full", tests, NULL, NULL);
}
