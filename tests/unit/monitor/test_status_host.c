/*
 * Which Host fields name this host.
 */
#include "monitor/status_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *names[] = { (char *)(uintptr_t) "mux.example" };
static const struct conf_status status = { .hosts = names, .nhosts = 1 };

static void
numbers_localhost_and_configured_names_are_right(void **state)
{
	static const char *const right[] = { "127.0.0.1", "127.0.0.1:9180",
		"[::1]", "[::1]:9180", "192.0.2.1", "[2001:db8::1]:80",
		"localhost", "localhost:9180", "LocalHost", "mux.example",
		"MUX.example:1", "localhost:" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		if (!status_host_allowed(right[i], &status))
			fail_msg("%s", right[i]);
	assert_true(status_host_allowed(NULL, &status));
}

static void
everything_else_is_wrong(void **state)
{
	static const char *const wrong[] = { "", "evil.example",
		"mux.example.evil.example", "127.0.0.1.evil.example",
		"localhost.evil.example", "127.0.0.1:80:80", "[::1",
		"[::1]evil", "[::1]:x", "[evil]", "::1", "localhost:80x",
		"127.1", "0x7f.0.0.1", "2130706433", "localhost:123456",
		"[127.0.0.1]", ":80", "evil.example:9180" };
	char longest[1000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (status_host_allowed(wrong[i], &status))
			fail_msg("%s", wrong[i]);
	memset(longest, '1', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(status_host_allowed(longest, &status));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    numbers_localhost_and_configured_names_are_right),
		cmocka_unit_test(everything_else_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
