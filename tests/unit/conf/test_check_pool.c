/*
 * What pools, their servers and the services that use them say together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* A relay service on line 1, for the pool "p". */
#define TCP_SERVICE                                          \
	"service \"s\" { handler = relay pool = p listen = " \
	"\"127.0.0.1:7\" }\n"
#define UDP_SERVICE                                          \
	"service \"u\" { handler = relay pool = p listen = " \
	"\"udp:127.0.0.1:7\" }\n"
#define SERVER "server \"x\" { address = \"192.0.2.1:80\" }\n"
#define POOL   "pool \"p\" { " SERVER "}\n"

/* ---- references --------------------------------------------------------------- */

static void
a_relay_needs_a_pool(void **state)
{
	(void)state;
	fixture_expect(
	    "\nservice \"s\" { handler = relay listen = \"127.0.0.1:7\" }\n",
	    "t:2: service \"s\" has no pool, which the handler \"relay\" "
	    "needs\n");
	fixture_expect("service \"s\" { handler = relay poll = p\n"
		       "listen = \"127.0.0.1:7\" }\n" POOL,
	    "t:1: unknown option \"poll\" in \"service\": did you mean "
	    "\"pool\"?\n");
}

static void
a_pool_is_for_relays_alone(void **state)
{
	(void)state;
	fixture_expect("service \"s\" { handler = echo\npool = p\n"
		       "listen = \"127.0.0.1:7\" }\n" POOL,
	    "t:2: pool is for the handler \"relay\"; this service's is "
	    "\"echo\"\n");
}

static void
an_unknown_pool_is_told(void **state)
{
	(void)state;
	fixture_expect("service \"s\" { handler = relay\npool = wbe\n"
		       "listen = \"127.0.0.1:7\" }\n"
		       "pool \"db\" { " SERVER "}\npool \"web\" { " SERVER
		       "}\n",
	    "t:2: there is no pool \"wbe\": did you mean \"web\"?\n");
	fixture_expect("service \"s\" { handler = relay\npool = web\n"
		       "listen = \"127.0.0.1:7\" }\n",
	    "t:2: there is no pool \"web\"\n");
	/* A server is none, and a pool in it would be another thing. */
	fixture_expect("service \"s\" { handler = relay pool = x\n"
		       "listen = \"127.0.0.1:7\" }\n" POOL,
	    "t:1: there is no pool \"x\"\n");
}

/* What was left out, or lies behind a syntax error, may be the pool. */
static void
nothing_misleading_is_said_of_pools(void **state)
{
	(void)state;
	fixture_expect(TCP_SERVICE "poool \"p\" { " SERVER "}\n",
	    "t:2: unknown section \"poool\": did you mean \"pool\"?\n");
	fixture_expect(TCP_SERVICE "log { level = }\n" POOL,
	    "t:2: syntax error after \"level\": a value expected\n");
	fixture_expect(TCP_SERVICE "pool \"p\" { sever \"x\" { } }\n",
	    "t:2: unknown section \"sever\" in \"pool\": did you mean "
	    "\"server\"?\n");
	fixture_expect(TCP_SERVICE "pool \"p\" { server \"x\" { backup = on\n"
				   "  address = }\n",
	    "t:3: syntax error after \"address\": a value expected\n");
	fixture_expect("service \"s\" { handler = relay listen = "
		       "\"127.0.0.1:7\" poll = p }\n" POOL,
	    "t:1: unknown option \"poll\" in \"service\": did you mean "
	    "\"pool\"?\n");
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "check { type = https\n"
				   "path = \"/\" interval = 1s } }\n",
	    "t:3: bad value \"https\" for type: did you mean \"http\"?\n");
}

/* An option that is left out elsewhere is no reason to keep quiet. */
static void
all_that_is_wrong_with_pools_comes_in_one_run(void **state)
{
	(void)state;
	fixture_expect(
	    "service \"s\" { handler = relay pool = q\n"
	    "  listen = \"127.0.0.1:7\" limit { rote = 1/s } }\n"
	    "pool \"p\" {\n"
	    "  blance = random\n"
	    "  server \"x\" { address = \"192.0.2.1\" weight = 0 }\n"
	    "  server \"x\" { address = \"192.0.2.1:80\" weigh = 2 }\n"
	    "  server \"y\" { } }\n",
	    "t:1: there is no pool \"q\"\n"
	    "t:2: unknown option \"rote\" in \"service.limit\": did you mean "
	    "\"rate\"?\n"
	    "t:4: unknown option \"blance\" in \"pool\": did you mean "
	    "\"balance\"?\n"
	    "t:5: bad value \"192.0.2.1\" for address: the port is missing\n"
	    "t:5: bad value \"0\" for weight: it must be 1 to 256\n"
	    "t:6: unknown option \"weigh\" in \"pool.server\": did you mean "
	    "\"weight\"?\n"
	    "t:6: server \"x\" is defined already, at t:5\n"
	    "t:7: server \"y\" has no address\n");
}

