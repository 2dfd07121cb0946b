/*
 * Keeping what only a restart changes: see change.h.
 */
#include "conf/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/source.h"
#include "conf/values.h"

/* The text of one element of a list (of another value, at 0: all of it).
 * NULL: there is none, or with *failed no memory. */
static char *
element_text(const struct conf_option *option, const struct conf *conf,
    size_t i, bool *failed)
{
	struct strbuf text = { 0 };
	char *copy;

	if (!option->type->format(option, conf, i, &text)) {
		strbuf_free(&text);
		return NULL;
	}
	/* An empty value is no lack of one. */
	strbuf_puts(&text, "");
	copy =
	    text.failed ? NULL : mem_strdup(text.text != NULL ? text.text : "");
	*failed = *failed || copy == NULL;
	strbuf_free(&text);
	return copy;
}

/* The same of the whole value, a list's elements one behind the other. */
static char *
option_text(
    const struct conf_option *option, const struct conf *conf, bool *failed)
{
	char *text = element_text(option, conf, 0, failed);
	char *element, *longer;
	size_t i;

	if (!option->type->list)
		return text;
	for (i = 1; text != NULL; i++) {
		element = element_text(option, conf, i, failed);
		if (element == NULL)
			break;
		longer = mem_printf("%s, %s", text, element);
		*failed = *failed || longer == NULL;
		mem_free(element);
		mem_free(text);
		text = longer;
	}
	return text;
}

static bool
same_text(const char *one, const char *other)
{
	if (one == NULL || other == NULL)
		return one == other;
	return strcmp(one, other) == 0;
}

/* Where the text says otherwise: or where it no longer does. */
static void
report_kept(const struct conf *conf, const struct conf_option *option,
    const char *wanted, const char *kept, struct conf_errors *errors)
{
	const struct conf_scope *scope = &conf->source->scopes[0];
	const struct conf_setting *setting = conf_scope_find(scope, option);
	const char *section = conf_sections[option->section].path;

	conf_error_add(errors, true,
	    setting != NULL ? setting->file : scope->file,
	    setting != NULL ? setting->line : 0,
	    "%s%s%s = %s takes a restart; until then it stays %s", section,
	    *section != '\0' ? "." : "", option->name,
	    wanted != NULL ? wanted : "(none)", kept != NULL ? kept : "(none)");
}

static void
forget(struct conf *conf, const struct conf_option *option)
{
	if (option->type->release != NULL)
		option->type->release(option, conf);
	memset((char *)conf + option->offset, 0, option->size);
	if (option->type->list)
		memset((char *)conf + option->count, 0, sizeof(size_t));
}

/* -1 without memory. */
static int
take_over(struct conf *conf, const struct conf *running,
    const struct conf_option *option)
{
	struct conf_value value = { .option = option, .file = "" };
	bool failed = false;
	char *text = element_text(option, running, 0, &failed);
	size_t i = 0;
	int result = 0;

	if (option->type->list || text == NULL)
		forget(conf, option);
	while (text != NULL && result == 0) {
		value.text = text;
		result = option->type->parse(&value, conf);
		mem_free(text);
		text = option->type->list
		    ? element_text(option, running, ++i, &failed)
		    : NULL;
	}
	mem_free(text);
	return failed ? -1 : result;
}

static int
keep_option(struct conf *conf, const struct conf *running,
    const struct conf_option *option, struct conf_errors *errors)
{
	bool failed = false;
	char *wanted = option_text(option, conf, &failed);
	char *kept = option_text(option, running, &failed);
	int result = failed ? -1 : 0;

	if (!failed && !same_text(wanted, kept)) {
		report_kept(conf, option, wanted, kept, errors);
		result = take_over(conf, running, option);
	}
	mem_free(wanted);
	mem_free(kept);
	if (result == -1)
		errno = ENOMEM;
	return result;
}

int
conf_keep(
    struct conf *conf, const struct conf *running, struct conf_errors *errors)
{
	size_t i;

	/* What services and pools have is never kept: they may be others. */
	for (i = 0; i < conf_noptions; i++)
		if (conf_options[i].applies == APPLIES_RESTART &&
		    conf_section_scope(conf_options[i].section) ==
			SECTION_GLOBAL &&
		    keep_option(conf, running, &conf_options[i], errors) == -1)
			return -1;
	return 0;
}

static char *
make_text(const struct conf *conf, bool origins)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int error = 0;

	if (out == NULL)
		return NULL;
	if (conf_dump(conf, out, origins) == -1)
		error = errno;
	if (fclose(out) == EOF && error == 0)
		error = errno;
	if (error == 0)
		return text;
	free(text);
	errno = error;
	return NULL;
}

char *
conf_text(const struct conf *conf)
{
	return make_text(conf, false);
}

char *
conf_text_with_origins(const struct conf *conf)
{
	return make_text(conf, true);
}
