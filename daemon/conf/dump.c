/*
 * The canonical text of a configuration, from the table of options.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/effect.h"
#include "conf/source.h"
#include "conf/values.h"

/* Where comments begin, if the line leaves room for it; a tab is eight
 * columns wide. */
#define ORIGIN_COLUMN 48

/* Indentation: sections are at most so deep. */
static const char tabs[] = "\t\t\t\t";

struct dump {
	const struct conf *conf;
	FILE *out;
	bool origins;
	const struct conf_scope *scope;
	unsigned depth; /* of what is written now */
};

static const char *
indent(const struct dump *dump)
{
	return tabs + sizeof(tabs) - 1 - dump->depth;
}

/* The option's setting, or that of one which gives its value. */
static const struct conf_setting *
find_setting(const struct conf_scope *scope, const struct conf_option *option)
{
	const struct conf_setting *setting = conf_scope_find(scope, option);
	size_t i;

	for (i = 0; i < conf_noptions && setting == NULL; i++) {
		const struct conf_option *other = &conf_options[i];

		if (other->section == option->section &&
		    other->replaces != NULL &&
		    strcmp(other->replaces, option->name) == 0)
			setting = conf_scope_find(scope, other);
	}
	return setting;
}

/* The comment, and the end of the line, which begins at that place of out. */
static void
append_comment(const struct dump *dump, struct strbuf *out, size_t start,
    const char *file, int line)
{
	const char *p;
	size_t i;

	for (i = out->len - start + 7UL * dump->depth; i < ORIGIN_COLUMN; i++)
		strbuf_puts(out, " ");
	strbuf_puts(out, " # ");
	if (file == NULL) {
		strbuf_puts(out, "default\n");
		return;
	}
	for (p = file; *p != '\0'; p++)
		strbuf_append(out, *p == '\n' ? "?" : p, 1);
	strbuf_printf(out, ":%d\n", line);
}

/* Where the value of an option comes from, or an element of it; NULL: it is a
 * default. */
static const struct conf_setting *
find_origin(const struct dump *dump, const struct conf_option *option, size_t i)
{
	const struct conf_setting *setting = option->type->list
	    ? conf_scope_element(dump->scope, option, i)
	    : NULL;

	if (setting == NULL)
		setting = find_setting(dump->scope, option);
	if (setting == NULL && option->inherits != SECTION_GLOBAL)
		setting = conf_scope_find(&dump->conf->source->scopes[0],
		    conf_option_get(option->inherits, option->name));
	return setting;
}

static void
append_origin(const struct dump *dump, const struct conf_option *option,
    size_t i, struct strbuf *out, size_t start)
{
	const struct conf_setting *setting = find_origin(dump, option, i);

	append_comment(dump, out, start, setting != NULL ? setting->file : NULL,
	    setting != NULL ? setting->line : 0);
}

static bool
same_line(const struct conf_setting *a, const struct conf_setting *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->line == b->line && strcmp(a->file, b->file) == 0;
}

/* What stands between element i - 1 of a list and element i. */
static void
append_gap(const struct dump *dump, const struct conf_option *option, size_t i,
    struct strbuf *out, size_t *start)
{
	if (i == 0) {
		strbuf_puts(out, "{ ");
		return;
	}
	if (!dump->origins ||
	    same_line(find_origin(dump, option, i - 1),
		find_origin(dump, option, i))) {
		strbuf_puts(out, ", ");
		return;
	}
	strbuf_puts(out, ",");
	append_origin(dump, option, i - 1, out, *start);
	*start = out->len;
	strbuf_printf(out, "%s    ", indent(dump));
}

/* Append "value", or { "value", "value" }; how many there are.  *start is where
 * the last line of it begins. */
static size_t
append_value(const struct dump *dump, const struct conf_option *option,
    struct strbuf *out, size_t *start)
{
	const struct conf_type *type = option->type;
	struct strbuf text = { 0 };
	size_t i;

	for (i = 0; type->format(option, dump->scope->base, i, &text); i++) {
		if (type->list)
			append_gap(dump, option, i, out, start);
		if (type->quoted)
			conf_value_quote(
			    out, text.text != NULL ? text.text : "", text.len);
		else
			strbuf_append(out, text.text, text.len);
		out->failed = out->failed || text.failed;
		strbuf_free(&text);
	}
	if (i > 0 && type->list)
		strbuf_puts(out, " }");
	return i;
}

static int
dump_option(const struct dump *dump, const struct conf_option *option)
{
	struct strbuf line = { 0 };
	size_t n, start = 0;
	int rc = 0;

	if (option->replaces != NULL)
		return 0;
	strbuf_printf(&line, "%s%s = ", indent(dump), option->name);
	n = append_value(dump, option, &line, &start);
	if (n > 0 && dump->origins)
		append_origin(dump, option, n - 1, &line, start);
	else
		strbuf_puts(&line, "\n");
	if (line.failed) {
		errno = ENOMEM;
		rc = -1;
	} else if (n > 0 && fputs(line.text, dump->out) == EOF) {
		rc = -1;
	}
	strbuf_free(&line);
	return rc;
}