static void
a_pool_that_nobody_uses_is_warned_about(void **state)
{
	(void)state;
	fixture_expect(
	    FIXTURE_SERVICE POOL, "t:2: warning: no service uses pool \"p\"\n");
	fixture_expect(TCP_SERVICE POOL, "");
}

static void
names_are_defined_once_where_they_count(void **state)
{
	(void)state;
	fixture_expect(TCP_SERVICE POOL "pool \"p\" { " SERVER "}\n",
	    "t:4: pool \"p\" is defined already, at t:2\n");
	/* The same name in another pool, or of another kind of thing. */
	fixture_expect("service \"p\" { handler = relay pool = p\n"
		       "listen = \"127.0.0.1:7\" }\n"
		       "service \"q\" { handler = relay pool = q\n"
		       "listen = \"127.0.0.1:8\" }\n"
		       "pool \"p\" { server \"p\" { address = "
		       "\"192.0.2.1:80\" } }\n"
		       "pool \"q\" { server \"p\" { address = "
		       "\"192.0.2.1:80\" } }\n",
	    "");
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER "check { }\n"
				   "check { } }\n",
	    "t:4: section \"check\" is given twice, first at t:3\n");
	fixture_expect(TCP_SERVICE "pool \"p\" { server \"a b\" { address = "
				   "\"192.0.2.1:80\" } }\n",
	    "t:2: bad name of a server: only letters, digits, \"_\", \".\" and "
	    "\"-\" are allowed\n");
	fixture_expect("pool \"p\" { server { } }\n" FIXTURE_SERVICE,
	    "t:1: bad form of \"server\": it is a section with a title: NAME "
	    "\"TITLE\" { … }\n"
	    "t:1: warning: no service uses pool \"p\"\n");
}

/* ---- servers -------------------------------------------------------------------- */

static void
a_pool_has_servers(void **state)
{
	(void)state;
	fixture_expect(
	    TCP_SERVICE "pool \"p\" { }\n", "t:2: pool \"p\" has no server\n");
}

static void
backups_without_others_are_warned_about(void **state)
{
	(void)state;
	fixture_expect(TCP_SERVICE
	    "pool \"p\" {\n"
	    "server \"x\" { address = \"192.0.2.1:80\" backup = on }\n"
	    "server \"y\" { address = \"192.0.2.2:80\" backup = on } }\n",
	    "t:2: warning: all servers of pool \"p\" are backup servers, so "
	    "none is\n");
	fixture_expect(TCP_SERVICE
	    "pool \"p\" { " SERVER
	    "server \"y\" { address = \"192.0.2.2:80\" backup = on } }\n",
	    "");
}

/* The longest label, and the longest name, and one more of each. */
static void
names_have_the_lengths_of_the_dns(void **state)
{
	static const char label[] = "123456789a123456789b123456789c123456789d"
				    "123456789e123456789f12x";
	static const int lengths[] = { 61, 62, 61, 10 };
	char *text, *errors;
	size_t i;

	(void)state;
	assert_int_equal(strlen(label), 63);
	for (i = 0; i < 4; i++) {
		/* Three labels and their dots take 192. */
		assert_int_not_equal(
		    asprintf(&text,
			TCP_SERVICE "pool \"p\" { server \"x\" { address = "
				    "\"%s%s.%s.%s.%.*s%s:80\" } }\n",
			i == 3 ? "x" : "", label, label, label, lengths[i],
			label, i == 2 ? "." : ""),
		    -1);
		errors = fixture_errors(text);
		if (i == 1)
			assert_non_null(strstr(errors, "longer than 253"));
		else if (i == 3)
			assert_non_null(strstr(errors, "up to 63"));
		else
			assert_string_equal(errors, "");
		free(errors);
		free(text);
	}
}

