/*
 * The cross-check: what options say together.  What concerns every kind of
 * scope is here.
 */
#include "conf/check.h"

#include <inttypes.h>

#include "base/units.h"
#include "conf/check_common.h"
#include "conf/effect.h"

/* Each worker reads through a buffer of 64 KiB and writes through another. */
#define WORKER_MEMORY_MIN (UINT64_C(128) * 1024)

/* Options of which one gives the value of another. */
static void
check_replaced(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_setting *one, *other;
	size_t i;

	for (i = 0; i < conf_noptions; i++) {
		const struct conf_option *option = &conf_options[i];

		if (option->replaces == NULL)
			continue;
		one = conf_scope_find(scope, option);
		other = conf_scope_find(
		    scope, conf_option_get(option->section, option->replaces));
		if (one == NULL || other == NULL)
			continue;
		conf_error_add(check->errors, false, one->file, one->line,
		    "%s and %s exclude each other; the other is at %s:%d",
		    option->name, option->replaces, other->file, other->line);
	}
}

/* Whether it is not known what transports the scope has. */
static bool
is_unclear(const struct check *check, const struct conf_scope *scope)
{
	size_t i;

	if (scope->section == SECTION_SERVICE)
		return conf_check_lacks_addresses(scope);
	for (i = 1; i < check->source->nscopes; i++) {
		const struct conf_scope *other = &check->source->scopes[i];

		if (other->section == SECTION_SERVICE &&
		    conf_check_lacks_addresses(other))
			return true;
	}
	return false;
}

static void
check_effects(const struct check *check, const struct conf_scope *scope)
{
	size_t i;

	for (i = 0; i < scope->nsettings; i++) {
		const struct conf_setting *setting = &scope->settings[i];

		if (conf_option_has_transport(
			check->conf, scope, setting->option) ||
		    is_unclear(check, scope))
			continue;
		conf_error_add(check->errors, true, setting->file,
		    setting->line,
		    scope->section == SECTION_SERVICE
			? "%s has no effect: the service has no address of "
			  "such a kind"
			: "%s has no effect: no service of the pool has an "
			  "address of such a kind",
		    setting->option->name);
	}
}

static void
check_scope(const struct check *check, const struct conf_scope *scope)
{
	check_replaced(check, scope);
	check_effects(check, scope);
	if (scope->section == SECTION_SERVICE)
		conf_check_service(check, scope);
	else if (scope->section == SECTION_POOL)
		conf_check_pool(check, scope);
}

static void
check_memory(const struct check *check)
{
	const struct conf *conf = check->conf;
	const struct conf_scope *global = &check->source->scopes[0];
	const struct conf_setting *setting;
	uint64_t least = WORKER_MEMORY_MIN * conf->workers;
	char memory[UNITS_STRLEN], text[UNITS_STRLEN];

	if (conf->memory >= least)
		return;
	setting =
	    conf_scope_find(global, conf_option_get(SECTION_LIMITS, "memory"));
	if (setting == NULL)
		setting = conf_scope_find(
		    global, conf_option_get(SECTION_GLOBAL, "workers"));
	conf_error_add(check->errors, false, setting->file, setting->line,
	    "%s of memory are too little for %u workers, which need %s",
	    units_format_size(conf->memory, memory, sizeof(memory)),
	    conf->workers, units_format_size(least, text, sizeof(text)));
}

void
conf_check(const struct conf *conf, const struct conf_source *source,
    struct conf_errors *errors)
{
	struct check check = { conf, source, errors };
	size_t i;

	check_memory(&check);
	conf_check_listen(&check);
	conf_check_status(&check);
	for (i = 0; i < source->nscopes; i++)
		check_scope(&check, &source->scopes[i]);
	conf_check_places(&check);
	conf_check_loops(&check);
	if (conf->nservices == 0 && !source->scopes[0].incomplete)
		conf_error_add(errors, false, source->files[0]->name, 0,
		    "there is no service");
}