static int
dump_options(const struct dump *dump, enum conf_section_id section)
{
	size_t i;

	for (i = 0; i < conf_noptions; i++) {
		const struct conf_option *option = &conf_options[i];

		if (option->section == section &&
		    conf_option_has_transport(
			dump->conf, dump->scope, option) &&
		    conf_option_has_check(dump->scope, option) &&
		    dump_option(dump, option) == -1)
			return -1;
	}
	return 0;
}

/* A section that stands once. */
static int
dump_section(const struct dump *outer, enum conf_section_id section)
{
	struct dump dump = *outer;

	if (conf_section_is_foreign(dump.scope, section))
		return 0;
	if (fprintf(dump.out, "%s%s {\n", indent(&dump),
		conf_section_name(section)) < 0)
		return -1;
	dump.depth++;
	if (dump_options(&dump, section) == -1)
		return -1;
	return fprintf(dump.out, "%s}\n", indent(outer)) < 0 ? -1 : 0;
}

/* The line that opens the scope. */
static int
dump_title(const struct dump *dump, const struct conf_scope *scope)
{
	struct strbuf line = { 0 };
	int rc = 0;

	strbuf_printf(&line, "%s%s \"%s\" {", indent(dump),
	    conf_section_name(scope->section), scope->title);
	if (dump->origins)
		append_comment(dump, &line, 0, scope->file, scope->line);
	else
		strbuf_puts(&line, "\n");
	if (line.failed) {
		errno = ENOMEM;
		rc = -1;
	} else if (fputs(line.text, dump->out) == EOF) {
		rc = -1;
	}
	strbuf_free(&line);
	return rc;
}

static int dump_scope(const struct dump *dump);

/* The sections with titles, of that name, inside the scope. */
static int
dump_titled(const struct dump *outer, enum conf_section_id section)
{
	const struct conf_source *source = outer->conf->source;
	size_t i, parent = (size_t)(outer->scope - source->scopes);
	struct dump dump = *outer;

	dump.depth++;
	for (i = 1; i < source->nscopes; i++) {
		dump.scope = &source->scopes[i];
		if (dump.scope->section != section ||
		    dump.scope->parent != parent)
			continue;
		if (dump_title(outer, dump.scope) == -1 ||
		    dump_scope(&dump) == -1 ||
		    fprintf(dump.out, "%s}\n", indent(outer)) < 0)
			return -1;
	}
	return 0;
}

/* All that lies in the scope. */
static int
dump_scope(const struct dump *dump)
{
	enum conf_section_id own = dump->scope->section;
	int i;

	if (dump_options(dump, own) == -1)
		return -1;
	for (i = SECTION_GLOBAL + 1; i < SECTION_COUNT; i++) {
		enum conf_section_id section = (enum conf_section_id)i;

		if (conf_sections[i].parent != own)
			continue;
		if ((conf_sections[i].titled
			    ? dump_titled(dump, section)
			    : dump_section(dump, section)) == -1)
			return -1;
	}
	return 0;
}

int
conf_dump(const struct conf *conf, FILE *out, bool origins)
{
	struct dump dump = { .conf = conf,
		.out = out,
		.origins = origins,
		.scope = &conf->source->scopes[0] };

	if (dump_scope(&dump) == -1)
		return -1;
	return fflush(out) == EOF ? -1 : 0;
}

/* ---- one of them ---- */

static const struct conf_option *
find_option(const char *section, const char *name)
{
	size_t i;

	for (i = 0; i < conf_noptions; i++)
		if (strcmp(conf_sections[conf_options[i].section].path,
			section) == 0 &&
		    strcmp(conf_options[i].name, name) == 0)
			return &conf_options[i];
	return NULL;
}

bool
conf_tell(const struct conf *conf, const void *base, const char *section,
    const char *option, size_t element, struct strbuf *value, const char **file,
    int *line)
{
	const struct conf_option *found = find_option(section, option);
	const struct conf_scope *global = &conf->source->scopes[0];
	const struct conf_setting *setting;
	size_t start = 0;
	const struct dump dump = {
		.conf = conf,
		.scope = base != NULL ? conf_source_scope(conf->source, base)
				      : global,
	};

	if (found == NULL || dump.scope == NULL)
		return false;
	setting = element == CONF_ELEMENTS
	    ? find_setting(dump.scope, found)
	    : conf_scope_element(dump.scope, found, element);
	if (setting == NULL && found->inherits != SECTION_GLOBAL)
		setting = conf_scope_find(
		    global, conf_option_get(found->inherits, found->name));
	*file = setting != NULL ? setting->file : NULL;
	*line = setting != NULL ? setting->line : 0;
	if (element != CONF_ELEMENTS)
		return found->type->format(
		    found, dump.scope->base, element, value);
	return append_value(&dump, found, value, &start) > 0;
}
