/*
 * The sockets by the names under which they are kept: see sockets.h.
 */
#include "base/compat.h"
#include "proc/inherit.h"
#include "proc/socket_name.h"
#include "proc/sockets.h"

unsigned
sockets_count_slots(const struct sockets *sockets)
{
	unsigned slot, n = 0;

	for (slot = 0; slot < sockets->slots; slot++)
		n += sockets->used[slot] || sockets->wanted[slot] ||
		    sockets_are_parked(sockets, slot);
	return n;
}

/* The name of a slot's socket, or of the one that all share. */
static void
owned_name(const struct owned *owned, const struct sockets *sockets,
    unsigned slot, char *text)
{
	const char *service = sockets->conf->services[owned->service].name;
	struct socket_name name = {
		.asked = owned->asked,
		.shared = owned->shared,
		.slot = slot,
		.member = owned->member[slot],
		.dealt = owned->dealt,
		.seed = sockets->seed,
	};

	(void)compat_strlcpy(name.service, service, sizeof(name.service));
	if (owned->activated)
		(void)compat_strlcpy(text, service, INHERIT_NAME_MAX);
	else
		socket_name_format(&name, text);
}

void
sockets_each_name(
    const struct sockets *sockets, socket_name_call *call, void *arg)
{
	char name[INHERIT_NAME_MAX];
	const struct owned *owned;
	unsigned i, n;
	size_t at;

	for (at = 0; at < sockets->n; at++) {
		owned = &sockets->items[at];
		n = owned->shared ? 1 : sockets->slots;
		for (i = 0; i < n; i++) {
			/* Nobody waits at one that does not listen, and it is
			 * in no group yet. */
			if (owned->fds[i] == -1 ||
			    (owned->endpoint.transport == TRANSPORT_TCP &&
				!owned->listening[i]))
				continue;
			owned_name(owned, sockets, i, name);
			call(arg, owned->fds[i], name, owned->activated);
		}
	}
}
