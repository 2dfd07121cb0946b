/*
 * Any bytes through the response parser of health checks: whole, byte by
 * byte, and in pieces whose sizes follow from the bytes themselves.  All
 * three must give the same verdict at the same byte (fault 43), within the
 * bounds that the header promises.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/http_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A parser, and where it came to its verdict. */
struct trail {
	struct http_status parser;
	enum http_status_verdict verdict;
};

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
trail_begin(struct trail *trail)
{
	http_status_init(&trail->parser);
	trail->verdict = HTTP_STATUS_MORE;
}

static void
trail_feed(struct trail *trail, const uint8_t *data, size_t len)
{
	enum http_status_verdict before = trail->verdict;

	trail->verdict = http_status_parse(&trail->parser, data, len);
	require(before == HTTP_STATUS_MORE || trail->verdict == before);
	if (trail->verdict == HTTP_STATUS_FINAL)
		require(trail->parser.status >= 100 &&
		    trail->parser.status <= 999 &&
		    (trail->parser.status >= 200 ||
			trail->parser.status == 101));
	if (trail->verdict != HTTP_STATUS_FAULT)
		require(trail->parser.head <= HTTP_STATUS_HEAD_MAX);
}

static void
require_same(const struct trail *a, const struct trail *b)
{
	require(a->verdict == b->verdict);
	require(memcmp(&a->parser, &b->parser, sizeof(a->parser)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trail whole, bytes, pieces;
	uint32_t sizes = (uint32_t)size;
	size_t i, n;

	trail_begin(&whole);
	trail_feed(&whole, data, size);
	trail_begin(&bytes);
	for (i = 0; i < size; i++)
		trail_feed(&bytes, data + i, 1);
	trail_begin(&pieces);
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
