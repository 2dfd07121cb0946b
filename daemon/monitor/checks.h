/*
 * Active health checks: once in the monitor, for all workers, who find the
 * result in the shared state (state/servers.h).
 *
 *   UNCHECKED ──1 good──► UP ◄──rise good in a row── DOWN
 *       │                  └───fall bad in a row─────►▲
 *       └────────────fall bad in a row────────────────┘
 *
 * Each place of a server is checked by itself, one check at a time, on a
 * timer of its own: the first one at a random moment of the interval, the
 * others an interval apart, give or take a tenth, so that neither servers nor
 * clients see checks or recoveries march in step.  A place that has no
 * address or is disabled is not checked, and has no timer: it is UNCHECKED.
 *
 * What the shared state says outlives the monitor: a successor goes on from
 * there, and only its counts in a row begin again.
 */
#ifndef MUXD_MONITOR_CHECKS_H
#define MUXD_MONITOR_CHECKS_H

#include <stdint.h>

#include "base/log.h"
#include "conf/conf.h"
#include "event/loop.h"
#include "state/servers.h"

struct checks;

struct checks_config {
	struct loop *loop;
	struct log *log;
	struct state *state;
	const struct conf *conf;
	/* The first place of each server, pool by pool. */
	const unsigned *places;
	unsigned max;  /* checks under way at once, each with a descriptor */
	uint64_t seed; /* of what is left to chance */
};

/* Begin to check.  What config points at must outlive the checks.  NULL with
 * ENOMEM. */
struct checks *checks_open(const struct checks_config *config);

/* Break off what is under way, and forget it.  The state of the servers stays
 * as it is.  May be called in a turn of the loop. */
void checks_close(struct checks *set);

/* The place of that number has got another address or none, or was disabled
 * or enabled: a check that is under way says nothing of it any more.  Whoever
 * changes the shared state calls this; places that are not checked are left
 * alone. */
void checks_place_changed(struct checks *set, unsigned number);

#endif
