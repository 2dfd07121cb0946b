/*
 * PROXY headers of version 2, read and written.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy_feed.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
/* 192.0.2.1:56324 and 192.0.2.2:443 */
#define PAIR4 "\xc0\0\2\1\xc0\0\2\2\xdc\4\1\xbb"
/* [2001:db8::1]:1 and [2001:db8::2]:2 */
#define IP6(last) "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0" last
#define PAIR6     IP6("\1") IP6("\2") "\0\1\0\2"
#define MAPPED    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"

#define LOCAL     0x20
#define PROXY     0x21

/* Whoever counts the bytes of these literals takes the NUL off. */
#define BYTES(literal) (literal), sizeof(literal) - 1

struct bytes {
	unsigned char data[PROXY_HEADER_MAX + 64];
	size_t len;
};

static void
add(struct bytes *bytes, const void *data, size_t len)
{
	assert_true(len <= sizeof(bytes->data) - bytes->len);
	if (len > 0)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

/* A header that announces length bytes and has none of them. */
static struct bytes
head(unsigned command, unsigned family, size_t length)
{
	const unsigned char tail[4] = { (unsigned char)command,
		(unsigned char)family, (unsigned char)(length >> 8),
		(unsigned char)length };
	struct bytes bytes = { .len = 0 };

	add(&bytes, BYTES(SIGNATURE));
	add(&bytes, tail, sizeof(tail));
	return bytes;
}

/* One with addresses and TLVs. */
static struct bytes
make(unsigned command, unsigned family, const void *addresses,
    size_t addresses_len, const void *tlvs, size_t tlvs_len)
{
	struct bytes bytes = head(command, family, addresses_len + tlvs_len);

	add(&bytes, addresses, addresses_len);
	add(&bytes, tlvs, tlvs_len);
	return bytes;
}

static struct bytes
make4(const void *tlvs, size_t tlvs_len)
{
	return make(PROXY, 0x11, BYTES(PAIR4), tlvs, tlvs_len);
}

static struct proxy_header
assert_taken(const struct bytes *bytes)
{
	struct proxy_header header =
	    assert_header(bytes->data, bytes->len, bytes->len);

	assert_int_equal(header.version, 2);
	return header;
}

static void
assert_bad(const struct bytes *bytes, const char *why)
{
	assert_invalid(bytes->data, bytes->len, why);
}

static void
assert_bad4(const void *tlvs, size_t tlvs_len, const char *why)
{
	struct bytes bytes = make4(tlvs, tlvs_len);

	assert_bad(&bytes, why);
}

static void
assert_pair(
    const struct bytes *bytes, bool dgram, const char *src, const char *dst)
{
	struct proxy_header header = assert_taken(bytes);

	assert_false(header.local);
	assert_int_equal(header.dgram, dgram);
	assert_addresses(&header, src, dst);
}

static void
addresses_are_read(void **state)
{
	struct bytes bytes;

	(void)state;
	bytes = make(PROXY, 0x11, BYTES(PAIR4), NULL, 0);
	assert_pair(&bytes, false, "192.0.2.1:56324", "192.0.2.2:443");
	bytes = make(PROXY, 0x12, BYTES(PAIR4), NULL, 0);
	assert_pair(&bytes, true, "192.0.2.1:56324", "192.0.2.2:443");
	bytes = make(PROXY, 0x21, BYTES(PAIR6), NULL, 0);
	assert_pair(&bytes, false, "[2001:db8::1]:1", "[2001:db8::2]:2");
	bytes = make(PROXY, 0x22, BYTES(PAIR6), NULL, 0);
	assert_pair(&bytes, true, "[2001:db8::1]:1", "[2001:db8::2]:2");
	bytes = make(PROXY, 0x21, BYTES(MAPPED MAPPED "\0\1\xff\xff"), NULL, 0);
	assert_pair(&bytes, false, "192.0.2.1:1", "192.0.2.1:65535");
}

static void
unix_addresses_are_unix(void **state)
{
	unsigned char paths[216] = "/run/client.sock";
	struct bytes bytes;

	(void)state;
	memcpy(paths + 108, BYTES("/run/server.sock"));
	bytes = make(PROXY, 0x31, paths, sizeof(paths), NULL, 0);
	assert_pair(&bytes, false, "unix", "unix");
	bytes = make(PROXY, 0x32, paths, sizeof(paths), NULL, 0);
	assert_pair(&bytes, true, "unix", "unix");
}

static void
assert_local(const struct bytes *bytes, size_t tlvs_len)
{
	struct proxy_header header = assert_taken(bytes);

	assert_true(header.local);
	assert_false(header.dgram);
	assert_addresses(&header, "-", "-");
	assert_int_equal(header.tlvs_len, tlvs_len);
}

/* fault 55 */
static void
local_has_no_addresses(void **state)
{
	struct bytes bytes;

	(void)state;
	bytes = head(LOCAL, 0x00, 0);
	assert_local(&bytes, 0);
	bytes = make(LOCAL, 0x00, NULL, 0, BYTES("\4\0\2xx\1\0\0"));
	assert_local(&bytes, 8);
	bytes = make(LOCAL, 0x11, BYTES(PAIR4), BYTES("\4\0\0"));
	assert_local(&bytes, 3);
	bytes = make(LOCAL, 0x22, BYTES(PAIR6), NULL, 0);
	assert_local(&bytes, 0);
	bytes = make(LOCAL, 0x00, NULL, 0, BYTES("\3\0\4\xa9\xb8\x7e\x8f"));
	assert_local(&bytes, 7);
}

/* Its family says nothing, so what stands where it would have addresses is
 * skipped unread. */
static void
family_of_local_is_ignored(void **state)
{
	struct bytes bytes;

	(void)state;
	bytes = make(LOCAL, 0x11, NULL, 0, NULL, 0);
	assert_local(&bytes, 0);
	bytes = make(LOCAL, 0x11, NULL, 0, BYTES("short"));
	assert_local(&bytes, 0);
	bytes = make(LOCAL, 0xff, NULL, 0, BYTES("any bytes at all"));
	assert_local(&bytes, 0);
}

static void
unspecified_family_is_local(void **state)
{
	struct bytes bytes;

	(void)state;
	bytes = head(PROXY, 0x00, 0);
	assert_local(&bytes, 0);
	bytes = make(PROXY, 0x00, NULL, 0, BYTES("\4\0\0"));
	assert_local(&bytes, 3);
}

/* fault 55: each at the first byte that cannot be. */
static void
version_and_command_are_known(void **state)
{
	struct bytes bytes;
	unsigned value;

	(void)state;
	for (value = 0; value < 256; value++) {
		if (value == LOCAL || value == PROXY)
			continue;
		bytes = head(value, 0x11, 12);
		bytes.len = 13;
		assert_bad(&bytes,
		    value >> 4 == 2 ? "the command is not known"
				    : "the version is not 2");
	}
}

/* fault 55 */
static void
family_and_transport_are_known(void **state)
{
	static const unsigned char known[] = { 0x00, 0x11, 0x12, 0x21, 0x22,
		0x31, 0x32 };
	struct bytes bytes;
	unsigned value;

	(void)state;
	for (value = 0; value < 256; value++) {
		bytes = head(PROXY, value, 0);
		bytes.len = 14;
		if (memchr(known, (int)value, sizeof(known)) != NULL)
			assert_incomplete(bytes.data, 14, 16);
		else
			assert_bad(
			    &bytes, "the family or the transport is not known");
	}
}

/* fault 55: before the rest has come. */
static void
length_must_hold_the_addresses(void **state)
{
	static const struct {
		unsigned family;
		size_t size;
	} cases[] = { { 0x11, 12 }, { 0x12, 12 }, { 0x21, 36 }, { 0x22, 36 },
		{ 0x31, 216 }, { 0x32, 216 } };
	struct bytes bytes;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes = head(PROXY, cases[i].family, cases[i].size - 1);
		assert_bad(
		    &bytes, "it is too short for the addresses of its family");
		bytes = head(PROXY, cases[i].family, 0);
		assert_bad(
		    &bytes, "it is too short for the addresses of its family");
		bytes = head(PROXY, cases[i].family, cases[i].size);
		assert_incomplete(bytes.data, 16, 16 + cases[i].size);
	}
}

