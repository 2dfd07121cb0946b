/*
 * http: one fixed response to every request, over HTTP/1.0 and HTTP/1.1.
 *
 * The way of a read: the parser runs over the bytes where they landed, and the
 * answers to all requests in them go out in one write (http_answer.c).  A
 * request that is complete in one read leaves no trace in memory.
 *
 *   session->data  NULL           nothing has come yet
 *                  service->data  idle, between two requests
 *                  else           struct http_request: a request in progress,
 *                                 or bytes that wait for an earlier answer
 *
 * When the kernel does not take all of the answers, the client does not keep
 * up: what it has sent beyond them is kept (one read at most), nothing more
 * is read, and answering goes on when the queue is empty.  So a client holds
 * one read and one buffer of answers at most, however much it asks for.
 *
 * Time-outs: a head must be complete head_timeout after its first byte, the
 * first one of a connection after its beginning.  A body must make progress:
 * HTTP_PROGRESS bytes, or its end, in each head_timeout.  Who has begun a
 * request and is too slow gets 408; who is silent is closed silently.
 */
#include "service/handler.h"

#include <errno.h>

#include "base/mem.h"
#include "service/http_answer.h"
#include "service/http_parse.h"

/* The bytes of one read, and so the most that is ever kept of them. */
#define HTTP_READ_MAX 8192
/* Bytes of a body that buy another head_timeout. */
#define HTTP_PROGRESS 4096
/* When memory for answers is short, it is looked for again after this. */
#define HTTP_RETRY_MS 100
/* While draining: how long a client that has said nothing yet may take.  Its
 * request can be on its way. */
#define HTTP_DRAIN_GRACE_MS 1000

/* session->data, while there is something to keep. */
struct http_request {
	struct http_parser parser;
	uint32_t progress; /* bytes of body since its deadline was set */
	uint32_t rest_at;  /* what of rest is done */
	uint32_t rest_len;
	unsigned char *rest; /* not yet parsed; NULL: none */
};

static const struct conf_http *
http_conf(const struct session *session)
{
	return &session->door->service->conf->http;
}

static struct http_request *
http_request_of(const struct session *session)
{
	return session->data == session->door->service->data ? NULL
							     : session->data;
}

static uint32_t
http_read_max(const struct service *service)
{
	(void)service;
	return HTTP_READ_MAX;
}

/*
 * Parse and answer until the bytes are used up, the client does not keep up,
 * or the session is no longer open.  Returns how many bytes were used up;
 * *answered tells whether a request was completed.
 */
static size_t
http_serve(struct session *session, struct http_parser *parser,
    const unsigned char *data, size_t len, bool *answered)
{
	uint64_t max_body = http_conf(session)->max_body;
	enum http_verdict verdict;
	size_t done = 0;

	while (done < len && stream_is_flushed(&session->client)) {
		done += http_parse(parser, data + done, len - done, &verdict);
		if (verdict == HTTP_CONTINUE) {
			http_answer_continue(session);
		} else if (verdict == HTTP_REQUEST) {
			http_answer_request(session, parser);
			*answered = true;
		} else if (verdict == HTTP_FAULT) {
			http_answer_fault(session, parser, parser->status,
			    REASON_PROTOCOL_ERROR);
		}
		if (session->phase != SESSION_OPEN)
			return done;
		if (verdict == HTTP_REQUEST)
			http_parser_init(parser, max_body);
	}
	http_answer_flush(session);
	return done;
}

/* Between two requests: hold nothing. */
static void
http_idle(struct session *session)
{
	mem_free(http_request_of(session));
	session->data = session->door->service->data;
	session_set_deadline(session, http_conf(session)->keepalive_timeout,
	    REASON_IDLE_TIMEOUT);
}

/* Remember a request in progress, unless it already is remembered.  NULL:
 * there is no memory, and the session is over. */
static struct http_request *
http_keep(struct session *session, const struct http_parser *parser)
{
	struct http_request *request = http_request_of(session);

	if (request != NULL)
		return request;
	request = mem_zalloc(sizeof(*request));
	if (request == NULL) {
		session_end(session, REASON_NO_MEMORY, ENOMEM);
		return NULL;
	}
	request->parser = *parser;
	session->data = request;
	return request;
}

/* The time that is left for a head: all of it, or, for the first one of the
 * connection, what the client has not used up in silence. */
static void
http_time_head(struct session *session, bool first)
{
	const struct services *set = session->door->service->set;
	uint64_t timeout = http_conf(session)->head_timeout;
	uint64_t used = loop_now(set->loop) - session->started_ms;

	if (first && timeout != 0)
		timeout = used < timeout ? timeout - used : 1;
	session_set_deadline(session, timeout, REASON_REQUEST_TIMEOUT);
}

/* len more bytes of a body have come. */
static void
http_time_body(
    struct session *session, struct http_request *request, size_t len)
{
	request->progress += (uint32_t)len;
	if (request->progress < HTTP_PROGRESS)
		return;
	request->progress = 0;
	session_set_deadline(
	    session, http_conf(session)->head_timeout, REASON_REQUEST_TIMEOUT);
}

/* The client does not keep up: read no more, and go on when all is sent.  A
 * deadline that comes meanwhile only looks whether that is so. */
static void
http_stall(struct session *session)
{
	stream_pause(&session->client);
	stream_produce(&session->client, true);
}

/* Bytes must wait for the answers before them. */
static void
http_stall_with(struct session *session, const unsigned char *data, size_t len)
{
	struct http_request *request = session->data;

	request->rest = mem_dup(data, len);
	if (request->rest == NULL) {
		session_end(session, REASON_NO_MEMORY, ENOMEM);
		return;
	}
	request->rest_at = 0;
	request->rest_len = (uint32_t)len;
	http_stall(session);
}

