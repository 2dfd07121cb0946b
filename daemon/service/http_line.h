/*
 * What the request line means to the parser.  For http_parse.c alone.
 *
 * The latter two return 0, or the status of the fault that they found.
 */
#ifndef MUXD_SERVICE_HTTP_LINE_H
#define MUXD_SERVICE_HTTP_LINE_H

#include "service/http_parse.h"

/* The word is the method; whether it is known is told at the end of the line,
 * for a version that is not supported goes before. */
void http_line_method(struct http_parser *parser);

/*
 * The word is the beginning of the target: has it one of the forms of RFC
 * 9112, 3.2, as far as they matter to a server that gives the same answer to
 * all?  What belongs to an unknown method is not judged.
 */
unsigned http_line_target(struct http_parser *parser);

/* The word is the version, "HTTP/d.d", and the line is complete. */
unsigned http_line_end(struct http_parser *parser);

#endif
