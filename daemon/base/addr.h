/*
 * Addresses: what people write, what the kernel takes, and what sessions and
 * tables keep.  struct addr is small because every session holds one; the
 * path of a UNIX socket lives in struct endpoint, where a listener needs it.
 * Nothing here resolves names.
 */
#ifndef MUXD_BASE_ADDR_H
#define MUXD_BASE_ADDR_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum addr_family {
	ADDR_NONE, /* not known */
	ADDR_INET4,
	ADDR_INET6,
	ADDR_UNIX /* no numbers; most UNIX clients have no name either */
};

struct addr {
	uint8_t family; /* enum addr_family */
	uint8_t unused; /* zero, so that addresses compare as bytes */
	uint16_t port;  /* host byte order */
	uint32_t scope; /* IPv6 scope of a link-local address, else 0 */
	uint8_t ip[16]; /* network byte order; IPv4 fills the first four */
};

/* Longest text of an address with its port, NUL included:
 * "[ffff:…:255.255.255.255%4294967295]:65535". */
#define ADDR_STRLEN 72

/*
 * Parse "192.0.2.1:80" or "[2001:db8::1]:80"; a scope may follow the IPv6
 * address if it is link-local ("%eth0", "%2").  An IPv4-mapped address
 * becomes IPv4.  Port 0 is allowed.  Returns 0, or -1 with a static text in
 * *why that completes the sentence "bad address: …".
 */
int addr_parse(const char *text, struct addr *addr, const char **why);

/* As addr_parse() reads it, into buf (ADDR_STRLEN bytes suffice); "unix" and
 * "-" for the families without numbers.  Returns buf. */
const char *addr_format(const struct addr *addr, char *buf, size_t size);

/* Without port and brackets: "192.0.2.1", "fe80::1%2".  Returns buf. */
const char *addr_format_ip(const struct addr *addr, char *buf, size_t size);

/* From the kernel's form, of any alignment.  An IPv4-mapped IPv6 address
 * becomes IPv4; a family that is not known, or a length too short for it,
 * becomes ADDR_NONE. */
void addr_from_sockaddr(
    struct addr *addr, const struct sockaddr *sa, socklen_t len);

/* To the kernel's form; returns the length, 0 for a family without one. */
socklen_t addr_to_sockaddr(
    const struct addr *addr, struct sockaddr_storage *ss);

/* Order by family, address, port and scope: <0, 0, >0. */
int addr_compare(const struct addr *a, const struct addr *b);

/* Whether the address is 0.0.0.0 or ::. */
bool addr_is_any(const struct addr *addr);

/* Whether the address is a multicast or (IPv4) the limited broadcast one. */
bool addr_is_multicast(const struct addr *addr);

/* How a service is spoken to; also a bit in the set of those it speaks. */
enum transport { TRANSPORT_TCP = 1, TRANSPORT_UDP = 2, TRANSPORT_UNIX = 4 };

/* "tcp", "udp", "unix". */
const char *transport_name(enum transport transport);

#define ENDPOINT_PATH_MAX 108 /* sun_path of unix(7), NUL included */
#define ENDPOINT_STRLEN   (ENDPOINT_PATH_MAX + 8)

/* Where a service listens. */
struct endpoint {
	enum transport transport;
	struct addr addr;             /* family ADDR_UNIX: see path */
	char path[ENDPOINT_PATH_MAX]; /* of a UNIX socket, else empty */
};

/*
 * Parse "ADDRESS:PORT" or "tcp:ADDRESS:PORT", "udp:ADDRESS:PORT" and
 * "unix:/PATH" (absolute) into out.  "*:PORT" means both families and gives
 * two endpoints, 0.0.0.0 first.  Returns how many were written (1 or 2), or
 * -1 with a static text in *why.
 */
int endpoint_parse(const char *text, struct endpoint out[2], const char **why);

/* As endpoint_parse() reads it, without "tcp:"; ENDPOINT_STRLEN suffices. */
const char *endpoint_format(const struct endpoint *ep, char *buf, size_t size);

/* Whether both name the same socket address and transport. */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* A block of addresses: the first bits of ip. */
struct prefix {
	uint8_t family; /* ADDR_INET4 or ADDR_INET6 */
	uint8_t bits;   /* 0..32 or 0..128 */
	uint8_t ip[16]; /* the bits behind the prefix are zero */
};

#define PREFIX_STRLEN 52

/* Parse "192.0.2.0/24", "2001:db8::/32", or a lone address (all its bits).
 * Bits set behind the prefix are an error; a block of IPv4-mapped addresses
 * becomes one of IPv4.  Returns 0, or -1 and *why. */
int prefix_parse(const char *text, struct prefix *prefix, const char **why);

/* As prefix_parse() reads it; PREFIX_STRLEN suffices. */
const char *prefix_format(const struct prefix *p, char *buf, size_t size);

/* Whether the address lies in the block; another family never does. */
bool prefix_match(const struct prefix *prefix, const struct addr *addr);

/* The block of the given length that the address lies in: bits4 for IPv4,
 * bits6 for IPv6.  Other families give a prefix of family ADDR_NONE. */
struct prefix prefix_of(
    const struct addr *addr, unsigned bits4, unsigned bits6);

#endif
