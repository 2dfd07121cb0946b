/*
 * Reading HTTP/1.0 and HTTP/1.1 requests (RFC 9110, RFC 9112), byte by byte.
 *
 * The parser keeps what it has understood and never the bytes themselves, so
 * it needs no buffer: a request that comes in pieces costs the size of this
 * struct, and any division into pieces gives the same verdicts at the same
 * bytes.  It does no I/O, allocates nothing and knows no time.
 *
 *   START ─► request line ─► field lines ─┬─► END
 *                                         ├─► body by length ─► END
 *                                         └─► chunks ─► trailers ─► END
 *
 * The first fault in the order of the bytes decides what is answered, and
 * nothing is read after it: what follows cannot be told apart from another
 * request.  Where a lenient reading would let two programs see different
 * requests in the same bytes, the parser refuses.  One leniency is kept for
 * people who type: a line of the head may end in LF alone (RFC 9112, 2.2);
 * the framing of a body may not.
 */
#ifndef MUXD_SERVICE_HTTP_PARSE_H
#define MUXD_SERVICE_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/http_word.h"

/* A head, from its first byte to its empty line; also all trailers. */
#define HTTP_HEAD_MAX 8192
/* The request target: RFC 9112, 3 asks for request lines of 8000 bytes. */
#define HTTP_TARGET_MAX 8000
/* All chunk extensions of one body. */
#define HTTP_EXTENSIONS_MAX 4096
/* The digits of a chunk's size, leading zeros included. */
#define HTTP_CHUNK_DIGITS_MAX 16

/* The methods that are implemented. */
enum http_method {
	HTTP_METHOD_UNKNOWN,
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS
};

enum http_verdict {
	HTTP_MORE,     /* all bytes are taken, the request goes on */
	HTTP_CONTINUE, /* the client waits for 100 before it sends the body */
	HTTP_REQUEST,  /* the request is complete: answer it */
	HTTP_FAULT     /* answer with status and close */
};

struct http_parser {
	uint64_t max_body;
	uint64_t left; /* bytes of the body or the chunk still to come */
	uint64_t body; /* bytes of body announced so far */
	uint16_t head; /* bytes of the head or of the trailers so far */
	uint16_t target;
	uint16_t extensions;
	uint16_t status; /* of HTTP_FAULT */
	uint8_t state;
	uint8_t method; /* enum http_method */
	uint8_t minor;  /* of the version: HTTP/1.minor, at most 1 */
	uint8_t field;  /* the field that is being read */
	uint8_t host;   /* where in a Host value */
	uint8_t digits;
	struct http_word word;
	bool asterisk : 1; /* the target is "*" */
	bool trailers : 1;
	bool gap : 1;    /* white space inside the value, after its start */
	bool filled : 1; /* the value has begun */
	bool has_host : 1;
	bool has_length : 1;
	bool has_coding : 1;
	bool chunked : 1;
	bool expects : 1; /* Expect: 100-continue */
	bool close : 1;   /* Connection: close */
	bool keep_alive : 1;
};

/* Begin a request.  A body longer than max_body is a fault (413); 0: any
 * length. */
void http_parser_init(struct http_parser *parser, uint64_t max_body);

/*
 * Read on.  Returns how many of len > 0 bytes were taken: all of them with
 * HTTP_MORE; otherwise those up to the verdict.  After HTTP_CONTINUE the
 * parser wants the rest, after HTTP_REQUEST http_parser_init(), after
 * HTTP_FAULT nothing: it says the same again and takes no byte.
 */
size_t http_parse(struct http_parser *parser, const unsigned char *data,
    size_t len, enum http_verdict *verdict);

/* Whether no byte has come since http_parser_init(). */
bool http_parser_is_fresh(const struct http_parser *parser);

/* Whether anything of a request has come, empty lines before it aside. */
bool http_parser_begun(const struct http_parser *parser);

/* Whether the head is complete and the body is being read. */
bool http_parser_in_body(const struct http_parser *parser);

/* Whether the client wants the connection to last beyond this request (RFC
 * 9112, 9.3). */
bool http_parser_persists(const struct http_parser *parser);

#endif
