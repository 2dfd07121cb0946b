/*
 * CRC-32C: the reflected polynomial 0x82f63b78, half a byte at a time.  It is
 * counted once in a connection over some dozens of bytes, so a table that
 * fits one cache line is worth more than speed.
 */
#include "net/crc32c.h"

/* What the low four bits of the register do to the others when they leave. */
static const uint32_t crc32c_table[16] = {
	0x00000000,
	0x105ec76f,
	0x20bd8ede,
	0x30e349b1,
	0x417b1dbc,
	0x5125dad3,
	0x61c69362,
	0x7198540d,
	0x82f63b78,
	0x92a8fc17,
	0xa24bb5a6,
	0xb21572c9,
	0xc38d26c4,
	0xd3d3e1ab,
	0xe330a81a,
	0xf36e6f75,
};

uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *byte = data;

	crc = ~crc;
	for (; len > 0; len--) {
		crc ^= *byte++;
		crc = crc >> 4 ^ crc32c_table[crc & 15];
		crc = crc >> 4 ^ crc32c_table[crc & 15];
	}
	return ~crc;
}
