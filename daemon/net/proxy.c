/*
 * The PROXY protocol: which version it is, and what both have in common.
 */
#include "net/proxy.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string.h>

#include "net/proxy_common.h"

const unsigned char proxy_signature_v1[PROXY_SIGNATURE_V1_LEN] = { 'P', 'R',
	'O', 'X', 'Y', ' ' };
const unsigned char proxy_signature_v2[PROXY_SIGNATURE_V2_LEN] = { 0x0d, 0x0a,
	0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

/* By version. */
static const struct {
	const unsigned char *bytes;
	size_t len;
	size_t header_min;
} signatures[] = {
	{ NULL, 0, PROXY_V1_MIN },
	{ proxy_signature_v1, PROXY_SIGNATURE_V1_LEN, PROXY_V1_MIN },
	{ proxy_signature_v2, PROXY_SIGNATURE_V2_LEN, PROXY_V2_MIN },
};

enum proxy_sniffed
proxy_sniff(struct proxy_sniff *sniff, const unsigned char *data, size_t len)
{
	uint8_t version = sniff->version;
	size_t left, n;

	if (len == 0)
		return PROXY_SNIFF_MORE;
	/* The two differ in their first byte. */
	if (version == 0)
		version = data[0] == proxy_signature_v1[0] ? 1 : 2;
	left = signatures[version].len - sniff->held;
	n = len < left ? len : left;
	if (memcmp(signatures[version].bytes + sniff->held, data, n) != 0)
		return PROXY_SNIFF_NONE;
	sniff->version = version;
	sniff->held = (uint8_t)(sniff->held + n);
	return n == left ? PROXY_SNIFF_FOUND : PROXY_SNIFF_MORE;
}

const unsigned char *
proxy_sniff_held(const struct proxy_sniff *sniff)
{
	return signatures[sniff->version].bytes;
}

static enum proxy_verdict
proxy_parse_version(const unsigned char *data, size_t len,
    struct proxy_header *header, size_t *size)
{
	struct proxy_sniff sniff = { 0 };

	switch (proxy_sniff(&sniff, data, len)) {
	case PROXY_SNIFF_MORE:
		*size = signatures[sniff.version].header_min;
		return PROXY_INCOMPLETE;
	case PROXY_SNIFF_FOUND:
		break;
	case PROXY_SNIFF_NONE:
		return PROXY_ABSENT;
	}
	header->version = sniff.version;
	return sniff.version == 1 ? proxy_v1_parse(data, len, header, size)
				  : proxy_v2_parse(data, len, header, size);
}

enum proxy_verdict
proxy_parse(const unsigned char *data, size_t len, struct proxy_header *header,
    size_t *size)
{
	enum proxy_verdict verdict;
	const char *why;

	memset(header, 0, sizeof(*header));
	*size = 0;
	verdict = proxy_parse_version(data, len, header, size);
	if (verdict == PROXY_COMPLETE)
		return verdict;
	/* Nobody shall take what was read so far for good. */
	why = header->why;
	memset(header, 0, sizeof(*header));
	header->why = why;
	if (verdict != PROXY_INCOMPLETE)
		*size = 0;
	return verdict;
}

void
proxy_addr_set(struct addr *addr, enum addr_family family,
    const unsigned char *ip, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };

	memset(addr, 0, sizeof(*addr));
	if (family == ADDR_INET4) {
		addr->family = ADDR_INET4;
		addr->port = port;
		memcpy(addr->ip, ip, 4);
		return;
	}
	memcpy(&sin6.sin6_addr, ip, sizeof(sin6.sin6_addr));
	addr_from_sockaddr(addr, (struct sockaddr *)&sin6, sizeof(sin6));
}

void
proxy_addr_ip6(const struct addr *addr, unsigned char ip[16])
{
	if (addr->family == ADDR_INET6) {
		memcpy(ip, addr->ip, 16);
		return;
	}
	memset(ip, 0, 16);
	ip[10] = ip[11] = 0xff;
	memcpy(ip + 12, addr->ip, 4);
}

static bool
is_inet(const struct addr *addr)
{
	return addr->family == ADDR_INET4 || addr->family == ADDR_INET6;
}

enum addr_family
proxy_out_family(const struct proxy_out *out)
{
	if (out->local)
		return ADDR_NONE;
	if (out->src.family == out->dst.family)
		return out->src.family;
	return is_inet(&out->src) && is_inet(&out->dst) ? ADDR_INET6
							: ADDR_NONE;
}
