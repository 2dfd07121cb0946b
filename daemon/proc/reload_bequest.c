/*
 * Queues whose worker is down: see reload_bequest.h.
 */
#include "proc/reload_bequest.h"

/* A worker that has committed, and so knows the addresses that are gone. */
static void
find_heir(void *arg, struct child *child)
{
	struct child **heir = arg;

	if (child->kind == CHILD_WORKER &&
	    child->reload == CHILD_RELOAD_COMMITTED)
		*heir = child;
}

struct bequest {
	const struct sockets *sockets;
	struct child *heir;
};

/* Nobody has taken the clients that wait in the queues of a worker that was
 * down: have another one do so. */
static void
bequeath_queues(void *arg, struct child *child)
{
	const struct bequest *bequest = arg;
	const struct sockets *sockets = bequest->sockets;
	const struct owned *owned;
	size_t i;

	if (child->kind != CHILD_WORKER ||
	    child->reload == CHILD_RELOAD_COMMITTED)
		return;
	for (i = 0; i < sockets->nleftover; i++) {
		owned = &sockets->leftover[i];
		if (owned->endpoint.transport == TRANSPORT_TCP &&
		    !owned->shared && owned->listening[child->slot])
			(void)channel_send_fds(bequest->heir->channel,
			    MESSAGE_ADOPT, owned->id, &owned->fds[child->slot],
			    1);
	}
}

void
reload_bequeath(struct supervisor *sup)
{
	struct bequest bequest = { .sockets = sup->sockets };

	if (sup->sockets->nleftover == 0)
		return;
	supervisor_each(sup, find_heir, &bequest.heir);
	if (bequest.heir != NULL)
		supervisor_each(sup, bequeath_queues, &bequest);
}
