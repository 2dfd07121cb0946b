/*
 * Addresses, endpoints and prefixes: what is read, what is refused, and that
 * what is written reads back.
 */
#include "base/addr.h"

#include <sys/un.h>

#include <netinet/in.h>

#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct addr
parsed(const char *text)
{
	struct addr addr;
	const char *why = NULL;

	memset(&addr, 0xa5, sizeof(addr));
	if (addr_parse(text, &addr, &why) == -1)
		fail_msg("%s: %s", text, why);
	return addr;
}

static struct prefix
parsed_prefix(const char *text)
{
	struct prefix prefix;
	const char *why = NULL;

	if (prefix_parse(text, &prefix, &why) == -1)
		fail_msg("%s: %s", text, why);
	return prefix;
}

static void
address_reads_back_as_written(void **state)
{
	static const char *const texts[] = {
		"192.0.2.1:80",
		"0.0.0.0:0",
		"255.255.255.255:65535",
		"[::]:7",
		"[::1]:65535",
		"[2001:db8::1]:80",
		"[fe80::1%2]:80",
		"[ff02::1%4294967295]:80",
		"[fe80::1]:80",
	};
	char text[ADDR_STRLEN];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct addr addr = parsed(texts[i]);

		assert_ptr_equal(addr_format(&addr, text, sizeof(text)), text);
		assert_string_equal(text, texts[i]);
	}
}

static void
longest_address_fits_its_text(void **state)
{
	struct addr addr = {
		.family = ADDR_INET6, .port = 65535, .scope = UINT32_MAX
	};
	char text[ADDR_STRLEN];
	struct addr back;

	(void)state;
	memset(addr.ip, 0xfe, sizeof(addr.ip));
	addr.ip[1] = 0x80;
	addr_format(&addr, text, sizeof(text));
	back = parsed(text);
	assert_int_equal(addr_compare(&addr, &back), 0);
}

static void
equal_addresses_are_equal_bytes(void **state)
{
	struct addr a = parsed("[2001:DB8:0:0::1]:80");
	struct addr b = parsed("[2001:db8::1]:80");

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
}

static void
mapped_address_is_ipv4(void **state)
{
	struct addr a = parsed("[::ffff:192.0.2.1]:80");
	struct addr b = parsed("192.0.2.1:80");

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
}

static void
scope_may_be_the_name_of_an_interface(void **state)
{
	unsigned lo = if_nametoindex("lo");
	struct addr addr;

	(void)state;
	if (lo == 0)
		skip();
	addr = parsed("[fe80::1%lo]:80");
	assert_int_equal(addr.scope, lo);
}

static void
bad_address_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"80",
		":80",
		":",
		"192.0.2.1",
		"192.0.2.1:",
		"192.0.2.1: 80",
		"192.0.2.1:+80",
		"192.0.2.1:-1",
		"192.0.2.1:080",
		"192.0.2.1:65536",
		"192.0.2.1:18446744073709551696",
		"192.0.2.1:80 ",
		"192.0.2.1:http",
		"192.0.2.1:0x50",
		" 192.0.2.1:80",
		"192.0.2:80",
		"192.0.2.256:80",
		"192.0.2.01:80",
		"192.0.2.1.1:80",
		"localhost:80",
		"*:80",
		"::1:80",
		"::1",
		"[::1]",
		"[::1]80",
		"[::1]:",
		"[::1",
		"[::1:80",
		"[]:80",
		"[192.0.2.1]:80",
		"[:::1]:80",
		"[1:2:3:4:5:6:7:8:9]:80",
		"[::1]]:80",
		"[[::1]]:80",
		"[fe80::1%]:80",
		"[fe80::1%0]:80",
		"[fe80::1%4294967296]:80",
		"[fe80::1%nosuchinterface]:80",
		"[2001:db8::1%2]:80",
		"[::ffff:192.0.2.1%2]:80",
		"[ff0e::1%2]:80",
		"192.0.2.1%2:80",
		"[fe80::1%000000000000000000000000000000000000000000000000000"
		"00000000000000002]:80",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct addr addr = { .port = 1 };
		const char *why = NULL;

		if (addr_parse(texts[i], &addr, &why) != -1)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_non_null(why);
		assert_int_equal(addr.port, 1);
	}
}

