/*
 * Outgoing connections: a socket with its options set and connect(2) under
 * way.  Everything is non-blocking and close-on-exec; nothing here resolves
 * a name.
 */
#ifndef MUXD_NET_CONNECT_H
#define MUXD_NET_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* What a connection to a server gets; 0 leaves the system's default. */
struct connect_options {
	struct addr source; /* to bind to, port 0; ADDR_NONE: do not */
	uint64_t keepalive_ms;
	uint64_t user_timeout_ms;
	uint32_t mark; /* SO_MARK; needs CAP_NET_ADMIN or CAP_NET_RAW */
	uint8_t dscp;  /* 0 … 63: IP_TOS, IPV6_TCLASS (RFC 2474) */
	bool nodelay;
};

enum connect_result {
	CONNECT_FAILED,  /* errno; there is no descriptor */
	CONNECT_DONE,    /* connected: UNIX sockets, UDP */
	CONNECT_PROGRESS /* writable tells when it is through, or has failed;
			    connect_error() says which */
};

/*
 * Begin to connect to addr, or if that is ADDR_UNIX to the path.  A source of
 * the other family is not bound to.  *fd is the caller's.  errno of a failure
 * is that of socket(2), bind(2), setsockopt(2) (then *option, unless NULL,
 * names the option) or connect(2); a UNIX server whose accept queue is full
 * gives EAGAIN.
 */
enum connect_result connect_stream(const struct addr *addr, const char *path,
    const struct connect_options *options, int *fd, const char **option);

/* The same for a connected UDP socket. */
enum connect_result connect_datagram(const struct addr *addr,
    const struct connect_options *options, int *fd, const char **option);

/* The outcome of a connect that was in progress: 0, or an errno value
 * (SO_ERROR of socket(7)). */
int connect_error(int fd);

/* Whether the socket, which is connected to addr, is connected to itself: a
 * server on a port that the system hands out to clients, which nobody listens
 * on (RFC 9293, 3.5, simultaneous open). */
bool connect_is_self(int fd, const struct addr *addr);

#endif
