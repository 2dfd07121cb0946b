/*
 * The client's side of HTTP/1.1 (RFC 9112), as far as fixed responses need
 * it: requests that differ in nothing, and responses of status 200 with a
 * Content-Length.
 */
#ifndef TESTS_BENCH_LOAD_HTTP_H
#define TESTS_BENCH_LOAD_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define LOAD_HTTP_LINE 256

/* The text of a request to that address, released with mem_free(), or NULL
 * with ENOMEM. */
char *load_http_request(const struct endpoint *endpoint, const char *path);

/* The head of the latest response that came in one piece.  Most are the same,
 * and those need not be looked through again. */
struct load_http_head {
	unsigned char text[1024];
	size_t len; /* 0: none */
	uint64_t body;
	bool closes;
};

/* A response that is coming in.  Zeroed memory waits for one to begin. */
struct load_http {
	uint64_t body;  /* bytes of it that are missing */
	unsigned lines; /* of the head, that came */
	unsigned line_len;
	bool in_body;
	bool has_length;
	bool closes;               /* the server will close the connection */
	char line[LOAD_HTTP_LINE]; /* one that came in part */
};

enum load_http_result {
	LOAD_HTTP_MORE, /* it is not complete */
	LOAD_HTTP_DONE,
	LOAD_HTTP_BAD
};

/*
 * Take what belongs to the response, of len bytes, and tell in *used how many
 * that are; *why is what is wrong with a bad one.  After LOAD_HTTP_DONE http
 * waits for the next one; closes stays as it is.
 */
enum load_http_result load_http_feed(struct load_http *http,
    struct load_http_head *head, const unsigned char *data, size_t len,
    size_t *used, const char **why);

#endif