/* fault 57 */
static void
long_header_is_refused_before_it_has_come(void **state)
{
	static const char why[] = "it announces more than muxd takes";
	struct bytes bytes;

	(void)state;
	bytes = head(PROXY, 0x11, 65535);
	assert_bad(&bytes, why);
	bytes = head(LOCAL, 0x00, 65535);
	assert_bad(&bytes, why);
	bytes = head(LOCAL, 0xff, 65535);
	assert_bad(&bytes, why);
	bytes = head(PROXY, 0x11, 12 + PROXY_TLVS_MAX + 1);
	assert_bad(&bytes, why);
	bytes = head(PROXY, 0x11, 12 + PROXY_TLVS_MAX);
	assert_incomplete(bytes.data, 16, 16 + 12 + PROXY_TLVS_MAX);
	bytes = head(PROXY, 0x31, 216 + PROXY_TLVS_MAX);
	assert_incomplete(bytes.data, 16, 16 + 216 + PROXY_TLVS_MAX);
}

static void
longest_header_is_taken(void **state)
{
	static const unsigned char body[216 + PROXY_TLVS_MAX] = { [216] = 0x04,
		[217] = (PROXY_TLVS_MAX - 3) >> 8,
		[218] = (PROXY_TLVS_MAX - 3) & 0xff };
	struct bytes bytes =
	    make(PROXY, 0x31, body, 216, body + 216, PROXY_TLVS_MAX);

	(void)state;
	assert_int_equal(assert_taken(&bytes).tlvs_len, PROXY_TLVS_MAX);
}

