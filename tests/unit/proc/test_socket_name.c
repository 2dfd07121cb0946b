/*
 * The names under which sockets are kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proc/inherit.h"
#include "proc/socket_name.h"

static void
name_of(const char *address, struct socket_name *name)
{
	struct endpoint both[2];
	const char *why;

	memset(name, 0, sizeof(*name));
	assert_int_equal(endpoint_parse(address, both, &why), 1);
	name->asked = both[0];
	(void)snprintf(name->service, sizeof(name->service), "www");
}

static void
assert_kept(const struct socket_name *name, const char *expected)
{
	char text[INHERIT_NAME_MAX], again[INHERIT_NAME_MAX];
	struct socket_name read;

	socket_name_format(name, text);
	if (expected != NULL)
		assert_string_equal(text, expected);
	assert_true(inherit_name_valid(text));
	assert_true(socket_name_is_ours(text));
	assert_int_equal(socket_name_parse(text, &read), 0);
	assert_true(endpoint_equal(&read.asked, &name->asked));
	assert_string_equal(read.service, name->service);
	assert_int_equal(read.shared, name->shared);
	assert_int_equal(read.status, name->status);
	assert_int_equal(read.slot, name->slot);
	assert_int_equal(read.member, name->member);
	assert_int_equal(read.dealt, name->dealt);
	assert_int_equal(read.seed, name->seed);
	socket_name_format(&read, again);
	assert_string_equal(again, text);
}

static void
a_name_tells_all_of_it(void **state)
{
	struct socket_name name;

	(void)state;
	name_of("[::]:80", &name);
	name.slot = 2;
	name.member = 1;
	assert_kept(
	    &name, "muxd,tcp,[%3A%3A]%3A80,service=www,slot=2,member=1");
	name_of("udp:0.0.0.0:53", &name);
	name.dealt = 4;
	name.seed = 0x5af3107a;
	assert_kept(&name,
	    "muxd,udp,0.0.0.0%3A53,service=www,slot=0,member=0,dealt=4,"
	    "seed=5af3107a");
	name_of("127.0.0.1:0", &name);
	name.shared = true;
	assert_kept(&name, "muxd,tcp,127.0.0.1%3A0,service=www");
	name.status = true;
	name.service[0] = '\0';
	assert_kept(&name, "muxd,tcp,127.0.0.1%3A0,service=,status=1");
	name_of("unix:/run/a,b:c%d e.sock", &name);
	name.shared = true;
	assert_kept(&name, "muxd,unix,/run/a%2Cb%3Ac%25d%20e.sock,service=www");
}

static void
the_longest_of_all_fits(void **state)
{
	struct socket_name name;
	char text[INHERIT_NAME_MAX];
	struct socket_name read;

	(void)state;
	name_of(
	    "udp:[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535",
	    &name);
	memset(name.service, 's', sizeof(name.service) - 1);
	name.slot = name.member = name.dealt = name.seed = UINT32_MAX;
	assert_kept(&name, NULL);
	/* A path that is too long is left to the socket itself. */
	name_of("unix:/x", &name);
	memset(name.asked.path, ':', sizeof(name.asked.path) - 1);
	memset(name.service, 's', sizeof(name.service) - 1);
	name.shared = true;
	socket_name_format(&name, text);
	assert_true(inherit_name_valid(text));
	assert_int_equal(socket_name_parse(text, &read), 0);
	assert_string_equal(read.asked.path, "");
	assert_string_equal(read.service, name.service);
}

static void
what_is_no_name_is_refused(void **state)
{
	static const char *const wrong[] = { "", "muxd", "muxd,", "muxd-state",
		"stored", "muxd,tcp", "muxd,tcp,", "muxd,sctp,127.0.0.1%3A80",
		"muxd,tcp,127.0.0.1", "muxd,tcp,127.0.0.1:80",
		"muxd,tcp,127.0.0.1%3", "muxd,tcp,127.0.0.1%3A80%",
		"muxd,tcp,127.0.0.1%3A80%00", "muxd,tcp,127.0.0.1%3A80,slot=-1",
		"muxd,tcp,127.0.0.1%3A80,slot=4294967296",
		"muxd,tcp,127.0.0.1%3A80,slot= 1",
		"muxd,tcp,127.0.0.1%3A80,slot", "muxd,tcp,127.0.0.1%3A80,slot=",
		"muxd,tcp,127.0.0.1%3A80,slot=a",
		"muxd,tcp,127.0.0.1%3A99999,slot=1", "muxd,unix,\n",
		"muxd,tcp,127.0.0.1%3A80,,slot=1" };
	struct socket_name name;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (socket_name_parse(wrong[i], &name) != -1)
			fail_msg("taken: %s", wrong[i]);
}

static void
a_later_version_may_say_more(void **state)
{
	struct socket_name name;

	(void)state;
	assert_int_equal(
	    socket_name_parse(
		"muxd,tcp,127.0.0.1%3A80,colour=red,slot=7,member=3", &name),
	    0);
	assert_false(name.shared);
	assert_int_equal(name.slot, 7);
	assert_int_equal(name.member, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_tells_all_of_it),
		cmocka_unit_test(the_longest_of_all_fits),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(a_later_version_may_say_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
