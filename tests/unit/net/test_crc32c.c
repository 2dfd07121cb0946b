/*
 * CRC-32C against the vectors of RFC 3720, B.4, and in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/crc32c.h"

/* The RFC writes the values as bytes, the lowest first. */
static void
vectors_of_rfc_3720_are_met(void **state)
{
	static const unsigned char read_pdu[48] = { 0x01,
		0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18,
		[32] = 0x28, [40] = 0x02 };
	unsigned char data[32];
	unsigned i;

	(void)state;
	memset(data, 0, sizeof(data));
	assert_int_equal(crc32c(0, data, sizeof(data)), 0x8a9136aa);
	memset(data, 0xff, sizeof(data));
	assert_int_equal(crc32c(0, data, sizeof(data)), 0x62a8ab43);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)i;
	assert_int_equal(crc32c(0, data, sizeof(data)), 0x46dd794e);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(31 - i);
	assert_int_equal(crc32c(0, data, sizeof(data)), 0x113fdb5c);
	assert_int_equal(crc32c(0, read_pdu, sizeof(read_pdu)), 0xd9963a56);
}

static void
check_value_of_the_catalogue_is_met(void **state)
{
	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, "", 0), 0);
}

static void
pieces_give_what_the_whole_gives(void **state)
{
	static const char text[] = "123456789";
	size_t i, j;
	uint32_t crc;

	(void)state;
	for (i = 0; i <= 9; i++) {
		for (j = i; j <= 9; j++) {
			crc = crc32c(0, text, i);
			crc = crc32c(crc, text + i, j - i);
			crc = crc32c(crc, text + j, 9 - j);
			assert_int_equal(crc, 0xe3069283);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_rfc_3720_are_met),
		cmocka_unit_test(check_value_of_the_catalogue_is_met),
		cmocka_unit_test(pieces_give_what_the_whole_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
