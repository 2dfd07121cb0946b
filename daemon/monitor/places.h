/*
 * Which address goes to which of a server's places in the shared state.
 */
#ifndef MUXD_MONITOR_PLACES_H
#define MUXD_MONITOR_PLACES_H

#include "base/str.h"
#include "state/servers.h"

#define PLACES_WEIGHT_MAX 65536 /* as in struct state_server */

/* An address that a name stands for. */
struct place_entry {
	struct addr addr;
	uint64_t weight; /* for its turn, of any size; at least 1 */
	bool loops;      /* it leads back to muxd */
	bool placed;     /* places_assign()'s own */
};

/*
 * Put n entries in the order in which they are preferred: by weight, the
 * heaviest first, then by address; so it does not depend on the order in which
 * they came.  An address that is there twice becomes one with both weights;
 * then weights are scaled down until the heaviest is PLACES_WEIGHT_MAX at
 * most, but none below 1.  Returns how many are left.
 */
size_t places_sort(struct place_entry *entries, size_t n);

/* What an assignment has changed: texts of addresses, "a, b".  Zeroed memory
 * is none. */
struct places_change {
	bool any; /* also of weights alone */
	struct strbuf added;
	struct strbuf removed;
	struct strbuf looping; /* of these and those that stay, what has begun
				* to lead back */
};

void places_change_free(struct places_change *change);

struct places {
	struct state_server *first;
	unsigned n;
	void (*changed)(void *owner, unsigned place); /* counted from first;
						       * NULL: nobody is told */
	void *owner;
};

/*
 * Fill the places with n entries, at most as many as there are places, as
 * places_sort() has left them: an address that is in a place stays there; new
 * ones go where there is none or one that is not among the entries, first
 * where no session is left; the rest is emptied.  since_ms is what
 * new ones get as such (struct state_server).
 */
void places_assign(const struct places *places, struct place_entry *entries,
    size_t n, uint64_t since_ms, struct places_change *change);

/* How many have an address. */
unsigned places_in_use(const struct places *places);

/* Empty those that a writer left half-written when it died. */
void places_repair(const struct places *places);

#endif
