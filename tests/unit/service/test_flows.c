/*
 * Flows: datagrams find their way to a server and back, and each flow ends
 * when it should.
 */
#include <sys/socket.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/proxy.h"
#include "service/flows.h"

#include "flow_scene.h"

enum { TEXT_MAX = 1024, MANY = 40 };

static void
a_flow_is_small(void **state)
{
	(void)state;
	/* With what malloc(3) adds, 272 bytes. */
	assert_true(sizeof(struct flow) <= 264);
}

static void
clients_get_their_own_answers(void **state)
{
	struct scene_peer peers[2];
	struct scene scene;
	int fds[2];

	(void)state;
	scene_open(&scene, 1, "", "");
	fds[0] = scene_client(&scene, 0, NULL, 0, NULL);
	fds[1] = scene_client(&scene, 0, "127.0.0.2", 0, NULL);
	scene_send(fds[0], "first");
	peers[0] = scene_serve(&scene, 0, "first");
	scene_send(fds[1], "second");
	peers[1] = scene_serve(&scene, 0, "second");
	scene_reply(&peers[1], "for the second");
	scene_expect(&scene, fds[1], "for the second");
	scene_reply(&peers[0], "for the first");
	scene_expect(&scene, fds[0], "for the first");
	scene_expect_nothing(&scene, fds[1]);
	assert_int_equal(scene_flows(&scene), 2);
	assert_int_equal(scene_count(&scene, COUNTER_ACCEPTED), 2);
	assert_int_equal(scene_count(&scene, COUNTER_SESSIONS), 2);
	assert_int_equal(scene_count(&scene, COUNTER_DATAGRAMS_IN), 2);
	assert_int_equal(scene_count(&scene, COUNTER_DATAGRAMS_OUT), 2);
	assert_int_equal(scene_count(&scene, COUNTER_BYTES_IN), 11);
	assert_int_equal(scene_count(&scene, COUNTER_BYTES_OUT), 27);
	assert_int_equal(scene_server_held(&scene, 0), 2);
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_DATAGRAMS_TO), 2);
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_BYTES_FROM), 27);
	close(fds[0]);
	close(fds[1]);
	scene_close(&scene);
}

static void
a_client_keeps_its_server(void **state)
{
	struct scene scene;
	int fd, i;

	(void)state;
	scene_open(&scene, 2, "", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	for (i = 0; i < 5; i++)
		(void)scene_talk(&scene, fd, 0);
	close(fd);
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, fd, 1);
	close(fd);
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_SESSIONS), 1);
	assert_int_equal(
	    scene_server_count(&scene, 1, SERVER_COUNTER_SESSIONS), 1);
	scene_close(&scene);
}

/* The same port of the same client, to two addresses of the relay: two
 * flows, and each answer from the address that was asked. */
static void
answers_leave_from_the_address_that_was_used(void **state)
{
	struct scene_peer peers[2];
	char text[TEXT_MAX];
	struct scene scene;
	int fds[2];

	(void)state;
	scene_prepare(&scene);
	(void)snprintf(text, sizeof(text),
	    "pool \"p\" { server \"a\" { address = \"127.0.0.1:%u\" } }"
	    "service \"relay\" { listen = { \"udp:0.0.0.0:0\" }"
	    " handler = \"relay\" pool = \"p\" }",
	    scene.ports[0]);
	scene_open_text(&scene, text);
	fds[0] = scene_client(&scene, 0, "127.0.0.1", 0, "127.0.0.2");
	fds[1] = scene_client(&scene, 0, "127.0.0.1", 0, "127.1.2.3");
	scene_send(fds[0], "to 2");
	peers[0] = scene_serve(&scene, 0, "to 2");
	scene_send(fds[1], "to 3");
	peers[1] = scene_serve(&scene, 0, "to 3");
	/* These sockets are connected, and get nothing from elsewhere. */
	scene_reply(&peers[1], "from 3");
	scene_reply(&peers[0], "from 2");
	scene_expect(&scene, fds[0], "from 2");
	scene_expect(&scene, fds[1], "from 3");
	close(fds[0]);
	close(fds[1]);
	scene_close(&scene);
}

