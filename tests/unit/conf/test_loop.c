/*
 * Connections that would come back to where they started: found when the
 * configuration is loaded, or when a name turns out to mean muxd itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/loop.h"
#include "fixture.h"

/* A relay service and its pool of one server, on one line. */
#define RELAY(name, listen, server)                           \
	"service \"" name "\" { handler = relay pool = " name \
	" listen = " listen " } pool \"" name                 \
	"\" { server \"s\" { address = " server " } }\n"

/* fault 37 */
static void
a_server_that_is_its_own_service_is_refused(void **state)
{
	(void)state;
	fixture_expect(RELAY("a", "\"127.0.0.1:80\"", "\"127.0.0.1:80\""),
	    "t:1: connections would go round in a loop: service \"a\" -> pool "
	    "\"a\" -> server \"s\" (127.0.0.1:80) -> service \"a\"\n");
	fixture_expect(RELAY("a", "\"192.0.2.1:80\"", "\"192.0.2.1:80\""),
	    "t:1: connections would go round in a loop: service \"a\" -> pool "
	    "\"a\" -> server \"s\" (192.0.2.1:80) -> service \"a\"\n");
	fixture_expect(RELAY("a", "\"unix:/tmp/a\"", "\"unix:/tmp/a\""),
	    "t:1: connections would go round in a loop: service \"a\" -> pool "
	    "\"a\" -> server \"s\" (unix:/tmp/a) -> service \"a\"\n");
	fixture_expect(RELAY("a", "\"udp:[::1]:53\"", "\"[::1]:53\""),
	    "t:1: connections would go round in a loop: service \"a\" -> pool "
	    "\"a\" -> server \"s\" ([::1]:53) -> service \"a\"\n");
}

/* fault 37 */
static void
services_on_all_addresses_are_on_loopback_too(void **state)
{
	(void)state;
	fixture_expect(RELAY("a", "\"0.0.0.0:80\"", "\"127.1.2.3:80\""),
	    "t:1: connections would go round in a loop: service \"a\" -> pool "
	    "\"a\" -> server \"s\" (127.1.2.3:80) -> service \"a\"\n");
	fixture_expect(RELAY("a", "\"*:80\"", "\"[::1]:80\""),
	    "t:1: connections would go round in a loop: service \"a\" -> pool "
	    "\"a\" -> server \"s\" ([::1]:80) -> service \"a\"\n");
}

/* fault 37 */
static void
a_loop_is_told_as_a_whole(void **state)
{
	(void)state;
	fixture_expect(
	    "service \"front\" { handler = relay listen = \"127.0.0.1:1\"\n"
	    "  pool = x }\n"
	    "pool \"x\" { server \"good\" { address = \"192.0.2.1:80\" }\n"
	    "  server \"s\" { address = \"127.0.0.1:2\" } }\n"
	    "service \"b\" { handler = relay listen = { \"127.0.0.1:2\",\n"
	    "  \"unix:/tmp/b\" } pool = y }\n"
	    "pool \"y\" { server \"t\" {\n"
	    "  address = \"127.0.0.1:3\" } }\n"
	    "service \"c\" { handler = relay listen = \"*:3\" pool = z }\n"
	    "pool \"z\" { server \"u\" {\n"
	    "  address = \"unix:/tmp/b\" } }\n",
	    "t:11: connections would go round in a loop: service \"b\" -> pool "
	    "\"y\" -> server \"t\" (127.0.0.1:3) -> service \"c\" -> pool "
	    "\"z\" -> server \"u\" (unix:/tmp/b) -> service \"b\"\n");
}

static void
each_loop_is_told_once(void **state)
{
	(void)state;
	fixture_expect("service \"a\" { handler = relay pool = p\n"
		       "  listen = { \"127.0.0.1:1\", \"udp:127.0.0.1:1\" } }\n"
		       "service \"b\" { handler = relay pool = p\n"
		       "  listen = { \"127.0.0.1:2\", \"udp:127.0.0.1:2\" } }\n"
		       "pool \"p\" {\n"
		       "  server \"s\" { address = \"127.0.0.1:1\" }\n"
		       "  server \"t\" { address = \"127.0.0.1:2\" } }\n",
	    "t:6: connections would go round in a loop: service \"a\" -> pool "
	    "\"p\" -> server \"s\" (127.0.0.1:1) -> service \"a\"\n"
	    "t:6: connections would go round in a loop: service \"a\" -> pool "
	    "\"p\" -> server \"t\" (127.0.0.1:2) -> service \"b\" -> pool "
	    "\"p\" -> server \"s\" (127.0.0.1:1) -> service \"a\"\n"
	    "t:7: connections would go round in a loop: service \"b\" -> pool "
	    "\"p\" -> server \"t\" (127.0.0.1:2) -> service \"b\"\n");
}

