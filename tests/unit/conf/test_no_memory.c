/*
 * Loading a configuration while allocations fail.
 *
 * The linker's --wrap puts the functions below between muxd's own objects
 * and malloc; libconfuse, a shared library, goes on to the real one, since
 * without memory version 3.3 crashes, and its scanner ends the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "conf/loop.h"
#include "fixture.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

/* Allocations that still succeed; one fails, or with failing_all all after
 * it.  -1: no end. */
static long left = -1;
static bool failing_all;
static unsigned long failed;

static bool
fails(void)
{
	if (left == -1)
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	if (!failing_all)
		left = -1;
	failed++;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

static const char good_text[] =
    "workers = 2 group = g\n"
    "log { target = \"file:/tmp/log\" }\n"
    "service \"a\" { handler = echo\n"
    "  listen = { \"127.0.0.1:7\", \"udp:127.0.0.1:7\", \"unix:/tmp/a\" }\n"
    "  allow = { \"10.0.0.0/8\", \"::/0\" } echo { prefix = \"> \" }\n"
    "  socket { unix_user = u unix_group = g } }\n"
    "service \"b\" { handler = http listen = \"*:80\"\n"
    "  http { body_file = \"/etc/passwd\" headers = { \"X: y\", \"Y: z\" } "
    "} }\n"
    "resolver { servers = { \"192.0.2.1\", \"::1\" } }\n"
    "status { listen = { \"127.0.0.1:1\", \"[::1]:2\" }\n"
    "  hosts = { a, b } }\n"
    "service \"c\" { handler = relay pool = p listen = { \"127.0.0.1:8\",\n"
    "  \"127.0.0.1:9\" } accept_proxy = { \"10.0.0.0/8\", \"::/0\" } }\n"
    "service \"d\" { handler = relay pool = q listen = \"udp:127.0.0.1:8\" "
    "}\n"
    "pool \"p\" { server \"a\" { address = \"127.0.0.1:7\"\n"
    "    check_address = \"unix:/tmp/a\" }\n"
    "  server \"b\" { address = \"unix:/tmp/b\" }\n"
    "  server \"c\" { address = \"www.example.org:80\" }\n"
    "  check { type = http path = \"/x\" host = y status = { 200, 204 } }\n"
    "  socket { source = \"::1\" } }\n"
    "pool \"q\" { server \"a\" { address = \"_dns._udp.example.org\" }\n"
    "  check { type = send send = x expect = y } }\n";

static const char bad_text[] =
    "wrkers = 2 user = { a } user = a user = b\n"
    "include(\"/nonexistent\") include_dir(\"/nonexistent\")\n"
    "service \"a\" { handler = eco listen = { \"127.0.0.1:7\", \"x\" }\n"
    "  limit { rate = 5 } limit { } }\n"
    "service \"a\" { handler = echo listen = { \"127.0.0.1:7\",\n"
    "  \"127.0.0.1:7\" } http { body = \"a\" body_file = \"/b\" } }\n"
    "service \"b\" { handler = relay pool = q listen = \"127.0.0.1:8\" }\n"
    "service \"c\" { handler = relay pool = p listen = { \"*:9\",\n"
    "  \"udp:*:9\" } accept_proxy = \"x\" }\n"
    "pool \"p\" { server \"a\" { address = \"127.0.0.1:9\" }\n"
    "  server \"a\" { address = \"unix:/tmp/a\" check_address = a }\n"
    "  server \"b\" { adress = x } check { path = \"/\" status = { 1 } }\n"
    "  socket { source = x } proxy_protocol = v1 }\n"
    "pool \"p\" { } pool \"r\" { server { } }\n"
    "user = \"${NO_SUCH_VARIABLE}\" log { level = \"\n";

/* Parse with allocation n failing; whether one did. */
static bool
parse_starved(const char *text, bool good, long n)
{
	struct conf_errors errors = { 0 };
	struct conf *conf;
	unsigned long before = failed;

	left = n;
	conf = conf_parse(text, "t", &errors);
	left = -1;
	if (good && failed > before)
		assert_null(conf);
	assert_int_equal(conf == NULL, errors.nerrors > 0);
	conf_errors_free(&errors);
	conf_free(conf);
	return failed > before;
}

/* fault 42 */
static void
loading_survives_each_failure(void **state)
{
	long n;

	(void)state;
	failing_all = false;
	for (n = 0; parse_starved(good_text, true, n); n++)
		;
	assert_true(n > 50);
	for (n = 0; parse_starved(bad_text, false, n); n++)
		;
	assert_true(n > 50);
}

/* fault 42 */
static void
loading_survives_that_nothing_is_left(void **state)
{
	long n;

	(void)state;
	failing_all = true;
	for (n = 0; parse_starved(good_text, true, n); n++)
		;
	for (n = 0; parse_starved(bad_text, false, n); n++)
		;
	failing_all = false;
}

/* fault 42 */
static void
reading_origins_survives_each_failure(void **state)
{
	struct conf *conf = fixture_parse(good_text);
	char *text = fixture_dump(conf, true);
	struct conf_errors errors = { 0 };
	unsigned long before;
	long n;

	(void)state;
	conf_free(conf);
	for (n = 0;; n++) {
		before = failed;
		left = n;
		conf = conf_parse_with_origins(text, "u", &errors);
		left = -1;
		if (failed == before)
			break;
		assert_null(conf);
		assert_true(errors.nerrors > 0);
		conf_errors_free(&errors);
	}
	assert_non_null(conf);
	assert_true(n > 50);
	conf_errors_free(&errors);
	conf_free(conf);
	free(text);
}

/* fault 42 */
static void
a_dump_fails_as_a_whole(void **state)
{
	struct conf *conf = fixture_parse(good_text);
	unsigned long before;
	char *text = NULL;
	size_t len;
	long n;
	int rc;

	(void)state;
	for (n = 0;; n++) {
		FILE *out = open_memstream(&text, &len);

		before = failed;
		left = n;
		rc = conf_dump(conf, out, true);
		left = -1;
		fclose(out);
		free(text);
		if (failed == before)
			break;
		assert_int_equal(rc, -1);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 10);
	conf_free(conf);
}

/* fault 42: what cannot be found out is taken for a loop, which is refused. */
static void
without_memory_an_address_may_lead_back(void **state)
{
	struct conf *conf = fixture_parse(
	    "service \"a\" { handler = relay pool = p listen = \"127.0.0.1:8\" "
	    "}\n"
	    "pool \"p\" { server \"a\" { address = \"x:1\" } "
	    "}\n" FIXTURE_SERVICE);
	struct addr addr;
	const char *why;
	long n;

	(void)state;
	assert_int_equal(addr_parse("127.0.0.1:7", &addr, &why), 0);
	for (n = 0; n < 2; n++) {
		left = n;
		assert_true(conf_leads_back(conf, conf->pools, &addr, true));
		assert_int_equal(left, -1);
	}
	assert_false(conf_leads_back(conf, conf->pools, &addr, true));
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loading_survives_each_failure),
		cmocka_unit_test(loading_survives_that_nothing_is_left),
		cmocka_unit_test(reading_origins_survives_each_failure),
		cmocka_unit_test(a_dump_fails_as_a_whole),
		cmocka_unit_test(without_memory_an_address_may_lead_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