/* fault 56: what follows is the client's, whatever it looks like. */
static void
payload_is_left_alone(void **state)
{
	struct bytes bytes = make4(BYTES("\4\0\0"));
	size_t size = bytes.len;

	(void)state;
	add(&bytes, BYTES("\1\xff\xff\3\0\4zzzz" SIGNATURE));
	assert_header(bytes.data, bytes.len, size);
}

static void
tlvs_are_found(void **state)
{
	struct bytes bytes =
	    make(PROXY, 0x21, BYTES(PAIR6), BYTES("\1\0\2h2\xea\0\0\4\0\1x"));
	struct proxy_header header = assert_taken(&bytes);

	(void)state;
	assert_int_equal(header.tlvs, 52);
	assert_int_equal(header.tlvs_len, 12);
	bytes = make4(NULL, 0);
	assert_int_equal(assert_taken(&bytes).tlvs_len, 0);
}

/* fault 56 */
static void
tlv_must_end_where_the_header_does(void **state)
{
	static const char beyond[] = "a TLV reaches beyond the end";
	static const char over[] = "bytes are left over behind the last TLV";
	struct bytes bytes;

	(void)state;
	assert_bad4(BYTES("\1\0\1"), beyond);
	assert_bad4(BYTES("\1\xff\xff"), beyond);
	assert_bad4(BYTES("\4\0\0\1\0\3h2"), beyond);
	assert_bad4(BYTES("\4"), over);
	assert_bad4(BYTES("\4\0"), over);
	assert_bad4(BYTES("\1\0\2h2\4"), over);
	assert_bad4(BYTES("\1\0\2h2\4\0"), over);
	bytes = make(LOCAL, 0x00, NULL, 0, BYTES("\1\0\1"));
	assert_bad(&bytes, beyond);
	bytes = make(LOCAL, 0x11, BYTES(PAIR4), BYTES("\4\0"));
	assert_bad(&bytes, over);
	/* The payload is not the rest of it. */
	bytes = make4(BYTES("\1\0\1"));
	add(&bytes, BYTES("x"));
	assert_bad(&bytes, beyond);
}

/* fault 56 */
static void
ssl_holds_its_fields_and_tlvs(void **state)
{
	static const char why[] =
	    "the TLV about SSL is shorter than five bytes";
	struct bytes bytes;

	(void)state;
	assert_bad4(BYTES("\x20\0\0"), why);
	assert_bad4(BYTES("\x20\0\4\7\0\0\0"), why);
	bytes = make4(BYTES("\x20\0\5\7\0\0\0\0"));
	assert_taken(&bytes);
	bytes = make4(BYTES("\x20\0\xf\7\0\0\0\0\x21\0\7TLSv1.3"));
	assert_taken(&bytes);
	assert_bad4(BYTES("\x20\0\6\7\0\0\0\0\x21"),
	    "bytes are left over behind the last TLV");
	assert_bad4(BYTES("\x20\0\x8\7\0\0\0\0\x21\0\1\4\0\0"),
	    "a TLV reaches beyond the end");
}

/* fault 56 */
static void
checksum_is_compared(void **state)
{
	static const unsigned char tlvs[] = "\1\0\2h2\3\0\4\x91\x41\x99\x4d"
					    "\4\0\0";
	struct bytes bytes = make4(BYTES("\3\0\4\xd6\xc8\xc7\x5f")), bad;
	size_t i;

	(void)state;
	assert_taken(&bytes);
	bytes = make4(tlvs, sizeof(tlvs) - 1);
	assert_taken(&bytes);
	/* But for the byte that makes it a checksum. */
	for (i = 16; i < bytes.len; i++) {
		bad = bytes;
		bad.data[i] ^= 0x10;
		assert_int_equal(proxy_feed(bad.data, bad.len).verdict,
		    i == 33 ? PROXY_COMPLETE : PROXY_INVALID);
	}
	bad = bytes;
	bad.data[16] = 10;
	assert_bad(&bad, "the checksum is wrong");
	bad = make(LOCAL, 0x00, NULL, 0, BYTES("\3\0\4\0\0\0\0"));
	assert_bad(&bad, "the checksum is wrong");
}

