/*
 * Searching bytes in a stream: held against memmem(3), in pieces of any size.
 */
#include "monitor/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool
found(const char *bytes, const char *text, size_t len, size_t piece)
{
	struct match match;
	size_t at = 0, i, n;
	bool result;

	assert_int_equal(match_open(&match, bytes, strlen(bytes)), 0);
	result = match_feed(&match, &at, NULL, 0);
	for (i = 0; i < len && !result; i += n) {
		n = len - i < piece ? len - i : piece;
		result =
		    match_feed(&match, &at, (const unsigned char *)text + i, n);
	}
	match_close(&match);
	return result;
}

static void
finds_what_is_there_and_nothing_else(void **state)
{
	(void)state;
	assert_true(found("+PONG", "+PONG\r\n", 7, 7));
	assert_true(found("aab", "aaaaab", 6, 6));
	assert_true(found("abab", "abacabab", 8, 1));
	assert_true(found("", "", 0, 1));
	assert_true(found("\xff", "\x00\xff", 2, 2));
	assert_false(found("+PONG", "-ERR\r\n", 6, 6));
	assert_false(found("+PONG", "+PON", 4, 4));
	assert_false(found("+PONG", "+pong", 5, 5));
	assert_false(found("x", "", 0, 1));
}

/* All texts and all patterns of two letters, which repeat themselves in every
 * way there is. */
static void
agrees_with_memmem_however_the_bytes_are_divided(void **state)
{
	char text[11] = { 0 }, pattern[5] = { 0 };
	unsigned t, p, i, len;
	bool expected;

	(void)state;
	for (len = 1; len <= 4; len++) {
		for (p = 0; p < 1U << len; p++) {
			for (i = 0; i < len; i++)
				pattern[i] = p >> i & 1 ? 'b' : 'a';
			for (t = 0; t < 1U << 10; t++) {
				for (i = 0; i < 10; i++)
					text[i] = t >> i & 1 ? 'b' : 'a';
				expected =
				    memmem(text, 10, pattern, len) != NULL;
				assert_int_equal(
				    found(pattern, text, 10, 10), expected);
				assert_int_equal(
				    found(pattern, text, 10, 3), expected);
				assert_int_equal(
				    found(pattern, text, 10, 1), expected);
			}
		}
		memset(pattern, 0, sizeof(pattern));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there_and_nothing_else),
		cmocka_unit_test(
		    agrees_with_memmem_however_the_bytes_are_divided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
