/*
 * Feeding the request parser: see http_feed.h.
 */
#include "http_feed.h"

#include <stdio.h>
#include <string.h>

void
feed_begin(struct feed *feed)
{
	memset(feed, 0, sizeof(*feed));
	http_parser_init(&feed->parser, MAX_BODY);
}

static void
feed_note(struct feed *feed, enum http_verdict verdict)
{
	struct event *event = &feed->events.items[feed->events.n++];

	assert_true(feed->events.n <= EVENTS_MAX);
	event->verdict = verdict;
	event->at = feed->at;
	event->status = feed->parser.status;
	event->method = feed->parser.method;
	event->minor = feed->parser.minor;
	event->persists = http_parser_persists(&feed->parser);
}

void
feed_bytes(struct feed *feed, const char *data, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)data;
	enum http_verdict verdict;
	size_t n;

	while (len > 0 && !feed->over) {
		n = http_parse(&feed->parser, bytes, len, &verdict);
		assert_true(n <= len);
		bytes += n;
		len -= n;
		feed->at += n;
		if (verdict == HTTP_MORE) {
			assert_int_equal(len, 0);
			return;
		}
		feed_note(feed, verdict);
		if (verdict == HTTP_REQUEST)
			http_parser_init(&feed->parser, MAX_BODY);
		feed->over = verdict == HTTP_FAULT;
	}
}

struct events
parse_whole(const char *data, size_t len)
{
	struct feed feed;

	feed_begin(&feed);
	feed_bytes(&feed, data, len);
	return feed.events;
}

void
assert_same(const struct events *a, const struct events *b)
{
	size_t i;

	assert_int_equal(a->n, b->n);
	for (i = 0; i < a->n; i++) {
		assert_int_equal(a->items[i].verdict, b->items[i].verdict);
		assert_int_equal(a->items[i].at, b->items[i].at);
		assert_int_equal(a->items[i].status, b->items[i].status);
		assert_int_equal(a->items[i].method, b->items[i].method);
		assert_int_equal(a->items[i].minor, b->items[i].minor);
		assert_int_equal(a->items[i].persists, b->items[i].persists);
	}
}

struct events
parse(const char *data, size_t len)
{
	const struct events whole = parse_whole(data, len);
	struct feed feed;
	size_t cut, i;

	feed_begin(&feed);
	for (i = 0; i < len; i++)
		feed_bytes(&feed, data + i, 1);
	assert_same(&whole, &feed.events);
	for (cut = 1; cut < len; cut++) {
		feed_begin(&feed);
		feed_bytes(&feed, data, cut);
		feed_bytes(&feed, data + cut, len - cut);
		assert_same(&whole, &feed.events);
	}
	return whole;
}

struct event
assert_request(const char *text)
{
	size_t len = strlen(text);
	struct events events = parse(text, len);

	if (events.n != 1 || events.items[0].verdict != HTTP_REQUEST)
		fail_msg("not taken (status %u): %s",
		    events.n > 0 ? events.items[0].status : 0, text);
	assert_int_equal(events.items[0].at, len);
	return events.items[0];
}

void
assert_fault_bytes(const char *text, size_t len, unsigned status)
{
	struct events events = parse(text, len);
	const struct event *last = &events.items[events.n - 1];

	if (events.n == 0 || last->verdict != HTTP_FAULT)
		fail_msg("not refused with %u: %s", status, text);
	if (last->status != status)
		fail_msg(
		    "refused with %u, not %u: %s", last->status, status, text);
}

void
assert_fault(const char *text, unsigned status)
{
	assert_fault_bytes(text, strlen(text), status);
}

struct event
assert_fields(const char *fields)
{
	char text[1024];

	snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n" H "%s\r\n", fields);
	return assert_request(text);
}

void
assert_fields_fault(const char *fields, unsigned status)
{
	char text[1024];

	snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n" H "%s\r\n", fields);
	assert_fault(text, status);
}

struct event
assert_chunks(const char *body)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n%s",
	    body);
	return assert_request(text);
}

void
assert_chunks_fault(const char *body, unsigned status)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n%s",
	    body);
	assert_fault(text, status);
}

struct event
parse_long(const char *text, size_t len)
{
	const struct events whole = parse_whole(text, len);
	struct feed feed;
	size_t i;

	feed_begin(&feed);
	for (i = 0; i < len; i++)
		feed_bytes(&feed, text + i, 1);
	assert_same(&whole, &feed.events);
	for (i = len > 300 ? len - 300 : 1; i < len; i++) {
		feed_begin(&feed);
		feed_bytes(&feed, text, i);
		feed_bytes(&feed, text + i, len - i);
		assert_same(&whole, &feed.events);
	}
	assert_int_equal(whole.n, 1);
	return whole.items[0];
}
