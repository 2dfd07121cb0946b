/*
 * Sending answers of an http service: those to the requests of one read are
 * collected in a buffer of the worker and go out in one write, with a large
 * body lent behind the last head.  For handler_http.c alone.
 */
#ifndef MUXD_SERVICE_HTTP_ANSWER_H
#define MUXD_SERVICE_HTTP_ANSWER_H

#include "service/http_parse.h"
#include "service/service.h"
#include "service/session.h"

/* handler.setup and handler.teardown: service->data is the buffer. */
int http_answer_setup(struct service *service);
void http_answer_teardown(struct service *service);

/* Answer a request that is complete; if that ends the connection, close it in
 * order. */
void http_answer_request(
    struct session *session, const struct http_parser *parser);

/* Tell the client to send the body that it has announced. */
void http_answer_continue(struct session *session);

/* Tell the client what was wrong, and close in order. */
void http_answer_fault(struct session *session,
    const struct http_parser *parser, unsigned status, enum reason reason);

/* Send what was collected.  Must be called before the handler returns, unless
 * the session is no longer open. */
void http_answer_flush(struct session *session);

#endif
