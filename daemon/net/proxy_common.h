/*
 * What the versions of the PROXY protocol share, and proxy.c needs of them.
 */
#ifndef MUXD_NET_PROXY_COMMON_H
#define MUXD_NET_PROXY_COMMON_H

#include "net/proxy.h"

/* The shortest headers: "PROXY UNKNOWN\r\n", and one without addresses. */
#define PROXY_V1_MIN 15
#define PROXY_V2_MIN 16

/* As proxy_parse(), of data that begins with the version's signature; header
 * is zeroed but for its version, and of no use unless COMPLETE. */
enum proxy_verdict proxy_v1_parse(const unsigned char *data, size_t len,
    struct proxy_header *header, size_t *size);
enum proxy_verdict proxy_v2_parse(const unsigned char *data, size_t len,
    struct proxy_header *header, size_t *size);

/* An address from its bytes.  An IPv4-mapped one becomes IPv4, as wherever
 * addresses enter. */
void proxy_addr_set(struct addr *addr, enum addr_family family,
    const unsigned char *ip, uint16_t port);

/* The 16 bytes of an IPv6 address, or of an IPv4 one in its mapped form. */
void proxy_addr_ip6(const struct addr *addr, unsigned char ip[16]);

/* The family that both addresses can be written in, or ADDR_NONE. */
enum addr_family proxy_out_family(const struct proxy_out *out);

#endif