/* What the session was at before a read, to see what the read has changed. */
struct http_before {
	bool first;   /* no byte of the connection had come */
	bool idle;    /* no request was in progress */
	bool in_body; /* one was, and its head was complete */
};

static struct http_before
http_look(const struct session *session)
{
	const struct http_request *request = http_request_of(session);
	struct http_before before = {
		.first = session->data == NULL,
		.idle = request == NULL,
		.in_body =
		    request != NULL && http_parser_in_body(&request->parser),
	};

	return before;
}

/* The request in progress goes on with the next read: see to its time. */
static void
http_time(struct session *session, const struct http_before *before,
    bool answered, size_t len)
{
	struct http_request *request = session->data;

	if (http_parser_in_body(&request->parser)) {
		if (answered || !before->in_body)
			request->progress = HTTP_PROGRESS;
		http_time_body(session, request, len);
	} else if (answered || before->idle) {
		http_time_head(session, before->first && !answered);
	}
}

static void
http_open(struct session *session)
{
	http_time_head(session, true);
}

static void
http_data(struct session *session, const unsigned char *data, size_t len)
{
	const struct http_before before = http_look(session);
	struct http_request *request = http_request_of(session);
	struct http_parser local, *parser = &local;
	bool answered = false;
	size_t done;

	if (request != NULL)
		parser = &request->parser;
	else
		http_parser_init(parser, http_conf(session)->max_body);
	done = http_serve(session, parser, data, len, &answered);
	if (session->phase != SESSION_OPEN)
		return;
	if (done == len && http_parser_is_fresh(parser)) {
		http_idle(session);
		return;
	}
	if (http_keep(session, parser) == NULL)
		return;
	if (done < len)
		http_stall_with(session, data + done, len - done);
	else
		http_time(session, &before, answered, len);
}

/* All bytes that waited are used up: read again. */
static void
http_unstall(struct session *session, struct http_request *request)
{
	const struct http_before before = { .idle = true };

	mem_free(request->rest);
	request->rest = NULL;
	stream_produce(&session->client, false);
	if (!stream_is_full(&session->client))
		stream_resume(&session->client);
	if (http_parser_is_fresh(&request->parser))
		http_idle(session);
	else
		http_time(session, &before, false, 0);
}

/* Go on with the bytes that wait, if the answers before them are sent and
 * there is memory for more. */
static void
http_go_on(struct session *session)
{
	struct bufpool *pool = &session->door->service->set->net.pool;
	struct http_request *request = http_request_of(session);
	bool answered = false;

	if (request == NULL || request->rest == NULL)
		return;
	if (stream_is_flushed(&session->client) && !bufpool_ready(pool)) {
		stream_pause(&session->client);
		stream_produce(&session->client, false);
		session_set_deadline(session, HTTP_RETRY_MS, REASON_NONE);
		return;
	}
	request->rest_at += (uint32_t)http_serve(session, &request->parser,
	    request->rest + request->rest_at,
	    request->rest_len - request->rest_at, &answered);
	if (session->phase != SESSION_OPEN)
		return;
	if (request->rest_at < request->rest_len)
		http_stall(session);
	else
		http_unstall(session, request);
}

/* The client has sent its FIN.  What it has begun will never be complete. */
static void
http_end(struct session *session)
{
	struct http_request *request = http_request_of(session);

	if (request != NULL && http_parser_begun(&request->parser))
		http_answer_fault(
		    session, &request->parser, 400, REASON_PROTOCOL_ERROR);
	else
		session_finish(session, REASON_CLIENT_CLOSED);
}

/* Between two requests for keepalive_timeout?  It counts from when the last
 * answer was gone. */
static void
http_idle_deadline(struct session *session)
{
	uint64_t now = loop_now(session->door->service->set->loop);
	uint64_t due = http_conf(session)->keepalive_timeout;

	due += stream_is_flushed(&session->client) ? session->client.active_ms
						   : now;
	if (due > now)
		session_set_deadline(session, due - now, REASON_IDLE_TIMEOUT);
	else
		session_finish(session, REASON_IDLE_TIMEOUT);
}

static void
http_deadline(struct session *session)
{
	struct http_request *request = http_request_of(session);

	if (session->data == NULL)
		session_finish(session, REASON_FIRST_BYTE_TIMEOUT);
	else if (request == NULL)
		http_idle_deadline(session);
	else if (request->rest != NULL)
		http_go_on(session);
	else if (http_parser_begun(&request->parser))
		http_answer_fault(
		    session, &request->parser, 408, REASON_REQUEST_TIMEOUT);
	else
		session_finish(session, REASON_REQUEST_TIMEOUT);
}

static void
http_drain(struct session *session)
{
	struct http_request *request = http_request_of(session);

	if (session->data == NULL)
		session_set_deadline(
		    session, HTTP_DRAIN_GRACE_MS, REASON_FIRST_BYTE_TIMEOUT);
	else if (request == NULL ||
	    (request->rest == NULL && !http_parser_begun(&request->parser)))
		session_finish(session, REASON_DRAINED);
}

static void
http_close(struct session *session)
{
	struct http_request *request = http_request_of(session);

	if (request != NULL)
		mem_free(request->rest);
	mem_free(request);
	session->data = NULL;
}

const struct handler handler_http = {
	.kind = HANDLER_HTTP,
	.setup = http_answer_setup,
	.teardown = http_answer_teardown,
	.read_max = http_read_max,
	.open = http_open,
	.data = http_data,
	.end = http_end,
	.writable = http_go_on,
	.deadline = http_deadline,
	.drain = http_drain,
	.close = http_close,
};
