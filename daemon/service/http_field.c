/*
 * The fields that mean something: see http_field.h.  Values are judged as
 * they come, byte by byte, with nothing kept but where in them we are.
 */
#include "service/http_field.h"

/* Where in a Host value (RFC 3986, 3.2.2): reg-name or IPv4 address, IP
 * literal in brackets, port. */
enum {
	HOST_NAME,
	HOST_PERCENT,
	HOST_PERCENT2,
	HOST_LITERAL,
	HOST_LITERAL_END,
	HOST_PORT
};

unsigned
http_field_begin(struct http_parser *p)
{
	unsigned status = 0;

	p->field = HTTP_FIELD_OTHER;
	p->gap = false;
	p->filled = false;
	/* A trailer changes nothing of what the head has said. */
	if (p->trailers)
		return 0;
	http_word_fold(&p->word);
	if (http_word_is(&p->word, "host", 4)) {
		p->field = HTTP_FIELD_HOST;
		p->host = HOST_NAME;
		status = p->has_host ? 400 : 0;
		p->has_host = true;
	} else if (http_word_is(&p->word, "content-length", 14)) {
		p->field = HTTP_FIELD_LENGTH;
		status = p->has_length ? 400 : 0;
		p->has_length = true;
	} else if (http_word_is(&p->word, "transfer-encoding", 17)) {
		p->field = HTTP_FIELD_CODING;
		p->has_coding = true;
	} else if (http_word_is(&p->word, "connection", 10)) {
		p->field = HTTP_FIELD_CONNECTION;
	} else if (http_word_is(&p->word, "expect", 6)) {
		p->field = HTTP_FIELD_EXPECT;
	}
	http_word_begin(&p->word);
	return status;
}

/* Content-Length.  A number that does not fit is above any limit. */
static unsigned
length_byte(struct http_parser *p, unsigned char c)
{
	uint64_t digit;

	if (!http_is_digit(c) || p->gap)
		return 400;
	digit = (uint64_t)(c - '0');
	if (p->left > (UINT64_MAX - digit) / 10)
		return 413;
	p->left = p->left * 10 + digit;
	return 0;
}

/* Where in the value the byte leads; -1: it does not belong there. */
static int
host_next(int where, unsigned char c)
{
	switch (where) {
	case HOST_NAME:
		if (c == ':')
			return HOST_PORT;
		if (c == '%')
			return HOST_PERCENT;
		return http_is(c, HTTP_NAME) ? HOST_NAME : -1;
	case HOST_PERCENT:
		return http_hex_value(c) == -1 ? -1 : HOST_PERCENT2;
	case HOST_PERCENT2:
		return http_hex_value(c) == -1 ? -1 : HOST_NAME;
	case HOST_LITERAL:
		if (c == ']')
			return HOST_LITERAL_END;
		return c == ':' || http_is(c, HTTP_NAME) ? HOST_LITERAL : -1;
	case HOST_LITERAL_END:
		return c == ':' ? HOST_PORT : -1;
	default:
		return http_is_digit(c) ? HOST_PORT : -1;
	}
}

static unsigned
host_byte(struct http_parser *p, unsigned char c)
{
	int next;

	if (!p->filled && c == '[')
		next = HOST_LITERAL;
	else
		next = p->gap ? -1 : host_next(p->host, c);
	if (next == -1)
		return 400;
	p->host = (uint8_t)next;
	return 0;
}

/* A member of a list (RFC 9110, 5.6.1) is complete; empty ones do not
 * count. */
static unsigned
member_done(struct http_parser *p)
{
	unsigned status = 0;

	if (p->word.len == 0)
		return 0;
	http_word_fold(&p->word);
	switch (p->field) {
	case HTTP_FIELD_CONNECTION:
		if (http_word_is(&p->word, "close", 5))
			p->close = true;
		else if (http_word_is(&p->word, "keep-alive", 10))
			p->keep_alive = true;
		break;
	case HTTP_FIELD_EXPECT:
		if (!http_word_is(&p->word, "100-continue", 12))
			status = 417;
		p->expects = true;
		break;
	default:
		/* Chunked comes last, and once. */
		if (p->chunked)
			status = 400;
		else if (!http_word_is(&p->word, "chunked", 7))
			status = 501;
		p->chunked = true;
		break;
	}
	http_word_begin(&p->word);
	p->gap = false;
	return status;
}

static unsigned
member_byte(struct http_parser *p, unsigned char c)
{
	if (c == ',')
		return member_done(p);
	if (p->gap && p->word.len > 0) {
		/* Two words without a comma are no member that we know. */
		p->word.len = HTTP_WORD_MAX + 1;
		return 0;
	}
	p->gap = false;
	http_word_add(&p->word, c);
	return 0;
}

unsigned
http_field_byte(struct http_parser *p, unsigned char c)
{
	unsigned status;

	if (http_is_blank(c)) {
		p->gap = p->filled;
		return 0;
	}
	if (!http_is(c, HTTP_TEXT))
		return 400;
	switch (p->field) {
	case HTTP_FIELD_HOST:
		status = host_byte(p, c);
		break;
	case HTTP_FIELD_LENGTH:
		status = length_byte(p, c);
		break;
	default:
		status = member_byte(p, c);
		break;
	}
	p->filled = true;
	return status;
}

unsigned
http_field_end(struct http_parser *p)
{
	unsigned status;

	switch (p->field) {
	case HTTP_FIELD_OTHER:
		return 0;
	case HTTP_FIELD_HOST:
		return p->host == HOST_PERCENT || p->host == HOST_PERCENT2 ||
			p->host == HOST_LITERAL
		    ? 400
		    : 0;
	case HTTP_FIELD_LENGTH:
		return p->filled ? 0 : 400;
	case HTTP_FIELD_CODING:
		status = member_done(p);
		return status == 0 && !p->chunked ? 400 : status;
	default:
		return member_done(p);
	}
}
