/*
 * Tokens; see token.h.  What libconfuse's lexer would let pass without a word
 * is an error here.
 */
#include "conf/token.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NAME_SHOWN 64 /* of a name, in an error */

void
token_blank(struct tokens *t, size_t from, size_t to)
{
	for (; from < to; from++) {
		if (t->text[from] != '\n')
			t->text[from] = ' ';
	}
}

/* Step over one character, and count the line it may end. */
static void
step(struct tokens *t)
{
	if (t->text[t->pos] == '\n')
		t->line++;
	t->pos++;
}

static void
skip_line_comment(struct tokens *t)
{
	size_t start = t->pos;

	t->pos += strcspn(t->text + t->pos, "\n");
	token_blank(t, start, t->pos);
}

/* False when it does not end. */
static bool
skip_block_comment(struct tokens *t)
{
	size_t start = t->pos;
	int line = t->line;
	bool closed;

	t->pos += 2;
	while (
	    t->text[t->pos] != '\0' && strncmp(t->text + t->pos, "*/", 2) != 0)
		step(t);
	closed = t->text[t->pos] != '\0';
	if (closed)
		t->pos += 2;
	else
		conf_error_add(t->errors, false, t->file, line,
		    "this comment is not closed");
	token_blank(t, start, t->pos);
	return closed;
}

/* White space and comments; false when one does not end. */
static bool
skip_space(struct tokens *t)
{
	for (;;) {
		const char *p = t->text + t->pos;

		if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
			step(t);
		else if (*p == '#' || strncmp(p, "//", 2) == 0)
			skip_line_comment(t);
		else if (strncmp(p, "/*", 2) != 0)
			return true;
		else if (!skip_block_comment(t))
			return false;
	}
}

/* ${NAME} or ${NAME:-INSTEAD}, which libconfuse replaces; without a variable
 * of that name and without an instead it would silently be nothing. */
static bool
read_variable(struct tokens *t)
{
	const char *name = t->text + t->pos + 2;
	size_t len = strcspn(name, "}\n");
	const char *colon = memchr(name, ':', len);
	char *copy;

	if (name[len] != '}') {
		conf_error_add(t->errors, false, t->file, t->line,
		    "\"${\" begins the name of an environment variable, and "
		    "a \"}\" is missing behind it; write \"\\${\" for the "
		    "characters themselves");
		return false;
	}
	t->pos += len + 3;
	if (colon != NULL && colon[1] == '-')
		return true;
	copy = mem_strndup(name, len);
	if (copy == NULL || getenv(copy) == NULL) {
		t->bad = true;
		conf_error_add(t->errors, false, t->file, t->line,
		    "there is no environment variable \"%.*s\"",
		    (int)(len < NAME_SHOWN ? len : NAME_SHOWN), name);
	}
	mem_free(copy);
	return true;
}

/* What stands behind a backslash: octal digits and \x are the forms that can
 * go wrong, or make a NUL, at which libconfuse's strings would end. */
static bool
read_escape(struct tokens *t)
{
	const char *p = t->text + t->pos + 1;
	unsigned long byte = 1;
	size_t len = 0;

	if (isdigit((unsigned char)*p)) {
		len = strspn(p, "0123456789");
		byte = strspn(p, "01234567") < len || len > 3
		    ? 256
		    : strtoul(p, NULL, 8);
	} else if (*p == 'x' && isxdigit((unsigned char)p[1])) {
		char digits[3] = { p[1], p[2], '\0' };

		byte = strtoul(digits, NULL, 16);
		len = isxdigit((unsigned char)p[2]) ? 3 : 2;
	}
	if (byte == 0 || byte > 255) {
		conf_error_add(t->errors, false, t->file, t->line,
		    "bad escape \"\\%.*s\": %s",
		    (int)(len < NAME_SHOWN ? len : NAME_SHOWN), p,
		    byte == 0 ? "a string cannot hold a NUL byte"
			      : "an octal one goes from \\1 to \\377");
		return false;
	}
	t->pos++;
	if (len > 0)
		t->pos += len;
	else if (t->text[t->pos] != '\0')
		step(t);
	return true;
}

/* A quoted string; false when it is broken. */
static bool
read_quoted(struct tokens *t)
{
	char quote = t->text[t->pos];
	int line = t->line;

	t->pos++;
	while (t->text[t->pos] != quote) {
		const char *p = t->text + t->pos;

		if (*p == '\0') {
			conf_error_add(t->errors, false, t->file, line,
			    "this string is not closed");
			return false;
		}
		if (*p == '\\' && quote == '"') {
			if (!read_escape(t))
				return false;
		} else if (*p == '\\' && p[1] != '\0') {
			t->pos++;
			step(t);
		} else if (quote == '"' && strncmp(p, "${", 2) == 0) {
			if (!read_variable(t))
				return false;
		} else {
			step(t);
		}
	}
	t->pos++;
	return true;
}

/* A run of characters without quotes.  libconfuse would drop some of them. */
static void
read_unquoted(struct tokens *t)
{
	const char *start = t->text + t->pos;
	const char *p = start, *odd = NULL;

	for (; *p != '\0' && strchr(" #\"'\t\n\r={}(),", *p) == NULL; p++) {
		if (strncmp(p, "/*", 2) == 0)
			break;
		if (odd == NULL && (*p == '+' || *p == '*'))
			odd = p;
	}
	t->pos += (size_t)(p - start);
	if (odd == NULL)
		return;
	t->bad = true;
	conf_error_add(t->errors, false, t->file, t->line,
	    "a text with \"%c\" in it needs quotes", *odd);
}

static int
read_token_kind(struct tokens *t)
{
	const char *p = t->text + t->pos;
	bool good = true;

	if (*p == '\0')
		return TOKEN_END;
	if (strchr("{}()=,", *p) != NULL) {
		t->pos++;
		return PUNCTUATION(*p);
	}
	if (strncmp(p, "+=", 2) == 0) {
		t->pos += 2;
		return TOKEN_APPEND;
	}
	if (*p == '"' || *p == '\'')
		good = read_quoted(t);
	else if (strncmp(p, "${", 2) == 0)
		good = read_variable(t);
	else
		read_unquoted(t);
	return good ? TOKEN_TEXT : TOKEN_BROKEN;
}

int
token_next(struct tokens *t, struct token *token)
{
	bool good = skip_space(t);

	token->start = t->pos;
	token->line = t->line;
	token->kind = good ? read_token_kind(t) : TOKEN_BROKEN;
	token->end = t->pos;
	return token->kind;
}
