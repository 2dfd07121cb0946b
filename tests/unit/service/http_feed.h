/*
 * What the tests of the request parser share: feeding it, in all ways of
 * cutting the bytes, and asserting on what it says.
 */
#ifndef MUXD_TESTS_SERVICE_HTTP_FEED_H
#define MUXD_TESTS_SERVICE_HTTP_FEED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/http_parse.h"

#define H          "Host: a\r\n"
#define MAX_BODY   1000 /* of all parsers here */
#define EVENTS_MAX 64

/* What the parser said, and behind which byte. */
struct event {
	enum http_verdict verdict;
	size_t at;
	unsigned status;
	unsigned method;
	unsigned minor;
	bool persists;
};

struct events {
	size_t n;
	struct event items[EVENTS_MAX];
};

/* A stream of bytes through one parser after another. */
struct feed {
	struct http_parser parser;
	struct events events;
	size_t at;
	bool over;
};

void feed_begin(struct feed *feed);

/* Let it read on, and note what it says. */
void feed_bytes(struct feed *feed, const char *data, size_t len);

/* All at once. */
struct events parse_whole(const char *data, size_t len);
void assert_same(const struct events *a, const struct events *b);

/* fault 43: whole, byte by byte, and cut at every one place: all must say the
 * same. */
struct events parse(const char *data, size_t len);

/* The same for long texts, cut near their end alone, which say one thing. */
struct event parse_long(const char *text, size_t len);

/* One complete request, and nothing behind it. */
struct event assert_request(const char *text);
void assert_fault(const char *text, unsigned status);

/* The last thing said is a fault with that status. */
void assert_fault_bytes(const char *text, size_t len, unsigned status);

/* A request with these lines behind its Host. */
struct event assert_fields(const char *fields);
void assert_fields_fault(const char *fields, unsigned status);

/* A request with this chunked body. */
struct event assert_chunks(const char *body);
void assert_chunks_fault(const char *body, unsigned status);

#endif
