/*
 * How long an answer is good for.
 */
#include "monitor/dns_ttl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A header with so many questions and answers. */
#define HEADER(questions, answers) \
	0x12, 0x34, 0x84, 0x00, 0, questions, 0, answers, 0, 0, 0, 0
#define NAME     3, 'w', 'e', 'b', 4, 't', 'e', 's', 't', 0
#define POINTER  0xc0, 12
#define QUESTION NAME, 0, 33, 0, 1
/* A record of type SRV behind its name. */
#define SRV(ttl3, ttl2, ttl1, ttl0) \
	0, 33, 0, 1, ttl3, ttl2, ttl1, ttl0, 0, 8, 0, 1, 0, 2, 0, 80, 0xc0, 12

static const unsigned char two_records[] = { HEADER(1, 2), QUESTION, POINTER,
	SRV(0, 0, 1, 44), NAME, SRV(0, 0, 0, 7) };

static void
least_of_all_records_counts(void **state)
{
	uint32_t ttl;

	(void)state;
	assert_true(dns_ttl_least(two_records, sizeof(two_records), &ttl));
	assert_int_equal(ttl, 7);
}

/* fault 43 */
static void
message_that_is_cut_anywhere_has_none(void **state)
{
	uint32_t ttl;

	(void)state;
	for (size_t len = 0; len < sizeof(two_records); len++) {
		/* Not a byte more: a tool sees who reads too far. */
		unsigned char *cut = malloc(len + (len == 0));

		assert_non_null(cut);
		memcpy(cut, two_records, len);
		assert_false(dns_ttl_least(cut, len, &ttl));
		free(cut);
	}
}

static void
no_record_has_none(void **state)
{
	static const unsigned char empty[] = { HEADER(1, 0), QUESTION };
	uint32_t ttl;

	(void)state;
	assert_false(dns_ttl_least(empty, sizeof(empty), &ttl));
}

static void
time_with_the_high_bit_is_no_time(void **state)
{
	static const unsigned char message[] = { HEADER(1, 1), QUESTION,
		POINTER, SRV(0x80, 0, 0, 1) };
	uint32_t ttl;

	(void)state;
	assert_true(dns_ttl_least(message, sizeof(message), &ttl));
	assert_int_equal(ttl, 0);
}

static void
label_of_an_unknown_kind_is_malformed(void **state)
{
	static const unsigned char message[] = { HEADER(1, 1), QUESTION, 0x41,
		'x', 0, SRV(0, 0, 0, 1) };
	uint32_t ttl;

	(void)state;
	assert_false(dns_ttl_least(message, sizeof(message), &ttl));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_of_all_records_counts),
		cmocka_unit_test(message_that_is_cut_anywhere_has_none),
		cmocka_unit_test(no_record_has_none),
		cmocka_unit_test(time_with_the_high_bit_is_no_time),
		cmocka_unit_test(label_of_an_unknown_kind_is_malformed),
	};

	return cmocka_run_group_tests_name("dns_ttl", tests, NULL, NULL);
}
