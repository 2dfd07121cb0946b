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

/* The text of a value; NULL: there is none, or with *failed no memory. */
static char *
option_text(
    const struct conf_option *option, const struct conf *conf, bool *failed)
{
	struct strbuf text = { 0 };
	char *copy;

	if (!option->type->format(option, conf, 0, &text)) {
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

/* -1 without memory. */
static int
take_over(struct conf *conf, const struct conf_option *option, const char *text)
{
	struct conf_value value = {
		.option = option, .text = text, .file = ""
	};

	if (text != NULL)
		return option->type->parse(&value, conf);
	if (option->type->release != NULL)
		option->type->release(option, conf);
	memset((char *)conf + option->offset, 0, option->size);
	return 0;
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
		result = take_over(conf, option, kept);
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

	/* They are all of the whole daemon, and none of them is a list. */
	for (i = 0; i < conf_noptions; i++)
		if (conf_options[i].applies == APPLIES_RESTART &&
		    keep_option(conf, running, &conf_options[i], errors) == -1)
			return -1;
	return 0;
}

char *
conf_text(const struct conf *conf)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int error = 0;

	if (out == NULL)
		return NULL;
	if (conf_dump(conf, out, false) == -1)
		error = errno;
	if (fclose(out) == EOF && error == 0)
		error = errno;
	if (error == 0)
		return text;
	free(text);
	errno = error;
	return NULL;
}
