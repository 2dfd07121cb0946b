/*
 * Records as lines of text; see log_format.h.
 *
 * Both formats quote in the same manner, that of JSON, which is also what
 * readers of logfmt undo.  A byte that is not UTF-8 becomes U+FFFD, once for
 * each; control characters, those of the upper half (C1) included, and
 * characters that would reorder the line on a screen become \uXXXX.  So a
 * byte of the record never takes more than six in the line.
 */
#include "base/log_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The line being written: the caller's LOG_LINE_MAX bytes. */
struct line {
	char *text;
	size_t len;
};

static void
put(struct line *line, const char *data, size_t len)
{
	memcpy(line->text + line->len, data, len);
	line->len += len;
}

static void
put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/*
 * The length of the UTF-8 sequence at s, of which left bytes are there, and
 * its code point; 0 if it is not well-formed (RFC 3629: no surrogates, no
 * overlong forms, nothing above U+10FFFF).
 */
static size_t
utf8_decode(const unsigned char *s, size_t left, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len, i;

	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || len > left)
		return 0;
	*code = s[0] & (0x7fU >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3fU);
	}
	if (*code < least[len] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return len;
}

/* Whether a character moves the cursor, changes the direction of the text,
 * or ends a line for some reader. */
static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
	    (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069) || code == 0x200e ||
	    code == 0x200f || code == 0x061c || code == 0xfeff;
}

static void
put_escaped(struct line *line, uint32_t code)
{
	static const struct {
		uint32_t code;
		const char *text;
	} shorthands[] = {
		{ '"', "\\\"" },
		{ '\\', "\\\\" },
		{ '\n', "\\n" },
		{ '\r', "\\r" },
		{ '\t', "\\t" },
	};
	char text[8];

	for (size_t i = 0; i < sizeof(shorthands) / sizeof(shorthands[0]); i++)
		if (shorthands[i].code == code) {
			put_text(line, shorthands[i].text);
			return;
		}
	(void)snprintf(text, sizeof(text), "\\u%04x", (unsigned)code & 0xffffU);
	put_text(line, text);
}

static void
put_safe(struct line *line, const unsigned char *s, size_t len)
{
	while (len > 0) {
		uint32_t code;
		size_t n = utf8_decode(s, len, &code);

		if (n == 0) {
			put_escaped(line, 0xfffd);
			n = 1;
		} else if (code == '"' || code == '\\' || is_control(code))
			put_escaped(line, code);
		else
			put(line, (const char *)s, n);
		s += n;
		len -= n;
	}
}

static void
put_quoted(struct line *line, const unsigned char *s, size_t len)
{
	put(line, "\"", 1);
	put_safe(line, s, len);
	put(line, "\"", 1);
}

/* Whether logfmt can do without quotes: printable ASCII, but nothing that
 * means something to it. */
static bool
is_plain(const unsigned char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' || s[i] == '=' ||
		    s[i] == '\\')
			return false;
	return len > 0;
}

static void
put_key(struct line *line, enum log_format format, const char *key)
{
	bool first = line->len == 0;

	if (format == LOG_FORMAT_JSON) {
		put_text(line, first ? "{\"" : ",\"");
		put_text(line, key);
		put_text(line, "\":");
		return;
	}
	if (!first)
		put(line, " ", 1);
	put_text(line, key);
	put(line, "=", 1);
}

static void
put_field(
    struct line *line, enum log_format format, const struct log_field *field)
{
	put_key(line, format, field->key);
	if (field->number ||
	    (format == LOG_FORMAT_LOGFMT && is_plain(field->value, field->len)))
		put(line, (const char *)field->value, field->len);
	else
		put_quoted(line, field->value, field->len);
}

static void
put_string(struct line *line, enum log_format format, const char *key,
    const char *value)
{
	struct log_field field = { .key = key,
		.value = (const unsigned char *)value,
		.len = strlen(value) };

	put_field(line, format, &field);
}

static void
put_int(
    struct line *line, enum log_format format, const char *key, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	put_key(line, format, key);
	put_text(line, text);
}

/* RFC 3339, UTC. */
static void
put_time(struct line *line, enum log_format format, int64_t time_us)
{
	int64_t us = time_us % 1000000, s = time_us / 1000000;
	char date[32] = "", text[48];
	struct tm tm;
	time_t when;

	if (us < 0) {
		us += 1000000;
		s--;
	}
	when = (time_t)s;
	/* Fails for years that no int holds, which no clock shows. */
	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		date[0] = '\0';
	(void)snprintf(text, sizeof(text), "%s.%06dZ", date, (int)us);
	put_string(line, format, "time", text);
}

/* The fields of the record's own. */
static void
put_fields(
    struct line *line, enum log_format format, const struct log_view *view)
{
	struct log_field field;
	size_t at = 0;

	while (log_view_field(view, &at, &field))
		put_field(line, format, &field);
	if (view->truncated) {
		put_key(line, format, "truncated");
		put_text(line, "true");
	}
}

size_t
log_format_line(const struct log_view *view, enum log_format format, char *buf)
{
	struct line line = { .text = buf, .len = 0 };

	put_time(&line, format, view->time_us);
	put_string(&line, format, "level", log_level_name(view->level));
	put_string(&line, format, "process", view->process);
	if (view->slot >= 0)
		put_int(&line, format, "worker", view->slot);
	put_int(&line, format, "pid", view->pid);
	put_string(&line, format, "msg", view->message);
	put_fields(&line, format, view);
	put_text(&line, format == LOG_FORMAT_JSON ? "}\n" : "\n");
	line.text[line.len] = '\0';
	return line.len;
}

size_t
log_format_message(const struct log_view *view, char *buf)
{
	struct line line = { .text = buf, .len = 0 };

	put_safe(
	    &line, (const unsigned char *)view->message, strlen(view->message));
	put_fields(&line, LOG_FORMAT_LOGFMT, view);
	if (view->slot >= 0)
		put_int(&line, LOG_FORMAT_LOGFMT, "worker", view->slot);
	else
		put_string(&line, LOG_FORMAT_LOGFMT, "process", view->process);
	line.text[line.len] = '\0';
	return line.len;
}

/* Whether there is nothing in it but well-formed text. */
static bool
is_harmless(const unsigned char *s, size_t len)
{
	while (len > 0) {
		uint32_t code;
		size_t n = utf8_decode(s, len, &code);

		if (n == 0 || is_control(code))
			return false;
		s += n;
		len -= n;
	}
	return true;
}

size_t
log_format_value(const unsigned char *value, size_t len, char *buf)
{
	struct line line = { .text = buf, .len = 0 };

	if (is_harmless(value, len))
		put(&line, (const char *)value, len);
	else
		put_safe(&line, value, len);
	return line.len;
}
