/*
 * The cross-check of a pool: in itself, and against the services that use
 * it.
 */
#include <inttypes.h>

#include "conf/check_common.h"
#include "conf/effect.h"

/* Places are numbered in 16 bits, of which one number stands for none. */
#define PLACES_MAX 65535

/* ---- checks of servers ------------------------------------------------------ */

/* Whether the options of the check are all as they were written. */
static bool
knows_check(const struct conf_scope *scope)
{
	const struct conf_setting *type =
	    conf_scope_find(scope, conf_option_get(SECTION_POOL_CHECK, "type"));

	return !scope->incomplete && (type == NULL || !type->bad);
}

/* The one type of check that the option is for, or CHECK_NONE. */
static enum conf_check_type
only_check(const struct conf_option *option)
{
	if (option->checks == 1U << CHECK_HTTP)
		return CHECK_HTTP;
	if (option->checks == 1U << CHECK_SEND)
		return CHECK_SEND;
	return CHECK_NONE;
}

static void
check_check_options(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_pool *pool = scope->base;
	const struct conf_option *type =
	    conf_option_get(SECTION_POOL_CHECK, "type");
	size_t i;

	for (i = 0; i < scope->nsettings; i++) {
		const struct conf_setting *setting = &scope->settings[i];
		enum conf_check_type only = only_check(setting->option);

		if (conf_option_has_check(scope, setting->option))
			continue;
		if (only == CHECK_NONE)
			conf_error_add(check->errors, true, setting->file,
			    setting->line,
			    "%s has no effect: the pool's servers are not "
			    "checked",
			    setting->option->name);
		else
			conf_error_add(check->errors, false, setting->file,
			    setting->line,
			    "%s is for checks of type \"%s\"; this pool's is "
			    "\"%s\"",
			    setting->option->name, type->word(only),
			    type->word(pool->check.type));
	}
}

/* A check that neither asks nor listens is one of type tcp. */
static void
check_check_send(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_pool *pool = scope->base;
	const struct conf_setting *type =
	    conf_scope_find(scope, conf_option_get(SECTION_POOL_CHECK, "type"));
	size_t i;

	if (pool->check.type != CHECK_SEND || pool->check.send_len > 0 ||
	    pool->check.expect_len > 0)
		return;
	for (i = 0; i < scope->nsettings; i++) {
		if (only_check(scope->settings[i].option) == CHECK_SEND &&
		    scope->settings[i].bad)
			return;
	}
	conf_error_add(check->errors, false, type->file, type->line,
	    "a check of type \"send\" needs something to send or to expect");
}

/* ---- servers ----------------------------------------------------------------- */

static void
check_servers(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_pool *pool = scope->base;
	size_t i;

	if (scope->incomplete)
		return;
	if (pool->nservers == 0) {
		conf_error_add(check->errors, false, scope->file, scope->line,
		    "pool \"%s\" has no server", pool->name);
		return;
	}
	for (i = 0; i < pool->nservers; i++) {
		if (!pool->servers[i].backup)
			return;
	}
	conf_error_add(check->errors, true, scope->file, scope->line,
	    "all servers of pool \"%s\" are backup servers, so none is",
	    pool->name);
}

/* ---- against services --------------------------------------------------------- */

/* Whether all is known that services refer to. */
static bool
knows_references(const struct conf_source *source)
{
	const struct conf_option *option =
	    conf_option_get(SECTION_SERVICE, "pool");
	size_t i;

	if (source->scopes[0].incomplete)
		return false;
	for (i = 1; i < source->nscopes; i++) {
		const struct conf_scope *scope = &source->scopes[i];
		const struct conf_service *service = scope->base;

		if (scope->section == SECTION_SERVICE &&
		    (scope->incomplete ||
			(service->pool == NULL &&
			    conf_scope_find(scope, option) != NULL)))
			return false;
	}
	return true;
}

static void
check_use(const struct check *check, const struct conf_pool *pool)
{
	size_t i;

	for (i = 0; i < check->conf->nservices; i++) {
		if (check->conf->services[i].pool == pool)
			return;
	}
	if (knows_references(check->source))
		conf_error_add(check->errors, true, pool->file, pool->line,
		    "no service uses pool \"%s\"", pool->name);
}

/* The first service that gives the pool datagrams to relay, or NULL. */
static const struct conf_service *
find_datagrams(const struct conf *conf, const struct conf_pool *pool)
{
	size_t i;

	for (i = 0; i < conf->nservices; i++) {
		const struct conf_service *service = &conf->services[i];

		if (service->pool == pool &&
		    (conf_service_transports(service) & TRANSPORT_UDP) != 0)
			return service;
	}
	return NULL;
}

static void
check_unix_server(const struct check *check, const struct conf_server *server,
    const struct conf_service *service)
{
	const struct conf_setting *address =
	    conf_scope_find(conf_source_scope(check->source, server),
		conf_option_get(SECTION_POOL_SERVER, "address"));

	conf_error_add(check->errors, false, address->file, address->line,
	    "server \"%s\" cannot take the datagrams of service \"%s\": a UNIX "
	    "socket is a stream here",
	    server->name, service->name);
}

static void
check_datagrams(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_pool *pool = scope->base;
	const struct conf_service *service = find_datagrams(check->conf, pool);
	const struct conf_setting *setting;
	size_t i;

	if (service == NULL)
		return;
	for (i = 0; i < pool->nservers; i++) {
		if (pool->servers[i].target.kind == TARGET_UNIX)
			check_unix_server(check, &pool->servers[i], service);
	}
	if (pool->proxy_protocol != PROXY_V1)
		return;
	setting = conf_scope_find(
	    scope, conf_option_get(SECTION_POOL, "proxy_protocol"));
	conf_error_add(check->errors, false, setting->file, setting->line,
	    "version 1 of the PROXY protocol is for TCP, and service \"%s\" "
	    "has UDP clients for this pool",
	    service->name);
}

/* ---- the whole ------------------------------------------------------------------ */

static void
check_resolve_bounds(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_pool *pool = scope->base;
	const struct conf_setting *min = conf_scope_find(
	    scope, conf_option_get(SECTION_POOL, "resolve_min"));
	const struct conf_setting *max = conf_scope_find(
	    scope, conf_option_get(SECTION_POOL, "resolve_max"));
	const struct conf_setting *at = max != NULL ? max : min;

	if (pool->resolve_min <= pool->resolve_max ||
	    (min != NULL && min->bad) || (max != NULL && max->bad) ||
	    at == NULL)
		return;
	conf_error_add(check->errors, false, at->file, at->line,
	    "resolve_max is less than resolve_min");
}

void
conf_check_pool(const struct check *check, const struct conf_scope *scope)
{
	check_servers(check, scope);
	check_resolve_bounds(check, scope);
	check_datagrams(check, scope);
	if (knows_check(scope)) {
		check_check_options(check, scope);
		check_check_send(check, scope);
	}
	if (!scope->repeated)
		check_use(check, scope->base);
}

void
conf_check_places(const struct check *check)
{
	const struct conf *conf = check->conf;
	uint64_t places = 0;
	size_t i, j;

	for (i = 0; i < conf->npools; i++) {
		for (j = 0; j < conf->pools[i].nservers; j++) {
			const struct conf_server *server =
			    &conf->pools[i].servers[j];

			places += server->nplaces;
			if (places <= PLACES_MAX)
				continue;
			conf_error_add(check->errors, false, server->file,
			    server->line,
			    "up to this server, all servers and the addresses "
			    "of their names take %" PRIu64
			    " places, of which there are %u",
			    places, PLACES_MAX);
			return;
		}
	}
}
