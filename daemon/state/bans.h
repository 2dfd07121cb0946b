/*
 * Bans: prefixes of clients that no service lets in, for a time or until they
 * are taken back.  The master writes them, all workers ask.
 *
 *   state->bans    a fixed table; entries from `top` on were never used
 *
 * A daemon without bans pays one load for each client.
 */
#ifndef MUXD_STATE_BANS_H
#define MUXD_STATE_BANS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define BANS_MAX     256
#define BAN_FOR_EVER UINT64_MAX

struct state;

/* The fields are valid together if version is even and the same before and
 * after they were read. */
struct ban {
	_Atomic uint32_t version;
	struct prefix prefix;
	_Atomic uint64_t until_ms; /* monotonic; 0: the entry is free */
};

struct bans {
	_Alignas(64) _Atomic uint32_t top;
	struct ban entries[BANS_MAX];
};

/* Whether a ban holds for the address now, and which one (unless ban is
 * NULL). */
bool bans_match(const struct state *state, const struct addr *addr,
    uint64_t now_ms, struct prefix *ban);

/* Master only: ban the prefix until then, or change the time of its ban.  -1
 * with ENOSPC if all entries hold. */
int bans_add(struct state *state, const struct prefix *prefix,
    uint64_t until_ms, uint64_t now_ms);

/* Master only: take it back; false if it was not banned. */
bool bans_remove(
    struct state *state, const struct prefix *prefix, uint64_t now_ms);

/* The ban in entry i < BANS_MAX; false if none holds there. */
bool bans_get(const struct state *state, unsigned i, uint64_t now_ms,
    struct prefix *prefix, uint64_t *until_ms);

#endif