/* fault 56 */
static void
checksum_is_one_of_four_bytes(void **state)
{
	(void)state;
	assert_bad4(BYTES("\3\0\0"), "the checksum does not have four bytes");
	assert_bad4(
	    BYTES("\3\0\3\0\0\0"), "the checksum does not have four bytes");
	assert_bad4(
	    BYTES("\3\0\5\0\0\0\0\0"), "the checksum does not have four bytes");
	assert_bad4(
	    BYTES("\3\0\4\0\0\0\0\3\0\4\0\0\0\0"), "there are two checksums");
}

static void
beginning_waits_for_more(void **state)
{
	struct bytes bytes = make4(BYTES("\4\0\0"));
	size_t i;

	(void)state;
	for (i = 1; i < 16; i++)
		assert_incomplete(bytes.data, i, 16);
	for (i = 16; i < bytes.len; i++)
		assert_incomplete(bytes.data, i, bytes.len);
}

static void
damaged_signature_is_absent(void **state)
{
	struct bytes bytes;
	size_t i;

	(void)state;
	for (i = 0; i < PROXY_SIGNATURE_V2_LEN; i++) {
		bytes = make4(NULL, 0);
		bytes.data[i] ^= 0x20;
		assert_absent(bytes.data, bytes.len);
	}
}

static void
assert_written(const struct proxy_out *out, const struct bytes *expected)
{
	unsigned char buf[PROXY_HEADER_MAX + 1];
	size_t len = expected->len;

	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(proxy_write_v2(buf, len - 1, out), 0);
	assert_int_equal(proxy_write_v2(buf, 0, out), 0);
	assert_int_equal(buf[len - 1], 0xee);
	assert_int_equal(proxy_write_v2(buf, len, out), len);
	assert_memory_equal(buf, expected->data, len);
	assert_int_equal(buf[len], 0xee);
	(void)assert_taken(expected);
}

static void
assert_written_pair(
    const char *src, const char *dst, bool dgram, const struct bytes *expected)
{
	const struct proxy_out out = {
		.src = address(src), .dst = address(dst), .dgram = dgram
	};

	assert_written(&out, expected);
}

/* fault 60 */
static void
written_header_is_exact(void **state)
{
	static const unsigned char paths[216];
	struct bytes bytes;

	(void)state;
	bytes = make(PROXY, 0x11, BYTES(PAIR4), NULL, 0);
	assert_written_pair("192.0.2.1:56324", "192.0.2.2:443", false, &bytes);
	bytes = make(PROXY, 0x12, BYTES(PAIR4), NULL, 0);
	assert_written_pair("192.0.2.1:56324", "192.0.2.2:443", true, &bytes);
	bytes = make(PROXY, 0x21, BYTES(PAIR6), NULL, 0);
	assert_written_pair(
	    "[2001:db8::1]:1", "[2001:db8::2]:2", false, &bytes);
	bytes = make(PROXY, 0x22, BYTES(PAIR6), NULL, 0);
	assert_written_pair("[2001:db8::1]:1", "[2001:db8::2]:2", true, &bytes);
	bytes = make(PROXY, 0x31, paths, sizeof(paths), NULL, 0);
	assert_written_pair("unix", "unix", false, &bytes);
	bytes = make(PROXY, 0x32, paths, sizeof(paths), NULL, 0);
	assert_written_pair("unix", "unix", true, &bytes);
}

/* fault 60 */
static void
mixed_families_are_written_as_ipv6(void **state)
{
	struct bytes bytes;

	(void)state;
	bytes = make(PROXY, 0x21, BYTES(MAPPED IP6("\1") "\0\1\0\2"), NULL, 0);
	assert_written_pair("192.0.2.1:1", "[2001:db8::1]:2", false, &bytes);
	bytes = make(PROXY, 0x21, BYTES(IP6("\1") MAPPED "\0\1\0\2"), NULL, 0);
	assert_written_pair("[2001:db8::1]:1", "192.0.2.1:2", false, &bytes);
}

/* fault 60 */
static void
nothing_is_told_of_addresses_that_are_not_known(void **state)
{
	struct bytes bytes = head(PROXY, 0x00, 0);
	struct proxy_out out = { .src = address("192.0.2.1:1"),
		.dst = address("192.0.2.1:2"),
		.local = true };

	(void)state;
	assert_written_pair("-", "-", false, &bytes);
	assert_written_pair("-", "-", true, &bytes);
	assert_written_pair("192.0.2.1:1", "-", false, &bytes);
	assert_written_pair("192.0.2.1:1", "unix", false, &bytes);
	bytes = head(LOCAL, 0x00, 0);
	assert_written(&out, &bytes);
}

