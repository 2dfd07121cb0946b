/*
 * What the checks of one place add up to: counted here, written into the
 * shared state, and logged.
 */
#ifndef MUXD_MONITOR_CHECK_HEALTH_H
#define MUXD_MONITOR_CHECK_HEALTH_H

#include <stdint.h>

#include "base/log.h"
#include "monitor/check.h"
#include "state/servers.h"

struct check_health {
	struct log *log;
	struct log_limit *voids; /* of records of checks that say nothing */
	struct state *state;
	struct state_server *shared;
	const struct check_setup *setup;
	const struct conf_server *server;
	const unsigned
	    *places;      /* the first one of each of the pool's servers */
	uint64_t down_ms; /* when it went down; 0: not known */
	uint32_t row;     /* checks in a row that speak against it */
};

/* Count a check of the place, whose address is addr.  If that makes it up,
 * the workers are woken. */
void check_health_note(struct check_health *health, const struct addr *addr,
    const struct check_result *result, uint64_t now_ms);

/* Nothing is known of it (any more). */
void check_health_forget(struct check_health *health);

#endif
