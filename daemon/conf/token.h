/*
 * Tokens, as libconfuse's lexer cuts them: a name or value is a quoted
 * string, ${VARIABLE}, or a run of other characters; { } ( ) = += and , stand
 * alone; comments are #, // and C's, and are blanked in passing.
 */
#ifndef MUXD_CONF_TOKEN_H
#define MUXD_CONF_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

enum token_kind {
	TOKEN_END,
	TOKEN_TEXT,
	TOKEN_APPEND,     /* += */
	TOKEN_BROKEN,     /* reported; nothing can follow */
	TOKEN_PUNCTUATION /* from here: this and the character */
};

#define PUNCTUATION(c) (TOKEN_PUNCTUATION + (c))

struct token {
	int kind;
	size_t start; /* its place in the text */
	size_t end;
	int line;
};

struct tokens {
	char *text;
	size_t pos; /* of what comes next */
	int line;
	const char *file;
	struct conf_errors *errors;
	bool bad; /* a token was reported, and others can follow */
};

/* Read the next token and return its kind. */
int token_next(struct tokens *tokens, struct token *token);

/* Make spaces of a part of the text, except for its ends of lines. */
void token_blank(struct tokens *tokens, size_t from, size_t to);

#endif
