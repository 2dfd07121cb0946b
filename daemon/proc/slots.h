/*
 * Where the things of a configuration are in the shared state.
 *
 * They are found by name, so what keeps its name keeps its counters, its
 * health and its limits over a reload.
 */
#ifndef MUXD_PROC_SLOTS_H
#define MUXD_PROC_SLOTS_H

#include <stddef.h>

#include "conf/conf.h"
#include "state/state.h"

struct slots {
	unsigned *services; /* by the order of conf->services */
	unsigned *pools;    /* by the order of conf->pools */
	unsigned *places;   /* the first place of each server, pool by pool */
};

/* How many places the servers of a configuration need. */
size_t slots_places(const struct conf *conf);

/*
 * Find them all, for the configuration of that number; new names are noted as
 * used by it.  -1 with errno (ENOSPC: there is no room for them); slots_free()
 * releases what there is, also of zeroed memory.
 */
int slots_make(struct slots *slots, const struct conf *conf,
    struct state *state, uint32_t number);
void slots_free(struct slots *slots);

/* The configuration is in force: note that all its names are used by it. */
void slots_use(const struct slots *slots, const struct conf *conf,
    struct state *state, uint32_t number);

/*
 * Write what the configuration says of the servers: their administrative
 * state, and the addresses that are no names.  One that has another address
 * than before is another server.  before is the configuration that was in
 * force, or NULL.  Called by the one who writes addresses: the monitor, or the
 * master while there is none.
 */
void slots_apply(const struct slots *slots, const struct conf *conf,
    const struct conf *before, struct state *state);

#endif
