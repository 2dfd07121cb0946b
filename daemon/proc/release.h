/*
 * What is left when a worker has died.
 */
#ifndef MUXD_PROC_RELEASE_H
#define MUXD_PROC_RELEASE_H

#include "base/log.h"
#include "conf/conf.h"
#include "state/state.h"

/* The process of the worker of that number has ended: give back all that it
 * held, with a record for each session that was lost with it. */
void release_worker(struct log *log, const struct conf *conf,
    struct state *state, unsigned number);

/* The same for all slots of a state that an earlier muxd has left, and for the
 * names that no configuration since that number has. */
void release_adopted(struct log *log, const struct conf *conf,
    struct state *state, uint32_t number);

/* Kill the workers that are there on the other side of the state than the one
 * that begins with first: their master is gone, and they hang. */
void release_kill_orphans(
    struct log *log, const struct state *state, unsigned first);

#endif
