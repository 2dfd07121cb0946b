/*
 * Where the things of the configuration are in the shared state.
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

/* How many places all the servers of a configuration need. */
size_t slots_places(const struct conf *conf);

/* Find them, and give the servers whose address is no name their addresses.
 * -1 with errno; slots_free() releases what there is, also of zeroed
 * memory. */
int slots_make(
    struct slots *slots, const struct conf *conf, struct state *state);
void slots_free(struct slots *slots);

#endif
