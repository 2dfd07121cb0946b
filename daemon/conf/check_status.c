/*
 * The cross-check of where the status page is served: by TCP alone, to this
 * host alone unless somebody wants it otherwise, and beside no service.
 */
#include "conf/check_common.h"

static bool
is_loopback(const struct addr *addr)
{
	static const struct addr one = { .family = ADDR_INET6,
		.ip = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } };
	struct addr same = *addr;

	same.port = 0;
	if (addr->family == ADDR_INET4)
		return addr->ip[0] == 127;
	return addr_compare(&same, &one) == 0;
}

/* The service that has the address, or NULL. */
static const struct conf_service *
find_owner(const struct conf *conf, const struct endpoint *endpoint)
{
	size_t i, j;

	for (i = 0; i < conf->nservices; i++)
		for (j = 0; j < conf->services[i].nlisten; j++)
			if (endpoint_equal(
				&conf->services[i].listen[j], endpoint))
				return &conf->services[i];
	return NULL;
}

static void
check_address(const struct check *check, const struct conf_setting *setting,
    const struct endpoint *endpoint)
{
	const struct conf_service *owner;
	char text[ENDPOINT_STRLEN];

	endpoint_format(endpoint, text, sizeof(text));
	if (endpoint->transport != TRANSPORT_TCP) {
		conf_error_add(check->errors, false, setting->file,
		    setting->line,
		    "status.listen = %s: the status page is "
		    "served by TCP alone",
		    text);
		return;
	}
	if (!check->conf->status.allow_remote && !is_loopback(&endpoint->addr))
		conf_error_add(check->errors, false, setting->file,
		    setting->line,
		    "status.listen = %s can be reached from "
		    "other hosts, and the page asks nobody who he is; if that "
		    "is meant, say allow_remote = true",
		    text);
	owner =
	    endpoint->addr.port != 0 ? find_owner(check->conf, endpoint) : NULL;
	if (owner != NULL)
		conf_error_add(check->errors, false, setting->file,
		    setting->line,
		    "status.listen = %s: service \"%s\" listens there, at "
		    "%s:%d",
		    text, owner->name, owner->file, owner->line);
}

void
conf_check_status(const struct check *check)
{
	const struct conf_option *option =
	    conf_option_get(SECTION_STATUS, "listen");
	const struct conf_scope *global = &check->source->scopes[0];
	const struct conf_status *status = &check->conf->status;
	const struct conf_setting *setting;
	size_t i, j;

	for (i = 0; i < status->nlisten; i++) {
		setting = conf_scope_element(global, option, i);
		check_address(check, setting, &status->listen[i]);
		for (j = 0; j < i; j++)
			if (status->listen[i].addr.port != 0 &&
			    endpoint_equal(
				&status->listen[i], &status->listen[j]))
				conf_error_add(check->errors, false,
				    setting->file, setting->line,
				    "status.listen has the same address "
				    "twice");
	}
}
