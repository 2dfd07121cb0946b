/*
 * The table of banned prefixes.
 */
#include "state/bans.h"

#include <errno.h>
#include <string.h>

#include "state/state.h"

/* A master that was killed in the middle must not stop the readers. */
#define READ_TRIES 100

/* Read an entry; false if it is free, or its writer died while it wrote. */
static bool
ban_read(const struct ban *ban, struct prefix *prefix, uint64_t *until_ms)
{
	uint32_t version;

	for (unsigned tries = 0; tries < READ_TRIES; tries++) {
		version =
		    atomic_load_explicit(&ban->version, memory_order_acquire);
		*prefix = ban->prefix;
		*until_ms =
		    atomic_load_explicit(&ban->until_ms, memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if (version % 2 == 0 &&
		    atomic_load_explicit(&ban->version, memory_order_relaxed) ==
			version)
			return *until_ms != 0;
	}
	return false;
}

static void
ban_write(struct ban *ban, const struct prefix *prefix, uint64_t until_ms)
{
	uint32_t version =
	    atomic_load_explicit(&ban->version, memory_order_relaxed);

	atomic_store_explicit(&ban->version, version | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	ban->prefix = *prefix;
	atomic_store_explicit(&ban->until_ms, until_ms, memory_order_relaxed);
	atomic_store_explicit(
	    &ban->version, (version | 1) + 1, memory_order_release);
}

bool
bans_match(const struct state *state, const struct addr *addr, uint64_t now_ms,
    struct prefix *ban)
{
	const struct bans *bans = state->bans;
	uint32_t top = atomic_load_explicit(&bans->top, memory_order_acquire);
	struct prefix prefix;
	uint64_t until_ms;

	for (uint32_t i = 0; i < top && i < BANS_MAX; i++) {
		if (ban_read(&bans->entries[i], &prefix, &until_ms) &&
		    until_ms > now_ms && prefix_match(&prefix, addr)) {
			if (ban != NULL)
				*ban = prefix;
			return true;
		}
	}
	return false;
}

static bool
prefix_same(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->bits == b->bits &&
	    memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* The entry that holds the prefix, or one that is free; BANS_MAX: none. */
static unsigned
bans_find(const struct state *state, const struct prefix *prefix,
    uint64_t now_ms, bool *found)
{
	unsigned unused = BANS_MAX;
	struct prefix other;
	uint64_t until_ms;

	*found = false;
	for (unsigned i = 0; i < BANS_MAX; i++) {
		if (!bans_get(state, i, now_ms, &other, &until_ms)) {
			if (unused == BANS_MAX)
				unused = i;
			continue;
		}
		if (prefix_same(&other, prefix)) {
			*found = true;
			return i;
		}
	}
	return unused;
}

int
bans_add(struct state *state, const struct prefix *prefix, uint64_t until_ms,
    uint64_t now_ms)
{
	struct bans *bans = state->bans;
	bool found;
	unsigned i = bans_find(state, prefix, now_ms, &found);

	if (i == BANS_MAX) {
		errno = ENOSPC;
		return -1;
	}
	ban_write(&bans->entries[i], prefix, until_ms);
	if (i >= atomic_load(&bans->top))
		atomic_store(&bans->top, i + 1);
	return 0;
}

bool
bans_remove(struct state *state, const struct prefix *prefix, uint64_t now_ms)
{
	static const struct prefix none;
	bool found;
	unsigned i = bans_find(state, prefix, now_ms, &found);

	if (found)
		ban_write(&state->bans->entries[i], &none, 0);
	return found;
}

bool
bans_get(const struct state *state, unsigned i, uint64_t now_ms,
    struct prefix *prefix, uint64_t *until_ms)
{
	return ban_read(&state->bans->entries[i], prefix, until_ms) &&
	    *until_ms > now_ms;
}
