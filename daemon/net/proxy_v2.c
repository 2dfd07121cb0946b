/*
 * Version 2 of the PROXY protocol: binary.
 *
 *   0   signature, 12 bytes
 *   12  version (2) << 4 | command (LOCAL 0, PROXY 1)
 *   13  family << 4 | transport
 *   14  length of all that follows, in network byte order
 *   16  addresses, whose size the family tells
 *       TLVs: type, length (two bytes), value
 */
#include <string.h>

#include "net/crc32c.h"
#include "net/proxy_common.h"

#define COMMAND_LOCAL  0x20
#define COMMAND_PROXY  0x21

#define TLV_HEAD       3
#define TLV_CRC32C     0x03 /* PP2_TYPE_CRC32C: four bytes */
#define TLV_SSL        0x20 /* PP2_TYPE_SSL: five bytes, then TLVs again */
#define TLV_CRC32C_LEN 4
#define TLV_SSL_MIN    5

/* The families that there are, each with its transport. */
static const struct family {
	uint8_t byte;
	uint8_t family; /* enum addr_family */
	bool dgram;
	uint8_t size; /* of both addresses, and their ports */
} families[] = {
	{ 0x00, ADDR_NONE, false, 0 },
	{ 0x11, ADDR_INET4, false, 12 },
	{ 0x12, ADDR_INET4, true, 12 },
	{ 0x21, ADDR_INET6, false, 36 },
	{ 0x22, ADDR_INET6, true, 36 },
	{ 0x31, ADDR_UNIX, false, 216 },
	{ 0x32, ADDR_UNIX, true, 216 },
};

#define NFAMILIES (sizeof(families) / sizeof(families[0]))

static const struct family *
family_by_byte(uint8_t byte)
{
	size_t i;

	for (i = 0; i < NFAMILIES; i++)
		if (families[i].byte == byte)
			return &families[i];
	return NULL;
}

static const struct family *
family_for(const struct proxy_out *out)
{
	enum addr_family family = proxy_out_family(out);
	size_t i;

	for (i = 1; i < NFAMILIES; i++)
		if (families[i].family == family &&
		    families[i].dgram == out->dgram)
			return &families[i];
	return &families[0];
}

