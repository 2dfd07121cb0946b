/*
 * The canonical text of a configuration, from the table of options.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/source.h"
#include "conf/values.h"

/* Where comments begin, if the line leaves room for it; a tab is eight
 * columns wide. */
#define ORIGIN_COLUMN 48

struct dump {
	const struct conf *conf;
	FILE *out;
	bool origins;
	const struct conf_scope *scope;
	const void *base;
	const struct conf_service *service; /* NULL: the global options */
};

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

static void
append_origin(const struct dump *dump, const struct conf_option *option,
    size_t tabs, struct strbuf *out)
{
	const struct conf_setting *setting = find_setting(dump->scope, option);
	const char *p;
	size_t i;

	if (setting == NULL && option->inherits != SECTION_GLOBAL)
		setting = conf_scope_find(&dump->conf->source->scopes[0],
		    conf_option_get(option->inherits, option->name));
	for (i = out->len + 7 * tabs; i < ORIGIN_COLUMN; i++)
		strbuf_puts(out, " ");
	strbuf_puts(out, " # ");
	if (setting == NULL) {
		strbuf_puts(out, "default");
		return;
	}
	for (p = setting->file; *p != '\0'; p++)
		strbuf_append(out, *p == '\n' ? "?" : p, 1);
	strbuf_printf(out, ":%d", setting->line);
}

/* Append "value", or { "value", "value" }.  False: there is none. */
static bool
append_value(const struct dump *dump, const struct conf_option *option,
    struct strbuf *out)
{
	const struct conf_type *type = option->type;
	struct strbuf text = { 0 };
	size_t i;

	for (i = 0; type->format(option, dump->base, i, &text); i++) {
		if (type->list)
			strbuf_puts(out, i > 0 ? ", " : "{ ");
		if (type->quoted)
			conf_value_quote(
			    out, text.text != NULL ? text.text : "", text.len);
		else
			strbuf_append(out, text.text, text.len);
		out->failed = out->failed || text.failed;
		strbuf_free(&text);
	}
	if (type->list && i > 0)
		strbuf_puts(out, " }");
	return i > 0;
}

static int
dump_option(const struct dump *dump, const struct conf_option *option,
    const char *indent)
{
	struct strbuf line = { 0 };
	bool present;
	int rc = 0;

	if (option->replaces != NULL)
		return 0;
	strbuf_printf(&line, "%s%s = ", indent, option->name);
	present = append_value(dump, option, &line);
	if (present && dump->origins)
		append_origin(dump, option, strlen(indent), &line);
	strbuf_puts(&line, "\n");
	if (line.failed) {
		errno = ENOMEM;
		rc = -1;
	} else if (present && fputs(line.text, dump->out) == EOF) {
		rc = -1;
	}
	strbuf_free(&line);
	return rc;
}

/* Whether the option can do anything for this service. */
static bool
has_effect(const struct dump *dump, const struct conf_option *option)
{
	size_t i;

	if (option->transports == 0 || dump->service == NULL)
		return true;
	for (i = 0; i < dump->service->nlisten; i++) {
		if (option->transports & dump->service->listen[i].transport)
			return true;
	}
	return false;
}

/* Whether the section is one of another handler. */
static bool
is_foreign(const struct dump *dump, enum conf_section_id section)
{
	const char *own;

	if (!conf_sections[section].handler || dump->service == NULL)
		return false;
	own = conf_handlers[dump->service->handler].section;
	return own == NULL || strcmp(own, conf_section_name(section)) != 0;
}

static int
dump_options(
    const struct dump *dump, enum conf_section_id section, const char *indent)
{
	size_t i;

	for (i = 0; i < conf_noptions; i++) {
		if (conf_options[i].section == section &&
		    has_effect(dump, &conf_options[i]) &&
		    dump_option(dump, &conf_options[i], indent) == -1)
			return -1;
	}
	return 0;
}

/* The sections inside one that stand once. */
static int
dump_sections(const struct dump *dump, enum conf_section_id parent,
    const char *indent, const char *inner)
{
	int i;

	for (i = SECTION_GLOBAL + 1; i < SECTION_COUNT; i++) {
		enum conf_section_id section = (enum conf_section_id)i;

		if (conf_sections[i].parent != parent ||
		    conf_sections[i].titled || is_foreign(dump, section))
			continue;
		if (fprintf(dump->out, "%s%s {\n", indent,
			conf_section_name(section)) < 0 ||
		    dump_options(dump, section, inner) == -1 ||
		    fprintf(dump->out, "%s}\n", indent) < 0)
			return -1;
	}
	return 0;
}

static int
dump_service(const struct dump *dump)
{
	if (fprintf(dump->out, "service \"%s\" {\n", dump->service->name) < 0 ||
	    dump_options(dump, SECTION_SERVICE, "\t") == -1 ||
	    dump_sections(dump, SECTION_SERVICE, "\t", "\t\t") == -1 ||
	    fputs("}\n", dump->out) == EOF)
		return -1;
	return 0;
}

int
conf_dump(const struct conf *conf, FILE *out, bool origins)
{
	struct dump dump = { .conf = conf,
		.out = out,
		.origins = origins,
		.scope = &conf->source->scopes[0],
		.base = conf };
	size_t i;

	if (dump_options(&dump, SECTION_GLOBAL, "") == -1 ||
	    dump_sections(&dump, SECTION_GLOBAL, "", "\t") == -1)
		return -1;
	for (i = 0; i < conf->nservices; i++) {
		dump.scope = &conf->source->scopes[1 + i];
		dump.base = dump.service = &conf->services[i];
		if (dump_service(&dump) == -1)
			return -1;
	}
	return fflush(out) == EOF ? -1 : 0;
}
