/*
 * The request parser: see http_parse.h.
 *
 * Each state has a step function, which takes one byte or a run of bytes and
 * says where to go next.  Runs that mean nothing to muxd (the target, values
 * of unknown fields, bodies) are passed in tight loops.  A step sees at most
 * what is left of the limit on heads, so no step needs to check it.
 *
 * What must be compared with something (method, version, names) is collected
 * in a word; the request line is judged in http_line.c, the values of fields
 * in http_field.c.
 */
#include "service/http_parse.h"

#include <string.h>

#include "service/http_field.h"
#include "service/http_line.h"

enum {
	STATE_START, /* empty lines may come first (RFC 9112, 2.2) */
	STATE_START_LF,
	STATE_METHOD,
	STATE_TARGET,
	STATE_VERSION,
	STATE_VERSION_LF,
	STATE_FIELD, /* the first byte of a line */
	STATE_NAME,
	STATE_VALUE,
	STATE_VALUE_LF,
	STATE_HEAD_LF, /* of the empty line */
	STATE_LENGTH,  /* a body by Content-Length */
	STATE_SIZE,    /* of a chunk, from here on */
	STATE_SIZE_BLANK,
	STATE_EXTENSION,
	STATE_SIZE_LF,
	STATE_CHUNK,
	STATE_CHUNK_CR,
	STATE_CHUNK_LF,
	STATE_END,
	STATE_FAULT
};

static void
parser_fault(struct http_parser *p, unsigned status)
{
	p->status = (uint16_t)status;
	p->state = STATE_FAULT;
}

/* The same for a status that may be 0: no fault. */
static void
parser_check(struct http_parser *p, unsigned status)
{
	if (status != 0)
		parser_fault(p, status);
}

static size_t
step_start(struct http_parser *p, const unsigned char *data, size_t len)
{
	(void)len;
	if (data[0] == '\r') {
		p->state = STATE_START_LF;
		return 1;
	}
	if (data[0] == '\n')
		return 1;
	p->state = STATE_METHOD;
	http_word_begin(&p->word);
	return 0;
}

/* Collect a token in the word; returns where it ends. */
static size_t
take_token(struct http_parser *p, const unsigned char *data, size_t len)
{
	size_t i = 0;

	while (i < len && http_is(data[i], HTTP_TOKEN))
		i++;
	http_word_append(&p->word, data, i);
	return i;
}

static size_t
step_method(struct http_parser *p, const unsigned char *data, size_t len)
{
	size_t i = take_token(p, data, len);

	if (i == len)
		return i;
	p->state = STATE_TARGET;
	if (data[i] != ' ' || p->word.len == 0)
		parser_fault(p, 400);
	else
		http_line_method(p);
	http_word_begin(&p->word);
	return i + 1;
}

static size_t
step_target(struct http_parser *p, const unsigned char *data, size_t len)
{
	size_t room = (size_t)HTTP_TARGET_MAX - p->target;
	size_t prefix = HTTP_WORD_MAX - p->word.len;
	size_t i = 0;

	while (i < len && http_is(data[i], HTTP_VISIBLE))
		i++;
	if (i > room) {
		parser_fault(p, 414);
		return room + 1;
	}
	p->target = (uint16_t)(p->target + i);
	http_word_append(&p->word, data, i < prefix ? i : prefix);
	if (i == len)
		return i;
	p->state = STATE_VERSION;
	if (data[i] != ' ')
		parser_fault(p, 400);
	else
		parser_check(p, http_line_target(p));
	http_word_begin(&p->word);
	return i + 1;
}

/* The request line is complete. */
static void
line_done(struct http_parser *p)
{
	p->state = STATE_FIELD;
	parser_check(p, http_line_end(p));
}

static const unsigned char version_shape[] = "HTTP/d.d";

/* One byte of the version, or what ends it. */
static void
version_byte(struct http_parser *p, unsigned char c)
{
	unsigned char want;

	if (p->word.len >= sizeof(version_shape) - 1) {
		if (c == '\r')
			p->state = STATE_VERSION_LF;
		else if (c == '\n')
			line_done(p);
		else
			parser_fault(p, 400);
		return;
	}
	want = version_shape[p->word.len];
	if (want == 'd' ? !http_is_digit(c) : c != want)
		parser_fault(p, 400);
	http_word_add(&p->word, c);
}