static const struct {
	const char *address;
	const char *why;
} bad_names[] = {
	{ "a_b:80",
	    "the parts of a name are made of letters, digits and \"-\" between "
	    "them, up to 63" },
	{ "-a:80",
	    "the parts of a name are made of letters, digits and \"-\" between "
	    "them, up to 63" },
	{ "a-.b:80",
	    "the parts of a name are made of letters, digits and \"-\" between "
	    "them, up to 63" },
	{ "a..b:80",
	    "the parts of a name are made of letters, digits and \"-\" between "
	    "them, up to 63" },
	{ ".:80",
	    "the parts of a name are made of letters, digits and \"-\" between "
	    "them, up to 63" },
	{ "b\xc3\xbc"
	  "cher.example:80",
	    "the parts of a name are made of letters, digits and \"-\" between "
	    "them, up to 63" },
	{ ":80", "the name is missing" },
	{ "www", "the port is missing" },
	{ "www:", "the port is no number from 1 to 65535" },
	{ "www:0", "the port is no number from 1 to 65535" },
	{ "www:65536", "the port is no number from 1 to 65535" },
	{ "www:http", "the port is no number from 1 to 65535" },
	{ "2001:db8::1:80", "an IPv6 address stands in brackets: [::1]:80" },
	{ "tcp:www:80",
	    "leave tcp: and udp: out: the server is spoken to as its client "
	    "speaks" },
	{ "_http._tcp.example.org:80",
	    "an SRV record tells the port: leave it out" },
	{ "_http.example.org",
	    "\"_service._proto.name\" is expected, as RFC 2782 has it" },
	{ "_http._tcp",
	    "\"_service._proto.name\" is expected, as RFC 2782 has it" },
	{ "_http._tcp.",
	    "\"_service._proto.name\" is expected, as RFC 2782 has it" },
	{ "_._tcp.example.org",
	    "\"_service._proto.name\" is expected, as RFC 2782 has it" },
	{ "_http._tcp._x",
	    "the parts of a name are made of letters, digits and \"-\" between "
	    "them, up to 63" },
	{ "192.0.2.256:80",
	    "what ends in a number is an IPv4 address, and this is none" },
	{ "host.1:80",
	    "what ends in a number is an IPv4 address, and this is none" },
	{ "192.0.2.1:x", "the port is no number from 0 to 65535" },
	{ "192.0.2.1:0", "no connection goes to port 0" },
	{ "[2001:db8::1]:0", "no connection goes to port 0" },
	{ "0.0.0.0:80", "it stands for all addresses, and one is expected" },
	{ "239.1.2.3:80", "it is a multicast or broadcast address" },
};

static void
bad_addresses_of_servers_are_told(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
		char *text, *expected;

		assert_int_not_equal(
		    asprintf(&text,
			TCP_SERVICE "pool \"p\" { server \"x\" { address = "
				    "\"%s\" } }\n",
			bad_names[i].address),
		    -1);
		assert_int_not_equal(
		    asprintf(&expected,
			"t:2: bad value \"%s\" for address: %s\n",
			bad_names[i].address, bad_names[i].why),
		    -1);
		fixture_expect(text, expected);
		free(expected);
		free(text);
	}
}

/* A service with so many servers, each a name of 64 addresses. */
static char *
many_places(unsigned servers)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	unsigned i;

	assert_non_null(out);
	fprintf(out, TCP_SERVICE "pool \"p\" { addresses = 64\n");
	for (i = 0; i < servers; i++)
		fprintf(out, "server \"%u\" { address = \"x:80\" }\n", i);
	fprintf(out, "}\n");
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
there_are_so_many_places_and_no_more(void **state)
{
	char *text = many_places(1023);

	(void)state;
	fixture_expect(text, "");
	free(text);
	text = many_places(1030);
	fixture_expect(text,
	    "t:1026: up to this server, all servers and the addresses of their "
	    "names take 65536 places, of which there are 65535\n");
	free(text);
}

/* ---- against services ------------------------------------------------------------ */

static void
datagrams_do_not_go_to_unix_sockets(void **state)
{
	(void)state;
	fixture_expect(UDP_SERVICE TCP_SERVICE
	    "pool \"p\" { " SERVER
	    "server \"y\" {\naddress = \"unix:/tmp/y\" } }\n",
	    "t:5: server \"y\" cannot take the datagrams of service \"u\": a "
	    "UNIX socket is a stream here\n");
	fixture_expect(TCP_SERVICE
	    "pool \"p\" { server \"y\" { address = \"unix:/tmp/y\" } }\n",
	    "");
}

static void
datagrams_have_no_proxy_header_of_version_1(void **state)
{
	(void)state;
	fixture_expect(UDP_SERVICE "pool \"p\" { " SERVER
				   "proxy_protocol = v1 }\n",
	    "t:3: version 1 of the PROXY protocol is for TCP, and service "
	    "\"u\" has UDP clients for this pool\n");
	fixture_expect(
	    UDP_SERVICE "pool \"p\" { " SERVER "proxy_protocol = v2 }\n", "");
	fixture_expect(
	    TCP_SERVICE "pool \"p\" { " SERVER "proxy_protocol = v1 }\n", "");
}

