/*
 * What the tests of the PROXY protocol share: feeding the parser, in all ways
 * of cutting the bytes, and asserting on what it says.
 */
#ifndef MUXD_TESTS_NET_PROXY_FEED_H
#define MUXD_TESTS_NET_PROXY_FEED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/proxy.h"

struct fed {
	enum proxy_verdict verdict;
	size_t size;
	struct proxy_header header;
};

/*
 * fault 43: the verdict on the bytes, having made sure that each of their
 * beginnings gets the same, or has to wait, and then for no more bytes than
 * the header has.
 */
struct fed proxy_feed(const void *data, size_t len);

/* The bytes are a header and what follows it, if anything. */
struct proxy_header assert_header(const void *data, size_t len, size_t size);

/* They begin like a header, and why tells what is wrong. */
void assert_invalid(const void *data, size_t len, const char *why);
void assert_absent(const void *data, size_t len);
void assert_incomplete(const void *data, size_t len, size_t size);

/* The addresses, as addr_format() writes them. */
void assert_addresses(
    const struct proxy_header *header, const char *src, const char *dst);

/* For headers to be written: as addr_parse() reads it, or "unix" or "-". */
struct addr address(const char *text);

#endif
