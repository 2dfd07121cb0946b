/*
 * What an http service sends: see http_answer.h.
 *
 * The batch is one for all sessions of a worker, so it is empty whenever the
 * handler has returned.
 */
#include "service/http_answer.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "service/http_response.h"

/* Answers that are collected for one write, unless one alone is larger. */
#define HTTP_BATCH_SIZE 16384

/* service->data, one for each worker. */
struct http_service {
	struct http_response response;
	size_t size; /* of batch */
	size_t used;
	char batch[];
};

static struct http_service *
http_of(const struct session *session)
{
	return session->door->service->data;
}

int
http_answer_setup(struct service *service)
{
	struct http_response response;
	struct http_service *http;
	size_t size = HTTP_BATCH_SIZE;

	if (http_response_open(&response, &service->conf->http) == -1)
		return -1;
	/* The longest of the three. */
	if (size < response.texts[HTTP_KEEP_1_0].len)
		size = response.texts[HTTP_KEEP_1_0].len;
	http = mem_zalloc(sizeof(*http) + size);
	if (http == NULL) {
		http_response_close(&response);
		return -1;
	}
	http->response = response;
	http->size = size;
	service->data = http;
	return 0;
}

void
http_answer_teardown(struct service *service)
{
	struct http_service *http = service->data;

	http_response_close(&http->response);
	mem_free(http);
	service->data = NULL;
}

void
http_answer_flush(struct session *session)
{
	struct http_service *http = http_of(session);

	if (http->used > 0)
		session_write(session, http->batch, http->used);
	http->used = 0;
}

/* Room for len more bytes, which fit if the batch is empty. */
static char *
http_room(struct session *session, size_t len)
{
	struct http_service *http = http_of(session);
	char *room;

	if (len > http->size - http->used)
		http_answer_flush(session);
	room = http->batch + http->used;
	http->used += len;
	return room;
}

static void
http_count(struct session *session)
{
	struct counters *counters = session->door->service->counters;

	counter_add(&counters->events[COUNTER_REQUESTS], 1);
}

void
http_answer_fault(struct session *session, const struct http_parser *parser,
    unsigned status, enum reason reason)
{
	struct services *set = session->door->service->set;
	struct http_service *http = http_of(session);
	char text[HTTP_ERROR_MAX];
	size_t len;

	http_response_refresh(
	    &http->response, loop_now(set->loop), clock_wall_us);
	len = http_response_error(
	    &http->response, status, parser->method != HTTP_HEAD, text);
	memcpy(http_room(session, len), text, len);
	http_answer_flush(session);
	http_count(session);
	session_finish(session, reason);
}

void
http_answer_continue(struct session *session)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	memcpy(http_room(session, sizeof(text) - 1), text, sizeof(text) - 1);
}

void
http_answer_request(struct session *session, const struct http_parser *parser)
{
	struct services *set = session->door->service->set;
	struct http_service *http = http_of(session);
	struct http_response *response = &http->response;
	enum http_connection connection = HTTP_KEEP;
	const struct http_text *text;
	bool head = parser->method == HTTP_HEAD;
	size_t len;

	http_response_refresh(response, loop_now(set->loop), clock_wall_us);
	if (set->draining || set->retiring || !http_parser_persists(parser))
		connection = HTTP_CLOSE;
	else if (parser->minor == 0)
		connection = HTTP_KEEP_1_0;
	text = &response->texts[connection];
	len = head ? text->head_len : text->len;
	memcpy(http_room(session, len), text->text, len);
	http_count(session);
	if (response->body != NULL && !head) {
		session_write_lent(session, http->batch, http->used,
		    response->body, response->body_len);
		http->used = 0;
	}
	if (connection == HTTP_CLOSE) {
		http_answer_flush(session);
		session_finish(session, REASON_SERVED);
	}
}
