/*
 * PROXY headers of version 1, read and written, and how far first bytes agree
 * with a signature.
 */
#include <stdio.h>
#include <string.h>

#include "proxy_feed.h"

#define LINE "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"

static struct proxy_header
assert_line(const char *text)
{
	return assert_header(text, strlen(text), strlen(text));
}

static void
assert_bad(const char *text, const char *why)
{
	assert_invalid(text, strlen(text), why);
}

static void
assert_pair(const char *text, const char *src, const char *dst)
{
	struct proxy_header header = assert_line(text);

	assert_int_equal(header.version, 1);
	assert_false(header.local);
	assert_false(header.dgram);
	assert_int_equal(header.tlvs_len, 0);
	assert_addresses(&header, src, dst);
}

static void
addresses_are_read(void **state)
{
	(void)state;
	assert_pair(LINE, "192.0.2.1:56324", "192.0.2.2:443");
	assert_pair("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n",
	    "0.0.0.0:0", "255.255.255.255:65535");
	assert_pair("PROXY TCP6 2001:db8::1 2001:DB8::aBcd 1 2\r\n",
	    "[2001:db8::1]:1", "[2001:db8::abcd]:2");
	assert_pair("PROXY TCP6 :: ::1 1 2\r\n", "[::]:1", "[::1]:2");
	assert_pair(
	    "PROXY TCP6 fe80::1 fe80::2 1 2\r\n", "[fe80::1]:1", "[fe80::2]:2");
}

/* The same client must not pass a list by another spelling. */
static void
mapped_address_is_ipv4(void **state)
{
	(void)state;
	assert_pair("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c000:202 1 2\r\n",
	    "192.0.2.1:1", "192.0.2.2:2");
	assert_pair("PROXY TCP6 ::ffff:c000:201 2001:db8::1 1 2\r\n",
	    "192.0.2.1:1", "[2001:db8::1]:2");
}

/* fault 56: what follows is the client's, whatever it looks like. */
static void
payload_is_left_alone(void **state)
{
	static const char text[] = LINE LINE "\0\1";

	(void)state;
	assert_header(text, sizeof(text) - 1, strlen(LINE));
}

static void
unknown_has_no_addresses(void **state)
{
	struct proxy_header header;

	(void)state;
	header = assert_line("PROXY UNKNOWN\r\n");
	assert_true(header.local);
	assert_addresses(&header, "-", "-");
	header = assert_line("PROXY UNKNOWN ffff::1 \x01\xff ... 1\r\n");
	assert_true(header.local);
	assert_addresses(&header, "-", "-");
}

/* fault 54 */
static void
line_of_107_bytes_is_taken(void **state)
{
	static const char v6[] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
	char text[128];
	int len;

	(void)state;
	len = snprintf(
	    text, sizeof(text), "PROXY UNKNOWN %s %s 65535 65535\r\n", v6, v6);
	assert_int_equal(len, 107);
	assert_line(text);
	len = snprintf(
	    text, sizeof(text), "PROXY TCP6 %s %s 65535 65535\r\n", v6, v6);
	assert_int_equal(len, 104);
	assert_line(text);
}

/* fault 54 */
static void
line_without_end_is_refused(void **state)
{
	static const char why[] = "the line does not end within 107 bytes";
	char text[128];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "PROXY UNKNOWN ", 14);
	assert_incomplete(text, 105, 107);
	assert_invalid(text, 106, why);
	assert_invalid(text, 108, why);
	memcpy(text + 106, "\r\n", 2);
	assert_invalid(text, 108, why);
	memcpy(text + 105, "\r\n", 2);
	assert_header(text, sizeof(text), 107);
}

/* fault 54 */
static void
line_must_end_in_cr_lf(void **state)
{
	static const char why[] = "the line does not end in CR LF";

	(void)state;
	assert_bad("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\n", why);
	assert_bad("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\r\n", why);
	assert_bad("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\n\r\n", why);
	assert_bad("PROXY UNKNOWN\r\r\n", why);
	assert_bad("PROXY UNKNOWN \n\r\n", why);
	assert_bad("PROXY UNKNOWN a\rb\r\n", why);
}

