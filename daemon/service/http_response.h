/*
 * The answers of an http service: the fixed one, made once, in which only
 * the date ever changes, and those to faults.
 */
#ifndef MUXD_SERVICE_HTTP_RESPONSE_H
#define MUXD_SERVICE_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

/* Bodies up to this size stand behind their head in memory and are copied
 * with it; longer ones are lent. */
#define HTTP_INLINE_MAX 2048

/* Room for any answer to a fault. */
#define HTTP_ERROR_MAX 512

#define HTTP_DATE_LEN  29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* What the answer says about the connection. */
enum http_connection {
	HTTP_KEEP,     /* nothing: HTTP/1.1 keeps it by itself */
	HTTP_KEEP_1_0, /* "keep-alive", which HTTP/1.0 must be told */
	HTTP_CLOSE,
	HTTP_CONNECTIONS
};

struct http_text {
	char *text;
	size_t head_len;
	size_t len; /* with the body, if it is inline */
};

struct http_response {
	struct http_text texts[HTTP_CONNECTIONS];
	const char *body; /* to be lent behind the head, or NULL */
	size_t body_len;
	size_t date_at; /* in each text */
	uint64_t date_until_ms;
	char date[HTTP_DATE_LEN + 1];
};

/* Make the answer that the configuration asks for, which must outlive it.
 * -1 with ENOMEM. */
int http_response_open(
    struct http_response *response, const struct conf_http *conf);
void http_response_close(struct http_response *response);

/* Bring the date up to date, if the second is over: wall_us is what the wall
 * clock says, asked only then. */
void http_response_refresh(
    struct http_response *response, uint64_t now_ms, int64_t (*wall_us)(void));

/* The answer to a fault, after which the connection closes: into buf, which
 * holds HTTP_ERROR_MAX bytes; returns its length. */
size_t http_response_error(const struct http_response *response,
    unsigned status, bool with_body, char *buf);

/* "Not Found"; "" for a status that has no registered phrase. */
const char *http_reason_phrase(unsigned status);

/* The time as RFC 9110, 5.6.7 wants it (IMF-fixdate). */
void http_date_format(int64_t seconds, char out[HTTP_DATE_LEN + 1]);

#endif