static void
text_is_cut_to_the_buffer(void **state)
{
	struct addr addr = parsed("[2001:db8::1]:80");
	char text[] = "0123456789";

	(void)state;
	addr_format(&addr, text, 6);
	assert_string_equal(text, "[2001");
	assert_int_equal(text[6], '6');
}

static void
families_without_numbers_have_texts(void **state)
{
	struct addr none = { .family = ADDR_NONE };
	struct addr local = { .family = ADDR_UNIX };
	char text[ADDR_STRLEN];

	(void)state;
	assert_string_equal(addr_format(&none, text, sizeof(text)), "-");
	assert_string_equal(addr_format(&local, text, sizeof(text)), "unix");
	assert_string_equal(addr_format_ip(&local, text, sizeof(text)), "unix");
}

static void
ip_alone_has_neither_port_nor_brackets(void **state)
{
	struct addr a = parsed("192.0.2.1:80"), b = parsed("[fe80::1%2]:80");
	char text[ADDR_STRLEN];

	(void)state;
	assert_string_equal(
	    addr_format_ip(&a, text, sizeof(text)), "192.0.2.1");
	assert_string_equal(
	    addr_format_ip(&b, text, sizeof(text)), "fe80::1%2");
}

static void
kernel_form_goes_both_ways(void **state)
{
	static const char *const texts[] = { "192.0.2.1:80",
		"[2001:db8::1]:65535", "[fe80::1%3]:7" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct addr addr = parsed(texts[i]), back;
		struct sockaddr_storage ss;
		socklen_t len = addr_to_sockaddr(&addr, &ss);

		addr_from_sockaddr(&back, (struct sockaddr *)&ss, len);
		assert_memory_equal(&back, &addr, sizeof(addr));
	}
}

static void
kernel_form_is_in_network_order(void **state)
{
	struct addr addr = parsed("192.0.2.1:80");
	struct sockaddr_storage ss;
	struct sockaddr_in sin;

	(void)state;
	assert_int_equal(addr_to_sockaddr(&addr, &ss), sizeof(sin));
	memcpy(&sin, &ss, sizeof(sin));
	assert_int_equal(sin.sin_family, AF_INET);
	assert_int_equal(ntohs(sin.sin_port), 80);
	assert_int_equal(ntohl(sin.sin_addr.s_addr), 0xc0000201);
}

static void
mapped_client_of_the_kernel_is_ipv4(void **state)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(80),
		.sin6_scope_id = 9 };
	struct addr addr, ip4 = parsed("192.0.2.1:80");

	(void)state;
	memcpy(&sin6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
	addr_from_sockaddr(&addr, (struct sockaddr *)&sin6, sizeof(sin6));
	assert_memory_equal(&addr, &ip4, sizeof(addr));
}

static void
global_client_has_no_scope(void **state)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_scope_id = 9 };
	struct addr addr;

	(void)state;
	sin6.sin6_addr.s6_addr[0] = 0x20;
	addr_from_sockaddr(&addr, (struct sockaddr *)&sin6, sizeof(sin6));
	assert_int_equal(addr.family, ADDR_INET6);
	assert_int_equal(addr.scope, 0);
}

static void
short_or_unknown_kernel_forms_are_no_address(void **state)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct sockaddr other = { .sa_family = AF_UNSPEC };
	struct addr addr, none;

	(void)state;
	memset(&none, 0, sizeof(none));
	addr_from_sockaddr(&addr, (struct sockaddr *)&sin, 0);
	assert_memory_equal(&addr, &none, sizeof(addr));
	addr_from_sockaddr(&addr, (struct sockaddr *)&sin, sizeof(sin) - 1);
	assert_memory_equal(&addr, &none, sizeof(addr));
	addr_from_sockaddr(&addr, (struct sockaddr *)&sin6, sizeof(sin6) - 1);
	assert_memory_equal(&addr, &none, sizeof(addr));
	addr_from_sockaddr(&addr, &other, sizeof(other));
	assert_memory_equal(&addr, &none, sizeof(addr));
	/* An unnamed UNIX client: the family alone. */
	addr_from_sockaddr(&addr, (struct sockaddr *)&sun,
	    offsetof(struct sockaddr_un, sun_path));
	assert_int_equal(addr.family, ADDR_UNIX);
}

