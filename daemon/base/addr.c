/*
 * Addresses between text, struct addr and the kernel; see addr.h.
 *
 * An IPv4 address is the same thing however it came: the IPv4-mapped form of
 * IPv6 (RFC 4291, 2.5.5.2) is turned into IPv4 wherever an address enters,
 * so no list can be passed by writing it differently.
 */
#include "base/addr.h"

#include <sys/un.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
is_digits(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* A decimal number up to max, written in the one way it can be: digits
 * alone, no zero in front. */
static int
parse_number(const char *text, uint64_t max, uint32_t *value)
{
	uint64_t v = 0;

	if (!is_digits(text) || (text[0] == '0' && text[1] != '\0'))
		return -1;
	for (; *text != '\0'; text++) {
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > max)
			return -1;
	}
	*value = (uint32_t)v;
	return 0;
}

static int
parse_port(const char *text, struct addr *addr, const char **why)
{
	uint32_t port;

	if (parse_number(text, UINT16_MAX, &port) == -1) {
		*why = "the port is no number from 0 to 65535";
		return -1;
	}
	addr->port = (uint16_t)port;
	return 0;
}

/* Addresses that are only unique on their link: fe80::/10, and multicast of
 * interface-local and link-local scope (RFC 4291, 2.7). */
static bool
is_link_local(const uint8_t ip[16])
{
	if (ip[0] == 0xff)
		return (ip[1] & 0x0f) == 1 || (ip[1] & 0x0f) == 2;
	return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

static int
parse_scope(const char *text, struct addr *addr, const char **why)
{
	if (!is_link_local(addr->ip)) {
		*why = "only a link-local address has a scope";
		return -1;
	}
	if (is_digits(text)) {
		if (parse_number(text, UINT32_MAX, &addr->scope) == 0 &&
		    addr->scope != 0)
			return 0;
		*why = "the scope is no number of an interface";
		return -1;
	}
	addr->scope = if_nametoindex(text);
	if (addr->scope == 0) {
		*why = "the scope names no interface of this machine";
		return -1;
	}
	return 0;
}

/* Store 16 bytes, as IPv4 if that is what they mean. */
static void
set_ip6(struct addr *addr, const void *ip)
{
	if (memcmp(ip, mapped, sizeof(mapped)) == 0) {
		addr->family = ADDR_INET4;
		memcpy(addr->ip, (const unsigned char *)ip + 12, 4);
		return;
	}
	addr->family = ADDR_INET6;
	memcpy(addr->ip, ip, 16);
}

/* An IPv6 address without brackets, perhaps with a scope; text is changed. */
static int
parse_ip6(char *text, struct addr *addr, const char **why)
{
	char *scope = strchr(text, '%');
	unsigned char ip[16];

	if (scope != NULL)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, text, ip) != 1) {
		*why = "what stands in the brackets is no IPv6 address";
		return -1;
	}
	set_ip6(addr, ip);
	return scope != NULL ? parse_scope(scope, addr, why) : 0;
}

static int
parse_ip4(const char *text, struct addr *addr, const char **why)
{
	if (inet_pton(AF_INET, text, addr->ip) != 1) {
		*why = "it is no IPv4 address, and names are not resolved here";
		return -1;
	}
	addr->family = ADDR_INET4;
	return 0;
}

/* Copy up to ADDR_STRLEN - 1 bytes of text for cutting it apart. */
static int
copy_text(char *buf, const char *text, const char **why)
{
	if (compat_strlcpy(buf, text, ADDR_STRLEN) >= ADDR_STRLEN) {
		*why = "it is too long";
		return -1;
	}
	return 0;
}

int
addr_parse(const char *text, struct addr *addr, const char **why)
{
	struct addr a = { .family = ADDR_NONE };
	char buf[ADDR_STRLEN], *host = buf, *port;
	int rc;

	if (copy_text(buf, text, why) == -1)
		return -1;
	if (buf[0] == '[') {
		host++;
		port = strchr(buf, ']');
		if (port == NULL) {
			*why = "the closing bracket is missing";
			return -1;
		}
		*port++ = '\0';
	} else
		port = strchr(buf, ':');
	if (port == NULL || *port != ':') {
		*why = "the port is missing";
		return -1;
	}
	*port++ = '\0';
	if (host == buf && strchr(port, ':') != NULL) {
		*why = "an IPv6 address stands in brackets: [::1]:80";
		return -1;
	}
	rc = host == buf ? parse_ip4(host, &a, why) : parse_ip6(host, &a, why);
	if (rc == -1 || parse_port(port, &a, why) == -1)
		return -1;
	*addr = a;
	return 0;
}

const char *
addr_format_ip(const struct addr *addr, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN];

	switch (addr->family) {
	case ADDR_INET4:
		(void)inet_ntop(AF_INET, addr->ip, ip, sizeof(ip));
		(void)compat_strlcpy(buf, ip, size);
		break;
	case ADDR_INET6:
		(void)inet_ntop(AF_INET6, addr->ip, ip, sizeof(ip));
		if (addr->scope != 0)
			(void)snprintf(
			    buf, size, "%s%%%" PRIu32, ip, addr->scope);
		else
			(void)compat_strlcpy(buf, ip, size);
		break;
	case ADDR_UNIX:
		(void)compat_strlcpy(buf, "unix", size);
		break;
	default:
		(void)compat_strlcpy(buf, "-", size);
		break;
	}
	return buf;
}

