/*
 * The pass over a text before libconfuse reads it; see scan.h.
 */
#include "conf/scan.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/options.h"
#include "conf/token.h"
#include "conf/values.h"

#define NAME_SHOWN 64 /* of a name, in an error */

struct scan {
	struct tokens tokens;
	int depth; /* sections that libconfuse will see open */
};

enum shape { SHAPE_VALUE, SHAPE_LIST, SHAPE_SECTION, SHAPE_TITLED, SHAPE_CALL };

struct statement {
	struct token name;
	enum shape shape;
	size_t items; /* of a list or call */
};

/* ---- statements ---------------------------------------------------------- */

/* Stands apart from an unquoted value that may end right before it. */
static const char dropped[] = " " SCAN_DROPPED "()";

/* End the text here, with all that is open closed, each with something left
 * out. */
static bool
cut_at(struct scan *s, size_t pos)
{
	char *p = s->tokens.text + pos;
	int i;

	for (i = 0; i <= s->depth; i++) {
		if (i > 0)
			*p++ = '}';
		memcpy(p, dropped, sizeof(dropped) - 1);
		p += sizeof(dropped) - 1;
	}
	*p = '\0';
	return false;
}

/* Leave out a statement; its lines stay.  There is room for what replaces it:
 * the shortest are a=1, a() and, right behind an unquoted value, ""{}. */
static void
drop(struct scan *s, size_t from, size_t to)
{
	bool quoted = strchr("\"'", s->tokens.text[from]) != NULL;
	const char *p = quoted ? dropped : dropped + 1;

	token_blank(&s->tokens, from, to);
	for (; *p != '\0' && from < to; from++) {
		if (s->tokens.text[from] != '\n')
			s->tokens.text[from] = *p++;
	}
}

/* The name without its quotes. */
static void
name_bounds(
    const struct scan *s, const struct token *token, size_t *start, size_t *len)
{
	char first = s->tokens.text[token->start];
	size_t quotes = first == '"' || first == '\'' ? 1 : 0;

	*start = token->start + quotes;
	*len = token->end - token->start - 2 * quotes;
}

static char *
name_copy(const struct scan *s, const struct token *token)
{
	size_t start, len;

	name_bounds(s, token, &start, &len);
	return mem_strndup(s->tokens.text + start, len);
}

/* Report a grammar error at a token. */
static bool
broken(struct scan *s, const struct statement *st, const struct token *token,
    const char *expected)
{
	size_t start, len;

	if (token->kind == TOKEN_BROKEN)
		return false;
	name_bounds(s, &st->name, &start, &len);
	if (len > NAME_SHOWN)
		len = NAME_SHOWN;
	conf_error_add(s->tokens.errors, false, s->tokens.file, token->line,
	    "syntax error after \"%.*s\": %s expected%s", (int)len,
	    s->tokens.text + start, expected,
	    token->kind == TOKEN_END ? ", the file ends here" : "");
	return false;
}

/* The elements up to the closing character. */
static bool
read_items(struct scan *s, struct statement *st, char closing)
{
	struct token token;

	for (;;) {
		if (token_next(&s->tokens, &token) == PUNCTUATION(closing))
			return true;
		if (token.kind != TOKEN_TEXT)
			return broken(s, st, &token,
			    closing == '}' ? "a value or \"}\""
					   : "a value or \")\"");
		st->items++;
		if (token_next(&s->tokens, &token) == PUNCTUATION(closing))
			return true;
		if (token.kind != PUNCTUATION(','))
			return broken(s, st, &token,
			    closing == '}' ? "\",\" or \"}\""
					   : "\",\" or \")\"");
	}
}

/* What follows a name: up to the end of the statement, or behind the brace
 * that opens a section. */
