/*
 * The heir of queues: see heir.h.
 */
#include "proc/heir.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "proc/notify.h"

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

	if (sup->held || sup->phase >= SUPERVISOR_DRAINING)
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

/* ---- strays ---- */

/* An address by which clients come to the service that it belonged to. */
static const struct owned *
stray_service(
    const struct sockets *sockets, const struct inherited_socket *stray)
{
	const struct owned *owned;
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		owned = &sockets->items[i];
		if (owned->endpoint.transport != TRANSPORT_UDP &&
		    strcmp(sockets->conf->services[owned->service].name,
			stray->name.service) == 0)
			return owned;
	}
	return NULL;
}

static bool
is_path_of_ours(const struct sockets *sockets, const char *path)
{
	size_t i;

	for (i = 0; i < sockets->n; i++)
		if (strcmp(sockets->items[i].endpoint.path, path) == 0)
			return true;
	return false;
}

/* NULL, or why nobody serves its clients. */
static const char *
stray_hand_over(
    const struct supervisor *sup, const struct inherited_socket *stray)
{
	const struct child *heir = &sup->workers[sup->heir];
	const struct owned *owned = stray_service(sup->sockets, stray);

	if (stray->is.transport == TRANSPORT_UDP || stray->name.status)
		return NULL;
	if (owned == NULL)
		return ": who waits there is turned away, since the service is"
		       " gone too";
	if (channel_send_fds(heir->channel, MESSAGE_LAST, owned->id,
		&stray->from->fd, 1) == -1)
		return ": who waits there is turned away, since no worker can"
		       " be told";
	return NULL;
}

static void
stray_end(struct supervisor *sup, struct inherited_socket *stray)
{
	char address[ENDPOINT_STRLEN];
	const char *why = stray_hand_over(sup, stray);

	log_printf(sup->log, why == NULL ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
	    "a socket of %s was handed over that has no place here: it is"
	    " closed%s",
	    endpoint_format(&stray->is, address, sizeof(address)),
	    why != NULL ? why : "");
	if (stray->is.transport == TRANSPORT_UNIX &&
	    !is_path_of_ours(sup->sockets, stray->is.path))
		(void)unlink(stray->is.path);
	(void)close(stray->from->fd);
	stray->from->fd = -1;
}

/* Have the heir serve whoever waits at sockets that were handed over and whose
 * address is gone, if the service is still there; then they are closed, as all
 * that are left. */
static void
heir_end_strays(struct supervisor *sup)
{
	struct inherited_socket *stray;
	size_t at;

	if (sup->strays == NULL || sup->phase >= SUPERVISOR_DRAINING)
		return;
	/* A manager's copy would let clients wait there for ever. */
	for (at = 0; (stray = inherited_sockets_next(sup->strays, &at));
	     sup->strays->forgotten = true)
		notify_forget(stray->from->name);
	inherited_sockets_settle(sup->strays);
	for (at = 0; (stray = inherited_sockets_next(sup->strays, &at));)
		stray_end(sup, stray);
}

void
heir_ready(struct supervisor *sup, const struct child *worker)
{
	if (worker->slot == sup->heir || !heir_can_be(sup, sup->heir))
		heir_tell(sup);
	if (worker->slot == sup->heir)
		heir_end_strays(sup);
}