static void
proxy_headers_come_by_tcp_alone(void **state)
{
	(void)state;
	fixture_expect("service \"a\" { handler = echo\n"
		       "accept_proxy = \"::/0\"\n"
		       "listen = { \"udp:127.0.0.1:7\", \"unix:/tmp/a\" } }\n",
	    "t:2: accept_proxy is for TCP, and service \"a\" has no such "
	    "address\n");
	fixture_expect("service \"a\" { handler = echo\n"
		       "accept_proxy = \"::/0\" proxy_timeout = 1s\n"
		       "listen = { \"udp:127.0.0.1:7\", \"127.0.0.1:7\" } }\n",
	    "");
	fixture_expect("service \"a\" { handler = echo\n"
		       "proxy_timeout = 1s listen = \"udp:127.0.0.1:7\" }\n",
	    "t:2: warning: proxy_timeout has no effect: the service has no "
	    "address of such a kind\n");
}

static void
what_has_no_effect_in_a_pool_is_warned_about(void **state)
{
	(void)state;
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "udp { responses = 1 } }\n",
	    "t:3: warning: responses has no effect: no service of the pool has "
	    "an address of such a kind\n");
	fixture_expect(TCP_SERVICE UDP_SERVICE "pool \"p\" { " SERVER
					       "udp { responses = 1 } }\n",
	    "");
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "check { interval = 1s } }\n",
	    "t:3: warning: interval has no effect: the pool's servers are not "
	    "checked\n");
	/* With an address that is wrong, nobody knows. */
	fixture_expect("service \"s\" { handler = relay pool = p\n"
		       "listen = { \"127.0.0.1:7\", \"udp:\" } }\n"
		       "pool \"p\" { " SERVER "udp { responses = 1 } }\n",
	    "t:2: bad value \"udp:\" for listen: the port is missing\n");
}

/* ---- checks ---------------------------------------------------------------------- */

static void
options_of_a_check_are_for_its_type(void **state)
{
	(void)state;
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER "check { type = tcp\n"
				   "method = GET\npath = \"/\"\nhost = x\n"
				   "status = 200\nsend = x\nexpect = y\n"
				   "interval = 1s port = 80 } }\n",
	    "t:4: method is for checks of type \"http\"; this pool's is "
	    "\"tcp\"\n"
	    "t:5: path is for checks of type \"http\"; this pool's is "
	    "\"tcp\"\n"
	    "t:6: host is for checks of type \"http\"; this pool's is "
	    "\"tcp\"\n"
	    "t:7: status is for checks of type \"http\"; this pool's is "
	    "\"tcp\"\n"
	    "t:8: send is for checks of type \"send\"; this pool's is "
	    "\"tcp\"\n"
	    "t:9: expect is for checks of type \"send\"; this pool's is "
	    "\"tcp\"\n");
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "check { path = \"/\" } }\n",
	    "t:3: path is for checks of type \"http\"; this pool's is "
	    "\"none\"\n");
}

static void
a_check_that_sends_has_something_to_send_or_expect(void **state)
{
	(void)state;
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "check {\ntype = send } }\n",
	    "t:4: a check of type \"send\" needs something to send or to "
	    "expect\n");
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "check { type = send send = \"x\" } }\n",
	    "");
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "check { type = send expect = \"220\" } }\n",
	    "");
}

static void
the_bounds_of_resolving_are_in_order(void **state)
{
	(void)state;
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "resolve_max = 1s\nresolve_min = 2s }\n",
	    "t:3: resolve_max is less than resolve_min\n");
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "resolve_min = 6m }\n",
	    "t:3: resolve_max is less than resolve_min\n");
	fixture_expect(TCP_SERVICE "pool \"p\" { " SERVER
				   "resolve_max = 2s resolve_min = 2s }\n",
	    "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_relay_needs_a_pool),
		cmocka_unit_test(a_pool_is_for_relays_alone),
		cmocka_unit_test(an_unknown_pool_is_told),
		cmocka_unit_test(nothing_misleading_is_said_of_pools),
		cmocka_unit_test(all_that_is_wrong_with_pools_comes_in_one_run),
		cmocka_unit_test(a_pool_that_nobody_uses_is_warned_about),
		cmocka_unit_test(names_are_defined_once_where_they_count),
		cmocka_unit_test(a_pool_has_servers),
		cmocka_unit_test(backups_without_others_are_warned_about),
		cmocka_unit_test(names_have_the_lengths_of_the_dns),
		cmocka_unit_test(bad_addresses_of_servers_are_told),
		cmocka_unit_test(there_are_so_many_places_and_no_more),
		cmocka_unit_test(datagrams_do_not_go_to_unix_sockets),
		cmocka_unit_test(datagrams_have_no_proxy_header_of_version_1),
		cmocka_unit_test(proxy_headers_come_by_tcp_alone),
		cmocka_unit_test(what_has_no_effect_in_a_pool_is_warned_about),
		cmocka_unit_test(options_of_a_check_are_for_its_type),
		cmocka_unit_test(
		    a_check_that_sends_has_something_to_send_or_expect),
		cmocka_unit_test(the_bounds_of_resolving_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