static void
many_datagrams_keep_their_order(void **state)
{
	struct scene_peer peer = { .server = -1 };
	char text[16];
	struct scene scene;
	int fd, i;

	(void)state;
	scene_open(&scene, 1, "", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	for (i = 0; i < MANY; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		scene_send(fd, text);
	}
	for (i = 0; i < MANY; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		peer = scene_serve(&scene, 0, text);
		scene_reply(&peer, text);
	}
	for (i = 0; i < MANY; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		scene_expect(&scene, fd, text);
	}
	close(fd);
	scene_close(&scene);
}

/* fault 68 */
static void
empty_datagrams_pass(void **state)
{
	struct scene_peer peer;
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 1, "", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(fd, "");
	peer = scene_serve(&scene, 0, "");
	scene_reply(&peer, "");
	scene_expect(&scene, fd, "");
	scene_expect_nothing(&scene, fd);
	assert_int_equal(scene_count(&scene, COUNTER_DATAGRAMS_EMPTY), 1);
	close(fd);
	scene_close(&scene);
}

static void
idle_flow_ends(void **state)
{
	struct scene_peer peer;
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 1, "udp { idle_timeout = \"10s\" }", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	peer = scene_talk(&scene, fd, 0);
	/* Either side keeps it alive. */
	fixture_advance(&scene.f, 6000);
	scene_send(fd, "more");
	(void)scene_serve(&scene, 0, "more");
	fixture_advance(&scene.f, 6000);
	scene_reply(&peer, "late");
	scene_expect(&scene, fd, "late");
	fixture_advance(&scene.f, 9000);
	assert_int_equal(scene_flows(&scene), 1);
	fixture_advance(&scene.f, 1001);
	assert_int_equal(scene_flows(&scene), 0);
	assert_int_equal(fixture_ended(&scene.f, REASON_IDLE_TIMEOUT), 1);
	assert_int_equal(scene_server_held(&scene, 0), 0);
	/* A new one begins as any other. */
	(void)scene_talk(&scene, fd, 0);
	assert_int_equal(scene_flows(&scene), 1);
	close(fd);
	scene_close(&scene);
}

static void
flows_end_in_their_turn(void **state)
{
	struct scene_peer peer;
	struct scene scene;
	int fds[3], i;

	(void)state;
	scene_open(&scene, 1, "udp { idle_timeout = \"10s\" }", "");
	for (i = 0; i < 3; i++) {
		fds[i] = scene_client(&scene, 0, NULL, 0, NULL);
		/* Whether it was answered makes no difference. */
		scene_send(fds[i], "ask");
		peer = scene_serve(&scene, 0, "ask");
		if (i == 1)
			scene_reply(&peer, "answer");
		fixture_advance(&scene.f, 1000);
	}
	for (i = 0; i < 3; i++) {
		assert_int_equal(scene_flows(&scene), 3 - i);
		fixture_advance(&scene.f, i == 0 ? 7001 : 1000);
	}
	assert_int_equal(scene_flows(&scene), 0);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	scene_close(&scene);
}

static void
flow_ends_with_its_response(void **state)
{
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 1, "udp { responses = 1 }", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	(void)scene_talk(&scene, fd, 0);
	assert_int_equal(scene_flows(&scene), 0);
	assert_int_equal(fixture_ended(&scene.f, REASON_RESPONDED), 1);
	(void)scene_talk(&scene, fd, 0);
	assert_int_equal(fixture_ended(&scene.f, REASON_RESPONDED), 2);
	close(fd);
	scene_close(&scene);
}

/* A resolver asks for the IPv4 and the IPv6 address from one port. */
static void
two_requests_have_two_responses(void **state)
{
	struct scene_peer peer;
	struct scene scene;
	int fd;

	(void)state;
	scene_open(&scene, 1, "udp { responses = 2 }", "");
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(fd, "A?");
	scene_send(fd, "AAAA?");
	(void)scene_serve(&scene, 0, "A?");
	peer = scene_serve(&scene, 0, "AAAA?");
	scene_reply(&peer, "A 1");
	scene_reply(&peer, "A 2");
	scene_reply(&peer, "AAAA 1");
	scene_expect(&scene, fd, "A 1");
	scene_expect(&scene, fd, "A 2");
	scene_expect(&scene, fd, "AAAA 1");
	assert_int_equal(scene_flows(&scene), 1);
	scene_reply(&peer, "AAAA 2");
	scene_expect(&scene, fd, "AAAA 2");
	assert_int_equal(scene_flows(&scene), 0);
	close(fd);
	scene_close(&scene);
}

static void
lists_are_asked_when_a_flow_begins(void **state)
{
	char text[TEXT_MAX];
	struct scene scene;
	int good, bad;

	(void)state;
	scene_prepare(&scene);
	(void)snprintf(text, sizeof(text),
	    "pool \"p\" { server \"a\" { address = \"127.0.0.1:%u\" } }"
	    "service \"relay\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"relay\" pool = \"p\""
	    " deny = { \"127.0.0.2/32\" } }",
	    scene.ports[0]);
	scene_open_text(&scene, text);
	good = scene_client(&scene, 0, NULL, 0, NULL);
	bad = scene_client(&scene, 0, "127.0.0.2", 0, NULL);
	scene_send(bad, "let me in");
	scene_send(bad, "let me in");
	(void)scene_talk(&scene, good, 0);
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(scene_flows(&scene), 1);
	assert_int_equal(fixture_ended(&scene.f, REASON_DENIED), 2);
	close(good);
	close(bad);
	scene_close(&scene);
}

static void
source_sends_as_fast_as_it_may(void **state)
{
	char text[TEXT_MAX];
	struct scene scene;
	int fd, i;

	(void)state;
	scene_prepare(&scene);
	(void)snprintf(text, sizeof(text),
	    "pool \"p\" { server \"a\" { address = \"127.0.0.1:%u\" } }"
	    "service \"relay\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"relay\" pool = \"p\""
	    " limit { source_datagram_rate = \"3/h\" } }",
	    scene.ports[0]);
	scene_open_text(&scene, text);
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	for (i = 0; i < 5; i++)
		scene_send(fd, "flood");
	for (i = 0; i < 3; i++)
		(void)scene_serve(&scene, 0, "flood");
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(scene_count(&scene, COUNTER_DATAGRAMS_LIMITED), 2);
	close(fd);
	scene_close(&scene);
}

static void
source_has_as_many_flows_as_it_may(void **state)
{
	struct scene scene;
	int fds[3], other, i;

	(void)state;
	scene_open(&scene, 1, "", "per_source = 2");
	for (i = 0; i < 3; i++)
		fds[i] = scene_client(&scene, 0, "127.0.0.2", 0, NULL);
	other = scene_client(&scene, 0, "127.0.0.3", 0, NULL);
	(void)scene_talk(&scene, fds[0], 0);
	(void)scene_talk(&scene, fds[1], 0);
	fixture_advance(&scene.f, 5000);
	scene_send(fds[2], "one too many");
	(void)scene_talk(&scene, other, 0);
	assert_int_equal(scene_flows(&scene), 3);
	assert_int_equal(fixture_ended(&scene.f, REASON_SOURCE_FULL), 1);
	assert_int_equal(fixture_ended(&scene.f, REASON_EVICTED), 0);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	close(other);
	scene_close(&scene);
}

/* fault 66 */
static void
own_port_is_not_relayed(void **state)
{
	char text[TEXT_MAX];
	struct scene scene;
	int own, fd;

	(void)state;
	scene_prepare(&scene);
	(void)snprintf(text, sizeof(text),
	    "pool \"p\" { server \"a\" { address = \"127.0.0.1:%u\" } }"
	    "service \"relay\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"relay\" pool = \"p\" }"
	    "service \"echo\" { listen = { \"udp:127.0.0.1:0\" }"
	    " handler = \"echo\" }",
	    scene.ports[0]);
	scene_open_text(&scene, text);
	own = scene_client(&scene, 0, "127.0.0.2",
	    scene.f.services.current->doors[1].endpoint.addr.port, NULL);
	fd = scene_client(&scene, 0, NULL, 0, NULL);
	scene_send(own, "play with your brother");
	(void)scene_talk(&scene, fd, 0);
	scene_expect_nothing(&scene, scene.servers[0]);
	assert_int_equal(scene_flows(&scene), 1);
	assert_int_equal(scene_count(&scene, COUNTER_DATAGRAMS_GUARDED), 1);
	close(own);
	close(fd);
	scene_close(&scene);
}

static void
privileged_port_is_relayed(void **state)
{
	struct scene scene;
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	scene_open(&scene, 1, "", "");
	fd = scene_client(&scene, 0, "127.0.0.4", 53, NULL);
	(void)scene_talk(&scene, fd, 0);
	close(fd);
	scene_close(&scene);
}

static void
each_datagram_tells_who_its_client_is(void **state)
{
	struct proxy_header header;
	unsigned char got[128];
	struct scene scene;
	size_t size;
	ssize_t n;
	int fd, i;

	(void)state;
	scene_open(&scene, 1, "proxy_protocol = \"v2\"", "");
	fd = scene_client(&scene, 0, "127.0.0.9", 0, NULL);
	for (i = 0; i < 2; i++) {
		scene_send(fd, "payload");
		n = fixture_read(&scene.f, scene.servers[0], got, sizeof(got));
		assert_int_equal(proxy_parse(got, (size_t)n, &header, &size),
		    PROXY_COMPLETE);
		assert_int_equal(header.version, 2);
		assert_true(header.dgram);
		assert_false(header.local);
		assert_int_equal(header.src.ip[3], 9);
		assert_int_equal(
		    addr_compare(&header.dst,
			&scene.f.services.current->doors[0].endpoint.addr),
		    0);
		assert_int_equal((size_t)n - size, 7);
		assert_memory_equal(got + size, "payload", 7);
	}
	/* What goes to the server beside the payload is not counted. */
	assert_int_equal(
	    scene_server_count(&scene, 0, SERVER_COUNTER_BYTES_TO), 14);
	close(fd);
	scene_close(&scene);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_small),
		cmocka_unit_test(clients_get_their_own_answers),
		cmocka_unit_test(a_client_keeps_its_server),
		cmocka_unit_test(answers_leave_from_the_address_that_was_used),
		cmocka_unit_test(many_datagrams_keep_their_order),
		cmocka_unit_test(empty_datagrams_pass),
		cmocka_unit_test(idle_flow_ends),
		cmocka_unit_test(flows_end_in_their_turn),
		cmocka_unit_test(flow_ends_with_its_response),
		cmocka_unit_test(two_requests_have_two_responses),
		cmocka_unit_test(lists_are_asked_when_a_flow_begins),
		cmocka_unit_test(source_sends_as_fast_as_it_may),
		cmocka_unit_test(source_has_as_many_flows_as_it_may),
		cmocka_unit_test(own_port_is_not_relayed),
		cmocka_unit_test(privileged_port_is_relayed),
		cmocka_unit_test(each_datagram_tells_who_its_client_is),
	};

	return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
