/*
 * Version 1 of the PROXY protocol: one line of text.
 *
 *   PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n
 *   PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n
 *   PROXY UNKNOWN ... \r\n
 */
#include <sys/socket.h>

#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "net/proxy_common.h"

/* The longest text of an address: of IPv6 with an IPv4 address in it. */
#define WORD_SIZE INET6_ADDRSTRLEN

/* What may stand behind the signature.  What follows UNKNOWN is ignored. */
static const struct protocol {
	const char *word;
	uint8_t len;
	uint8_t family; /* enum addr_family */
} protocols[] = {
	{ "TCP4 ", 5, ADDR_INET4 },
	{ "TCP6 ", 5, ADDR_INET6 },
	{ "UNKNOWN ", 8, ADDR_NONE },
	{ "UNKNOWN\r", 8, ADDR_NONE },
};

#define NPROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

/* The protocol whose word text begins with, as far as it goes. */
static const struct protocol *
protocol_find(const unsigned char *text, size_t len)
{
	const struct protocol *protocol;
	size_t i;

	for (i = 0; i < NPROTOCOLS; i++) {
		protocol = &protocols[i];
		if (memcmp(text, protocol->word,
			len < protocol->len ? len : protocol->len) == 0)
			return protocol;
	}
	return NULL;
}

/* Find the line's end; *size is its length with CR LF, or how long it must be
 * at least. */
static enum proxy_verdict
line_find_end(
    const unsigned char *data, size_t len, size_t *size, const char **why)
{
	size_t seen = len < PROXY_V1_MAX ? len : PROXY_V1_MAX;
	size_t i = 0;

	while (i < seen && data[i] != '\r' && data[i] != '\n')
		i++;
	if (i >= PROXY_V1_MAX - 1) {
		*why = "the line does not end within 107 bytes";
		return PROXY_INVALID;
	}
	*size = i + 2 > PROXY_V1_MIN ? i + 2 : PROXY_V1_MIN;
	if (i == seen || (data[i] == '\r' && i + 1 == seen))
		return PROXY_INCOMPLETE;
	if (data[i] == '\n' || data[i + 1] != '\n') {
		*why = "the line does not end in CR LF";
		return PROXY_INVALID;
	}
	*size = i + 2;
	return PROXY_COMPLETE;
}

/* The fields of a line that are still to be read. */
struct fields {
	const unsigned char *at;
	const unsigned char *end;
};

/*
 * The next field, made of the given characters alone, and the space behind it
 * unless it is the last one.  False if it is not there.
 */
static bool
fields_next(struct fields *fields, const char *alphabet, bool last,
    char word[WORD_SIZE])
{
	size_t len = 0;

	while (fields->at < fields->end && *fields->at != ' ') {
		if (len == WORD_SIZE - 1)
			return false;
		word[len++] = (char)*fields->at++;
	}
	word[len] = '\0';
	/* Also of a NUL among them: the text would end there. */
	if (len == 0 || strspn(word, alphabet) != len)
		return false;
	if (last)
		return fields->at == fields->end;
	return fields->at++ < fields->end;
}

static bool
fields_ip(struct fields *fields, uint8_t family, unsigned char ip[16])
{
	char word[WORD_SIZE];

	if (family == ADDR_INET4)
		return fields_next(fields, "0123456789.", false, word) &&
		    inet_pton(AF_INET, word, ip) == 1;
	return fields_next(fields, "0123456789abcdefABCDEF:.", false, word) &&
	    inet_pton(AF_INET6, word, ip) == 1;
}

