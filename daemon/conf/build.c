/*
 * From settings to structs with every default filled in, and back to nothing.
 *
 * What a section with a title becomes is an element of an array in what the
 * section around it became.  All arrays are made before the first value is
 * put into one, since pointers to their elements would not survive growing.
 */
#include "conf/build.h"

#include <string.h>

#include "base/mem.h"
#include "conf/values.h"

/* ---- what there is -------------------------------------------------------- */

struct kind {
	enum conf_section_id section;
	size_t size;
	size_t items; /* the array, and its length, in the parent's struct */
	size_t count;
	size_t name; /* and these in its own */
	size_t file;
	size_t line;
};

#define KIND(section, parent, items, count, type)                             \
	{                                                                     \
		section, sizeof(struct type), offsetof(struct parent, items), \
		    offsetof(struct parent, count),                           \
		    offsetof(struct type, name), offsetof(struct type, file), \
		    offsetof(struct type, line)                               \
	}

/* Behind those that they lie in. */
static const struct kind kinds[] = {
	KIND(SECTION_SERVICE, conf, services, nservices, conf_service),
	KIND(SECTION_POOL, conf, pools, npools, conf_pool),
	KIND(SECTION_POOL_SERVER, conf_pool, servers, nservers, conf_server),
};

#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The array in parent that the kind's elements are in. */
static char *
load_items(const struct kind *kind, const void *parent)
{
	char *items;

	memcpy(&items, (const char *)parent + kind->items, sizeof(items));
	return items;
}

static int
name_element(const struct kind *kind, struct conf_scope *scope)
{
	char *base = scope->base;
	char *name = mem_strdup(scope->title);

	if (name == NULL)
		return -1;
	memcpy(base + kind->name, &name, sizeof(name));
	memcpy(base + kind->file, &scope->file, sizeof(scope->file));
	memcpy(base + kind->line, &scope->line, sizeof(scope->line));
	return 0;
}

/* Make an element for each scope of the kind.  -1 without memory. */
static int
make_elements(struct conf_source *source, const struct kind *kind)
{
	struct conf_scope *scope;
	char *parent;
	size_t i;

	for (i = 1; i < source->nscopes; i++) {
		scope = &source->scopes[i];
		if (scope->section != kind->section)
			continue;
		parent = source->scopes[scope->parent].base;
		memcpy(
		    &scope->index, parent + kind->count, sizeof(scope->index));
		if (mem_push(parent + kind->items,
			(size_t *)(void *)(parent + kind->count),
			kind->size) == NULL)
			return -1;
	}
	for (i = 1; i < source->nscopes; i++) {
		scope = &source->scopes[i];
		if (scope->section != kind->section)
			continue;
		parent = source->scopes[scope->parent].base;
		scope->base =
		    load_items(kind, parent) + scope->index * kind->size;
		if (name_element(kind, scope) == -1)
			return -1;
	}
	return 0;
}

/* ---- values --------------------------------------------------------------- */

/* What fills one struct from one scope. */
struct filling {
	struct conf *conf;
	struct conf_scope *scope;
	bool *done; /* by option: it has a value from the text */
	struct conf_errors *errors;
};

