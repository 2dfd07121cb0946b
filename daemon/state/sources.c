/*
 * The table of sources.
 *
 * The word of a place's tally guards its key.  No word ever comes back, each
 * change of a place changes it, and while the key is rewritten the word is a
 * mark; so a swap of the word that was read before the key proves that the
 * key is still that one.
 *
 * No key ever has two places, or its count would be two counts.  All places
 * that a key can have lie in its window, which begins at its home; and the
 * home's insertion word orders everything that is put into that window from
 * there:
 *
 *   1. read the insertion word; if the place it names still bears the mark
 *      that it names, take the mark off: that insertion has taken place
 *   2. look for the key in the whole window
 *   3. not there: mark an idle place, write the key into it
 *   4. replace the insertion word read in 1 by one that names the place and
 *      its mark.  This is the moment of insertion
 *   5. take the mark off
 *
 * Of two workers that insert the same key, one is first at step 4.  The
 * other has read the insertion word either before that, then its own step 4
 * fails and it clears its place and begins again; or after that, then its
 * step 1 finishes what the first one may not have finished (it may be dead),
 * and its step 2 finds the key.  And an insertion is never forgotten half
 * done, since who replaces the insertion word has finished it before.
 *
 * A worker that dies in between leaves a marked place, which nobody can use
 * and everybody passes over, and which the master clears.
 *
 * Tokens are taken without changing the tally, so the place may have become
 * another key's when the token is there.  The taker therefore swaps the word
 * for itself afterwards and puts the token back if that shows another key.
 * The swap also stops those who were about to take the place over because
 * its buckets had been full.
 */
#include "state/sources.h"

#include <xxhash.h>

#define WINDOW 16

struct key {
	uint64_t prefix;
	uint64_t tag;
};

/* A place as it was at one moment, not marked. */
struct sight {
	uint32_t index;
	uint64_t word;
};

/* Of the tag; the bit keeps it from being 0. */
#define TAG_USED         (UINT64_C(1) << 63)
#define TAG_SCOPE_SHIFT  40
#define TAG_FAMILY_SHIFT 32

static struct key
key_of(unsigned scope, const struct addr *addr)
{
	struct prefix prefix = prefix_of(addr, SOURCE_BITS4, SOURCE_BITS6);
	struct key key = { 0 };

	for (unsigned i = 0; i < sizeof(key.prefix); i++)
		key.prefix = key.prefix << 8 | prefix.ip[i];
	key.tag = TAG_USED | (uint64_t)scope << TAG_SCOPE_SHIFT |
	    (uint64_t)prefix.family << TAG_FAMILY_SHIFT | addr->scope;
	return key;
}

static uint32_t
home_of(const struct state *state, const struct key *key)
{
	XXH64_hash_t hash =
	    XXH3_64bits_withSeed(key, sizeof(*key), state->header->seed);

	return (uint32_t)hash & (state->shape.sources - 1);
}

static uint32_t
window_index(const struct state *state, uint32_t home, unsigned i)
{
	return (home + i) & (state->shape.sources - 1);
}

/*
 * The key of a place and the word that vouches for it; false for a place
 * that is marked.  What is read between two readings of the same word was
 * there all the time (the fence keeps the second reading last).
 */
