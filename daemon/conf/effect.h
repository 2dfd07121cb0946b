/*
 * Which options can do something: what the dump leaves out is what the check
 * complains of.
 */
#ifndef MUXD_CONF_EFFECT_H
#define MUXD_CONF_EFFECT_H

#include "conf/source.h"

/* The set of transports that a service listens on. */
unsigned conf_service_transports(const struct conf_service *service);

/* The set that a pool's clients come by: of all services that use it. */
unsigned conf_pool_transports(
    const struct conf *conf, const struct conf_pool *pool);

/* The transports of a scope that is a service or a pool, or 0. */
unsigned conf_scope_transports(
    const struct conf *conf, const struct conf_scope *scope);

/* Whether the option is for the transports of its scope, or they are not
 * known. */
bool conf_option_has_transport(const struct conf *conf,
    const struct conf_scope *scope, const struct conf_option *option);

/* Whether the option is for the type of check of its pool. */
bool conf_option_has_check(
    const struct conf_scope *scope, const struct conf_option *option);

/* Whether the section is one of another handler than the service's. */
bool conf_section_is_foreign(
    const struct conf_scope *scope, enum conf_section_id section);

#endif