static void
family_without_kernel_form_has_length_zero(void **state)
{
	struct addr none = { .family = ADDR_NONE };
	struct addr local = { .family = ADDR_UNIX };
	struct sockaddr_storage ss;

	(void)state;
	assert_int_equal(addr_to_sockaddr(&none, &ss), 0);
	assert_int_equal(addr_to_sockaddr(&local, &ss), 0);
}

static void
order_is_family_address_port_scope(void **state)
{
	static const char *const ordered[] = {
		"1.0.0.0:9",
		"2.0.0.0:1",
		"2.0.0.0:2",
		"255.0.0.0:1",
		"[::1]:1",
		"[fe80::1%1]:2",
		"[fe80::1%2]:2",
		"[fe80::1%1]:3",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ordered); i++)
		for (size_t j = 0; j < COUNT(ordered); j++) {
			struct addr a = parsed(ordered[i]);
			struct addr b = parsed(ordered[j]);
			int order = addr_compare(&a, &b);

			assert_int_equal(
			    (order > 0) - (order < 0), (i > j) - (i < j));
		}
}

static void
any_and_multicast_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		bool any, multicast;
	} rows[] = {
		{ "0.0.0.0:1", true, false },
		{ "[::]:1", true, false },
		{ "0.0.0.1:1", false, false },
		{ "[::1]:1", false, false },
		{ "223.255.255.255:1", false, false },
		{ "224.0.0.0:1", false, true },
		{ "239.255.255.255:1", false, true },
		{ "240.0.0.0:1", false, false },
		{ "255.255.255.255:1", false, true },
		{ "255.255.255.254:1", false, false },
		{ "[ff02::1]:1", false, true },
		{ "[fe80::1]:1", false, false },
	};
	struct addr local = { .family = ADDR_UNIX };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr addr = parsed(rows[i].text);

		assert_int_equal(addr_is_any(&addr), rows[i].any);
		assert_int_equal(addr_is_multicast(&addr), rows[i].multicast);
	}
	assert_false(addr_is_any(&local));
	assert_false(addr_is_multicast(&local));
}

static void
endpoint_reads_back_as_written(void **state)
{
	static const struct {
		const char *in, *out;
		enum transport transport;
	} rows[] = {
		{ "192.0.2.1:80", "192.0.2.1:80", TRANSPORT_TCP },
		{ "tcp:192.0.2.1:80", "192.0.2.1:80", TRANSPORT_TCP },
		{ "udp:[::]:7", "udp:[::]:7", TRANSPORT_UDP },
		{ "unix:/run/a b", "unix:/run/a b", TRANSPORT_UNIX },
		{ "tcp:[::ffff:1.2.3.4]:5", "1.2.3.4:5", TRANSPORT_TCP },
	};
	struct endpoint ep[2], back[2];
	char text[ENDPOINT_STRLEN];
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(endpoint_parse(rows[i].in, ep, &why), 1);
		assert_int_equal(ep[0].transport, rows[i].transport);
		endpoint_format(&ep[0], text, sizeof(text));
		assert_string_equal(text, rows[i].out);
		assert_int_equal(endpoint_parse(text, back, &why), 1);
		assert_true(endpoint_equal(&ep[0], &back[0]));
	}
}

static void
star_means_both_families(void **state)
{
	struct endpoint ep[2];
	char text[ENDPOINT_STRLEN];
	const char *why;

	(void)state;
	assert_int_equal(endpoint_parse("udp:*:7", ep, &why), 2);
	assert_string_equal(
	    endpoint_format(&ep[0], text, sizeof(text)), "udp:0.0.0.0:7");
	assert_string_equal(
	    endpoint_format(&ep[1], text, sizeof(text)), "udp:[::]:7");
}

