/*
 * The search.  For each length that fits, shorter[] has the next lower one
 * that fits as well: the longest proper prefix that is also a suffix.
 */
#include "monitor/match.h"

#include "base/mem.h"

/* How much fits when c follows what fits now. */
static size_t
match_step(const struct match *match, size_t at, unsigned char c)
{
	while (at > 0 && (unsigned char)match->bytes[at] != c)
		at = match->shorter[at];
	return (unsigned char)match->bytes[at] == c ? at + 1 : 0;
}

int
match_open(struct match *match, const char *bytes, size_t len)
{
	match->bytes = bytes;
	match->len = len;
	match->shorter = mem_array(len + 1, sizeof(*match->shorter));
	if (match->shorter == NULL)
		return -1;
	for (size_t i = 1; i < len; i++)
		match->shorter[i + 1] = match_step(
		    match, match->shorter[i], (unsigned char)bytes[i]);
	return 0;
}

void
match_close(struct match *match)
{
	mem_free(match->shorter);
	match->shorter = NULL;
}

bool
match_feed(
    const struct match *match, size_t *at, const unsigned char *data, size_t n)
{
	for (size_t i = 0; i < n && *at < match->len; i++)
		*at = match_step(match, *at, data[i]);
	return *at == match->len;
}
