/*
 * The table of sources: for each client prefix (/32 of IPv4, /64 of IPv6)
 * and scope, how many connections it holds and the buckets of its rates.
 *
 * Fixed size, open addressing within a window of 16 places, no locks.  A
 * place is taken over when nothing is held and its buckets are full again,
 * which loses nothing.  How a key is kept from ever having two places is told
 * in sources.c.
 *
 * A new source finds no place when its whole window is in use.  That hardly
 * ever happens while a third of the table is (to one source in 48,000), but to
 * one in 250 at a half: the table should have three places for each source
 * it must hold.
 */
#ifndef MUXD_STATE_SOURCES_H
#define MUXD_STATE_SOURCES_H

#include "state/state.h"

#define SOURCE_NONE         UINT32_MAX
#define SOURCE_SCOPE_DAEMON 0 /* a service's scope is its slot + 1 */

/* Prefix lengths that make one source. */
#define SOURCE_BITS4 32
#define SOURCE_BITS6 64

/* A place of the table.  Its key is written by whoever has marked the word
 * of the tally. */
struct source {
	_Alignas(64) struct tally tally; /* connections held, or a mark */
	/* Of the keys whose window begins here: the place that was filled
	 * last, and the mark it bore then. */
	_Atomic uint64_t insertion;
	_Atomic uint64_t prefix;  /* the key: 64 bits of the address */
	_Atomic uint64_t tag;     /* the key: scope, family, zone; 0: none */
	struct bucket buckets[2]; /* by enum source_bucket */
};

enum source_bucket { SOURCE_CONNECTIONS, SOURCE_DATAGRAMS };

enum source_verdict { SOURCE_TAKEN, SOURCE_LIMITED, SOURCE_TABLE_FULL };

/*
 * Count one connection of the address, if its source holds less than max,
 * and set *holder to after, both or neither (tally_take()).  *index is the
 * place, for sources_give(); it is written before holder is, so if it lies
 * beside holder in the shared memory, whoever finds after there finds the
 * right index.  Addresses without numbers (UNIX) are all one source.
 */
enum source_verdict sources_take(struct state *state,
    const struct tally_author *author, unsigned scope, const struct addr *addr,
    uint32_t max, uint64_t now_ms, _Atomic uint32_t *holder, uint32_t after,
    uint32_t *index);

/* Give it back.  An index out of range is ignored but for holder. */
void sources_give(struct state *state, const struct tally_author *author,
    uint32_t index, _Atomic uint32_t *holder, uint32_t after);

/* Take a token of the address's source. */
enum source_verdict sources_rate(struct state *state,
    const struct tally_author *author, unsigned scope, const struct addr *addr,
    enum source_bucket bucket, struct rate rate, uint64_t now_ms);

/* For readers and tests: connections held by the address's source. */
uint32_t sources_held(
    const struct state *state, unsigned scope, const struct addr *addr);

/* For readers: tokens that its source has left, of a rate. */
uint64_t sources_tokens(const struct state *state, unsigned scope,
    const struct addr *addr, enum source_bucket bucket, struct rate rate,
    uint64_t now_ms);

/* Master only: free the place that the author, which is dead and has been
 * through tally_recover(), was rewriting. */
void sources_release(struct state *state, const struct tally_author *dead);

#endif