static bool
read_rest(struct scan *s, struct statement *st)
{
	struct token token;

	switch (token_next(&s->tokens, &token)) {
	case PUNCTUATION('{'):
		st->shape = SHAPE_SECTION;
		return true;
	case PUNCTUATION('('):
		st->shape = SHAPE_CALL;
		return read_items(s, st, ')');
	case TOKEN_TEXT:
		st->shape = SHAPE_TITLED;
		if (token_next(&s->tokens, &token) != PUNCTUATION('{'))
			return broken(s, st, &token, "\"=\" or \"{\"");
		return true;
	case TOKEN_APPEND:
		return broken(
		    s, st, &token, "\"=\" and the whole list, not \"+=\",");
	case PUNCTUATION('='):
		break;
	default:
		return broken(s, st, &token, "\"=\" or \"{\"");
	}
	if (token_next(&s->tokens, &token) == PUNCTUATION('{')) {
		st->shape = SHAPE_LIST;
		return read_items(s, st, '}');
	}
	st->shape = SHAPE_VALUE;
	if (token.kind != TOKEN_TEXT)
		return broken(s, st, &token, "a value");
	return true;
}

/* Behind the brace that closes what has just been opened. */
static bool
skip_section(struct scan *s, const struct statement *st)
{
	struct token token;
	size_t open = 1;

	while (open > 0) {
		switch (token_next(&s->tokens, &token)) {
		case PUNCTUATION('{'):
			open++;
			break;
		case PUNCTUATION('}'):
			open--;
			break;
		case TOKEN_END:
			return broken(s, st, &st->name, "a closing \"}\"");
		case TOKEN_BROKEN:
			return false;
		default:
			break;
		}
	}
	return true;
}

/* ---- names ---------------------------------------------------------------- */

static bool
is_function(enum conf_section_id section, const char *name)
{
	return section == SECTION_GLOBAL &&
	    (strcmp(name, SCAN_INCLUDE) == 0 ||
		strcmp(name, SCAN_INCLUDE_DIR) == 0);
}

/* What is known in the section and closest to the name, or NULL. */
static const char *
suggest(enum conf_section_id section, const char *name)
{
	const char **known;
	const char *best;
	size_t i, n = 0;

	known = mem_array(conf_noptions + SECTION_COUNT + 2, sizeof(*known));
	if (known == NULL)
		return NULL;
	for (i = 0; i < conf_noptions; i++) {
		if (conf_options[i].section == section)
			known[n++] = conf_options[i].name;
	}
	for (i = SECTION_GLOBAL + 1; i < SECTION_COUNT; i++) {
		if (conf_sections[i].parent == section)
			known[n++] = conf_section_name((enum conf_section_id)i);
	}
	if (section == SECTION_GLOBAL) {
		known[n++] = SCAN_INCLUDE;
		known[n++] = SCAN_INCLUDE_DIR;
	}
	best = str_suggest(name, known, n);
	mem_free(known);
	return best;
}

/* The section that has an option, or another thing, of exactly that name. */
static const char *
elsewhere(const char *name, bool option)
{
	size_t i;

	if (is_function(SECTION_GLOBAL, name))
		return conf_sections[SECTION_GLOBAL].path;
	for (i = 0; i < conf_noptions && option; i++) {
		if (strcmp(conf_options[i].name, name) == 0)
			return conf_sections[conf_options[i].section].path;
	}
	for (i = SECTION_GLOBAL + 1; i < SECTION_COUNT && !option; i++) {
		if (strcmp(conf_section_name((enum conf_section_id)i), name) ==
		    0)
			return conf_sections[conf_sections[i].parent].path;
	}
	return NULL;
}

static void
report_unknown(struct scan *s, enum conf_section_id section,
    const struct statement *st, const char *name)
{
	bool option = st->shape == SHAPE_VALUE || st->shape == SHAPE_LIST;
	const char *what = option     ? "option"
	    : st->shape == SHAPE_CALL ? "function"
				      : "section";
	const char *similar = suggest(section, name);
	const char *other = elsewhere(name, option);
	struct strbuf where = { 0 };

	if (section != SECTION_GLOBAL)
		strbuf_printf(
		    &where, " in \"%s\"", conf_sections[section].path);
	if (similar != NULL)
		strbuf_printf(&where, ": did you mean \"%s\"?", similar);
	else if (other != NULL && *other != '\0')
		strbuf_printf(&where, ": it belongs in \"%s\"", other);
	else if (other != NULL)
		strbuf_puts(&where, ": it belongs outside of all sections");
	conf_error_add(s->tokens.errors, false, s->tokens.file, st->name.line,
	    "unknown %s \"%.*s\"%s", what, NAME_SHOWN, name,
	    where.text != NULL ? where.text : "");
	strbuf_free(&where);
}

