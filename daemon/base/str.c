/*
 * Growing texts and similar words; see str.h.
 */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Room for extra bytes and the NUL.  False, with sb->failed set, without. */
static bool
make_room(struct strbuf *sb, size_t extra)
{
	size_t size = sb->size > 0 ? sb->size : 128;
	char *text;

	if (sb->failed)
		return false;
	if (extra >= SIZE_MAX / 2 - sb->len)
		goto fail;
	while (size <= sb->len + extra)
		size *= 2;
	if (size == sb->size)
		return true;
	text = mem_zalloc(size);
	if (text == NULL)
		goto fail;
	if (sb->len > 0)
		memcpy(text, sb->text, sb->len);
	mem_free(sb->text);
	sb->text = text;
	sb->size = size;
	return true;
fail:
	sb->failed = true;
	return false;
}

void
strbuf_append(struct strbuf *sb, const char *data, size_t len)
{
	if (!make_room(sb, len))
		return;
	if (len > 0)
		memcpy(sb->text + sb->len, data, len);
	sb->len += len;
	sb->text[sb->len] = '\0';
}

void
strbuf_puts(struct strbuf *sb, const char *s)
{
	strbuf_append(sb, s, strlen(s));
}

void
strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		sb->failed = true;
		return;
	}
	if (!make_room(sb, (size_t)len))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(sb->text + sb->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	sb->len += (size_t)len;
}

char *
strbuf_steal(struct strbuf *sb)
{
	char *text = NULL;

	if (!sb->failed && make_room(sb, 0)) {
		text = sb->text;
		sb->text = NULL;
	}
	strbuf_free(sb);
	return text;
}

void
strbuf_free(struct strbuf *sb)
{
	mem_free(sb->text);
	memset(sb, 0, sizeof(*sb));
}

/* Words longer than this are nobody's misspelt option. */
#define WORD_MAX 64

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Edit distance with insertions, deletions, replacements and exchanges of
 * neighbours.  row[i % 3][j] is the distance of the first i letters of a to
 * the first j letters of b.
 */
static size_t
distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t row[3][WORD_MAX + 1];

	for (size_t j = 0; j <= blen; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= alen; i++) {
		size_t *now = row[i % 3];
		const size_t *last = row[(i + 2) % 3];
		const size_t *before = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t differs = a[i - 1] != b[j - 1];

			now[j] = least(last[j - 1] + differs,
			    least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return row[alen % 3][blen];
}

const char *
str_suggest(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word), best_distance = SIZE_MAX;
	const char *best = NULL;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t clen = strlen(candidates[i]), d;

		if (clen > WORD_MAX)
			continue;
		d = distance(word, len, candidates[i], clen);
		if (d * 3 <= (len > clen ? len : clen) && d < best_distance) {
			best = candidates[i];
			best_distance = d;
		}
	}
	return best;
}
