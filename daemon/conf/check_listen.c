/*
 * The cross-check of addresses: each may be used once.  The same port of
 * 0.0.0.0 and of 127.0.0.1 is no clash: with SO_REUSEPORT on both, which muxd
 * sets, bind(2) takes them, and the kernel prefers the socket whose address is
 * the more exact.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/check_common.h"

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
		const struct conf_scope *scope =
		    conf_source_scope(check->source, service);

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

void
conf_check_listen(const struct check *check)
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
