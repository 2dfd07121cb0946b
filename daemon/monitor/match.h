/*
 * Whether bytes that come in pieces contain other bytes: the search of Knuth,
 * Morris and Pratt, which looks at each byte once and keeps none of them, so
 * the result does not depend on where the pieces begin.
 */
#ifndef MUXD_MONITOR_MATCH_H
#define MUXD_MONITOR_MATCH_H

#include <stdbool.h>
#include <stddef.h>

/* What is looked for.  One can serve any number of searches. */
struct match {
	const char *bytes; /* the caller's */
	size_t len;
	size_t *shorter; /* how much of the bytes still fits when the next one
			  * does not, by how much did */
};

/* Look for len bytes, which must outlive the match.  -1 with ENOMEM. */
int match_open(struct match *match, const char *bytes, size_t len);
void match_close(struct match *match);

/* Go on with n more bytes.  *at, 0 at first, is how many of the bytes fit at
 * the end of what came so far.  True if all did at some place; the search is
 * over then.  Looking for nothing succeeds at once. */
bool match_feed(
    const struct match *match, size_t *at, const unsigned char *data, size_t n);

#endif
