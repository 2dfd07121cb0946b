/*
 * Any bytes as the responses that muxload reads: whole, byte by byte, and in
 * pieces whose sizes follow from the bytes themselves.  All three must find
 * as many responses before the first bad one, though heads that came in one
 * piece are remembered and only compared when they come again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../bench/load_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct trail {
	struct load_http http;
	struct load_http_head head;
	uint64_t responses;
	bool bad;
};

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
trail_feed(struct trail *trail, const uint8_t *data, size_t len)
{
	const char *why = NULL;
	size_t used;

	while (len > 0 && !trail->bad) {
		switch (load_http_feed(
		    &trail->http, &trail->head, data, len, &used, &why)) {
		case LOAD_HTTP_BAD:
			require(why != NULL);
			trail->bad = true;
			return;
		case LOAD_HTTP_DONE:
			trail->responses++;
			require(used > 0 || trail->http.body == 0);
			break;
		case LOAD_HTTP_MORE:
			require(used == len);
			break;
		}
		require(used <= len);
		data += used;
		len -= used;
	}
}

static void
require_same(const struct trail *a, const struct trail *b)
{
	require(a->bad == b->bad);
	require(a->responses == b->responses);
	require(a->bad ||
	    (a->http.body == b->http.body && a->http.closes == b->http.closes));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct trail begin;
	struct trail whole = begin, bytes = begin, pieces = begin;
	uint32_t sizes = (uint32_t)size;
	size_t i, n;

	trail_feed(&whole, data, size);
	for (i = 0; i < size; i++)
		trail_feed(&bytes, data + i, 1);
	for (i = 0; i < size; i += n) {
		sizes = (sizes ^ data[i]) * 16777619U;
		n = 1 + sizes % 37;
		if (n > size - i)
			n = size - i;
		trail_feed(&pieces, data + i, n);
	}
	require_same(&whole, &bytes);
	require_same(&whole, &pieces);
	return 0;
}
