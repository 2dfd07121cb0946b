/*
 * Strings: a growing buffer for texts whose length is not known, and the
 * distance behind "did you mean".
 */
#ifndef MUXD_BASE_STR_H
#define MUXD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

/* A growing, always NUL-terminated text.  Zeroed memory is an empty one. */
struct strbuf {
	char *text; /* NULL while empty */
	size_t len;
	size_t size;
	bool failed; /* an allocation failed: the text is incomplete */
};

void strbuf_append(struct strbuf *sb, const char *data, size_t len);
void strbuf_puts(struct strbuf *sb, const char *s);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The text, which the caller releases with mem_free(), or NULL if any of it
 * could not be kept; sb is empty afterwards. */
char *strbuf_steal(struct strbuf *sb);
void strbuf_free(struct strbuf *sb);

/*
 * The candidate closest to word by edit distance (Damerau-Levenshtein,
 * optimal string alignment), or NULL when none is close enough to be what
 * the writer meant (more than a third of the letters differ).
 */
const char *str_suggest(
    const char *word, const char *const *candidates, size_t n);

#endif
