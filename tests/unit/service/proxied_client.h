/*
 * What the tests of accept_proxy share: clients that come with a PROXY
 * header, and what muxd tells about them.
 */
#ifndef MUXD_TESTS_SERVICE_PROXIED_CLIENT_H
#define MUXD_TESTS_SERVICE_PROXIED_CLIENT_H

#include "fixture.h"

/* 127.0.0.1, where clients connect from, is trusted; 127.0.0.2 is not. */
#define ECHO_BEHIND_PROXY(options)                                   \
	"service \"echo\" { listen = { \"127.0.0.1:0\" } handler = " \
	"\"echo\" accept_proxy = \"127.0.0.1/32\" " options "}"

/* A literal without its NUL. */
#define BYTES(literal) (literal), sizeof(literal) - 1

#define HEADER_V1      "PROXY TCP4 192.0.2.1 192.0.2.2 1001 1002\r\n"
#define SIGNATURE_V2   "\r\n\r\n\0\r\nQUIT\n"
/* From [2001:db8::1]:1 to [2001:db8::2]:2, with an ALPN "h2". */
#define HEADER_V2                                            \
	SIGNATURE_V2 "\x21\x21\0\x29"                        \
		     "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1" \
		     "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2" \
		     "\0\1\0\2"                              \
		     "\1\0\2h2"

/* A trusted client that has sent these bytes. */
int proxied_connect(struct fixture *f, const void *data, size_t len);

/* One that says with a header of version 1 that it is address, such as
 * "192.0.2.1". */
int proxied_connect_as(struct fixture *f, const char *address);

void proxied_send(int fd, const void *data, size_t len);

/* These bytes, and no others, come back. */
void assert_echo(struct fixture *f, int fd, const void *data, size_t len);

/* Whether the client is served: what it says comes back. */
bool is_served(struct fixture *f, int fd);

/* Whether the client has heard nothing, neither an answer nor an end. */
bool is_waiting(struct fixture *f, int fd);

/* It is turned away with a reset, for that reason, and had no session. */
void assert_refused(struct fixture *f, int fd, enum reason reason);

/* How many connections count as the daemon's. */
uint32_t connections(const struct fixture *f);

/* How many sessions have begun. */
uint64_t sessions(const struct fixture *f);

/* The client of the oldest session, as its ledger entry has it. */
void assert_client(const struct fixture *f, const char *client);

/* Wait for the record with that message; its line, until the next call. */
const char *record_line(struct fixture *f, const char *message);

#endif
