/*
 * Any bytes as the name of a descriptor: what is taken for a socket's can be
 * the name of a descriptor again, and then reads the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proc/inherit.h"
#include "proc/socket_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512], again[INHERIT_NAME_MAX], twice[INHERIT_NAME_MAX];
	struct socket_name name, read;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (socket_name_parse(text, &name) == -1)
		return 0;
	require(inherit_name_valid(text));
	socket_name_format(&name, again);
	/* A service may be called what it likes here; muxd.conf is stricter. */
	if (strlen(again) + 1 == sizeof(again) || !inherit_name_valid(again))
		return 0;
	require(socket_name_parse(again, &read) == 0);
	socket_name_format(&read, twice);
	require(strcmp(again, twice) == 0);
	return 0;
}
