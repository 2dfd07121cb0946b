/*
 * See flow_scene.h.
 */
#include "flow_scene.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/socket.h"
#include "service/flows.h"

enum { TEXT_MAX = 1024, DATAGRAM_MAX = 128 };

static int
bound_socket(const char *address, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int fd = compat_socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(inet_pton(AF_INET, address, &sin.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

void
scene_prepare(struct scene *scene)
{
	struct addr addr;
	size_t i;

	memset(scene, 0, sizeof(*scene));
	for (i = 0; i < SCENE_SERVERS; i++) {
		scene->servers[i] = bound_socket("127.0.0.1", 0);
		assert_int_equal(socket_local(scene->servers[i], &addr), 0);
		scene->ports[i] = addr.port;
	}
}

void
scene_open_text(struct scene *scene, const char *text)
{
	fixture_open(&scene->f, text);
}

void
scene_open(
    struct scene *scene, size_t n, const char *pool_options, const char *limits)
{
	char servers[TEXT_MAX] = "", text[2 * TEXT_MAX];
	size_t i, len = 0;

	scene_prepare(scene);
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(servers + len, sizeof(servers) - len,
		    "server \"%c\" { address = \"127.0.0.1:%u\" }\n",
		    (char)('a' + i), scene->ports[i]);
	(void)snprintf(text, sizeof(text),
	    "pool \"p\" {\n%s%s\n}\n"
	    "service \"relay\" {\n"
	    "listen = { \"udp:127.0.0.1:0\" }\n"
	    "handler = \"relay\"\n"
	    "pool = \"p\"\n"
	    "limit { source_datagram_rate = \"0\" %s }\n}\n",
	    servers, pool_options, limits);
	scene_open_text(scene, text);
}

void
scene_end_server(struct scene *scene, size_t i)
{
	assert_int_equal(close(scene->servers[i]), 0);
	scene->servers[i] = -1;
}

void
scene_close(struct scene *scene)
{
	size_t i;

	fixture_close(&scene->f);
	for (i = 0; i < SCENE_SERVERS; i++)
		if (scene->servers[i] != -1)
			scene_end_server(scene, i);
}

int
scene_client(struct scene *scene, size_t door, const char *from, uint16_t port,
    const char *to)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = bound_socket(from != NULL ? from : "127.0.0.1", port);

	sin.sin_port =
	    htons(scene->f.services.current->doors[door].endpoint.addr.port);
	assert_int_equal(
	    inet_pton(AF_INET, to != NULL ? to : "127.0.0.1", &sin.sin_addr),
	    1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

void
scene_send(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

void
scene_expect(struct scene *scene, int fd, const char *text)
{
	char got[DATAGRAM_MAX];
	ssize_t n = fixture_read(&scene->f, fd, got, sizeof(got));

	assert_int_equal(n, (ssize_t)strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

void
scene_expect_nothing(struct scene *scene, int fd)
{
	char byte;

	fixture_settle(&scene->f);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

struct scene_peer
scene_serve(struct scene *scene, size_t server, const char *text)
{
	struct scene_peer peer = {
		.server = scene->servers[server],
		.len = sizeof(peer.ss),
	};
	char got[DATAGRAM_MAX];
	ssize_t n;

	while ((n = recvfrom(peer.server, got, sizeof(got), MSG_DONTWAIT,
		    (struct sockaddr *)&peer.ss, &peer.len)) == -1) {
		assert_int_equal(errno, EAGAIN);
		fixture_turn(&scene->f);
	}
	assert_int_equal(n, (ssize_t)strlen(text));
	assert_memory_equal(got, text, strlen(text));
	return peer;
}

void
scene_reply(const struct scene_peer *peer, const char *text)
{
	assert_int_equal(sendto(peer->server, text, strlen(text), 0,
			     (const struct sockaddr *)&peer->ss, peer->len),
	    (ssize_t)strlen(text));
}

struct scene_peer
scene_talk(struct scene *scene, int client, size_t server)
{
	struct scene_peer peer;

	scene_send(client, "ask");
	peer = scene_serve(scene, server, "ask");
	scene_reply(&peer, "answer");
	scene_expect(scene, client, "answer");
	return peer;
}

unsigned
scene_flows(const struct scene *scene)
{
	return scene->f.services.flows->n;
}

uint64_t
scene_count(const struct scene *scene, enum counter counter)
{
	return state_sum_events(scene->f.state, scene->f.slots[0], counter);
}

uint64_t
scene_server_count(
    const struct scene *scene, size_t i, enum server_counter counter)
{
	return state_server_sum(scene->f.state, scene->f.places[i], counter);
}

uint32_t
scene_server_held(const struct scene *scene, size_t i)
{
	return tally_read(
	    &scene->f.state->servers[scene->f.places[i]].connections.tally);
}
