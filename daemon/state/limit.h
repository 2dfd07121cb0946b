/*
 * Limits that several workers share, and who waits for them.
 *
 * A worker that finds a limit full says that it waits (limit_wait()) and
 * then tries once more, since the count may have fallen in between; who
 * gives back to a limit that somebody waits for wakes all of these, and
 * thereby ends their waiting.  A worker that is woken in vain waits again.
 *
 * The name that is noted is the worker's, for all in it that wait: several
 * doors, or the pool.  So who has got what it wanted leaves the name where
 * it is, since it may stand for somebody else too; what is left behind costs
 * one needless wake-up.  A worker that dies between taking the
 * names of those who wait and waking them takes the names with it; therefore
 * state_release_worker() wakes everybody.
 */
#ifndef MUXD_STATE_LIMIT_H
#define MUXD_STATE_LIMIT_H

#include "state/state.h"

/* Take n of the limit; see tally_take(). */
bool limit_take(struct limit *limit, const struct tally_author *author,
    uint32_t n, uint32_t max, _Atomic uint32_t *holder, uint32_t after);

/* Give n back and wake who waits. */
void limit_give(struct state *state, struct limit *limit,
    const struct tally_author *author, uint32_t n, _Atomic uint32_t *holder,
    uint32_t after);

/* Ask for the worker to be woken when the limit falls.  The caller must try
 * limit_take() again after this and before it sleeps. */
void limit_wait(struct limit *limit, unsigned worker);

/* The worker's process has ended, and nothing in it waits any more. */
void limit_unwait(struct limit *limit, unsigned worker);

/* Wake all who wait, as after a change of the maximum. */
void limit_wake(struct state *state, struct limit *limit);

#endif
