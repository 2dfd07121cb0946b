/*
 * Any bytes as the beginning of a connection: each part of them must get the
 * verdict of the whole, or wait (fault 43), and the signature must be found
 * however they are cut.  What is taken for a header must, when it is written
 * in either version, read back as the same (fault 60).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static bool
same_addr(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

static bool
same_header(const struct proxy_header *a, const struct proxy_header *b)
{
	return a->version == b->version && a->local == b->local &&
	    a->dgram == b->dgram && same_addr(&a->src, &b->src) &&
	    same_addr(&a->dst, &b->dst) && a->tlvs == b->tlvs &&
	    a->tlvs_len == b->tlvs_len && a->why == b->why;
}

/* What is not complete tells nothing but what is wrong with it. */
static void
check_header(enum proxy_verdict verdict, const struct proxy_header *header,
    size_t len, size_t size)
{
	require((verdict == PROXY_INVALID) == (header->why != NULL));
	if (verdict == PROXY_COMPLETE) {
		require(size <= len && size <= PROXY_HEADER_MAX);
		require(header->tlvs + header->tlvs_len <= size);
		require(header->tlvs_len <= PROXY_TLVS_MAX);
		require(header->version == 1 || header->version == 2);
		require(header->local == (header->src.family == ADDR_NONE));
		require(header->local == (header->dst.family == ADDR_NONE));
		return;
	}
	require(header->version == 0 && header->tlvs_len == 0);
	require(header->src.family == ADDR_NONE);
	require((verdict == PROXY_INCOMPLETE) == (size > len));
}

static void
check_parts(const uint8_t *data, size_t len, enum proxy_verdict verdict,
    const struct proxy_header *header, size_t size)
{
	struct proxy_header part;
	enum proxy_verdict said = PROXY_INCOMPLETE;
	size_t n, part_size;

	for (n = 0; n < len && said == PROXY_INCOMPLETE; n++) {
		said = proxy_parse(data, n, &part, &part_size);
		check_header(said, &part, n, part_size);
		if (said == PROXY_INCOMPLETE) {
			if (verdict == PROXY_COMPLETE)
				require(part_size <= size);
			continue;
		}
		require(said == verdict && part_size == size);
		require(same_header(&part, header));
	}
}

static void
check_sniff(const uint8_t *data, size_t len, enum proxy_verdict verdict)
{
	struct proxy_sniff whole = { 0 }, bytes = { 0 };
	enum proxy_sniffed sniffed = proxy_sniff(&whole, data, len);
	enum proxy_sniffed byte = PROXY_SNIFF_MORE;
	size_t i;

	for (i = 0; i < len && byte == PROXY_SNIFF_MORE; i++)
		byte = proxy_sniff(&bytes, data + i, 1);
	require(sniffed == byte);
	require((sniffed == PROXY_SNIFF_NONE) == (verdict == PROXY_ABSENT));
	if (bytes.held > 0)
		require(
		    memcmp(proxy_sniff_held(&bytes), data, bytes.held) == 0);
}

/* All of the TLVs but what a checksum among them says. */
static bool
same_tlvs(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t at = 0, n;

	while (at < len) {
		n = (size_t)a[at + 1] << 8 | a[at + 2];
		if (memcmp(a + at, b + at, 3) != 0)
			return false;
		at += 3;
		if (a[at - 3] != 0x03 && memcmp(a + at, b + at, n) != 0)
			return false;
		at += n;
	}
	return true;
}

static void
check_written_v2(const uint8_t *data, const struct proxy_header *header,
    struct proxy_out *out)
{
	uint8_t buf[PROXY_HEADER_MAX];
	struct proxy_header back;
	size_t len = proxy_write_v2(buf, sizeof(buf), out), size;

	require(len > 0);
	/* A checksum that is added may be one TLV too many. */
	if (header->tlvs_len > PROXY_TLVS_MAX - 7 && out->crc32c)
		return;
	require(proxy_parse(buf, len, &back, &size) == PROXY_COMPLETE);
	require(size == len && back.local == header->local);
	require(back.dgram == (header->dgram && !header->local));
	require(same_addr(&back.src, &header->src));
	require(same_addr(&back.dst, &header->dst));
	require(back.tlvs_len == header->tlvs_len ||
	    (out->crc32c && back.tlvs_len == header->tlvs_len + 7));
	require(
	    same_tlvs(data + header->tlvs, buf + back.tlvs, header->tlvs_len));
	require(proxy_write_v2(buf, len - 1, out) == 0);
}

static void
check_written_v1(const struct proxy_header *header, const struct proxy_out *out)
{
	uint8_t buf[PROXY_V1_MAX];
	struct proxy_header back;
	size_t len = proxy_write_v1(buf, sizeof(buf), out), size;

	require(len > 0);
	require(proxy_parse(buf, len, &back, &size) == PROXY_COMPLETE);
	require(size == len);
	require(back.local ==
	    (header->local || header->dgram ||
		header->src.family == ADDR_UNIX));
	if (back.local)
		return;
	require(same_addr(&back.src, &header->src));
	require(same_addr(&back.dst, &header->dst));
}

static void
check_written(const uint8_t *data, const struct proxy_header *header)
{
	struct proxy_out out = {
		.src = header->src,
		.dst = header->dst,
		.local = header->local,
		.dgram = header->dgram,
		.tlvs = data + header->tlvs,
		.tlvs_len = header->tlvs_len,
	};

	check_written_v1(header, &out);
	check_written_v2(data, header, &out);
	out.crc32c = true;
	check_written_v2(data, header, &out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header header;
	size_t header_size;
	enum proxy_verdict verdict =
	    proxy_parse(data, size, &header, &header_size);

	check_header(verdict, &header, size, header_size);
	check_parts(data, size, verdict, &header, header_size);
	check_sniff(data, size, verdict);
	if (verdict == PROXY_COMPLETE)
		check_written(data, &header);
	return 0;
}