/* What is wrong with the form of a statement whose name is known, or NULL. */
static const char *
wrong_shape(
    enum conf_section_id section, const struct statement *st, const char *name)
{
	const struct conf_option *option = conf_option_find(section, name);
	int child = conf_section_find(section, name);

	if (option != NULL) {
		if (st->shape != SHAPE_VALUE && st->shape != SHAPE_LIST)
			return "it is an option: NAME = VALUE";
		if (st->shape == SHAPE_LIST && st->items == 0)
			return "the list is empty; leave the option out";
		if (st->shape == SHAPE_LIST && !option->type->list)
			return "it takes one value, not a list";
		return NULL;
	}
	if (child == -1)
		return st->shape == SHAPE_CALL && st->items == 1
		    ? NULL
		    : "it is a function of one text: NAME(\"PATH\")";
	if (conf_sections[child].titled && st->shape != SHAPE_TITLED)
		return "it is a section with a title: NAME \"TITLE\" { … }";
	if (!conf_sections[child].titled && st->shape != SHAPE_SECTION)
		return "it is a section: NAME { … }";
	return NULL;
}

static bool scan_section(
    struct scan *s, enum conf_section_id section, const struct statement *in);

/* Judge a statement by its name.  False: the text is cut off. */
static bool
take_statement(
    struct scan *s, enum conf_section_id section, const struct statement *st)
{
	char *name = name_copy(s, &st->name);
	const char *wrong = NULL;
	bool known,
	    open = st->shape == SHAPE_SECTION || st->shape == SHAPE_TITLED;
	int child;

	if (name == NULL) {
		conf_error_add(s->tokens.errors, false, s->tokens.file,
		    s->tokens.line, "out of memory");
		return cut_at(s, st->name.start);
	}
	child = conf_section_find(section, name);
	known = child != -1 || is_function(section, name) ||
	    conf_option_find(section, name) != NULL;
	if (known && !s->tokens.bad)
		wrong = wrong_shape(section, st, name);
	if (wrong != NULL)
		conf_error_add(s->tokens.errors, false, s->tokens.file,
		    st->name.line, "bad form of \"%s\": %s", name, wrong);
	else if (!known)
		report_unknown(s, section, st, name);
	mem_free(name);

	known = known && wrong == NULL && !s->tokens.bad;
	if (known)
		return !open ||
		    scan_section(s, (enum conf_section_id)child, st);
	if (open && !skip_section(s, st))
		return cut_at(s, st->name.start);
	drop(s, st->name.start, s->tokens.pos);
	return true;
}

/* The statements of a section up to its closing brace, or of the whole text.
 * False: the text is cut off. */
static bool
scan_section(
    struct scan *s, enum conf_section_id section, const struct statement *in)
{
	struct statement st;

	if (in != NULL)
		s->depth++;
	for (;;) {
		st = (struct statement){ 0 };
		switch (token_next(&s->tokens, &st.name)) {
		case TOKEN_TEXT:
			break;
		case TOKEN_END:
			if (in == NULL)
				return true;
			conf_error_add(s->tokens.errors, false, s->tokens.file,
			    in->name.line, "this section is not closed");
			return cut_at(s, st.name.start);
		case PUNCTUATION('}'):
			if (in != NULL) {
				s->depth--;
				return true;
			}
			/* FALLTHROUGH */
		default:
			conf_error_add(s->tokens.errors, false, s->tokens.file,
			    st.name.line, "syntax error: unexpected \"%c\"",
			    s->tokens.text[st.name.start]);
			return cut_at(s, st.name.start);
		case TOKEN_BROKEN:
			return cut_at(s, st.name.start);
		}
		if (!read_rest(s, &st))
			return cut_at(s, st.name.start);
		if (!take_statement(s, section, &st))
			return false;
	}
}

void
conf_scan(char *text, const char *file, struct conf_errors *errors)
{
	struct scan s = { .tokens = { .text = text,
			      .line = 1,
			      .file = file,
			      .errors = errors } };

	scan_section(&s, SECTION_GLOBAL, NULL);
}
