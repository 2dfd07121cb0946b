/*
 * Sections, handlers, and how options are found.
 */
#include "conf/options.h"

#include <assert.h>
#include <string.h>

#include "conf/source.h"
#include "conf/values.h"

#define TCP  TRANSPORT_TCP
#define UDP  TRANSPORT_UDP
#define UNIX TRANSPORT_UNIX

const struct conf_handler_info conf_handlers[HANDLER_COUNT] = {
	[HANDLER_ECHO] = { "echo", TCP | UDP | UNIX, "echo", false },
	[HANDLER_DISCARD] = { "discard", TCP | UDP | UNIX, NULL, false },
	[HANDLER_CHARGEN] = { "chargen", TCP | UDP | UNIX, NULL, true },
	[HANDLER_DAYTIME] = { "daytime", TCP | UDP | UNIX, NULL, true },
	[HANDLER_TIME] = { "time", TCP | UDP | UNIX, NULL, true },
	[HANDLER_HTTP] = { "http", TCP | UNIX, "http", false },
	[HANDLER_RELAY] = { "relay", TCP | UDP | UNIX, NULL, false },
};

const struct conf_section conf_sections[SECTION_COUNT] = {
	[SECTION_GLOBAL] = { "", SECTION_GLOBAL, false, false },
	[SECTION_LOG] = { "log", SECTION_GLOBAL, false, false },
	[SECTION_LIMITS] = { "limits", SECTION_GLOBAL, false, false },
	[SECTION_DEFAULTS] = { "defaults", SECTION_GLOBAL, false, false },
	[SECTION_RESOLVER] = { "resolver", SECTION_GLOBAL, false, false },
	[SECTION_STATUS] = { "status", SECTION_GLOBAL, false, false },
	[SECTION_SERVICE] = { "service", SECTION_GLOBAL, true, false },
	[SECTION_SERVICE_LIMIT] = { "service.limit", SECTION_SERVICE, false,
	    false },
	[SECTION_SERVICE_SOCKET] = { "service.socket", SECTION_SERVICE, false,
	    false },
	[SECTION_SERVICE_ECHO] = { "service.echo", SECTION_SERVICE, false,
	    true },
	[SECTION_SERVICE_HTTP] = { "service.http", SECTION_SERVICE, false,
	    true },
	[SECTION_POOL] = { "pool", SECTION_GLOBAL, true, false },
	[SECTION_POOL_SERVER] = { "pool.server", SECTION_POOL, true, false },
	[SECTION_POOL_CHECK] = { "pool.check", SECTION_POOL, false, false },
	[SECTION_POOL_SOCKET] = { "pool.socket", SECTION_POOL, false, false },
	[SECTION_POOL_UDP] = { "pool.udp", SECTION_POOL, false, false },
};

const char *
conf_section_name(enum conf_section_id section)
{
	const char *path = conf_sections[section].path;
	const char *dot = strrchr(path, '.');

	return dot != NULL ? dot + 1 : path;
}

int
conf_section_find(enum conf_section_id parent, const char *name)
{
	int i;

	for (i = SECTION_GLOBAL + 1; i < SECTION_COUNT; i++) {
		if (conf_sections[i].parent == parent &&
		    strcmp(conf_section_name((enum conf_section_id)i), name) ==
			0)
			return i;
	}
	return -1;
}

enum conf_section_id
conf_section_scope(enum conf_section_id section)
{
	while (section != SECTION_GLOBAL && !conf_sections[section].titled)
		section = conf_sections[section].parent;
	return section;
}

const struct conf_option *
conf_option_find(enum conf_section_id section, const char *name)
{
	size_t i;

	for (i = 0; i < conf_noptions; i++) {
		if (conf_options[i].section == section &&
		    strcmp(conf_options[i].name, name) == 0)
			return &conf_options[i];
	}
	return NULL;
}

const struct conf_option *
conf_option_get(enum conf_section_id section, const char *name)
{
	const struct conf_option *option = conf_option_find(section, name);

	assert(option != NULL);
	return option;
}

void
conf_origin(const struct conf *conf, const char *section, const char *option,
    const char **file, int *line)
{
	int id = conf_section_find(SECTION_GLOBAL, section);
	const struct conf_option *found = id != -1
	    ? conf_option_find((enum conf_section_id)id, option)
	    : NULL;
	const struct conf_setting *setting = found != NULL
	    ? conf_scope_find(&conf->source->scopes[0], found)
	    : NULL;

	*file = setting != NULL ? setting->file : NULL;
	*line = setting != NULL ? setting->line : 0;
}

bool
conf_option_at(size_t i, struct conf_option_info *info)
{
	const struct conf_option *option;

	if (i >= conf_noptions)
		return false;
	option = &conf_options[i];
	*info = (struct conf_option_info){
		.section = conf_sections[option->section].path,
		.name = option->name,
		.type = option->type->name,
		.fallback = option->fallback,
		.inherits = option->inherits != SECTION_GLOBAL
		    ? conf_sections[option->inherits].path
		    : NULL,
		.required = option->required,
		.applies = option->applies,
	};
	if (conf_value_bounds(option, info->bounds, sizeof(info->bounds)) ==
	    NULL)
		info->bounds[0] = '\0';
	return true;
}