const char *
addr_format(const struct addr *addr, char *buf, size_t size)
{
	char ip[ADDR_STRLEN];

	(void)addr_format_ip(addr, ip, sizeof(ip));
	if (addr->family == ADDR_INET4)
		(void)snprintf(buf, size, "%s:%u", ip, addr->port);
	else if (addr->family == ADDR_INET6)
		(void)snprintf(buf, size, "[%s]:%u", ip, addr->port);
	else
		(void)compat_strlcpy(buf, ip, size);
	return buf;
}

void
addr_from_sockaddr(struct addr *addr, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	memset(addr, 0, sizeof(*addr));
	if (len < (socklen_t)(offsetof(struct sockaddr, sa_family) +
		      sizeof(sa->sa_family)))
		return;
	if (sa->sa_family == AF_UNIX)
		addr->family = ADDR_UNIX;
	else if (sa->sa_family == AF_INET && len >= sizeof(sin)) {
		/* Copied, as the caller's memory need not be aligned. */
		memcpy(&sin, sa, sizeof(sin));
		addr->family = ADDR_INET4;
		addr->port = ntohs(sin.sin_port);
		memcpy(addr->ip, &sin.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6 && len >= sizeof(sin6)) {
		memcpy(&sin6, sa, sizeof(sin6));
		set_ip6(addr, &sin6.sin6_addr);
		addr->port = ntohs(sin6.sin6_port);
		if (addr->family == ADDR_INET6 && is_link_local(addr->ip))
			addr->scope = sin6.sin6_scope_id;
	}
}

socklen_t
addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *ss)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	memset(ss, 0, sizeof(*ss));
	if (addr->family == ADDR_INET4) {
		sin.sin_port = htons(addr->port);
		memcpy(&sin.sin_addr, addr->ip, 4);
		memcpy(ss, &sin, sizeof(sin));
		return sizeof(sin);
	}
	if (addr->family == ADDR_INET6) {
		sin6.sin6_port = htons(addr->port);
		sin6.sin6_scope_id = addr->scope;
		memcpy(&sin6.sin6_addr, addr->ip, 16);
		memcpy(ss, &sin6, sizeof(sin6));
		return sizeof(sin6);
	}
	return 0;
}

/* <0, 0, >0 */
static int
compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int
addr_compare(const struct addr *a, const struct addr *b)
{
	int order = compare_numbers(a->family, b->family);

	if (order == 0)
		order = memcmp(a->ip, b->ip, sizeof(a->ip));
	if (order == 0)
		order = compare_numbers(a->port, b->port);
	if (order == 0)
		order = compare_numbers(a->scope, b->scope);
	return order;
}

bool
addr_is_any(const struct addr *addr)
{
	static const uint8_t any[16];

	if (addr->family != ADDR_INET4 && addr->family != ADDR_INET6)
		return false;
	return memcmp(addr->ip, any, sizeof(any)) == 0;
}

bool
addr_is_multicast(const struct addr *addr)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };

	if (addr->family == ADDR_INET6)
		return addr->ip[0] == 0xff;
	return addr->family == ADDR_INET4 &&
	    ((addr->ip[0] & 0xf0) == 0xe0 ||
		memcmp(addr->ip, broadcast, sizeof(broadcast)) == 0);
}

const char *
transport_name(enum transport transport)
{
	switch (transport) {
	case TRANSPORT_UDP:
		return "udp";
	case TRANSPORT_UNIX:
		return "unix";
	case TRANSPORT_TCP:
		break;
	}
	return "tcp";
}

_Static_assert(ENDPOINT_PATH_MAX >= sizeof(((struct sockaddr_un *)0)->sun_path),
    "every path that the system takes must fit");

static int
parse_path(const char *path, struct endpoint *ep, const char **why)
{
	if (path[0] != '/') {
		*why = "the path of a UNIX socket begins with /";
		return -1;
	}
	if (compat_strlcpy(ep->path, path, sizeof(ep->path)) >=
	    sizeof(((struct sockaddr_un *)0)->sun_path)) {
		*why = "the path is too long for a UNIX socket";
		return -1;
	}
	ep->addr.family = ADDR_UNIX;
	return 1;
}

/* "*:PORT". */
static int
parse_both(const char *port, struct endpoint out[2], const char **why)
{
	if (parse_port(port, &out[0].addr, why) == -1)
		return -1;
	out[1] = out[0];
	out[0].addr.family = ADDR_INET4;
	out[1].addr.family = ADDR_INET6;
	return 2;
}