static void
what_ends_somewhere_is_no_loop(void **state)
{
	(void)state;
	/* Another service of muxd's. */
	fixture_expect(
	    RELAY("a", "\"127.0.0.1:80\"",
		"\"127.0.0.1:7\"") "service \"echo\" { handler = echo "
				   "listen = \"127.0.0.1:7\" }\n",
	    "");
	/* Relays one behind the other, and two ways to the same end. */
	fixture_expect(RELAY("a", "\"127.0.0.1:1\"", "\"127.0.0.1:3\"")
			   RELAY("b", "\"127.0.0.1:2\"", "\"127.0.0.1:3\"")
			       RELAY("c", "\"127.0.0.1:3\"", "\"192.0.2.1:1\""),
	    "");
	/* Nobody listens there, or who does speaks another transport. */
	fixture_expect(RELAY("a", "\"127.0.0.1:80\"", "\"127.0.0.2:80\""), "");
	fixture_expect(RELAY("a", "\"127.0.0.1:80\"", "\"127.0.0.1:81\""), "");
	fixture_expect(RELAY("a", "\"0.0.0.0:80\"", "\"[::1]:80\""), "");
	fixture_expect(RELAY("a", "\"127.0.0.1:0\"", "\"127.0.0.1:80\""), "");
	fixture_expect(RELAY("a", "\"udp:127.0.0.1:53\"", "\"127.0.0.1:5353\"")
			   RELAY("b", "\"127.0.0.1:5353\"", "\"127.0.0.1:53\""),
	    "");
	/* Whether it is this machine is not known. */
	fixture_expect(RELAY("a", "\"0.0.0.0:80\"", "\"192.0.2.1:80\""), "");
}

/* The kernel prefers the more exact address. */
static void
a_service_on_the_very_address_takes_its_connections(void **state)
{
	(void)state;
	fixture_expect(
	    RELAY("a", "\"0.0.0.0:80\"",
		"\"127.0.0.1:80\"") "service \"echo\" { handler = echo "
				    "listen = \"127.0.0.1:80\" }\n",
	    "");
}

/* ---- at run time -------------------------------------------------------------- */

static bool
leads_back(
    const struct conf *conf, size_t pool, const char *address, bool local)
{
	struct addr addr;
	const char *why;

	assert_int_equal(addr_parse(address, &addr, &why), 0);
	return conf_leads_back(conf, &conf->pools[pool], &addr, local);
}

/* fault 37 */
static void
a_name_that_leads_back_is_found_out(void **state)
{
	struct conf *conf = fixture_parse(
	    RELAY("a", "{ \"0.0.0.0:80\", \"[2001:db8::1]:80\" }",
		"\"www.example.org:80\"")
		RELAY("b", "\"192.0.2.1:81\"", "\"127.0.0.1:80\"")
		    RELAY("c", "\"udp:0.0.0.0:53\"", "\"dns.example.org:53\"")
			FIXTURE_SERVICE);

	(void)state;
	/* To its own service. */
	assert_true(leads_back(conf, 0, "[2001:db8::1]:80", false));
	assert_true(leads_back(conf, 0, "192.0.2.1:80", true));
	assert_false(leads_back(conf, 0, "192.0.2.1:80", false));
	assert_false(leads_back(conf, 0, "[2001:db8::2]:80", true));
	/* By way of another one. */
	assert_true(leads_back(conf, 0, "192.0.2.1:81", false));
	assert_false(leads_back(conf, 1, "192.0.2.1:80", true));
	assert_true(leads_back(conf, 1, "192.0.2.1:81", true));
	/* Datagrams, and what only looks like it. */
	assert_true(leads_back(conf, 2, "192.0.2.1:53", true));
	assert_false(leads_back(conf, 2, "192.0.2.1:80", true));
	assert_false(leads_back(conf, 0, "192.0.2.1:53", true));
	/* Services that relay nothing, and nobody. */
	assert_false(leads_back(conf, 0, "127.0.0.1:7", true));
	assert_false(leads_back(conf, 0, "127.0.0.1:9", true));
	conf_free(conf);
}

static void
long_ways_back_are_found_out_too(void **state)
{
	struct conf *conf = fixture_parse(
	    RELAY("a", "\"127.0.0.1:1\"", "\"a.example.org:1\"") RELAY(
		"b", "{ \"127.0.0.1:2\", \"unix:/tmp/b\" }", "\"127.0.0.1:1\"")
		RELAY("c", "\"127.0.0.1:3\"", "\"unix:/tmp/b\"")
		    RELAY("d", "\"127.0.0.1:4\"", "\"127.0.0.1:3\""));

	(void)state;
	assert_true(leads_back(conf, 0, "127.0.0.1:4", true));
	assert_true(leads_back(conf, 2, "127.0.0.1:4", true));
	assert_true(leads_back(conf, 3, "127.0.0.1:4", true));
	assert_false(leads_back(conf, 3, "127.0.0.1:3", true));
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_is_its_own_service_is_refused),
		cmocka_unit_test(services_on_all_addresses_are_on_loopback_too),
		cmocka_unit_test(a_loop_is_told_as_a_whole),
		cmocka_unit_test(each_loop_is_told_once),
		cmocka_unit_test(what_ends_somewhere_is_no_loop),
		cmocka_unit_test(
		    a_service_on_the_very_address_takes_its_connections),
		cmocka_unit_test(a_name_that_leads_back_is_found_out),
		cmocka_unit_test(long_ways_back_are_found_out_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
