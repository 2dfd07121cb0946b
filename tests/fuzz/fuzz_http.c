/*
 * Any bytes through the request parser: whole, byte by byte, and in pieces
 * whose sizes follow from the bytes themselves.  All three must give the same
 * verdicts at the same places (fault 43), and every fault a status that the
 * service can answer with.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/http_parse.h"
#include "service/http_response.h"

#define MAX_BODY 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All that was said, folded into one number. */
struct trail {
	uint64_t hash;
	bool over;
	struct http_parser parser;
	size_t at;
};

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	hash ^= value;
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static void
trail_begin(struct trail *trail)
{
	memset(trail, 0, sizeof(*trail));
	http_parser_init(&trail->parser, MAX_BODY);
}

static void
trail_note(struct trail *trail, enum http_verdict verdict)
{
	const struct http_parser *parser = &trail->parser;

	trail->hash = mix(trail->hash, trail->at);
	trail->hash = mix(trail->hash, verdict);
	trail->hash = mix(trail->hash, parser->status);
	trail->hash = mix(trail->hash, parser->method);
	trail->hash = mix(trail->hash, parser->minor);
	trail->hash = mix(trail->hash, http_parser_persists(parser));
	if (verdict == HTTP_FAULT) {
		require(http_reason_phrase(parser->status)[0] != '\0');
		require(parser->status >= 400);
		trail->over = true;
	} else {
		require(parser->method != HTTP_METHOD_UNKNOWN);
		require(parser->body <= MAX_BODY);
	}
	if (verdict == HTTP_REQUEST)
		http_parser_init(&trail->parser, MAX_BODY);
}

static void
trail_feed(struct trail *trail, const uint8_t *data, size_t len)
{
	enum http_verdict verdict;
	size_t n;

	while (len > 0 && !trail->over) {
		n = http_parse(&trail->parser, data, len, &verdict);
		require(n <= len);
		data += n;
		len -= n;
		trail->at += n;
		if (verdict == HTTP_MORE)
			require(len == 0);
		else
			trail_note(trail, verdict);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trail whole, bytes, pieces;
	uint64_t sizes = size;
	size_t i, n;

	trail_begin(&whole);
	trail_feed(&whole, data, size);
	trail_begin(&bytes);
	for (i = 0; i < size; i++)
		trail_feed(&bytes, data + i, 1);
	trail_begin(&pieces);
	for (i = 0; i < size; i += n) {
		sizes = mix(sizes, data[i]);
		n = 1 + (size_t)(sizes % 37);
		if (n > size - i)
			n = size - i;
		trail_feed(&pieces, data + i, n);
	}
	require(whole.hash == bytes.hash && whole.at == bytes.at);
	require(whole.hash == pieces.hash && whole.at == pieces.at);
	return 0;
}
