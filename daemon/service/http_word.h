/*
 * The alphabet of HTTP: classes of bytes, and the one word in which a parser
 * collects what it must compare with something.  A word that is longer than
 * any that has a meaning keeps its length alone, and so is equal to nothing.
 */
#ifndef MUXD_SERVICE_HTTP_WORD_H
#define MUXD_SERVICE_HTTP_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HTTP_WORD_MAX 20U

struct http_word {
	uint8_t len; /* HTTP_WORD_MAX + 1: too long */
	char text[HTTP_WORD_MAX];
};

/* Classes of bytes, as a set. */
enum {
	HTTP_TOKEN = 1,   /* in a token (RFC 9110, 5.6.2) */
	HTTP_NAME = 2,    /* in a host's name (RFC 3986, 3.2.2), but "%" */
	HTTP_VISIBLE = 4, /* VCHAR (RFC 5234) */
	HTTP_TEXT = 8     /* in a field's value (RFC 9110, 5.5), blanks too */
};

extern const uint8_t http_classes[256];

static inline bool
http_is(unsigned char c, unsigned classes)
{
	return (http_classes[c] & classes) != 0;
}

static inline bool
http_is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit, or -1. */
static inline int
http_hex_value(unsigned char c)
{
	if (http_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool
http_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static inline void
http_word_begin(struct http_word *word)
{
	word->len = 0;
}

static inline void
http_word_add(struct http_word *word, unsigned char c)
{
	if (word->len < HTTP_WORD_MAX)
		word->text[word->len++] = (char)c;
	else
		word->len = HTTP_WORD_MAX + 1;
}

/* Several bytes. */
static inline void
http_word_append(struct http_word *word, const unsigned char *data, size_t n)
{
	if (word->len <= HTTP_WORD_MAX && n <= HTTP_WORD_MAX - word->len) {
		memcpy(word->text + word->len, data, n);
		word->len = (uint8_t)(word->len + n);
	} else {
		word->len = HTTP_WORD_MAX + 1;
	}
}

/* To lower case, for what means the same in either. */
static inline void
http_word_fold(struct http_word *word)
{
	size_t i;

	for (i = 0; i < word->len && i < HTTP_WORD_MAX; i++)
		if (word->text[i] >= 'A' && word->text[i] <= 'Z')
			word->text[i] = (char)(word->text[i] | 0x20);
}

static inline bool
http_word_is(const struct http_word *word, const char *text, size_t len)
{
	return word->len == len && memcmp(word->text, text, len) == 0;
}

static inline bool
http_word_begins(const struct http_word *word, const char *text, size_t len)
{
	return word->len >= len && memcmp(word->text, text, len) == 0;
}

#endif
