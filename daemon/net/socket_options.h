/*
 * Socket options by name, with what this system lacks told rather than left
 * out: an option that somebody asked for works or is an error.
 */
#ifndef MUXD_NET_SOCKET_OPTIONS_H
#define MUXD_NET_SOCKET_OPTIONS_H

#include "base/addr.h"
#include "net/connect.h"
#include "net/socket.h"

/* Let more sockets of this user bind the same address, and share what comes
 * (socket(7), SO_REUSEPORT; SO_REUSEPORT_LB where that one balances). */
int socket_options_share(int fd, const char **option);

/* What must be set before bind(2) in every case, whether the socket shares
 * its address or not. */
int socket_options_prepare(
    int fd, const struct endpoint *endpoint, const char **option);

/* Whether such a socket shares its address that way; whether it is one of IPv6
 * that takes no IPv4. */
bool socket_options_are_shared(int fd);
bool socket_options_are_v6(int fd);

/*
 * Set what the options ask for on a TCP socket, before it listens.  0, or -1
 * with errno and the option's name in *option; ENOPROTOOPT for one that this
 * system does not have, EINVAL for a value out of its range.
 */
int socket_options_apply(
    int fd, const struct socket_options *options, const char **option);

/* The same on one that listens already, whatever was set before: what is 0
 * becomes the system's default. */
int socket_options_change(
    int fd, const struct socket_options *options, const char **option);

/* Set what the options ask for on a socket that is to connect to addr, before
 * it is bound; stream: TCP, else UDP.  Errors as before. */
int socket_options_connect(int fd, const struct addr *addr, bool stream,
    const struct connect_options *options, const char **option);

#endif
