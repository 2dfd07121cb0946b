/*
 * Reading the head of an HTTP/1.x response (RFC 9112) for its status, byte by
 * byte.
 *
 * The parser keeps where it is and never the bytes themselves, so any division
 * of a response into pieces gives the same verdict at the same byte.  It does
 * no I/O, allocates nothing and knows no time.
 *
 *   status line ─► field lines ─► empty line ─┬─► final
 *        ▲                                    │ 1xx, but 101
 *        └────────────────────────────────────┘
 *
 * The whole head must be well-formed, and it must end: a server that hangs
 * after its status line, or speaks something else, is no HTTP server.  Three
 * leniencies, which clients have in common: a line may end in LF alone (RFC
 * 9112, 2.2), the space behind the status may be missing when nothing follows
 * it, and a field may be folded (5.2).
 */
#ifndef MUXD_MONITOR_HTTP_STATUS_H
#define MUXD_MONITOR_HTTP_STATUS_H

#include <stddef.h>
#include <stdint.h>

/* All heads of a response together, interim ones included. */
#define HTTP_STATUS_HEAD_MAX 16384

enum http_status_verdict {
	HTTP_STATUS_MORE,  /* the head goes on */
	HTTP_STATUS_FINAL, /* the head is complete: status */
	HTTP_STATUS_FAULT  /* this is no HTTP/1.x response, or its head is too
			      long */
};

struct http_status {
	uint16_t status; /* 100 … 999; of the line that was read last */
	uint16_t head;   /* bytes so far */
	uint8_t state;
	uint8_t at; /* in a part of fixed length */
};

/* Begin a response. */
void http_status_init(struct http_status *parser);

/* Read on.  What follows the head is not looked at; after FINAL and FAULT the
 * verdict stays. */
enum http_status_verdict http_status_parse(
    struct http_status *parser, const unsigned char *data, size_t len);

#endif