/* fault 54 */
static void
spaces_are_single(void **state)
{
	static const char source[] =
	    "the source address is none of its protocol";
	static const char destination[] =
	    "the destination address is none of its protocol";
	static const char protocol[] =
	    "the protocol is none of TCP4, TCP6, UNKNOWN";

	(void)state;
	assert_bad("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", protocol);
	assert_bad("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", source);
	assert_bad("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", destination);
	assert_bad("PROXY TCP4 192.0.2.1 192.0.2.2  1 2\r\n",
	    "the source port is no number from 0 to 65535");
	assert_bad("PROXY TCP4 192.0.2.1 192.0.2.2 1  2\r\n",
	    "the destination port is no number from 0 to 65535 at the line's "
	    "end");
	assert_bad("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
	    "the destination port is no number from 0 to 65535 at the line's "
	    "end");
	assert_bad("PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n", protocol);
	assert_bad("PROXY TCP4 192.0.2.1\t192.0.2.2 1 2\r\n", source);
}

/* fault 54 */
static void
ports_have_one_spelling(void **state)
{
	static const char *const ports[] = { "01", "00", "65536", "99999",
		"100000", "4294967296", "18446744073709551617", "+1", "-1",
		"0x1", "1a", "", " ", "1 ", " 1" };
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "PROXY TCP4 192.0.2.1 192.0.2.2 %s 2\r\n", ports[i]);
		assert_int_equal(
		    proxy_feed(text, strlen(text)).verdict, PROXY_INVALID);
		(void)snprintf(text, sizeof(text),
		    "PROXY TCP4 192.0.2.1 192.0.2.2 1 %s\r\n", ports[i]);
		assert_bad(text,
		    "the destination port is no number from 0 to 65535 at "
		    "the line's end");
	}
}

/* fault 54 */
static void
addresses_are_of_their_protocol(void **state)
{
	static const char *const v4[] = { "01.0.2.1", "192.0.2.01", "192.0.2",
		"192.0.2.1.", "192.0.2.256", "192.0.2.1.1", ".192.0.2.1",
		"192..2.1", "3221225985", "0xc0.0.2.1", "192.0.2.1/32", "::1",
		"2001:db8::1", "::ffff:192.0.2.1", "localhost",
		"1111111111111111111111111111111111111111111111.0.0.1", "" };
	static const char *const v6[] = { "192.0.2.1", "[::1]", "::1%1",
		"fe80::1%lo", ":::1", "1::2::3", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::", "g::", "12345::", "::1/128", ":",
		"::01.2.3.4", "" };
	char text[160];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "PROXY TCP4 %s 192.0.2.2 1 2\r\n", v4[i]);
		assert_bad(text, "the source address is none of its protocol");
		(void)snprintf(text, sizeof(text),
		    "PROXY TCP4 192.0.2.2 %s 1 2\r\n", v4[i]);
		assert_bad(
		    text, "the destination address is none of its protocol");
	}
	for (i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
		(void)snprintf(
		    text, sizeof(text), "PROXY TCP6 %s ::1 1 2\r\n", v6[i]);
		assert_bad(text, "the source address is none of its protocol");
		(void)snprintf(
		    text, sizeof(text), "PROXY TCP6 ::1 %s 1 2\r\n", v6[i]);
		assert_bad(
		    text, "the destination address is none of its protocol");
	}
}

static void
nul_ends_no_field(void **state)
{
	static const char address[] =
	    "PROXY TCP4 192.0.2.1\0x 192.0.2.2 1 2\r\n";
	static const char port[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\0\r\n";

	(void)state;
	assert_invalid(address, sizeof(address) - 1,
	    "the source address is none of its protocol");
	assert_invalid(port, sizeof(port) - 1,
	    "the destination port is no number from 0 to 65535 at the line's "
	    "end");
}

static void
fields_must_be_there(void **state)
{
	static const char destination[] =
	    "the destination address is none of its protocol";

	(void)state;
	assert_bad(
	    "PROXY TCP4 \r\n", "the source address is none of its protocol");
	assert_bad("PROXY TCP4 192.0.2.1\r\n",
	    "the source address is none of its protocol");
	assert_bad("PROXY TCP4 192.0.2.1 192.0.2.2\r\n", destination);
	assert_bad("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
	    "the source port is no number from 0 to 65535");
	assert_bad("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
	    "the destination port is no number from 0 to 65535 at the line's "
	    "end");
}

/* Without waiting for the line's end. */
static void
protocol_is_one_of_three(void **state)
{
	static const char *const words[] = { "TCP ", "TCP5", "TCP44", "tcp4",
		"UDP4 ", "UNKNOWNS", "UNKNOWN\n", "unknown", "TCP4\r", "TCP6\n",
		"\r\n", " " };
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		(void)snprintf(text, sizeof(text), "PROXY %s", words[i]);
		assert_bad(text, "the protocol is none of TCP4, TCP6, UNKNOWN");
	}
}

