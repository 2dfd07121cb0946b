/*
 * The cross-check: what options say together.
 *
 * An address may be used once.  The same port of 0.0.0.0 and of 127.0.0.1 is
 * no clash: with SO_REUSEPORT on both, which muxd sets, bind(2) takes them,
 * and the kernel prefers the socket whose address is the more exact.
 */
#include "conf/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

/* Each worker reads through a buffer of 64 KiB and writes through another. */
#define WORKER_MEMORY_MIN (UINT64_C(128) * 1024)

struct check {
	const struct conf *conf;
	const struct conf_source *source;
	struct conf_errors *errors;
};

static const struct conf_scope *
scope_of(const struct check *check, const struct conf_service *service)
{
	return &check->source->scopes[1 + (service - check->conf->services)];
}

/* ---- addresses ------------------------------------------------------------------ */

struct use {
	struct endpoint endpoint;
	const struct conf_service *service;
	const struct conf_setting *setting;
};

static int
compare_uses(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int order = (int)x->endpoint.transport - (int)y->endpoint.transport;

	if (order == 0)
		order = strcmp(x->endpoint.path, y->endpoint.path);
	if (order == 0)
		order = addr_compare(&x->endpoint.addr, &y->endpoint.addr);
	if (order == 0)
		order = (x->service > y->service) - (x->service < y->service);
	if (order == 0)
		order = (x->setting > y->setting) - (x->setting < y->setting);
	return order;
}

static void
report_clash(const struct check *check, const struct use *first,
    const struct use *second)
{
	char text[ENDPOINT_STRLEN];

	endpoint_format(&second->endpoint, text, sizeof(text));
	if (first->service == second->service)
		conf_error_add(check->errors, false, second->setting->file,
		    second->setting->line, "%s is listed twice, first at %s:%d",
		    text, first->setting->file, first->setting->line);
	else
		conf_error_add(check->errors, false, second->setting->file,
		    second->setting->line,
		    "service \"%s\" cannot listen on %s: service \"%s\" does, "
		    "at %s:%d",
		    second->service->name, text, first->service->name,
		    first->setting->file, first->setting->line);
}

/* Port 0 is as many ports as it is asked for. */
static bool
never_clashes(const struct endpoint *endpoint)
{
	return endpoint->transport != TRANSPORT_UNIX &&
	    endpoint->addr.port == 0;
}

static size_t
collect_uses(const struct check *check, struct use *uses)
{
	const struct conf_option *listen =
	    conf_option_get(SECTION_SERVICE, "listen");
	const struct conf *conf = check->conf;
	size_t i, j, n = 0;

	for (i = 0; i < conf->nservices; i++) {
		const struct conf_service *service = &conf->services[i];
		const struct conf_scope *scope = scope_of(check, service);

		if (scope->repeated)
			continue;
		for (j = 0; j < service->nlisten; j++) {
			if (never_clashes(&service->listen[j]))
				continue;
			uses[n].endpoint = service->listen[j];
			uses[n].service = service;
			uses[n++].setting =
			    conf_scope_element(scope, listen, j);
		}
	}
	return n;
}

static void
check_control(const struct check *check, const struct use *use)
{
	const char *control = check->conf->control;
	const char *path = use->endpoint.path;
	size_t len = strlen(control);

	if (use->endpoint.transport == TRANSPORT_UNIX &&
	    strncmp(path, control, len) == 0 &&
	    (path[len] == '\0' || strcmp(path + len, ".lock") == 0))
		conf_error_add(check->errors, false, use->setting->file,
		    use->setting->line,
		    "service \"%s\" cannot listen on %s: it belongs to muxd's "
		    "own control socket",
		    use->service->name, path);
}

static void
check_addresses(const struct check *check)
{
	const struct conf *conf = check->conf;
	size_t i, n = 0;
	struct use *uses;

	for (i = 0; i < conf->nservices; i++)
		n += conf->services[i].nlisten;
	uses = mem_array(n + 1, sizeof(*uses));
	if (uses == NULL) {
		conf_error_add(check->errors, false,
		    check->source->files[0]->name, 0, "out of memory");
		return;
	}
	n = collect_uses(check, uses);
	qsort(uses, n, sizeof(*uses), compare_uses);
	for (i = 0; i < n; i++) {
		check_control(check, &uses[i]);
		if (i > 0 &&
		    endpoint_equal(&uses[i - 1].endpoint, &uses[i].endpoint))
			report_clash(check, &uses[i - 1], &uses[i]);
	}
	mem_free(uses);
}

/* ---- a service ------------------------------------------------------------------- */

