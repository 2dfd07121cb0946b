/*
 * What the fields of a request head mean to the parser: Host, Connection,
 * Expect, and the two that frame the body.  For http_parse.c alone.
 *
 * Each function returns 0, or the status of the fault that it found.
 */
#ifndef MUXD_SERVICE_HTTP_FIELD_H
#define MUXD_SERVICE_HTTP_FIELD_H

#include "service/http_parse.h"

/* http_parser.field */
enum {
	HTTP_FIELD_OTHER, /* means nothing: its value need not be looked at */
	HTTP_FIELD_HOST,
	HTTP_FIELD_EXPECT,
	HTTP_FIELD_CONNECTION,
	HTTP_FIELD_LENGTH,
	HTTP_FIELD_CODING
};

/* The word is a name; its value follows. */
unsigned http_field_begin(struct http_parser *parser);

/* A byte of a value, blanks around it included. */
unsigned http_field_byte(struct http_parser *parser, unsigned char c);

/* The value is complete. */
unsigned http_field_end(struct http_parser *parser);

#endif
