/*
 * Making sockets: bound, with their options set, ready to be handed to a
 * worker.  All descriptors are non-blocking and close-on-exec.
 */
#ifndef MUXD_NET_SOCKET_H
#define MUXD_NET_SOCKET_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* What accepted connections inherit from their listening socket, and the
 * listening socket's own; 0 leaves the system's default. */
struct socket_options {
	int backlog;
	uint64_t keepalive_ms;    /* SO_KEEPALIVE with TCP_KEEPIDLE */
	uint64_t user_timeout_ms; /* TCP_USER_TIMEOUT */
	uint64_t defer_accept_ms; /* TCP_DEFER_ACCEPT */
	int fastopen;             /* TCP_FASTOPEN, length of its queue */
	bool nodelay;             /* TCP_NODELAY */
};

/* How the file of a UNIX listener shall look. */
struct socket_file {
	mode_t mode;
	uid_t uid; /* (uid_t)-1: leave it */
	gid_t gid;
};

/*
 * A TCP or UDP socket bound to the endpoint, with SO_REUSEPORT so that more
 * can follow on the same address, and IPV6_V6ONLY on IPv6.  UDP sockets tell
 * the local address of each datagram (IP_PKTINFO, ip(7)).  A TCP socket does
 * not listen yet.  Returns the descriptor, or -1 with errno of bind(2); an
 * option that the kernel refuses is an error too and *option, if not NULL,
 * names it.
 */
int socket_bind(const struct endpoint *endpoint,
    const struct socket_options *options, const char **option);

/*
 * A listening UNIX stream socket.  A socket file that nobody listens on is
 * removed first; one that somebody answers on gives EADDRINUSE, and a file
 * that is no socket EEXIST.  Owner and mode are set before the socket
 * listens, so nobody slips in between.
 */
int socket_bind_unix(const struct endpoint *endpoint,
    const struct socket_options *options, const struct socket_file *file);

/* Give the file of a UNIX listener another owner and mode.  -1 with errno. */
int socket_set_file(
    const struct endpoint *endpoint, const struct socket_file *file);

/*
 * Whether the endpoint can be bound at all, by a bind without SO_REUSEPORT
 * that is undone at once.  A bind with it would silently join the sockets of
 * another daemon of the same user.  0, or -1 with EADDRINUSE, EACCES, …
 */
int socket_probe(const struct endpoint *endpoint);

/* listen(2). */
int socket_listen(int fd, int backlog);

/* The address a socket is bound to. */
int socket_local(int fd, struct addr *addr);

/* Make the close(2) that follows send a reset (SO_LINGER 0). */
void socket_close_resets(int fd);

/* Close a connection so that the peer gets a reset. */
void socket_reset(int fd);

#endif