/* The set of transports it listens on. */
static unsigned
transports_of(const struct conf_service *service)
{
	unsigned transports = 0;
	size_t i;

	for (i = 0; i < service->nlisten; i++)
		transports |= service->listen[i].transport;
	return transports;
}

static void
check_transports(const struct check *check, const struct conf_service *service)
{
	const struct conf_handler_info *handler =
	    &conf_handlers[service->handler];
	const struct conf_option *listen =
	    conf_option_get(SECTION_SERVICE, "listen");
	const struct conf_setting *setting;
	size_t i;

	for (i = 0; i < service->nlisten; i++) {
		if (handler->transports & service->listen[i].transport)
			continue;
		setting =
		    conf_scope_element(scope_of(check, service), listen, i);
		conf_error_add(check->errors, false, setting->file,
		    setting->line, "the handler \"%s\" does not speak %s",
		    handler->name,
		    transport_name(service->listen[i].transport));
	}
}

static void
check_sections(const struct check *check, const struct conf_service *service)
{
	const struct conf_scope *scope = scope_of(check, service);
	const struct conf_handler_info *handler =
	    &conf_handlers[service->handler];
	size_t i;

	for (i = 0; i < scope->nsections; i++) {
		const struct conf_opening *opening = &scope->sections[i];
		const char *name = conf_section_name(opening->section);

		if (!conf_sections[opening->section].handler ||
		    (handler->section != NULL &&
			strcmp(name, handler->section) == 0))
			continue;
		conf_error_add(check->errors, false, opening->file,
		    opening->line,
		    "section \"%s\" is for the handler of that name; this "
		    "service's is \"%s\"",
		    name, handler->name);
	}
}

/* Whether an address in the text did not become one. */
static bool
lacks_addresses(const struct conf_scope *scope)
{
	const struct conf_option *listen =
	    conf_option_get(SECTION_SERVICE, "listen");
	size_t i;

	for (i = 0; i < scope->nsettings; i++) {
		if (scope->settings[i].option == listen &&
		    scope->settings[i].number == 0)
			return true;
	}
	return false;
}

/* Options that can do nothing for this service. */
static void
check_effects(const struct check *check, const struct conf_service *service)
{
	const struct conf_scope *scope = scope_of(check, service);
	unsigned transports = transports_of(service);
	size_t i;

	if (transports == 0 || lacks_addresses(scope))
		return;
	for (i = 0; i < scope->nsettings; i++) {
		const struct conf_setting *setting = &scope->settings[i];
		const struct conf_option *option = setting->option;

		if (option->transports == 0 ||
		    (option->transports & transports) != 0)
			continue;
		conf_error_add(check->errors, true, setting->file,
		    setting->line,
		    "%s has no effect: the service has no address of such a "
		    "kind",
		    option->name);
	}
}

static void
check_defer_accept(
    const struct check *check, const struct conf_service *service)
{
	const struct conf_setting *setting =
	    conf_scope_find(scope_of(check, service),
		conf_option_get(SECTION_SERVICE_SOCKET, "defer_accept"));

	if (service->socket.defer_accept == 0 || setting == NULL ||
	    !conf_handlers[service->handler].speaks_first ||
	    !(transports_of(service) & TRANSPORT_TCP))
		return;
	conf_error_add(check->errors, true, setting->file, setting->line,
	    "defer_accept delays every client: the handler \"%s\" speaks "
	    "first, and its clients wait for it",
	    conf_handlers[service->handler].name);
}

/* RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5 */
static void
check_http(const struct check *check, const struct conf_service *service)
{
	unsigned status = service->http.status;
	const struct conf_setting *setting =
	    conf_scope_find(scope_of(check, service),
		conf_option_get(SECTION_SERVICE_HTTP, "status"));

	if (service->handler != HANDLER_HTTP || service->http.body_len == 0 ||
	    setting == NULL ||
	    (status != 204 && status != 205 && status != 304))
		return;
	conf_error_add(check->errors, false, setting->file, setting->line,
	    "a response with status %u has no body, and there is one", status);
}

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

static void
check_service(const struct check *check, const struct conf_service *service)
{
	const struct conf_scope *scope = scope_of(check, service);

	check_replaced(check, scope);
	check_effects(check, service);
	/* Without a handler there is nothing to hold the rest against. */
	if (service->handler == HANDLER_COUNT)
		return;
	check_transports(check, service);
	check_sections(check, service);
	check_defer_accept(check, service);
	check_http(check, service);
}

/* ---- the whole ---------------------------------------------------------------------- */

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
	check_addresses(&check);
	for (i = 0; i < conf->nservices; i++)
		check_service(&check, &conf->services[i]);
	if (conf->nservices == 0 && !source->incomplete)
		conf_error_add(errors, false, source->files[0]->name, 0,
		    "there is no service");
}