static bool
place_read(const struct source *place, uint64_t *word, struct key *key)
{
	uint64_t again = atomic_load(&place->tally.word);

	do {
		*word = again;
		if (tally_word_count(*word) == TALLY_MARK)
			return false;
		key->prefix =
		    atomic_load_explicit(&place->prefix, memory_order_relaxed);
		key->tag =
		    atomic_load_explicit(&place->tag, memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		again = atomic_load(&place->tally.word);
	} while (again != *word);
	return true;
}

static void
place_write(struct source *place, const struct key *key)
{
	/* Not before the mark, for those who read without it. */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(
	    &place->prefix, key->prefix, memory_order_relaxed);
	atomic_store_explicit(&place->tag, key->tag, memory_order_relaxed);
}

static bool
place_is_idle(const struct source *place, uint64_t word, uint64_t now_ms)
{
	return tally_word_count(word) == 0 &&
	    bucket_is_full(&place->buckets[SOURCE_CONNECTIONS], now_ms) &&
	    bucket_is_full(&place->buckets[SOURCE_DATAGRAMS], now_ms);
}

/* Whether the key has a place. */
static bool
window_find(const struct state *state, const struct key *key, uint32_t home,
    struct sight *sight)
{
	struct key found;

	for (unsigned i = 0; i < WINDOW; i++) {
		sight->index = window_index(state, home, i);
		if (place_read(
			&state->sources[sight->index], &sight->word, &found) &&
		    found.tag == key->tag && found.prefix == key->prefix)
			return true;
	}
	return false;
}

/* A place for a new key.  The first that is idle, so that few pages are
 * touched; to forget the key it had loses nothing. */
static bool
window_find_idle(const struct state *state, uint32_t home, uint64_t now_ms,
    struct sight *sight)
{
	const struct source *place;

	for (unsigned i = 0; i < WINDOW; i++) {
		sight->index = window_index(state, home, i);
		place = &state->sources[sight->index];
		sight->word = atomic_load(&place->tally.word);
		if (place_is_idle(place, sight->word, now_ms))
			return true;
	}
	return false;
}

/*
 * The insertion word holds what of a marked word is its author's signature,
 * and where above that the place lies in the window.  Fresh memory names a
 * mark that nobody has made.
 */
static uint64_t
insertion_make(unsigned offset, uint64_t mark)
{
	return (uint64_t)offset << 40 | (mark & 0xffffffffff);
}

static void
insertion_finish(struct state *state, const struct tally_author *author,
    uint32_t home, uint64_t insertion)
{
	unsigned offset = (unsigned)(insertion >> 40) % WINDOW;
	struct source *place =
	    &state->sources[window_index(state, home, offset)];
	uint64_t word = atomic_load(&place->tally.word);

	if (tally_word_count(word) == TALLY_MARK &&
	    insertion_make(offset, word) == insertion)
		tally_swap(author, &place->tally, word, 0, NULL, 0);
}

/* Make a place that the author has marked, and that no insertion word names
 * with this mark, free for all. */
static void
place_clear(struct source *place, const struct tally_author *author)
{
	static const struct key none;

	place_write(place, &none);
	tally_swap(
	    author, &place->tally, atomic_load(&place->tally.word), 0, NULL, 0);
}

/* Steps 3 to 5: try to put the key into the idle place of sight.  Whether it
 * is there afterwards, whoever put it there, shows when it is looked for. */
static void
place_fill(struct state *state, const struct tally_author *author,
    const struct key *key, uint32_t home, uint64_t insertion,
    const struct sight *sight)
{
	struct source *place = &state->sources[sight->index];
	unsigned offset = (sight->index - home) & (state->shape.sources - 1);
	uint64_t mark;

	if (!tally_swap(author, &place->tally, sight->word, TALLY_MARK,
		&state->workers[author->worker].source_marked,
		sight->index + 1))
		return;
	mark = atomic_load(&place->tally.word);
	place_write(place, key);
	if (atomic_compare_exchange_strong(&state->sources[home].insertion,
		&insertion, insertion_make(offset, mark)))
		tally_swap(author, &place->tally, mark, 0, NULL, 0);
	else
		place_clear(place, author);
}

/* The place of the key, which is given one if it has none.  False if there
 * is none to give. */
static bool
source_find(struct state *state, const struct tally_author *author,
    const struct key *key, uint64_t now_ms, struct sight *sight)
{
	uint32_t home = home_of(state, key);
	uint64_t insertion;

	while (!window_find(state, key, home, sight)) {
		insertion = atomic_load(&state->sources[home].insertion);
		insertion_finish(state, author, home, insertion);
		if (window_find(state, key, home, sight))
			break;
		if (!window_find_idle(state, home, now_ms, sight))
			return false;
		place_fill(state, author, key, home, insertion, sight);
	}
	return true;
}

enum source_verdict
sources_take(struct state *state, const struct tally_author *author,
    unsigned scope, const struct addr *addr, uint32_t max, uint64_t now_ms,
    _Atomic uint32_t *holder, uint32_t after, uint32_t *index)
{
	struct key key = key_of(scope, addr);
	struct sight sight;
	uint32_t held;

	if (max > TALLY_MAX)
		max = TALLY_MAX;
	if (max == 0)
		return SOURCE_LIMITED;
	do {
		if (!source_find(state, author, &key, now_ms, &sight))
			return SOURCE_TABLE_FULL;
		held = tally_word_count(sight.word);
		if (held >= max)
			return SOURCE_LIMITED;
		*index = sight.index;
	} while (!tally_swap(author, &state->sources[sight.index].tally,
	    sight.word, held + 1, holder, after));
	return SOURCE_TAKEN;
}

void
sources_give(struct state *state, const struct tally_author *author,
    uint32_t index, _Atomic uint32_t *holder, uint32_t after)
{
	if (index < state->shape.sources)
		tally_give(
		    author, &state->sources[index].tally, 1, holder, after);
	else
		atomic_store(holder, after);
}

/* Whether the place of sight is still the key's, confirmed by a swap. */
static bool
source_confirm(struct state *state, const struct tally_author *author,
    const struct key *key, struct sight *sight)
{
	struct source *place = &state->sources[sight->index];
	struct key found;

	while (!tally_swap(author, &place->tally, sight->word,
	    tally_word_count(sight->word), NULL, 0)) {
		if (!place_read(place, &sight->word, &found) ||
		    found.tag != key->tag || found.prefix != key->prefix)
			return false;
	}
	return true;
}

enum source_verdict
sources_rate(struct state *state, const struct tally_author *author,
    unsigned scope, const struct addr *addr, enum source_bucket bucket,
    struct rate rate, uint64_t now_ms)
{
	struct key key = key_of(scope, addr);
	struct sight sight;
	struct bucket *tokens;
	bool taken;

	if (rate.count == 0)
		return SOURCE_TAKEN;
	for (;;) {
		if (!source_find(state, author, &key, now_ms, &sight))
			return SOURCE_TABLE_FULL;
		tokens = &state->sources[sight.index].buckets[bucket];
		taken = bucket_take(tokens, rate, now_ms, NULL);
		if (source_confirm(state, author, &key, &sight))
			return taken ? SOURCE_TAKEN : SOURCE_LIMITED;
		if (taken)
			bucket_untake(tokens, rate);
	}
}

uint32_t
sources_held(const struct state *state, unsigned scope, const struct addr *addr)
{
	struct key key = key_of(scope, addr);
	struct sight sight;

	if (!window_find(state, &key, home_of(state, &key), &sight))
		return 0;
	return tally_word_count(sight.word);
}

uint64_t
sources_tokens(const struct state *state, unsigned scope,
    const struct addr *addr, enum source_bucket bucket, struct rate rate,
    uint64_t now_ms)
{
	static const struct bucket full;
	struct key key = key_of(scope, addr);
	struct sight sight;

	if (!window_find(state, &key, home_of(state, &key), &sight))
		return bucket_tokens(&full, rate, now_ms);
	return bucket_tokens(
	    &state->sources[sight.index].buckets[bucket], rate, now_ms);
}

void
sources_release(struct state *state, const struct tally_author *dead)
{
	uint32_t marked =
	    atomic_load(&state->workers[dead->worker].source_marked);
	struct source *place;
	uint64_t word;

	if (marked == 0 || marked > state->shape.sources)
		return;
	place = &state->sources[marked - 1];
	word = atomic_load(&place->tally.word);
	if (tally_word_count(word) != TALLY_MARK ||
	    tally_word_worker(word) != dead->worker)
		return;
	/* A new mark, since an insertion word may name this one: then either
	 * somebody takes it off and the key stays, or nobody can any more. */
	if (tally_swap(dead, &place->tally, word, TALLY_MARK, NULL, 0))
		place_clear(place, dead);
}