static struct proxy_out
out4(const void *tlvs, size_t tlvs_len)
{
	const struct proxy_out out = { .src = address("192.0.2.1:56324"),
		.dst = address("192.0.2.2:443"),
		.tlvs = tlvs,
		.tlvs_len = tlvs_len };

	return out;
}

static void
tlvs_are_passed_on(void **state)
{
	static const char tlvs[] = "\1\0\2h2\xea\0\0\4\0\1x";
	struct proxy_out out = out4(BYTES(tlvs));
	struct bytes bytes = make4(BYTES(tlvs));

	(void)state;
	assert_written(&out, &bytes);
	out.local = true;
	bytes = make(LOCAL, 0x00, NULL, 0, BYTES(tlvs));
	assert_written(&out, &bytes);
}

static void
checksum_is_written(void **state)
{
	struct proxy_out out = out4(NULL, 0);
	struct bytes bytes = make4(BYTES("\3\0\4\xd6\xc8\xc7\x5f"));

	(void)state;
	out.crc32c = true;
	assert_written(&out, &bytes);
	out.local = true;
	bytes = make(LOCAL, 0x00, NULL, 0, BYTES("\3\0\4\xa9\xb8\x7e\x8f"));
	assert_written(&out, &bytes);
}

/* It covers the header, which is not the one it came in. */
static void
checksum_that_came_is_counted_anew(void **state)
{
	struct proxy_out out =
	    out4(BYTES("\1\0\2h2\3\0\4\xde\xad\xbe\xef\4\0\0"));
	struct bytes bytes =
	    make4(BYTES("\1\0\2h2\3\0\4\x91\x41\x99\x4d\4\0\0"));

	(void)state;
	assert_written(&out, &bytes);
	out.crc32c = true;
	assert_written(&out, &bytes);
}

/* fault 60 */
static void
bad_tlvs_are_not_written(void **state)
{
	unsigned char buf[PROXY_HEADER_MAX + 1] = { 0 }, *tlvs;
	struct proxy_out out = out4(BYTES("\1\0\1"));

	(void)state;
	assert_int_equal(proxy_write_v2(buf, sizeof(buf), &out), 0);
	tlvs = calloc(1, PROXY_TLVS_MAX + 1);
	assert_non_null(tlvs);
	tlvs[1] = (PROXY_TLVS_MAX + 1 - 3) >> 8;
	tlvs[2] = (PROXY_TLVS_MAX + 1 - 3) & 0xff;
	out = out4(tlvs, PROXY_TLVS_MAX + 1);
	assert_int_equal(proxy_write_v2(buf, sizeof(buf), &out), 0);
	tlvs[2]--;
	out = out4(tlvs, PROXY_TLVS_MAX);
	out.src = out.dst = address("unix");
	out.crc32c = true;
	assert_int_equal(
	    proxy_write_v2(buf, sizeof(buf), &out), PROXY_HEADER_MAX);
	free(tlvs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(unix_addresses_are_unix),
		cmocka_unit_test(local_has_no_addresses),
		cmocka_unit_test(family_of_local_is_ignored),
		cmocka_unit_test(unspecified_family_is_local),
		cmocka_unit_test(version_and_command_are_known),
		cmocka_unit_test(family_and_transport_are_known),
		cmocka_unit_test(length_must_hold_the_addresses),
		cmocka_unit_test(long_header_is_refused_before_it_has_come),
		cmocka_unit_test(longest_header_is_taken),
		cmocka_unit_test(payload_is_left_alone),
		cmocka_unit_test(tlvs_are_found),
		cmocka_unit_test(tlv_must_end_where_the_header_does),
		cmocka_unit_test(ssl_holds_its_fields_and_tlvs),
		cmocka_unit_test(checksum_is_compared),
		cmocka_unit_test(checksum_is_one_of_four_bytes),
		cmocka_unit_test(beginning_waits_for_more),
		cmocka_unit_test(damaged_signature_is_absent),
		cmocka_unit_test(written_header_is_exact),
		cmocka_unit_test(mixed_families_are_written_as_ipv6),
		cmocka_unit_test(
		    nothing_is_told_of_addresses_that_are_not_known),
		cmocka_unit_test(tlvs_are_passed_on),
		cmocka_unit_test(checksum_is_written),
		cmocka_unit_test(checksum_that_came_is_counted_anew),
		cmocka_unit_test(bad_tlvs_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
