/*
 * What the tests of flows share: a worker that relays datagrams to servers of
 * the test, and clients.
 */
#ifndef MUXD_TESTS_SERVICE_FLOW_SCENE_H
#define MUXD_TESTS_SERVICE_FLOW_SCENE_H

#include "fixture.h"

#include "state/servers.h"

#define SCENE_SERVERS 3

struct scene {
	struct fixture f;
	int servers[SCENE_SERVERS];
	uint16_t ports[SCENE_SERVERS]; /* of 127.0.0.1 */
};

/* Sockets for the servers, of which none is asked yet. */
void scene_prepare(struct scene *scene);

/* A service "relay" on 127.0.0.1, whose pool has n servers, "a" and on, asked
 * in turn; with more options of the pool and of the service's limits. */
void scene_open(struct scene *scene, size_t n, const char *pool_options,
    const char *limits);

/* The same, from the text of a configuration with the servers' ports in. */
void scene_open_text(struct scene *scene, const char *text);
void scene_close(struct scene *scene);

/* A server that is not there any more: its port is closed. */
void scene_end_server(struct scene *scene, size_t i);

/* A client of the nth door; from and to are IPv4 addresses or NULL, port 0 is
 * any. */
int scene_client(struct scene *scene, size_t door, const char *from,
    uint16_t port, const char *to);

void scene_send(int fd, const char *text);

/* Turn until it comes. */
void scene_expect(struct scene *scene, int fd, const char *text);

/* Turn until nothing is left to do, and nothing has come. */
void scene_expect_nothing(struct scene *scene, int fd);

/* A client as a server sees it. */
struct scene_peer {
	int server; /* the socket */
	struct sockaddr_storage ss;
	socklen_t len;
};

/* The server gets this from somebody. */
struct scene_peer scene_serve(
    struct scene *scene, size_t server, const char *text);
void scene_reply(const struct scene_peer *peer, const char *text);

/* A client asks, the server answers: a flow that was answered. */
struct scene_peer scene_talk(struct scene *scene, int client, size_t server);

/* How many flows there are. */
unsigned scene_flows(const struct scene *scene);

/* Counters: of the first service, and of server i of the first pool. */
uint64_t scene_count(const struct scene *scene, enum counter counter);
uint64_t scene_server_count(
    const struct scene *scene, size_t i, enum server_counter counter);
uint32_t scene_server_held(const struct scene *scene, size_t i);

#endif
