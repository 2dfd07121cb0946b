/*
 * Settings as text: storage and lookup, nothing else.
 */
#include "conf/source.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

struct conf_source *
conf_source_new(void)
{
	struct conf_source *source = mem_zalloc(sizeof(*source));

	if (source == NULL)
		return NULL;
	if (conf_source_add_scope(source, SECTION_GLOBAL, 0, NULL) == NULL) {
		mem_free(source);
		return NULL;
	}
	return source;
}

static void
scope_free(struct conf_scope *scope)
{
	size_t i;

	for (i = 0; i < scope->nsettings; i++)
		mem_free(scope->settings[i].text);
	mem_free(scope->settings);
	mem_free(scope->sections);
	mem_free(scope->title);
}

void
conf_source_free(struct conf_source *source)
{
	size_t i;

	if (source == NULL)
		return;
	for (i = 0; i < source->nscopes; i++)
		scope_free(&source->scopes[i]);
	mem_free(source->scopes);
	for (i = 0; i < source->nfiles; i++) {
		mem_free(source->files[i]->name);
		mem_free(source->files[i]);
	}
	mem_free(source->files);
	mem_free(source);
}

struct conf_file *
conf_source_add_file(struct conf_source *source, const char *name)
{
	struct conf_file *file = mem_zalloc(sizeof(*file));
	struct conf_file **place;

	if (file == NULL)
		return NULL;
	file->name = mem_strdup(name);
	if (file->name == NULL)
		goto fail;
	place = mem_push(&source->files, &source->nfiles, sizeof(*place));
	if (place == NULL)
		goto fail;
	*place = file;
	return file;

fail:
	mem_free(file->name);
	mem_free(file);
	return NULL;
}

struct conf_scope *
conf_source_add_scope(struct conf_source *source, enum conf_section_id section,
    size_t parent, const char *title)
{
	struct conf_scope *scope;
	char *copy = NULL;

	if (title != NULL) {
		copy = mem_strdup(title);
		if (copy == NULL)
			return NULL;
	}
	scope = mem_push(&source->scopes, &source->nscopes, sizeof(*scope));
	if (scope == NULL) {
		mem_free(copy);
		return NULL;
	}
	scope->section = section;
	scope->parent = parent;
	scope->title = copy;
	return scope;
}

const struct conf_scope *
conf_source_scope(const struct conf_source *source, const void *base)
{
	size_t i;

	for (i = 0; i < source->nscopes; i++) {
		if (source->scopes[i].base == base)
			return &source->scopes[i];
	}
	assert(false);
	return NULL;
}

const struct conf_setting *
conf_scope_find(
    const struct conf_scope *scope, const struct conf_option *option)
{
	size_t i;

	for (i = 0; i < scope->nsettings; i++) {
		if (scope->settings[i].option == option)
			return &scope->settings[i];
	}
	return NULL;
}

const struct conf_opening *
conf_scope_opening(const struct conf_scope *scope, enum conf_section_id section)
{
	size_t i;

	for (i = 0; i < scope->nsections; i++) {
		if (scope->sections[i].section == section)
			return &scope->sections[i];
	}
	return NULL;
}

const struct conf_setting *
conf_scope_element(const struct conf_scope *scope,
    const struct conf_option *option, size_t element)
{
	size_t i;

	for (i = 0; i < scope->nsettings; i++) {
		const struct conf_setting *setting = &scope->settings[i];

		if (setting->option == option && element >= setting->first &&
		    element < setting->first + setting->number)
			return setting;
	}
	return NULL;
}
