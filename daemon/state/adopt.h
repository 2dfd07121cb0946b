/*
 * Going on with the mapping that an earlier muxd has left, or one that makes
 * room for this one: counters, bans, what was set by hand and what is known of
 * servers go on with it.
 */
#ifndef MUXD_STATE_ADOPT_H
#define MUXD_STATE_ADOPT_H

#include "state/state.h"

/*
 * Map it, if this version reads it and there is room for what is needed: as
 * many workers, services, pools and servers, and about as many sessions and
 * sources.  fd is the state's own.  NULL, and a text in *why that completes "it
 * is not used, since …": then it is closed.
 */
struct state *state_adopt(
    int fd, const struct state_shape *needed, const char **why);

/* The highest number of a configuration that any of its names was last used
 * by; 0: there are no names. */
uint32_t state_latest_generation(const struct state *state);

#endif