static size_t
list_length(const struct filling *f, const struct conf_option *option)
{
	size_t n = 0;

	if (option->type->list)
		memcpy(&n, (const char *)f->scope->base + option->count,
		    sizeof(n));
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
	setting->bad = option->type->parse(&value, f->scope->base) == -1;
	if (setting->bad)
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

	memcpy((char *)f->scope->base + option->offset,
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
	return option->fallback != NULL
	    ? option->type->parse(&value, f->scope->base)
	    : 0;
}

static void
report_missing(const struct filling *f, const struct conf_option *option)
{
	conf_error_add(f->errors, false, f->scope->file, f->scope->line,
	    "%s \"%s\" has no %s", conf_section_name(f->scope->section),
	    f->scope->title, option->name);
}

/* Give every option of the scope that has no value yet its default.  -1
 * without memory. */
static int
fill_rest(const struct filling *f)
{
	size_t i;

	for (i = 0; i < conf_noptions; i++) {
		const struct conf_option *option = &conf_options[i];

		if (conf_section_scope(option->section) != f->scope->section ||
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

/* The limit of datagrams keeps muxd from answering those who forge their
 * address.  What a relay passes on is answered by its servers, so there is none
 * unless somebody asks for it. */
static void
fill_relay(const struct conf_scope *scope)
{
	const struct conf_option *option =
	    conf_option_get(SECTION_SERVICE_LIMIT, "source_datagram_rate");
	struct conf_service *service = scope->base;

	if (service->handler == HANDLER_RELAY &&
	    conf_scope_find(scope, option) == NULL)
		memset(&service->limit.source_datagram_rate, 0,
		    sizeof(service->limit.source_datagram_rate));
}

/* ---- references ------------------------------------------------------------ */

static const struct conf_pool *
find_pool(const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < conf->npools; i++) {
		if (strcmp(conf->pools[i].name, name) == 0)
			return &conf->pools[i];
	}
	return NULL;
}

static unsigned
count_places(const struct conf_pool *pool, const struct conf_server *server)
{
	switch (server->target.kind) {
	case TARGET_SRV:
		return (unsigned)pool->addresses;
	case TARGET_NAME:
		return pool->resolve == RESOLVE_ALL ? (unsigned)pool->addresses
						    : 1;
	default:
		return 1;
	}
}

static void
link_all(struct conf *conf)
{
	size_t i, j;

	for (i = 0; i < conf->nservices; i++) {
		struct conf_service *service = &conf->services[i];

		if (service->pool_name != NULL)
			service->pool = find_pool(conf, service->pool_name);
	}
	for (i = 0; i < conf->npools; i++) {
		struct conf_pool *pool = &conf->pools[i];

		for (j = 0; j < pool->nservers; j++)
			pool->servers[j].nplaces =
			    count_places(pool, &pool->servers[j]);
	}
}

/* ---- the whole -------------------------------------------------------------- */

int
conf_build(struct conf *conf, struct conf_errors *errors)
{
	struct conf_source *source = conf->source;
	struct filling f = { .conf = conf, .errors = errors };
	size_t i;

	source->scopes[0].file = source->files[0]->name;
	source->scopes[0].base = conf;
	for (i = 0; i < NKINDS; i++) {
		if (make_elements(source, &kinds[i]) == -1)
			return -1;
	}
	for (i = 0; i < conf->nservices; i++)
		conf->services[i].handler = HANDLER_COUNT;
	for (i = 0; i < source->nscopes; i++) {
		f.scope = &source->scopes[i];
		if (fill(&f) == -1)
			return -1;
		if (f.scope->section == SECTION_SERVICE)
			fill_relay(f.scope);
	}
	link_all(conf);
	return 0;
}

static void
release_values(const struct conf_scope *scope)
{
	size_t i;

	for (i = 0; i < conf_noptions; i++) {
		const struct conf_option *option = &conf_options[i];

		if (option->type->release != NULL &&
		    conf_section_scope(option->section) == scope->section)
			option->type->release(option, scope->base);
	}
}

void
conf_release(struct conf *conf)
{
	struct conf_source *source = conf->source;
	size_t i, j;

	/* Backwards: what lies in another is behind it. */
	for (i = source->nscopes; i-- > 0;) {
		const struct conf_scope *scope = &source->scopes[i];
		char *name;

		if (scope->base == NULL)
			continue;
		release_values(scope);
		for (j = 0; j < NKINDS; j++) {
			enum conf_section_id section = kinds[j].section;

			if (conf_sections[section].parent == scope->section)
				mem_free(load_items(&kinds[j], scope->base));
			if (section != scope->section)
				continue;
			memcpy(&name, (char *)scope->base + kinds[j].name,
			    sizeof(name));
			mem_free(name);
		}
	}
}