static void
longest_path_is_taken_and_a_longer_one_refused(void **state)
{
	/* The path and its NUL fill sun_path. */
	const size_t size = sizeof(((struct sockaddr_un *)0)->sun_path);
	char in[ENDPOINT_STRLEN + 1] = "unix:/", text[ENDPOINT_STRLEN];
	struct endpoint ep[2];
	const char *why;

	(void)state;
	memset(in + 6, 'x', size - 2);
	assert_int_equal(endpoint_parse(in, ep, &why), 1);
	assert_string_equal(endpoint_format(&ep[0], text, sizeof(text)), in);
	in[5 + size - 1] = 'x';
	assert_int_equal(endpoint_parse(in, ep, &why), -1);
}

static void
bad_endpoint_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"tcp:",
		"tcp",
		"udp:",
		"sctp:192.0.2.1:80",
		"TCP:192.0.2.1:80",
		"tcp:udp:192.0.2.1:80",
		"unix:",
		"unix:run/x",
		"unix:@abstract",
		"/run/x",
		"*",
		"*:",
		"*:65536",
		"*:80x",
		"[*]:80",
		"**:80",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct endpoint ep[2];
		const char *why = NULL;

		if (endpoint_parse(texts[i], ep, &why) != -1)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_non_null(why);
	}
}

static void
endpoints_differ_by_transport_address_and_path(void **state)
{
	static const char *const texts[] = {
		"192.0.2.1:80",
		"192.0.2.1:81",
		"udp:192.0.2.1:80",
		"unix:/a",
		"unix:/b",
	};
	struct endpoint a[2], b[2];
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t j = 0; j < COUNT(texts); j++) {
			assert_int_equal(endpoint_parse(texts[i], a, &why), 1);
			assert_int_equal(endpoint_parse(texts[j], b, &why), 1);
			assert_int_equal(endpoint_equal(&a[0], &b[0]), i == j);
		}
}

static void
prefix_reads_back_as_written(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "192.0.2.0/24", "192.0.2.0/24" },
		{ "192.0.2.128/25", "192.0.2.128/25" },
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "::/0", "::/0" },
		{ "2001:db8::/33", "2001:db8::/33" },
		{ "2001:db8::1", "2001:db8::1/128" },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8" },
		{ "::ffff:0:0/96", "0.0.0.0/0" },
		{ "::ffff:10.0.0.1", "10.0.0.1/32" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" },
	};
	char text[PREFIX_STRLEN];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix prefix = parsed_prefix(rows[i].in);

		prefix_format(&prefix, text, sizeof(text));
		assert_string_equal(text, rows[i].out);
	}
}

static void
bad_prefix_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"/",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/08",
		"10.0.0.0/8 ",
		"10.0.0.0/8/8",
		"10.0.0.0/4294967304",
		"10.0.0.1/8",
		"10.0.0.0/6",
		"10.0.0/8",
		"10/8",
		"::/129",
		"2001:db8::1/64",
		"[::]/0",
		"fe80::1%lo/64",
		"::ffff:10.0.0.0/95",
		"::ffff:10.0.0.1/104",
		"192.0.2.1:80",
		"localhost",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct prefix prefix;
		const char *why = NULL;

		if (prefix_parse(texts[i], &prefix, &why) != -1)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_non_null(why);
	}
}

