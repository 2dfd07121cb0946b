/*
 * The heir of queues: see heir.h.
 */
#include "proc/heir.h"

#include <stdint.h>

/* Nothing is left to be told. */
#define TOLD SIZE_MAX

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

void
heir_tell_rest(struct supervisor *sup)
{
	const struct child *heir = &sup->workers[HEIR_SLOT];
	const struct sockets *sockets = sup->sockets;

	if (heir->phase != CHILD_RUNNING || sup->phase >= SUPERVISOR_DRAINING)
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
	const struct child *heir = &sup->workers[HEIR_SLOT];

	if (heir->phase != CHILD_RUNNING ||
	    channel_send(heir->channel, MESSAGE_FORSAKE, 0) == -1)
		return;
	sup->bequeathed = 0;
	heir_tell_rest(sup);
}
