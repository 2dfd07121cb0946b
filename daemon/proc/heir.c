/*
 * The heir of queues: see heir.h.
 */
#include "proc/heir.h"

#include <stdint.h>

/* Nothing is left to be told; nothing was told yet. */
#define TOLD   SIZE_MAX
#define UNTOLD (SIZE_MAX - 1)

/* The queues of an address that have no worker, into fds; their number. */
static size_t
heir_fds(const struct sockets *sockets, const struct owned *owned, int *fds)
{
	unsigned slot;
	size_t n = 0;

	if (owned->shared || owned->endpoint.transport != TRANSPORT_TCP)
		return 0;
	for (slot = 0; slot < sockets->slots; slot++)
		if (!sockets->used[slot] && owned->fds[slot] != -1 &&
		    owned->listening[slot])
			fds[n++] = owned->fds[slot];
	return n;
}

/* -1 when it cannot be told now. */
static int
heir_tell_address(const struct supervisor *sup, const struct child *heir,
    const struct owned *owned)
{
	int fds[TALLY_WORKERS];
	size_t n = heir_fds(sup->sockets, owned, fds), at, some;

	for (at = 0; at < n; at += some) {
		some = n - at < COMPAT_FDS_MAX ? n - at : COMPAT_FDS_MAX;
		if (channel_send_fds(heir->channel, MESSAGE_ADOPT, owned->id,
			fds + at, some) == -1)
			return -1;
	}
	return 0;
}

static bool
heir_can_be(const struct supervisor *sup, unsigned slot)
{
	return sup->sockets->used[slot] &&
	    sup->workers[slot].phase == CHILD_RUNNING;
}

/* Another one, where there is one that runs. */
static void
heir_choose(struct supervisor *sup)
{
	unsigned slot;

	for (slot = 0; slot < sup->plan->slots; slot++) {
		if (!heir_can_be(sup, slot))
			continue;
		sup->heir = slot;
		return;
	}
}

/* Leaving what it has adopted comes first.  -1 when it cannot be told now. */
static int
heir_begin(struct supervisor *sup, const struct child *heir)
{
	if (sup->bequeathed != UNTOLD)
		return 0;
	if (channel_send(heir->channel, MESSAGE_FORSAKE, 0) == -1)
		return -1;
	sup->bequeathed = 0;
	return 0;
}

void
heir_tell_rest(struct supervisor *sup)
{
	const struct sockets *sockets = sup->sockets;
	const struct child *heir;

	if (sup->phase >= SUPERVISOR_DRAINING)
		return;
	if (!heir_can_be(sup, sup->heir)) {
		heir_choose(sup);
		sup->bequeathed = UNTOLD;
	}
	heir = &sup->workers[sup->heir];
	if (heir->phase != CHILD_RUNNING || heir_begin(sup, heir) == -1)
		return;
	for (; sup->bequeathed < sockets->n; sup->bequeathed++)
		if (heir_tell_address(
			sup, heir, &sockets->items[sup->bequeathed]) == -1)
			return;
	sup->bequeathed = TOLD;
}

void
heir_tell(struct supervisor *sup)
{
	sup->bequeathed = UNTOLD;
	heir_tell_rest(sup);
}

void
heir_ready(struct supervisor *sup, const struct child *worker)
{
	if (worker->slot == sup->heir || !heir_can_be(sup, sup->heir))
		heir_tell(sup);
}