static void
prefix_matches_its_block_alone(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool match;
	} rows[] = {
		{ "0.0.0.0/0", "203.0.113.9:1", true },
		{ "0.0.0.0/0", "[::1]:1", false },
		{ "::/0", "[2001:db8::1]:1", true },
		{ "::/0", "192.0.2.1:1", false },
		{ "::/0", "[::ffff:192.0.2.1]:1", false },
		{ "192.0.2.0/24", "192.0.2.255:1", true },
		{ "192.0.2.0/24", "192.0.3.0:1", false },
		{ "192.0.2.128/25", "192.0.2.128:1", true },
		{ "192.0.2.128/25", "192.0.2.127:1", false },
		{ "192.0.2.1/32", "192.0.2.1:1", true },
		{ "192.0.2.1/32", "192.0.2.0:1", false },
		{ "192.0.2.0/31", "192.0.2.1:1", true },
		{ "192.0.2.0/31", "192.0.2.2:1", false },
		{ "2001:db8::/33", "[2001:db8:7fff::]:1", true },
		{ "2001:db8::/33", "[2001:db8:8000::]:1", false },
		{ "2001:db8::1", "[2001:db8::1]:1", true },
		{ "2001:db8::1", "[2001:db8::2]:1", false },
	};
	struct prefix all = parsed_prefix("0.0.0.0/0");
	struct addr local = { .family = ADDR_UNIX };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix prefix = parsed_prefix(rows[i].prefix);
		struct addr addr = parsed(rows[i].addr);

		if (prefix_match(&prefix, &addr) != rows[i].match)
			fail_msg("%s and %s", rows[i].prefix, rows[i].addr);
	}
	assert_false(prefix_match(&all, &local));
}

static void
prefix_of_no_family_matches_nothing(void **state)
{
	struct addr none = { .family = ADDR_NONE };
	struct prefix prefix = prefix_of(&none, 32, 64);

	(void)state;
	assert_int_equal(prefix.family, ADDR_NONE);
	assert_false(prefix_match(&prefix, &none));
}

static void
prefix_of_an_address_has_the_length_of_its_family(void **state)
{
	struct addr ip4 = parsed("192.0.2.77:1");
	struct addr ip6 = parsed("[2001:db8:1:2:3:4:5:6]:1");
	char text[PREFIX_STRLEN];
	struct prefix p;

	(void)state;
	p = prefix_of(&ip4, 32, 64);
	assert_string_equal(
	    prefix_format(&p, text, sizeof(text)), "192.0.2.77/32");
	p = prefix_of(&ip4, 26, 64);
	assert_string_equal(
	    prefix_format(&p, text, sizeof(text)), "192.0.2.64/26");
	p = prefix_of(&ip6, 32, 64);
	assert_string_equal(
	    prefix_format(&p, text, sizeof(text)), "2001:db8:1:2::/64");
	p = prefix_of(&ip6, 32, 0);
	assert_string_equal(prefix_format(&p, text, sizeof(text)), "::/0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_reads_back_as_written),
		cmocka_unit_test(longest_address_fits_its_text),
		cmocka_unit_test(equal_addresses_are_equal_bytes),
		cmocka_unit_test(mapped_address_is_ipv4),
		cmocka_unit_test(scope_may_be_the_name_of_an_interface),
		cmocka_unit_test(bad_address_is_refused),
		cmocka_unit_test(text_is_cut_to_the_buffer),
		cmocka_unit_test(families_without_numbers_have_texts),
		cmocka_unit_test(ip_alone_has_neither_port_nor_brackets),
		cmocka_unit_test(kernel_form_goes_both_ways),
		cmocka_unit_test(kernel_form_is_in_network_order),
		cmocka_unit_test(mapped_client_of_the_kernel_is_ipv4),
		cmocka_unit_test(global_client_has_no_scope),
		cmocka_unit_test(short_or_unknown_kernel_forms_are_no_address),
		cmocka_unit_test(family_without_kernel_form_has_length_zero),
		cmocka_unit_test(order_is_family_address_port_scope),
		cmocka_unit_test(any_and_multicast_are_told_apart),
		cmocka_unit_test(endpoint_reads_back_as_written),
		cmocka_unit_test(star_means_both_families),
		cmocka_unit_test(
		    longest_path_is_taken_and_a_longer_one_refused),
		cmocka_unit_test(bad_endpoint_is_refused),
		cmocka_unit_test(
		    endpoints_differ_by_transport_address_and_path),
		cmocka_unit_test(prefix_reads_back_as_written),
		cmocka_unit_test(bad_prefix_is_refused),
		cmocka_unit_test(prefix_matches_its_block_alone),
		cmocka_unit_test(prefix_of_no_family_matches_nothing),
		cmocka_unit_test(
		    prefix_of_an_address_has_the_length_of_its_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