static size_t
step_version(struct http_parser *p, const unsigned char *data, size_t len)
{
	size_t i = 0;

	while (i < len && p->state == STATE_VERSION)
		version_byte(p, data[i++]);
	return i;
}

/* The head is complete: what kind of body follows (RFC 9112, 6.3)? */
static void
head_done(struct http_parser *p)
{
	/* HTTP/1.0 does not know expectations (RFC 9110, 10.1.1). */
	if (p->minor == 0)
		p->expects = false;
	if (p->trailers)
		p->state = STATE_END;
	else if (p->minor > 0 && !p->has_host)
		parser_fault(p, 400);
	else if (p->has_coding && (p->has_length || p->minor == 0))
		parser_fault(p, 400);
	else if (p->max_body != 0 && p->left > p->max_body)
		parser_fault(p, 413);
	else if (p->has_coding)
		p->state = STATE_SIZE;
	else if (p->left > 0)
		p->state = STATE_LENGTH;
	else
		p->state = STATE_END;
}

static size_t
step_field(struct http_parser *p, const unsigned char *data, size_t len)
{
	(void)len;
	if (data[0] == '\r') {
		p->state = STATE_HEAD_LF;
		return 1;
	}
	if (data[0] == '\n' && !p->trailers) {
		head_done(p);
		return 1;
	}
	p->state = STATE_NAME;
	http_word_begin(&p->word);
	return 0;
}

static size_t
step_name(struct http_parser *p, const unsigned char *data, size_t len)
{
	size_t i = take_token(p, data, len);

	if (i == len)
		return i;
	p->state = STATE_VALUE;
	if (data[i] != ':' || p->word.len == 0)
		parser_fault(p, 400);
	else
		parser_check(p, http_field_begin(p));
	return i + 1;
}

/* The line is complete. */
static void
field_done(struct http_parser *p)
{
	p->state = STATE_FIELD;
	parser_check(p, http_field_end(p));
}

/* One byte of a value, or what ends it. */
static void
value_byte(struct http_parser *p, unsigned char c)
{
	if (c == '\r')
		p->state = STATE_VALUE_LF;
	else if (c == '\n' && !p->trailers)
		field_done(p);
	else
		parser_check(p, http_field_byte(p, c));
}

static size_t
step_value(struct http_parser *p, const unsigned char *data, size_t len)
{
	size_t i = 0;

	if (p->field == HTTP_FIELD_OTHER)
		while (i < len && http_is(data[i], HTTP_TEXT))
			i++;
	while (i < len && p->state == STATE_VALUE)
		value_byte(p, data[i++]);
	return i;
}

/* Bytes of the body, which nobody wants. */
static size_t
step_body(struct http_parser *p, const unsigned char *data, size_t len)
{
	size_t n = p->left < len ? (size_t)p->left : len;

	(void)data;
	p->left -= n;
	if (p->left == 0)
		p->state =
		    p->state == STATE_LENGTH ? STATE_END : STATE_CHUNK_CR;
	return n;
}

/* The line with a chunk's size is complete. */
static void
size_done(struct http_parser *p)
{
	p->digits = 0;
	if (p->left == 0) {
		p->state = STATE_FIELD;
		p->trailers = true;
		p->head = 0;
		return;
	}
	p->state = STATE_CHUNK;
	if (p->max_body != 0 && p->left > p->max_body - p->body)
		parser_fault(p, 413);
	else
		p->body += p->left;
}

static size_t
step_size(struct http_parser *p, const unsigned char *data, size_t len)
{
	int digit = http_hex_value(data[0]);

	(void)len;
	if (digit != -1 && p->digits < HTTP_CHUNK_DIGITS_MAX) {
		p->digits++;
		p->left = p->left << 4 | (unsigned)digit;
	} else if (digit != -1 || p->digits == 0) {
		parser_fault(p, 400);
	} else if (data[0] == '\r') {
		p->state = STATE_SIZE_LF;
	} else {
		p->state = STATE_SIZE_BLANK;
		return 0;
	}
	return 1;
}

/* White space between size and extensions is allowed, but not without
 * them (RFC 9112, 7.1.1). */
static size_t
step_size_blank(struct http_parser *p, const unsigned char *data, size_t len)
{
	(void)len;
	if (data[0] == ';')
		p->state = STATE_EXTENSION;
	else if (!http_is_blank(data[0]) ||
	    p->extensions == HTTP_EXTENSIONS_MAX)
		parser_fault(p, 400);
	else
		p->extensions++;
	return 1;
}

