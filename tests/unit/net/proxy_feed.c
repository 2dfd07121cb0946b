/*
 * Feeding the parser of PROXY headers.
 */
#include "proxy_feed.h"

#include <stdlib.h>
#include <string.h>

static struct fed
parse(const void *data, size_t len)
{
	/* Not a byte more: then a tool sees who reads too far. */
	unsigned char *copy = malloc(len);
	struct fed fed;

	assert_true(copy != NULL || len == 0);
	if (len > 0)
		memcpy(copy, data, len);
	memset(&fed.header, 0xff, sizeof(fed.header));
	fed.verdict = proxy_parse(copy, len, &fed.header, &fed.size);
	free(copy);
	return fed;
}

static void
assert_same(const struct fed *a, const struct fed *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->header.version, b->header.version);
	assert_int_equal(a->header.local, b->header.local);
	assert_int_equal(a->header.dgram, b->header.dgram);
	assert_int_equal(addr_compare(&a->header.src, &b->header.src), 0);
	assert_int_equal(addr_compare(&a->header.dst, &b->header.dst), 0);
	assert_int_equal(a->header.tlvs, b->header.tlvs);
	assert_int_equal(a->header.tlvs_len, b->header.tlvs_len);
	assert_ptr_equal(a->header.why, b->header.why);
}

/* Nothing but the words is told of what is not complete. */
static void
assert_nothing(const struct fed *fed)
{
	struct fed nothing = { .verdict = fed->verdict, .size = fed->size };

	nothing.header.why = fed->header.why;
	assert_same(fed, &nothing);
	if (fed->verdict == PROXY_INVALID)
		assert_non_null(fed->header.why);
	else
		assert_null(fed->header.why);
	if (fed->verdict != PROXY_INCOMPLETE)
		assert_int_equal(fed->size, 0);
}

struct fed
proxy_feed(const void *data, size_t len)
{
	struct fed whole = parse(data, len), part;
	size_t n;

	for (n = 0; n < len; n++) {
		part = parse(data, n);
		if (part.verdict != PROXY_INCOMPLETE) {
			assert_same(&part, &whole);
			continue;
		}
		assert_nothing(&part);
		assert_true(part.size > n);
		if (whole.verdict == PROXY_COMPLETE)
			assert_true(n < whole.size && part.size <= whole.size);
	}
	if (whole.verdict != PROXY_COMPLETE)
		assert_nothing(&whole);
	return whole;
}

struct proxy_header
assert_header(const void *data, size_t len, size_t size)
{
	struct fed fed = proxy_feed(data, len);

	if (fed.verdict == PROXY_INVALID)
		print_error("bad PROXY header: %s\n", fed.header.why);
	assert_int_equal(fed.verdict, PROXY_COMPLETE);
	assert_int_equal(fed.size, size);
	assert_true(size <= PROXY_HEADER_MAX);
	assert_null(fed.header.why);
	assert_true(fed.header.tlvs + fed.header.tlvs_len <= size);
	return fed.header;
}

void
assert_invalid(const void *data, size_t len, const char *why)
{
	struct fed fed = proxy_feed(data, len);

	assert_int_equal(fed.verdict, PROXY_INVALID);
	assert_string_equal(fed.header.why, why);
}

void
assert_absent(const void *data, size_t len)
{
	assert_int_equal(proxy_feed(data, len).verdict, PROXY_ABSENT);
}

void
assert_incomplete(const void *data, size_t len, size_t size)
{
	struct fed fed = proxy_feed(data, len);

	assert_int_equal(fed.verdict, PROXY_INCOMPLETE);
	assert_int_equal(fed.size, size);
	assert_nothing(&fed);
}

void
assert_addresses(
    const struct proxy_header *header, const char *src, const char *dst)
{
	char text[ADDR_STRLEN];

	assert_string_equal(addr_format(&header->src, text, sizeof(text)), src);
	assert_string_equal(addr_format(&header->dst, text, sizeof(text)), dst);
}

struct addr
address(const char *text)
{
	struct addr addr = { .family = ADDR_NONE };
	const char *why;

	if (strcmp(text, "unix") == 0)
		addr.family = ADDR_UNIX;
	else if (strcmp(text, "-") != 0)
		assert_int_equal(addr_parse(text, &addr, &why), 0);
	return addr;
}
