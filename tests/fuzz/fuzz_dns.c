/*
 * Any bytes as an answer of a name server, where muxd reads it itself.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "monitor/dns_ttl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t ttl;

	if (dns_ttl_least(data, size, &ttl) && ttl > INT32_MAX)
		abort();
	return 0;
}
