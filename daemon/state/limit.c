/*
 * Shared limits and their waiters.
 *
 * Nobody sleeps through a release: the waiter sets its bit and then looks at
 * the count again, the giver lowers the count and then looks at the bits,
 * and all four are sequentially consistent, so at least one sees the other.
 */
#include "state/limit.h"

#define WORD_BITS 64

bool
limit_take(struct limit *limit, const struct tally_author *author, uint32_t n,
    uint32_t max, _Atomic uint32_t *holder, uint32_t after)
{
	return tally_take(author, &limit->tally, n, max, holder, after);
}

void
limit_give(struct state *state, struct limit *limit,
    const struct tally_author *author, uint32_t n, _Atomic uint32_t *holder,
    uint32_t after)
{
	tally_give(author, &limit->tally, n, holder, after);
	limit_wake(state, limit);
}

void
limit_wait(struct limit *limit, unsigned worker)
{
	atomic_fetch_or(&limit->waiters[worker / WORD_BITS],
	    UINT64_C(1) << worker % WORD_BITS);
}

void
limit_unwait(struct limit *limit, unsigned worker)
{
	_Atomic uint64_t *word = &limit->waiters[worker / WORD_BITS];
	uint64_t bit = UINT64_C(1) << worker % WORD_BITS;

	if (atomic_load(word) & bit)
		atomic_fetch_and(word, ~bit);
}

void
limit_wake(struct state *state, struct limit *limit)
{
	uint64_t waiting;

	for (unsigned i = 0; i < TALLY_WORKERS / WORD_BITS; i++) {
		/* Most of the time nobody waits: spare the bus. */
		if (atomic_load(&limit->waiters[i]) == 0)
			continue;
		waiting = atomic_exchange(&limit->waiters[i], 0);
		for (unsigned bit = 0; waiting != 0; bit++, waiting >>= 1) {
			if ((waiting & 1) != 0 && state->wake != NULL)
				state->wake(
				    state->wake_arg, i * WORD_BITS + bit);
		}
	}
}
