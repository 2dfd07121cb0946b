/*
 * Servers that muxd relays to: sockets of the test itself.
 */
#ifndef TESTS_SYSTEM_SERVER_H
#define TESTS_SYSTEM_SERVER_H

#include <stdbool.h>

/* A listening, non-blocking socket of "127.0.0.1:0", "[::1]:0" or
 * "unix:/PATH"; address_of() says where.  Closed by the teardown unless the
 * test does so. */
int server_listen(const char *address);

/* The same with a backlog of its own. */
int server_listen_backlog(const char *address, int backlog);

/* Wait for a connection and take it; non-blocking, as client_connect(). */
int server_accept(int listener);

/* Whether nobody connects for that long. */
bool server_stays_alone(int listener, int timeout_ms);

/* n clients come to the relay's address and stay; so many of them come to the
 * first of its two servers, all others to the second one. */
void server_expect_shares(
    const char *relay, unsigned n, const int listeners[2], unsigned first);

/* An address of this host that nobody listens on. */
const char *server_absent(void);

#endif
