/*
 * Servers whose address is a name: what it stands for is asked for again and
 * again, and written into their places in the shared state.
 *
 *                    ┌──────────── its time to live ───────────┐
 *                    ▼                                         │
 *   started ──► asked for ── addresses ──► places filled ──────┤
 *                    ▲                                         │
 *                    ├── nobody knows: the places stay ◄───────┤
 *                    └── there is none: emptied, if it stays so┘
 *
 * - The time to live counts between resolve_min and resolve_max; failures are
 *   retried after resolve_min, then after twice as long each time, up to
 *   resolve_max.  Each time is a little off, by chance, within these bounds.
 * - A failure (no answer, SERVFAIL) changes nothing, in whichever family it
 *   was.  An answer that there is no such name, or no address, empties the
 *   places once it has been repeated for NAMES_HOLD_MS.
 * - A server that has no address is one that cannot be used.
 * - Of SRV records those of the lowest priority that have any address are
 *   used; their weights are multiplied with the server's.
 */
#ifndef MUXD_MONITOR_NAMES_H
#define MUXD_MONITOR_NAMES_H

#include <stdbool.h>

#include "base/log.h"
#include "conf/conf.h"
#include "event/loop.h"
#include "state/state.h"

/* How long "there is none" must have been the answer. */
#define NAMES_HOLD_MS 30000

/* Repeated failures of a name are logged so often. */
#define NAMES_LOG_MS 60000

struct names;

struct names_config {
	struct loop *loop;
	struct log *log;
	struct state *state;
	const struct conf *conf;
	/* By the order of conf->pools: their slots in the state, and the first
	 * place of each of their servers, pool by pool. */
	const unsigned *pools;
	const unsigned *places;
	/* A place has another address, or none any more; NULL: nobody asks. */
	void (*changed)(void *owner, unsigned place);
	void *owner;
};

/* Begin to ask.  What config points at must outlive the names.  NULL with
 * ENOMEM. */
struct names *names_open(const struct names_config *config);

/* Whether every name was heard of once, or given up for the time being.  Until
 * then servers may lack their addresses for no other reason than that muxd
 * has just begun to ask. */
bool names_settled(const struct names *names);

/* The places stay as they are: a successor goes on from there.  NULL is
 * allowed. */
void names_close(struct names *names);

#endif
