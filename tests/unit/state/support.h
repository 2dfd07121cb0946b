/*
 * What the tests of the state layer share: clients, a state, and a look at
 * all that anybody holds.
 */
#ifndef MUXD_TEST_SUPPORT_H
#define MUXD_TEST_SUPPORT_H

#include <sys/types.h>

#include "state/sources.h"
#include "state/state.h"

#define SOURCES_SMALL 16   /* places in the table of state_small() */
#define NOW           5000 /* milliseconds, where the time does not matter */

/* The n-th client, 192.0.2.n and on, each a source of its own. */
struct addr client_number(unsigned n);

/* A state of that many workers with one service, one pool, two places for
 * servers, 8 sessions for each worker, the smallest table of sources, and a
 * known seed. */
struct state *state_small(unsigned workers);

/* The same memory once more, at another address. */
struct state *state_copy(const struct state *state);

/* Copy what the memory of one holds into that of the other. */
void state_copy_to(const struct state *from, struct state *to);

/* How many places of the table bear that client's prefix, in whatever scope,
 * and how many are marked. */
unsigned count_places(const struct state *state, const struct addr *addr);
unsigned count_marks(const struct state *state);

/* Nothing is held by anybody, no session is left, and no place is marked. */
void assert_all_given_back(const struct state *state);

/*
 * The source of client n, in the scope of the daemon.  What a worker takes is
 * counted in its memory_held, for want of a session.  source_take() is at the
 * time NOW with 2 as the maximum.
 */
enum source_verdict source_take_at(struct state *s, unsigned worker, unsigned n,
    uint32_t max, uint64_t now_ms, uint32_t *index);
enum source_verdict source_take(
    struct state *s, unsigned worker, unsigned n, uint32_t *index);
void source_give(struct state *s, unsigned worker, uint32_t index);
enum source_verdict source_rate(struct state *s, unsigned worker, unsigned n,
    struct rate r, uint64_t now_ms);
uint32_t source_held(const struct state *s, unsigned n);

/* Fork a child that runs fn(arg) and exits with 0. */
pid_t child_start(void (*fn)(void *arg), void *arg);

/* Wait for its end; fails the test unless it exited with 0. */
void child_join(pid_t pid);

#endif
