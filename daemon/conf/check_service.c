/*
 * The cross-check of a service.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/check_common.h"
#include "conf/effect.h"

static void
check_transports(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_service *service = scope->base;
	const struct conf_handler_info *handler =
	    &conf_handlers[service->handler];
	const struct conf_option *listen =
	    conf_option_get(SECTION_SERVICE, "listen");
	const struct conf_setting *setting;
	size_t i;

	for (i = 0; i < service->nlisten; i++) {
		if (handler->transports & service->listen[i].transport)
			continue;
		setting = conf_scope_element(scope, listen, i);
		conf_error_add(check->errors, false, setting->file,
		    setting->line, "the handler \"%s\" does not speak %s",
		    handler->name,
		    transport_name(service->listen[i].transport));
	}
}

static void
check_sections(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_service *service = scope->base;
	size_t i;

	for (i = 0; i < scope->nsections; i++) {
		const struct conf_opening *opening = &scope->sections[i];
		const char *name = conf_section_name(opening->section);

		if (!conf_section_is_foreign(scope, opening->section))
			continue;
		conf_error_add(check->errors, false, opening->file,
		    opening->line,
		    "section \"%s\" is for the handler of that name; this "
		    "service's is \"%s\"",
		    name, conf_handlers[service->handler].name);
	}
}

static void
check_defer_accept(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_service *service = scope->base;
	const struct conf_setting *setting = conf_scope_find(
	    scope, conf_option_get(SECTION_SERVICE_SOCKET, "defer_accept"));

	if (service->socket.defer_accept == 0 || setting == NULL ||
	    !conf_handlers[service->handler].speaks_first ||
	    !(conf_service_transports(service) & TRANSPORT_TCP))
		return;
	conf_error_add(check->errors, true, setting->file, setting->line,
	    "defer_accept delays every client: the handler \"%s\" speaks "
	    "first, and its clients wait for it",
	    conf_handlers[service->handler].name);
}

/* RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5 */
static void
check_http(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_service *service = scope->base;
	unsigned status = service->http.status;
	const struct conf_setting *setting = conf_scope_find(
	    scope, conf_option_get(SECTION_SERVICE_HTTP, "status"));

	if (service->handler != HANDLER_HTTP || service->http.body_len == 0 ||
	    setting == NULL ||
	    (status != 204 && status != 205 && status != 304))
		return;
	conf_error_add(check->errors, false, setting->file, setting->line,
	    "a response with status %u has no body, and there is one", status);
}

/* ---- pools ---------------------------------------------------------------------- */

/* The name of a pool closest to what the service says, or NULL. */
static const char *
similar_pool(const struct conf *conf, const char *name)
{
	const char **known = mem_array(conf->npools + 1, sizeof(*known));
	const char *similar;
	size_t i;

	if (known == NULL)
		return NULL;
	for (i = 0; i < conf->npools; i++)
		known[i] = conf->pools[i].name;
	similar = str_suggest(name, known, conf->npools);
	mem_free(known);
	return similar;
}

static void
report_no_such_pool(const struct check *check, const struct conf_setting *from,
    const char *name)
{
	const char *similar = similar_pool(check->conf, name);

	if (similar != NULL)
		conf_error_add(check->errors, false, from->file, from->line,
		    "there is no pool \"%s\": did you mean \"%s\"?", name,
		    similar);
	else if (check->source->scopes[0].incomplete == false)
		conf_error_add(check->errors, false, from->file, from->line,
		    "there is no pool \"%s\"", name);
}

static void
check_pool(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_service *service = scope->base;
	const struct conf_setting *setting =
	    conf_scope_find(scope, conf_option_get(SECTION_SERVICE, "pool"));

	if (service->handler != HANDLER_RELAY) {
		if (setting != NULL)
			conf_error_add(check->errors, false, setting->file,
			    setting->line,
			    "pool is for the handler \"relay\"; this "
			    "service's is \"%s\"",
			    conf_handlers[service->handler].name);
	} else if (setting == NULL) {
		if (!scope->incomplete)
			conf_error_add(check->errors, false, scope->file,
			    scope->line,
			    "service \"%s\" has no pool, which the handler "
			    "\"relay\" needs",
			    service->name);
	} else if (service->pool == NULL && !setting->bad) {
		report_no_such_pool(check, setting, service->pool_name);
	}
}

/* Datagrams carry no header, and clients of UNIX sockets have no address by
 * which they could be told apart. */
static void
check_accept_proxy(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_service *service = scope->base;
	const struct conf_setting *setting = conf_scope_find(
	    scope, conf_option_get(SECTION_SERVICE, "accept_proxy"));
	unsigned transports = conf_service_transports(service);

	if (setting == NULL || transports == 0 ||
	    (transports & TRANSPORT_TCP) != 0 ||
	    conf_check_lacks_addresses(scope))
		return;
	conf_error_add(check->errors, false, setting->file, setting->line,
	    "accept_proxy is for TCP, and service \"%s\" has no such address",
	    service->name);
}

/* ---- the whole ------------------------------------------------------------------- */

bool
conf_check_lacks_addresses(const struct conf_scope *scope)
{
	const struct conf_option *listen =
	    conf_option_get(SECTION_SERVICE, "listen");
	size_t i;

	for (i = 0; i < scope->nsettings; i++) {
		if (scope->settings[i].option == listen &&
		    scope->settings[i].bad)
			return true;
	}
	return false;
}

void
conf_check_service(const struct check *check, const struct conf_scope *scope)
{
	const struct conf_service *service = scope->base;

	check_accept_proxy(check, scope);
	/* Without a handler there is nothing to hold the rest against. */
	if (service->handler == HANDLER_COUNT)
		return;
	check_transports(check, scope);
	check_sections(check, scope);
	check_defer_accept(check, scope);
	check_http(check, scope);
	check_pool(check, scope);
}
