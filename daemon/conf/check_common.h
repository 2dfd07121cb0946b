/*
 * What the files of the cross-check share among themselves.  Each looks at
 * one concern; all of them run, whatever the others find.
 */
#ifndef MUXD_CONF_CHECK_COMMON_H
#define MUXD_CONF_CHECK_COMMON_H

#include "conf/source.h"

struct check {
	const struct conf *conf;
	const struct conf_source *source;
	struct conf_errors *errors;
};

/* check_listen.c: where services listen. */
void conf_check_listen(const struct check *check);

/* check_service.c: the options of a service, and what they refer to. */
void conf_check_service(
    const struct check *check, const struct conf_scope *scope);

/* check_pool.c: the options of a pool, against the services that use it; and
 * the places that all servers take. */
void conf_check_pool(const struct check *check, const struct conf_scope *scope);
void conf_check_places(const struct check *check);

/* check_status.c: where the status page is served. */
void conf_check_status(const struct check *check);

/* check_loop.c: no connection may come back to the pool it left. */
void conf_check_loops(const struct check *check);

/* Whether an address in the text of a service did not become one, so that
 * nothing can be said of what it listens on. */
bool conf_check_lacks_addresses(const struct conf_scope *scope);

#endif
