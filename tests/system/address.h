/*
 * Addresses as muxd logs them: "127.0.0.1:7", "[::1]:7", "udp:127.0.0.1:7",
 * "unix:/path".
 */
#ifndef TESTS_SYSTEM_ADDRESS_H
#define TESTS_SYSTEM_ADDRESS_H

#include <sys/socket.h>

#include <stdbool.h>

/* To the kernel's form; the length, and *type as socket(2) wants it. */
socklen_t address_parse(
    const char *address, struct sockaddr_storage *ss, int *type);

/* The same without a type; a missing port is 0. */
socklen_t address_parse_inet(const char *text, struct sockaddr_storage *ss);

/* The port of an address. */
unsigned address_port(const char *address);

/* What a socket is bound to; the text lives until the teardown. */
const char *address_of(int fd);

/* Whether this host speaks IPv6 on its loopback. */
bool address_has_ipv6(void);

#endif