static void
other_bytes_are_absent(void **state)
{
	static const char *const texts[] = { "GET / HTTP/1.1\r\n", "PROXY\r\n",
		"PROXY\tTCP4 ", "proxy TCP4 ", "PRI * HTTP/2.0\r\n", " PROXY ",
		"\n", "\r\n\r\n\1" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_absent(texts[i], strlen(texts[i]));
	assert_absent("\0", 1);
}

/* Never told to read what is not the header's. */
static void
beginning_waits_for_more(void **state)
{
	(void)state;
	assert_incomplete("", 0, 15);
	assert_incomplete("P", 1, 15);
	assert_incomplete("PROXY UNKNOWN", 13, 15);
	assert_incomplete("PROXY UNKNOWN\r", 14, 15);
	assert_incomplete("PROXY TCP4 192.0.2.1", 20, 22);
	assert_incomplete(LINE, strlen(LINE) - 2, strlen(LINE));
	assert_incomplete(LINE, strlen(LINE) - 1, strlen(LINE));
}

static void
assert_written(const struct proxy_out *out, const char *line)
{
	unsigned char buf[PROXY_V1_MAX + 1];
	size_t len = strlen(line), size;

	for (size = 0; size < len; size++) {
		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(proxy_write_v1(buf, size, out), 0);
		assert_int_equal(buf[size], 0xee);
	}
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(proxy_write_v1(buf, len, out), len);
	assert_memory_equal(buf, line, len);
	assert_int_equal(buf[len], 0xee);
	assert_header(line, len, len);
}

static void
assert_written_pair(const char *src, const char *dst, const char *line)
{
	const struct proxy_out out = { .src = address(src),
		.dst = address(dst) };

	assert_written(&out, line);
}

/* fault 60 */
static void
written_line_is_exact(void **state)
{
	(void)state;
	assert_written_pair("192.0.2.1:56324", "192.0.2.2:443", LINE);
	assert_written_pair("0.0.0.0:0", "255.255.255.255:65535",
	    "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n");
	assert_written_pair(
	    "[2001:db8::1]:1", "[::]:2", "PROXY TCP6 2001:db8::1 :: 1 2\r\n");
	assert_written_pair("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	    "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");
	/* A scope means nothing elsewhere. */
	assert_written_pair("[fe80::1%1]:1", "[fe80::2%1]:2",
	    "PROXY TCP6 fe80::1 fe80::2 1 2\r\n");
}

/* fault 60; in groups, since that is all the specification knows. */
static void
mixed_families_are_written_as_ipv6(void **state)
{
	(void)state;
	assert_written_pair("192.0.2.1:1", "[2001:db8::1]:2",
	    "PROXY TCP6 ::ffff:c000:201 2001:db8::1 1 2\r\n");
	assert_written_pair("[2001:db8::1]:1", "192.0.2.1:2",
	    "PROXY TCP6 2001:db8::1 ::ffff:c000:201 1 2\r\n");
	assert_written_pair(
	    "[::192.0.2.1]:1", "[::1]:2", "PROXY TCP6 ::c000:201 ::1 1 2\r\n");
}

/* fault 60 */
static void
unknown_is_written_where_addresses_are_not_told(void **state)
{
	struct proxy_out out = { .src = address("192.0.2.1:1"),
		.dst = address("192.0.2.2:2") };

	(void)state;
	assert_written_pair("unix", "unix", "PROXY UNKNOWN\r\n");
	assert_written_pair("-", "-", "PROXY UNKNOWN\r\n");
	assert_written_pair("192.0.2.1:1", "-", "PROXY UNKNOWN\r\n");
	assert_written_pair("unix", "192.0.2.1:1", "PROXY UNKNOWN\r\n");
	out.dgram = true;
	assert_written(&out, "PROXY UNKNOWN\r\n");
	out.dgram = false;
	out.local = true;
	assert_written(&out, "PROXY UNKNOWN\r\n");
}

/* Sniff at data cut in three; what came before the end must agree. */
static enum proxy_sniffed
sniff(const unsigned char *data, size_t len, const size_t cuts[2],
    struct proxy_sniff *sniffer)
{
	const size_t ends[3] = { cuts[0], cuts[1], len };
	enum proxy_sniffed sniffed = PROXY_SNIFF_MORE;
	size_t at = 0;
	unsigned i;

	memset(sniffer, 0, sizeof(*sniffer));
	for (i = 0; i < 3 && sniffed == PROXY_SNIFF_MORE; i++) {
		sniffed = proxy_sniff(sniffer, data + at, ends[i] - at);
		if (sniffed == PROXY_SNIFF_NONE)
			assert_int_equal(sniffer->held, at);
		else
			at = ends[i];
		if (sniffed == PROXY_SNIFF_MORE)
			assert_int_equal(sniffer->held, at);
		if (sniffer->held > 0)
			assert_memory_equal(
			    proxy_sniff_held(sniffer), data, sniffer->held);
	}
	return sniffed;
}

static void
assert_sniffed(const void *data, size_t len, enum proxy_sniffed expected)
{
	struct proxy_sniff sniffer;
	size_t cuts[2];

	for (cuts[0] = 0; cuts[0] <= len; cuts[0]++)
		for (cuts[1] = cuts[0]; cuts[1] <= len; cuts[1]++)
			assert_int_equal(
			    sniff(data, len, cuts, &sniffer), expected);
}

/* fault 58: however they come. */
static void
signatures_are_found(void **state)
{
	static const char v2[] = "\r\n\r\n\0\r\nQUIT\nmore";

	(void)state;
	assert_sniffed("PROXY ", 6, PROXY_SNIFF_FOUND);
	assert_sniffed(LINE, strlen(LINE), PROXY_SNIFF_FOUND);
	assert_sniffed(v2, 12, PROXY_SNIFF_FOUND);
	assert_sniffed(v2, 16, PROXY_SNIFF_FOUND);
}

static void
beginnings_of_signatures_are_held(void **state)
{
	static const char v2[] = "\r\n\r\n\0\r\nQUIT\n";
	size_t len;

	(void)state;
	for (len = 0; len < 6; len++)
		assert_sniffed("PROXY ", len, PROXY_SNIFF_MORE);
	for (len = 0; len < 12; len++)
		assert_sniffed(v2, len, PROXY_SNIFF_MORE);
}

static void
other_bytes_are_let_go(void **state)
{
	static const char v2[] = "\r\n\r\n\0\r\nQUIT\r";
	char text[12];
	size_t i;

	(void)state;
	assert_sniffed("x", 1, PROXY_SNIFF_NONE);
	assert_sniffed("PROXY\n", 6, PROXY_SNIFF_NONE);
	assert_sniffed("\nPROXY ", 7, PROXY_SNIFF_NONE);
	assert_sniffed(v2, 12, PROXY_SNIFF_NONE);
	for (i = 0; i < 12; i++) {
		memcpy(text, proxy_signature_v2, sizeof(text));
		text[i] = (char)(text[i] ^ 0x20);
		assert_sniffed(text, sizeof(text), PROXY_SNIFF_NONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(mapped_address_is_ipv4),
		cmocka_unit_test(payload_is_left_alone),
		cmocka_unit_test(unknown_has_no_addresses),
		cmocka_unit_test(line_of_107_bytes_is_taken),
		cmocka_unit_test(line_without_end_is_refused),
		cmocka_unit_test(line_must_end_in_cr_lf),
		cmocka_unit_test(spaces_are_single),
		cmocka_unit_test(ports_have_one_spelling),
		cmocka_unit_test(addresses_are_of_their_protocol),
		cmocka_unit_test(nul_ends_no_field),
		cmocka_unit_test(fields_must_be_there),
		cmocka_unit_test(protocol_is_one_of_three),
		cmocka_unit_test(other_bytes_are_absent),
		cmocka_unit_test(beginning_waits_for_more),
		cmocka_unit_test(written_line_is_exact),
		cmocka_unit_test(mixed_families_are_written_as_ipv6),
		cmocka_unit_test(
		    unknown_is_written_where_addresses_are_not_told),
		cmocka_unit_test(signatures_are_found),
		cmocka_unit_test(beginnings_of_signatures_are_held),
		cmocka_unit_test(other_bytes_are_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
