/*
 * The response parser: one state for each byte that may come next.
 */
#include "monitor/http_status.h"

#include <stdbool.h>
#include <string.h>

enum state {
	STATE_VERSION, /* "HTTP/1." */
	STATE_MINOR,
	STATE_SPACE, /* behind the version */
	STATE_CODE,
	STATE_CODE_END,
	STATE_REASON,
	STATE_REASON_LF, /* behind its CR */
	STATE_FIRST,     /* of the first field line */
	STATE_LINE,      /* of another one */
	STATE_NAME,
	STATE_VALUE,
	STATE_VALUE_LF,
	STATE_END_LF, /* behind the CR of the empty line */
	STATE_FINAL,
	STATE_FAULT
};

static const char version[] = "HTTP/1.";

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* tchar of RFC 9110, 5.6.2. */
static bool
is_token(unsigned char c)
{
	unsigned char lower = c | 0x20;

	return is_digit(c) || (lower >= 'a' && lower <= 'z') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* What a reason and a field's value are made of: HTAB, SP, VCHAR, obs-text. */
static bool
is_text(unsigned char c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

static enum state
next_of_version(struct http_status *parser, unsigned char c)
{
	if (c != (unsigned char)version[parser->at])
		return STATE_FAULT;
	return version[++parser->at] == '\0' ? STATE_MINOR : STATE_VERSION;
}

static enum state
next_of_code(struct http_status *parser, unsigned char c)
{
	if (!is_digit(c) || (parser->at == 0 && c == '0'))
		return STATE_FAULT;
	parser->status = (uint16_t)(parser->status * 10 + (c - '0'));
	return ++parser->at == 3 ? STATE_CODE_END : STATE_CODE;
}

static enum state
next_of_reason(unsigned char c)
{
	if (c == '\r')
		return STATE_REASON_LF;
	if (c == '\n')
		return STATE_FIRST;
	return is_text(c) ? STATE_REASON : STATE_FAULT;
}

static enum state
next_of_value(unsigned char c)
{
	if (c == '\r')
		return STATE_VALUE_LF;
	if (c == '\n')
		return STATE_LINE;
	return is_text(c) ? STATE_VALUE : STATE_FAULT;
}

/* The empty line has ended. */
static enum state
next_of_head(struct http_status *parser)
{
	/* 101 is the last word of HTTP on a connection. */
	if (parser->status >= 200 || parser->status == 101)
		return STATE_FINAL;
	parser->at = 0;
	return STATE_VERSION;
}

/* The first byte of a line. */
static enum state
next_of_line(struct http_status *parser, unsigned char c)
{
	if (c == '\r')
		return STATE_END_LF;
	if (c == '\n')
		return next_of_head(parser);
	if ((c == ' ' || c == '\t') && parser->state == STATE_LINE)
		return STATE_VALUE;
	return is_token(c) ? STATE_NAME : STATE_FAULT;
}

static enum state
next_of_name(unsigned char c)
{
	if (c == ':')
		return STATE_VALUE;
	return is_token(c) ? STATE_NAME : STATE_FAULT;
}

static enum state
next_of_status_line(struct http_status *parser, unsigned char c)
{
	switch (parser->state) {
	case STATE_VERSION:
		return next_of_version(parser, c);
	case STATE_MINOR:
		return is_digit(c) ? STATE_SPACE : STATE_FAULT;
	case STATE_SPACE:
		parser->at = 0;
		parser->status = 0;
		return c == ' ' ? STATE_CODE : STATE_FAULT;
	case STATE_CODE:
		return next_of_code(parser, c);
	case STATE_CODE_END:
		return c == ' ' || c == '\r' || c == '\n' ? next_of_reason(c)
							  : STATE_FAULT;
	case STATE_REASON:
		return next_of_reason(c);
	default:
		return c == '\n' ? STATE_FIRST : STATE_FAULT;
	}
}

static enum state
next_of_fields(struct http_status *parser, unsigned char c)
{
	switch (parser->state) {
	case STATE_FIRST:
	case STATE_LINE:
		return next_of_line(parser, c);
	case STATE_NAME:
		return next_of_name(c);
	case STATE_VALUE:
		return next_of_value(c);
	case STATE_VALUE_LF:
		return c == '\n' ? STATE_LINE : STATE_FAULT;
	default:
		return c == '\n' ? next_of_head(parser) : STATE_FAULT;
	}
}

void
http_status_init(struct http_status *parser)
{
	memset(parser, 0, sizeof(*parser));
}

enum http_status_verdict
http_status_parse(
    struct http_status *parser, const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len && parser->state < STATE_FINAL; i++) {
		if (parser->head == HTTP_STATUS_HEAD_MAX)
			parser->state = STATE_FAULT;
		else if (parser->state < STATE_FIRST)
			parser->state =
			    (uint8_t)next_of_status_line(parser, data[i]);
		else
			parser->state =
			    (uint8_t)next_of_fields(parser, data[i]);
		parser->head++;
	}
	switch (parser->state) {
	case STATE_FINAL:
		return HTTP_STATUS_FINAL;
	case STATE_FAULT:
		return HTTP_STATUS_FAULT;
	default:
		return HTTP_STATUS_MORE;
	}
}