/* One spelling for each number: a zero in front is octal to some. */
static bool
fields_port(struct fields *fields, bool last, uint16_t *port)
{
	char word[WORD_SIZE];
	unsigned long value = 0;
	const char *digit;

	if (!fields_next(fields, "0123456789", last, word) ||
	    strlen(word) > 5 || (word[0] == '0' && word[1] != '\0'))
		return false;
	for (digit = word; *digit != '\0'; digit++)
		value = value * 10 + (unsigned)(*digit - '0');
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

static const char *
line_parse(struct fields *fields, uint8_t family, struct proxy_header *header)
{
	unsigned char src[16], dst[16];
	uint16_t src_port, dst_port;

	if (!fields_ip(fields, family, src))
		return "the source address is none of its protocol";
	if (!fields_ip(fields, family, dst))
		return "the destination address is none of its protocol";
	if (!fields_port(fields, false, &src_port))
		return "the source port is no number from 0 to 65535";
	if (!fields_port(fields, true, &dst_port))
		return "the destination port is no number from 0 to 65535 at "
		       "the line's end";
	proxy_addr_set(&header->src, family, src, src_port);
	proxy_addr_set(&header->dst, family, dst, dst_port);
	return NULL;
}

enum proxy_verdict
proxy_v1_parse(const unsigned char *data, size_t len,
    struct proxy_header *header, size_t *size)
{
	const unsigned char *text = data + PROXY_SIGNATURE_V1_LEN;
	const struct protocol *protocol =
	    protocol_find(text, len - PROXY_SIGNATURE_V1_LEN);
	struct fields fields;
	enum proxy_verdict verdict;

	if (protocol == NULL) {
		header->why = "the protocol is none of TCP4, TCP6, UNKNOWN";
		return PROXY_INVALID;
	}
	verdict = line_find_end(data, len, size, &header->why);
	if (verdict != PROXY_COMPLETE)
		return verdict;
	header->local = protocol->family == ADDR_NONE;
	if (header->local)
		return PROXY_COMPLETE;
	fields.at = text + protocol->len;
	fields.end = data + *size - 2;
	header->why = line_parse(&fields, protocol->family, header);
	return header->why == NULL ? PROXY_COMPLETE : PROXY_INVALID;
}

/* Nothing but hexadecimal groups and one "::", as the specification has it;
 * inet_ntop(3) would write some addresses with dots at their end. */
static void
format_ip6(const struct addr *addr, char text[INET6_ADDRSTRLEN])
{
	unsigned char ip[16];
	char *tail;

	proxy_addr_ip6(addr, ip);
	(void)inet_ntop(AF_INET6, ip, text, INET6_ADDRSTRLEN);
	if (strchr(text, '.') == NULL)
		return;
	tail = strrchr(text, ':') + 1;
	(void)snprintf(tail, (size_t)(text + INET6_ADDRSTRLEN - tail), "%x:%x",
	    (unsigned)ip[12] << 8 | ip[13], (unsigned)ip[14] << 8 | ip[15]);
}

static void
format_ip(const struct addr *addr, enum addr_family family,
    char text[INET6_ADDRSTRLEN])
{
	if (family == ADDR_INET4)
		(void)inet_ntop(AF_INET, addr->ip, text, INET6_ADDRSTRLEN);
	else
		format_ip6(addr, text);
}

size_t
proxy_write_v1(unsigned char *buf, size_t size, const struct proxy_out *out)
{
	enum addr_family family =
	    out->dgram ? ADDR_NONE : proxy_out_family(out);
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	char line[PROXY_V1_MAX + 1];
	int len;

	if (family == ADDR_INET4 || family == ADDR_INET6) {
		format_ip(&out->src, family, src);
		format_ip(&out->dst, family, dst);
		len = snprintf(line, sizeof(line), "PROXY %s %s %s %u %u\r\n",
		    family == ADDR_INET4 ? "TCP4" : "TCP6", src, dst,
		    out->src.port, out->dst.port);
	} else
		len = snprintf(line, sizeof(line), "PROXY UNKNOWN\r\n");
	if (len < 0 || (size_t)len >= sizeof(line) || (size_t)len > size)
		return 0;
	memcpy(buf, line, (size_t)len);
	return (size_t)len;
}
