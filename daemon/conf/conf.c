/*
 * Loading: from settings to a struct conf with every default filled in.
 */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/check.h"
#include "conf/errors.h"
#include "conf/parse.h"
#include "conf/values.h"

/* What fills one struct from one scope. */
struct filling {
	struct conf *conf;
	struct conf_scope *scope;
	void *base;      /* the struct conf, or a struct conf_service */
	bool in_service; /* which of the two */
	bool *done;      /* by option: it has a value from the text */
	struct conf_errors *errors;
};

static size_t
list_length(const struct filling *f, const struct conf_option *option)
{
	size_t n = 0;

	if (option->type->list)
		memcpy(&n, (const char *)f->base + option->count, sizeof(n));
	return n;
}

static void
take_setting(const struct filling *f, struct conf_setting *setting)
{
	const struct conf_option *option = setting->option;
	struct conf_value value = {
		.option = option, .text = setting->text, .file = setting->file
	};
	const char *text = setting->text;

	setting->first = list_length(f, option);
	if (option->type->parse(&value, f->base) == -1)
		conf_error_add(f->errors, false, setting->file, setting->line,
		    "bad value \"%.80s%s\" for %s: %s", text,
		    strlen(text) > 80 ? "…" : "", option->name, value.why);
	else
		f->done[option - conf_options] = true;
	setting->number = list_length(f, option) - setting->first;
}

/* Whether an option that gives this one's value has one. */
static bool
is_replaced(const struct filling *f, const struct conf_option *option)
{
	size_t i;

	for (i = 0; i < conf_noptions; i++) {
		const struct conf_option *other = &conf_options[i];

		if (other->section == option->section &&
		    other->replaces != NULL && f->done[i] &&
		    strcmp(other->replaces, option->name) == 0)
			return true;
	}
	return false;
}

static void
take_inherited(const struct filling *f, const struct conf_option *option)
{
	const struct conf_option *from =
	    conf_option_get(option->inherits, option->name);

	memcpy((char *)f->base + option->offset,
	    (const char *)f->conf + from->offset, option->size);
}

/* The defaults in the table are right (a test sees to it): what fails is
 * memory, and then this gives -1. */
static int
take_default(const struct filling *f, const struct conf_option *option)
{
	struct conf_value value = {
		.option = option, .text = option->fallback, .file = ""
	};

	if (option->inherits != SECTION_GLOBAL) {
		take_inherited(f, option);
		return 0;
	}
	return option->fallback != NULL ? option->type->parse(&value, f->base)
					: 0;
}

static void
report_missing(const struct filling *f, const struct conf_option *option)
{
	conf_error_add(f->errors, false, f->scope->file, f->scope->line,
	    "service \"%s\" has no %s", f->scope->title, option->name);
}

/* Give every option of the scope that has no value yet its default.  -1
 * without memory. */
static int
fill_rest(const struct filling *f)
{
	size_t i;

	for (i = 0; i < conf_noptions; i++) {
		const struct conf_option *option = &conf_options[i];

		if (conf_section_in_service(option->section) != f->in_service ||
		    f->done[i] || is_replaced(f, option))
			continue;
		if (take_default(f, option) == -1)
			return -1;
		if (option->required && !f->scope->incomplete &&
		    conf_scope_find(f->scope, option) == NULL)
			report_missing(f, option);
	}
	return 0;
}

/* -1 without memory. */
static int
fill(struct filling *f)
{
	size_t i;
	int rc;

	f->done = mem_array(conf_noptions, sizeof(*f->done));
	if (f->done == NULL)
		return -1;
	for (i = 0; i < f->scope->nsettings; i++)
		take_setting(f, &f->scope->settings[i]);
	rc = fill_rest(f);
	mem_free(f->done);
	return rc;
}

/* Make a configuration of the settings.  -1 without memory. */
static int
build(struct conf *conf, struct conf_errors *errors)
{
	struct conf_source *source = conf->source;
	struct filling f = { .conf = conf, .errors = errors };
	size_t i;

	f.scope = &source->scopes[0];
	f.scope->file = source->files[0]->name;
	f.base = conf;
	if (fill(&f) == -1)
		return -1;
	f.in_service = true;
	conf->services =
	    mem_array(source->nscopes - 1, sizeof(*conf->services));
	if (conf->services == NULL)
		return -1;
	for (i = 1; i < source->nscopes; i++) {
		struct conf_service *service = &conf->services[i - 1];

		conf->nservices = i;
		f.scope = &source->scopes[i];
		f.base = service;
		service->handler = HANDLER_COUNT;
		service->name = mem_strdup(f.scope->title);
		service->file = f.scope->file;
		service->line = f.scope->line;
		if (service->name == NULL || fill(&f) == -1)
			return -1;
	}
	return 0;
}

static struct conf *
load(const char *name, const char *text, struct conf_errors *errors)
{
	struct conf *conf = mem_zalloc(sizeof(*conf));

	if (conf == NULL)
		goto no_memory;
	conf->source = conf_source_new();
	if (conf->source == NULL ||
	    conf_source_read(conf->source, name, text, errors) == -1 ||
	    build(conf, errors) == -1)
		goto no_memory;
	conf_check(conf, conf->source, errors);
	conf_errors_sort(errors, conf->source);
	if (errors->nerrors == 0)
		return conf;
	conf_free(conf);
	return NULL;

no_memory:
	conf_error_add(errors, false, name, 0, "out of memory");
	conf_free(conf);
	return NULL;
}

struct conf *
conf_load(const char *path, struct conf_errors *errors)
{
	return load(path, NULL, errors);
}

struct conf *
conf_parse(const char *text, const char *name, struct conf_errors *errors)
{
	return load(name, text, errors);
}

void
conf_free(struct conf *conf)
{
	size_t i, j;

	if (conf == NULL)
		return;
	for (i = 0; i < conf_noptions; i++) {
		const struct conf_option *option = &conf_options[i];

		if (option->type->release == NULL)
			continue;
		if (!conf_section_in_service(option->section))
			option->type->release(option, conf);
		for (j = 0; j < conf->nservices &&
		     conf_section_in_service(option->section);
		     j++)
			option->type->release(option, &conf->services[j]);
	}
	for (j = 0; j < conf->nservices; j++)
		mem_free(conf->services[j].name);
	mem_free(conf->services);
	conf_source_free(conf->source);
	mem_free(conf);
}
