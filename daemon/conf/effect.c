/*
 * Which options can do something; see effect.h.
 */
#include "conf/effect.h"

#include <string.h>

unsigned
conf_service_transports(const struct conf_service *service)
{
	unsigned transports = 0;
	size_t i;

	for (i = 0; i < service->nlisten; i++)
		transports |= service->listen[i].transport;
	return transports;
}

unsigned
conf_pool_transports(const struct conf *conf, const struct conf_pool *pool)
{
	unsigned transports = 0;
	size_t i;

	for (i = 0; i < conf->nservices; i++) {
		if (conf->services[i].pool == pool)
			transports |=
			    conf_service_transports(&conf->services[i]);
	}
	return transports;
}

unsigned
conf_scope_transports(const struct conf *conf, const struct conf_scope *scope)
{
	if (scope->section == SECTION_SERVICE)
		return conf_service_transports(scope->base);
	if (scope->section == SECTION_POOL)
		return conf_pool_transports(conf, scope->base);
	return 0;
}

bool
conf_option_has_transport(const struct conf *conf,
    const struct conf_scope *scope, const struct conf_option *option)
{
	unsigned transports;

	if (option->transports == 0)
		return true;
	transports = conf_scope_transports(conf, scope);
	return transports == 0 || (option->transports & transports) != 0;
}

bool
conf_option_has_check(
    const struct conf_scope *scope, const struct conf_option *option)
{
	const struct conf_pool *pool = scope->base;

	return option->checks == 0 ||
	    (option->checks & 1U << pool->check.type) != 0;
}

bool
conf_section_is_foreign(
    const struct conf_scope *scope, enum conf_section_id section)
{
	const struct conf_service *service = scope->base;
	const char *own;

	if (!conf_sections[section].handler)
		return false;
	own = conf_handlers[service->handler].section;
	return own == NULL || strcmp(own, conf_section_name(section)) != 0;
}
