/*
 * What the tests of the http service share: one worker's services with an
 * http service on a free loopback port, on a loop whose clock stands still
 * until the test moves it, and clients with real sockets.
 */
#ifndef MUXD_TESTS_SERVICE_HTTP_WORLD_H
#define MUXD_TESTS_SERVICE_HTTP_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/service.h"
#include "service/session.h"

#define WORLD_HEAD_TIMEOUT 10000
#define WORLD_KEEPALIVE    60000
#define WORLD_MAX_BODY     100000

struct world {
	struct log log;
	struct state *state;
	struct loop *loop;
	struct conf conf;
	struct conf_service service;
	struct services services;
	struct addr addr; /* where it listens */
	unsigned drained;
	bool small; /* little room in the kernel: slow readers are soon felt */
	bool open;
};

struct client {
	int fd;
	char *text; /* all that has come, NUL-terminated */
	size_t len;
	size_t size;
	size_t seen; /* read by the test so far */
	bool ended;  /* the server's FIN */
	bool reset;
};

/* Setup and teardown of a test: *state becomes a struct world whose service
 * answers "200 OK" as text/plain.  The teardown asserts that all sessions
 * are gone and no memory is held. */
int world_setup(void **state);
int world_teardown(void **state);

#define WORLD_TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

/* Change world->service before this; the client functions call it. */
void world_open(struct world *world);

/* One turn, which waits for an event a little. */
void world_turn(struct world *world);

/* Turn until nothing is left to do. */
void world_settle(struct world *world);

/* Let time pass, with what falls due in it. */
void world_pass(struct world *world, uint64_t ms);

/* How many sessions there are; the oldest one. */
size_t world_sessions(const struct world *world);
struct session *world_session(const struct world *world);

uint64_t world_ended(const struct world *world, enum reason reason);
uint64_t world_requests(const struct world *world);

/* Connect, and wait for the session. */
struct client client_open(struct world *world);
void client_close(struct client *client);

/* Send all of it, and have the server read it. */
void client_send(struct world *world, struct client *client, const char *text);
void client_send_bytes(
    struct world *world, struct client *client, const char *data, size_t len);

/* Send FIN. */
void client_finish(struct client *client);

/* Take what has come, without waiting. */
void client_take(struct client *client);

/* Wait for n more bytes, and return where they are. */
const char *client_read(struct world *world, struct client *client, size_t n);

/* Wait for one response and assert on its status and body (HEAD: NULL).
 * Returns its head, valid until the next call. */
const char *client_expect(struct world *world, struct client *client,
    unsigned status, const char *body);

/* Whether the head has this line. */
bool head_has(const char *head, const char *line);

/* Assert that the server closes in order, without another byte. */
void client_expect_end(struct world *world, struct client *client);

/* Assert that nothing has come and the connection is open. */
void client_expect_silence(struct world *world, struct client *client);

#endif
