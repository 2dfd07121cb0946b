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

/* Whether a listening socket of one keeps the status page from the other: its
 * sockets join no group (SO_REUSEPORT), so that all addresses of a family
 * cannot be had beside one of them.  Those of IPv6 are no IPv4 ones as well
 * (IPV6_V6ONLY). */
static bool
exclude(const struct endpoint *a, const struct endpoint *b)
{
	if (a->transport != b->transport || a->addr.port == 0)
		return false;
	return endpoint_equal(a, b) ||
	    (a->addr.family == b->addr.family && a->addr.port == b->addr.port &&
		(addr_is_any(&a->addr) || addr_is_any(&b->addr)));
}

/* The setting of a service that keeps the status page from the address, or
 * NULL. */
static const struct conf_setting *
find_rival(const struct check *check, const struct endpoint *endpoint,
    const struct conf_service **service, const struct endpoint **theirs)
{
	const struct conf_option *listen =
	    conf_option_get(SECTION_SERVICE, "listen");
	const struct conf *conf = check->conf;
	size_t i, j;

	for (i = 0; i < conf->nservices; i++) {
		*service = &conf->services[i];
		for (j = 0; j < (*service)->nlisten; j++) {
			*theirs = &(*service)->listen[j];
			if (exclude(*theirs, endpoint))
				return conf_scope_element(
				    conf_source_scope(check->source, *service),
				    listen, j);
		}
	}
	return NULL;
}

static void
check_rival(const struct check *check, const struct conf_setting *setting,
    const struct endpoint *endpoint)
{
	const struct conf_service *service;
	const struct conf_setting *rival;
	const struct endpoint *theirs;
	char text[ENDPOINT_STRLEN], other[ENDPOINT_STRLEN];

	rival = find_rival(check, endpoint, &service, &theirs);
	if (rival == NULL)
		return;
	endpoint_format(endpoint, text, sizeof(text));
	endpoint_format(theirs, other, sizeof(other));
	conf_error_add(check->errors, false, setting->file, setting->line,
	    "status.listen = %s: service \"%s\" listens on %s, at %s:%d", text,
	    service->name, other, rival->file, rival->line);
}

static void
check_address(const struct check *check, const struct conf_setting *setting,
    const struct endpoint *endpoint)
{
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
	check_rival(check, setting, endpoint);
}

/* Two addresses of the page itself. */
static void
check_pair(const struct check *check, const struct conf_setting *setting,
    const struct endpoint *endpoint, const struct endpoint *before)
{
	char text[ENDPOINT_STRLEN], other[ENDPOINT_STRLEN];

	if (!exclude(endpoint, before))
		return;
	endpoint_format(endpoint, text, sizeof(text));
	endpoint_format(before, other, sizeof(other));
	if (endpoint_equal(endpoint, before))
		conf_error_add(check->errors, false, setting->file,
		    setting->line, "status.listen has the same address twice");
	else
		conf_error_add(check->errors, false, setting->file,
		    setting->line,
		    "status.listen cannot have both %s and %s: one is all "
		    "addresses of the other's kind",
		    other, text);
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
			check_pair(check, setting, &status->listen[i],
			    &status->listen[j]);
	}
}
