/*
 * Origins: see origins.h.  In a canonical text a comment begins with the first
 * "#" of a line that is in no string, and strings do not reach beyond a line.
 */
#include "conf/origins.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What the comment of a line says. */
struct origin {
	const char *file; /* NULL: nothing, or that it is a default */
	int line;
	bool implied;
};

/* The comment of a line without "# ", or NULL. */
static const char *
find_comment(const char *line, const char *end)
{
	bool quoted = false;

	for (; line < end; line++) {
		if (quoted && *line == '\\' && line + 1 < end)
			line++;
		else if (*line == '"')
			quoted = !quoted;
		else if (*line == '#' && !quoted)
			return line + 1 < end && line[1] == ' ' ? line + 2
								: NULL;
	}
	return NULL;
}

/* The name of the file as source has it, which makes it one of its own. */
static const char *
keep_name(struct conf_source *source, const char *name, size_t len)
{
	const struct conf_file *file;
	char *copy;
	size_t i;

	for (i = source->nfiles; i-- > 0;)
		if (strlen(source->files[i]->name) == len &&
		    memcmp(source->files[i]->name, name, len) == 0)
			return source->files[i]->name;
	copy = mem_zalloc(len + 1);
	if (copy == NULL)
		return NULL;
	memcpy(copy, name, len);
	file = conf_source_add_file(source, copy);
	mem_free(copy);
	return file != NULL ? file->name : NULL;
}

/* "FILE:LINE", or "default"; anything else says nothing.  -1 without memory. */
static int
read_comment(struct conf_source *source, const char *text, const char *end,
    struct origin *origin)
{
	static const char word[] = "default";
	const char *colon = end;
	char *rest;
	long line;

	if ((size_t)(end - text) == strlen(word) &&
	    memcmp(text, word, strlen(word)) == 0) {
		origin->implied = true;
		return 0;
	}
	while (colon > text && *colon != ':')
		colon--;
	if (colon == text)
		return 0;
	line = strtol(colon + 1, &rest, 10);
	if (rest != end || line < 1 || line > INT_MAX)
		return 0;
	origin->line = (int)line;
	origin->file = keep_name(source, text, (size_t)(colon - text));
	return origin->file != NULL ? 0 : -1;
}

/* By line, of which the first is 1; NULL without memory. */
static struct origin *
read_comments(struct conf_source *source, const char *text, size_t *nlines)
{
	const char *line = text, *end, *comment;
	struct origin *origins;
	size_t i;

	*nlines = 2;
	for (end = text; *end != '\0'; end++)
		*nlines += *end == '\n';
	origins = mem_array(*nlines, sizeof(*origins));
	for (i = 1; origins != NULL && i < *nlines; i++) {
		end = line + strcspn(line, "\n");
		comment = find_comment(line, end);
		if (comment != NULL &&
		    read_comment(source, comment, end, &origins[i]) == -1) {
			mem_free(origins);
			return NULL;
		}
		line = end + (*end == '\n');
	}
	return origins;
}

static void
apply_to_scope(
    struct conf_scope *scope, const struct origin *origins, size_t nlines)
{
	const struct origin *origin;
	size_t i;

	if (scope->line > 0 && (size_t)scope->line < nlines &&
	    origins[scope->line].file != NULL) {
		origin = &origins[scope->line];
		scope->file = origin->file;
		scope->line = origin->line;
	}
	for (i = 0; i < scope->nsettings; i++) {
		struct conf_setting *setting = &scope->settings[i];

		if (setting->line < 1 || (size_t)setting->line >= nlines)
			continue;
		origin = &origins[setting->line];
		setting->implied = origin->implied;
		if (origin->file == NULL)
			continue;
		setting->file = origin->file;
		setting->line = origin->line;
	}
}

int
conf_origins_apply(struct conf_source *source, const char *text)
{
	struct origin *origins;
	size_t i, nlines;

	origins = read_comments(source, text, &nlines);
	if (origins == NULL)
		return -1;
	for (i = 0; i < source->nscopes; i++)
		apply_to_scope(&source->scopes[i], origins, nlines);
	mem_free(origins);
	return 0;
}

void
conf_origins_settle(struct conf_source *source)
{
	struct conf_scope *scope;
	size_t i, j, n;

	for (i = 0; i < source->nscopes; i++) {
		scope = &source->scopes[i];
		n = 0;
		for (j = 0; j < scope->nsettings; j++) {
			if (scope->settings[j].implied)
				mem_free(scope->settings[j].text);
			else
				scope->settings[n++] = scope->settings[j];
		}
		scope->nsettings = n;
	}
}