static size_t
step_extension(struct http_parser *p, const unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && http_is(data[i], HTTP_TEXT); i++)
		if (p->extensions++ == HTTP_EXTENSIONS_MAX)
			break;
	if (i == len)
		return i;
	if (data[i] == '\r')
		p->state = STATE_SIZE_LF;
	else
		parser_fault(p, 400);
	return i + 1;
}

static size_t
step_chunk_cr(struct http_parser *p, const unsigned char *data, size_t len)
{
	(void)len;
	p->state = STATE_CHUNK_LF;
	if (data[0] != '\r')
		parser_fault(p, 400);
	return 1;
}

/* Where a line has ended in CR, nothing but LF may follow. */
static size_t
step_lf(struct http_parser *p, const unsigned char *data, size_t len)
{
	(void)len;
	if (data[0] != '\n') {
		parser_fault(p, 400);
		return 1;
	}
	switch (p->state) {
	case STATE_START_LF:
		p->state = STATE_START;
		break;
	case STATE_VERSION_LF:
		line_done(p);
		break;
	case STATE_VALUE_LF:
		field_done(p);
		break;
	case STATE_HEAD_LF:
		head_done(p);
		break;
	case STATE_SIZE_LF:
		size_done(p);
		break;
	default:
		p->state = STATE_SIZE;
		break;
	}
	return 1;
}

/* Each takes up to len > 0 bytes and returns how many; 0 only when it has
 * changed the state. */
static size_t (*const steps[STATE_END])(
    struct http_parser *p, const unsigned char *data, size_t len) = {
	[STATE_START] = step_start,
	[STATE_START_LF] = step_lf,
	[STATE_METHOD] = step_method,
	[STATE_TARGET] = step_target,
	[STATE_VERSION] = step_version,
	[STATE_VERSION_LF] = step_lf,
	[STATE_FIELD] = step_field,
	[STATE_NAME] = step_name,
	[STATE_VALUE] = step_value,
	[STATE_VALUE_LF] = step_lf,
	[STATE_HEAD_LF] = step_lf,
	[STATE_LENGTH] = step_body,
	[STATE_SIZE] = step_size,
	[STATE_SIZE_BLANK] = step_size_blank,
	[STATE_EXTENSION] = step_extension,
	[STATE_SIZE_LF] = step_lf,
	[STATE_CHUNK] = step_body,
	[STATE_CHUNK_CR] = step_chunk_cr,
	[STATE_CHUNK_LF] = step_lf,
};

/* One step, within the limit on heads. */
static size_t
parser_step(struct http_parser *p, const unsigned char *data, size_t len)
{
	size_t room = (size_t)HTTP_HEAD_MAX - p->head;
	size_t n;

	if (p->state > STATE_HEAD_LF)
		return steps[p->state](p, data, len);
	if (room == 0) {
		parser_fault(p, 431);
		return 0;
	}
	n = steps[p->state](p, data, len < room ? len : room);
	p->head = (uint16_t)(p->head + n);
	return n;
}

void
http_parser_init(struct http_parser *parser, uint64_t max_body)
{
	memset(parser, 0, sizeof(*parser));
	parser->max_body = max_body;
}

size_t
http_parse(struct http_parser *parser, const unsigned char *data, size_t len,
    enum http_verdict *verdict)
{
	size_t done = 0;

	while (parser->state < STATE_END) {
		if (parser->expects && http_parser_in_body(parser)) {
			parser->expects = false;
			*verdict = HTTP_CONTINUE;
			return done;
		}
		if (done == len) {
			*verdict = HTTP_MORE;
			return done;
		}
		done += parser_step(parser, data + done, len - done);
	}
	*verdict = parser->state == STATE_END ? HTTP_REQUEST : HTTP_FAULT;
	return done;
}

bool
http_parser_is_fresh(const struct http_parser *parser)
{
	return parser->state == STATE_START && parser->head == 0;
}

bool
http_parser_begun(const struct http_parser *parser)
{
	return parser->state > STATE_START_LF;
}

bool
http_parser_in_body(const struct http_parser *parser)
{
	return parser->trailers || parser->state > STATE_HEAD_LF;
}

bool
http_parser_persists(const struct http_parser *parser)
{
	if (parser->close)
		return false;
	return parser->minor > 0 || parser->keep_alive;
}