static uint16_t
get16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void
put16(unsigned char *at, size_t value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static uint32_t
get32(const unsigned char *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void
put32(unsigned char *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

struct tlv {
	uint8_t type;
	const unsigned char *value;
	size_t len;
};

/* Take the TLV at *at, before end.  NULL, or what is wrong with it. */
static const char *
tlv_next(const unsigned char **at, const unsigned char *end, struct tlv *tlv)
{
	if (end - *at < TLV_HEAD)
		return "bytes are left over behind the last TLV";
	tlv->type = (*at)[0];
	tlv->len = get16(*at + 1);
	tlv->value = *at + TLV_HEAD;
	if (tlv->len > (size_t)(end - tlv->value))
		return "a TLV reaches beyond the end";
	*at = tlv->value + tlv->len;
	return NULL;
}

static const char *
ssl_check(const struct tlv *ssl)
{
	const unsigned char *end = ssl->value + ssl->len;
	const unsigned char *at;
	const char *why = NULL;
	struct tlv inner;

	if (ssl->len < TLV_SSL_MIN)
		return "the TLV about SSL is shorter than five bytes";
	at = ssl->value + TLV_SSL_MIN;
	while (why == NULL && at < end)
		why = tlv_next(&at, end, &inner);
	return why;
}

/* Whether all TLVs are whole: NULL, or what is wrong.  *checksum is where the
 * value of the one with the checksum lies, or NULL. */
static const char *
tlvs_check(const unsigned char *at, size_t len, const unsigned char **checksum)
{
	const unsigned char *end;
	const char *why = NULL;
	struct tlv tlv;

	*checksum = NULL;
	if (len == 0)
		return NULL;
	end = at + len;
	while (why == NULL && at < end) {
		why = tlv_next(&at, end, &tlv);
		if (why != NULL)
			break;
		if (tlv.type == TLV_SSL)
			why = ssl_check(&tlv);
		if (tlv.type != TLV_CRC32C)
			continue;
		if (tlv.len != TLV_CRC32C_LEN)
			return "the checksum does not have four bytes";
		if (*checksum != NULL)
			return "there are two checksums";
		*checksum = tlv.value;
	}
	return why;
}

/* The checksum of a header, its own field taken as zeros. */
static uint32_t
header_checksum(
    const unsigned char *data, size_t size, const unsigned char *checksum)
{
	static const unsigned char zeros[TLV_CRC32C_LEN];
	size_t before = (size_t)(checksum - data);
	size_t behind = before + TLV_CRC32C_LEN;
	uint32_t crc = crc32c(0, data, before);

	crc = crc32c(crc, zeros, sizeof(zeros));
	return crc32c(crc, data + behind, size - behind);
}

static void
addresses_get(struct proxy_header *header, const struct family *family,
    const unsigned char *at)
{
	size_t len = family->family == ADDR_INET4 ? 4 : 16;

	header->dgram = family->dgram;
	if (family->family == ADDR_UNIX) {
		header->src.family = ADDR_UNIX;
		header->dst.family = ADDR_UNIX;
		return;
	}
	proxy_addr_set(&header->src, family->family, at, get16(at + 2 * len));
	proxy_addr_set(
	    &header->dst, family->family, at + len, get16(at + 2 * len + 2));
}

/* All of the header is there, and its length suits its family. */
static const char *
header_read(const unsigned char *data, size_t size, const struct family *family,
    struct proxy_header *header)
{
	const unsigned char *checksum;
	const char *why;

	header->tlvs = (size_t)PROXY_V2_MIN + family->size;
	header->tlvs_len = size - header->tlvs;
	why = tlvs_check(data + header->tlvs, header->tlvs_len, &checksum);
	if (why != NULL)
		return why;
	if (checksum != NULL &&
	    get32(checksum) != header_checksum(data, size, checksum))
		return "the checksum is wrong";
	if (!header->local)
		addresses_get(header, family, data + PROXY_V2_MIN);
	return NULL;
}

/* The family and length of a header: NULL, or what is wrong.  *family becomes
 * NULL if nothing of what follows shall be read. */
static const char *
length_check(bool command_local, size_t length, const struct family **family)
{
	size_t addresses = *family == NULL ? 0 : (*family)->size;

	if (length > addresses + PROXY_TLVS_MAX)
		return "it announces more than muxd takes";
	if (length >= addresses)
		return NULL;
	if (!command_local)
		return "it is too short for the addresses of its family";
	*family = NULL;
	return NULL;
}

static enum proxy_verdict
invalid(struct proxy_header *header, const char *why)
{
	header->why = why;
	return PROXY_INVALID;
}

enum proxy_verdict
proxy_v2_parse(const unsigned char *data, size_t len,
    struct proxy_header *header, size_t *size)
{
	const struct family *family = NULL;
	bool local = len > 12 && data[12] == COMMAND_LOCAL;
	const char *why;

	*size = PROXY_V2_MIN;
	if (len > 12 && data[12] >> 4 != 2)
		return invalid(header, "the version is not 2");
	if (len > 12 && data[12] != COMMAND_PROXY && !local)
		return invalid(header, "the command is not known");
	if (len > 13)
		family = family_by_byte(data[13]);
	if (len > 13 && family == NULL && !local)
		return invalid(
		    header, "the family or the transport is not known");
	if (len < PROXY_V2_MIN)
		return PROXY_INCOMPLETE;
	why = length_check(local, get16(data + 14), &family);
	if (why != NULL)
		return invalid(header, why);
	*size = (size_t)PROXY_V2_MIN + get16(data + 14);
	if (len < *size)
		return PROXY_INCOMPLETE;
	header->local = local || family->family == ADDR_NONE;
	why = family != NULL ? header_read(data, *size, family, header) : NULL;
	return why == NULL ? PROXY_COMPLETE : invalid(header, why);
}

static void
addresses_put(
    unsigned char *at, const struct family *family, const struct proxy_out *out)
{
	size_t len = family->family == ADDR_INET4 ? 4 : 16;

	memset(at, 0, family->size);
	if (family->family == ADDR_INET4) {
		memcpy(at, out->src.ip, len);
		memcpy(at + len, out->dst.ip, len);
	} else if (family->family == ADDR_INET6) {
		proxy_addr_ip6(&out->src, at);
		proxy_addr_ip6(&out->dst, at + len);
	} else
		return;
	put16(at + 2 * len, out->src.port);
	put16(at + 2 * len + 2, out->dst.port);
}

size_t
proxy_write_v2(unsigned char *buf, size_t size, const struct proxy_out *out)
{
	const struct family *family = family_for(out);
	size_t tlvs = (size_t)PROXY_V2_MIN + family->size;
	size_t len = tlvs + out->tlvs_len;
	const unsigned char *theirs;
	size_t checksum = 0;

	if (out->tlvs_len > PROXY_TLVS_MAX ||
	    tlvs_check(out->tlvs, out->tlvs_len, &theirs) != NULL)
		return 0;
	if (theirs != NULL)
		checksum = tlvs + (size_t)(theirs - out->tlvs);
	else if (out->crc32c) {
		checksum = len + TLV_HEAD;
		len = checksum + TLV_CRC32C_LEN;
	}
	if (len > size)
		return 0;
	memcpy(buf, proxy_signature_v2, PROXY_SIGNATURE_V2_LEN);
	buf[12] = out->local ? COMMAND_LOCAL : COMMAND_PROXY;
	buf[13] = family->byte;
	put16(buf + 14, len - PROXY_V2_MIN);
	addresses_put(buf + PROXY_V2_MIN, family, out);
	if (out->tlvs_len > 0)
		memcpy(buf + tlvs, out->tlvs, out->tlvs_len);
	if (checksum == 0)
		return len;
	buf[checksum - TLV_HEAD] = TLV_CRC32C;
	put16(buf + checksum - 2, TLV_CRC32C_LEN);
	put32(buf + checksum, header_checksum(buf, len, buf + checksum));
	return len;
}
