/*
 * Lists and ranges of source addresses.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "load_sources.h"

/* An address without a port; false with *why. */
static bool
parse_address(const char *text, size_t len, struct addr *addr, const char **why)
{
	char with_port[ADDR_STRLEN + 4];
	const char *form =
	    memchr(text, ':', len) != NULL ? "[%.*s]:0" : "%.*s:0";

	if (len == 0 || len > ADDR_STRLEN - 8) {
		*why = "an address is expected";
		return false;
	}
	(void)snprintf(with_port, sizeof(with_port), form, (int)len, text);
	return addr_parse(with_port, addr, why) != -1;
}

/* The next higher address; false behind the last one. */
static bool
next_address(struct addr *addr)
{
	unsigned i = addr->family == ADDR_INET6 ? 16 : 4;

	while (i > 0) {
		if (++addr->ip[--i] != 0)
			return true;
	}
	return false;
}

static int
add_range(struct addr first, const struct addr *last, struct addr **sources,
    size_t *n, const char **why)
{
	struct addr *place;

	if (first.family != last->family || addr_compare(&first, last) > 0) {
		*why = "the last address of a range lies before its first";
		return -1;
	}
	for (;;) {
		if (*n == LOAD_SOURCES_MAX) {
			*why = "these are too many addresses";
			return -1;
		}
		place = mem_push(sources, n, sizeof(*place));
		if (place == NULL) {
			*why = "out of memory";
			return -1;
		}
		*place = first;
		if (addr_compare(&first, last) == 0 || !next_address(&first))
			return 0;
	}
}

int
load_sources_parse(
    const char *text, struct addr **sources, size_t *n, const char **why)
{
	struct addr first, last;
	const char *dash;
	size_t len;

	for (;;) {
		len = strcspn(text, ",");
		dash = memchr(text, '-', len);
		if (!parse_address(text,
			dash != NULL ? (size_t)(dash - text) : len, &first,
			why))
			return -1;
		last = first;
		if (dash != NULL &&
		    !parse_address(
			dash + 1, len - (size_t)(dash + 1 - text), &last, why))
			return -1;
		if (add_range(first, &last, sources, n, why) == -1)
			return -1;
		if (text[len] == '\0')
			return 0;
		text += len + 1;
	}
}