int
endpoint_parse(const char *text, struct endpoint out[2], const char **why)
{
	static const enum transport transports[] = { TRANSPORT_TCP,
		TRANSPORT_UDP, TRANSPORT_UNIX };

	memset(out, 0, 2 * sizeof(*out));
	out->transport = TRANSPORT_TCP;
	for (size_t i = 0; i < sizeof(transports) / sizeof(*transports); i++) {
		const char *name = transport_name(transports[i]);
		size_t len = strlen(name);

		if (strncmp(text, name, len) == 0 && text[len] == ':') {
			out->transport = transports[i];
			text += len + 1;
			break;
		}
	}
	if (out->transport == TRANSPORT_UNIX)
		return parse_path(text, out, why);
	if (strncmp(text, "*:", 2) == 0)
		return parse_both(text + 2, out, why);
	return addr_parse(text, &out->addr, why) == -1 ? -1 : 1;
}

const char *
endpoint_format(const struct endpoint *ep, char *buf, size_t size)
{
	char addr[ADDR_STRLEN];

	if (ep->transport == TRANSPORT_UNIX) {
		(void)snprintf(buf, size, "unix:%s", ep->path);
		return buf;
	}
	(void)snprintf(buf, size, "%s%s",
	    ep->transport == TRANSPORT_UDP ? "udp:" : "",
	    addr_format(&ep->addr, addr, sizeof(addr)));
	return buf;
}

bool
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->transport == b->transport &&
	    addr_compare(&a->addr, &b->addr) == 0 &&
	    strcmp(a->path, b->path) == 0;
}

/* Clear what lies behind the first bits of ip; whether anything was set. */
static bool
clear_behind(uint8_t ip[16], unsigned bits)
{
	bool was_set = false;

	for (unsigned i = bits / 8; i < 16; i++) {
		uint8_t kept =
		    (uint8_t)(i == bits / 8 ? 0xff00U >> bits % 8 : 0);

		if ((ip[i] & (uint8_t)~kept) != 0)
			was_set = true;
		ip[i] &= kept;
	}
	return was_set;
}

/* The address of a prefix; *family tells how its bits are counted. */
static int
parse_prefix_ip(const char *text, struct addr *addr, int *family)
{
	unsigned char ip[16];

	memset(addr, 0, sizeof(*addr));
	*family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(*family, text, ip) != 1)
		return -1;
	if (*family == AF_INET6) {
		set_ip6(addr, ip);
		return 0;
	}
	addr->family = ADDR_INET4;
	memcpy(addr->ip, ip, 4);
	return 0;
}

int
prefix_parse(const char *text, struct prefix *prefix, const char **why)
{
	char buf[ADDR_STRLEN], *slash;
	uint32_t max, bits;
	struct addr addr;
	int family;

	if (copy_text(buf, text, why) == -1)
		return -1;
	slash = strchr(buf, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (parse_prefix_ip(buf, &addr, &family) == -1) {
		*why = "it is no IPv4 or IPv6 address";
		return -1;
	}
	max = bits = family == AF_INET6 ? 128 : 32;
	if (slash != NULL && parse_number(slash, max, &bits) == -1) {
		*why = "the length is no number from 0 to 32 (IPv4) "
		       "or 128 (IPv6)";
		return -1;
	}
	if (family == AF_INET6 && addr.family == ADDR_INET4) {
		if (bits < 96) {
			*why = "a block of IPv4-mapped addresses has a "
			       "length from 96 to 128";
			return -1;
		}
		bits -= 96;
	}
	if (clear_behind(addr.ip, bits)) {
		*why = "bits behind the prefix are set";
		return -1;
	}
	prefix->family = addr.family;
	prefix->bits = (uint8_t)bits;
	memcpy(prefix->ip, addr.ip, sizeof(prefix->ip));
	return 0;
}

const char *
prefix_format(const struct prefix *p, char *buf, size_t size)
{
	struct addr addr = { .family = p->family };
	char ip[ADDR_STRLEN];

	memcpy(addr.ip, p->ip, sizeof(addr.ip));
	(void)addr_format_ip(&addr, ip, sizeof(ip));
	if (p->family == ADDR_INET4 || p->family == ADDR_INET6)
		(void)snprintf(buf, size, "%s/%u", ip, p->bits);
	else
		(void)compat_strlcpy(buf, ip, size);
	return buf;
}

bool
prefix_match(const struct prefix *prefix, const struct addr *addr)
{
	unsigned bytes = prefix->bits / 8, rest = prefix->bits % 8;

	if (prefix->family == ADDR_NONE || prefix->family != addr->family ||
	    memcmp(prefix->ip, addr->ip, bytes) != 0)
		return false;
	return rest == 0 ||
	    ((prefix->ip[bytes] ^ addr->ip[bytes]) >> (8 - rest)) == 0;
}

struct prefix
prefix_of(const struct addr *addr, unsigned bits4, unsigned bits6)
{
	struct prefix p = { .family = ADDR_NONE };

	if (addr->family != ADDR_INET4 && addr->family != ADDR_INET6)
		return p;
	p.family = addr->family;
	p.bits = (uint8_t)(p.family == ADDR_INET4 ? bits4 : bits6);
	memcpy(p.ip, addr->ip, sizeof(p.ip));
	(void)clear_behind(p.ip, p.bits);
	return p;
}
