/*
 * Where new clients and datagrams go: see sockets.h.
 */
#include "base/compat.h"
#include "proc/sockets.h"
#include "state/tally.h"

/* A socket that is in the group already. */
static int
owned_any_member(const struct owned *owned)
{
	unsigned slot = 0;

	while (!owned->listening[slot])
		slot++;
	return owned->fds[slot];
}

bool
owned_relays(const struct owned *owned, const struct conf_service *conf)
{
	return owned->endpoint.transport == TRANSPORT_UDP &&
	    conf->handler == HANDLER_RELAY;
}

/* Whether new clients, or datagrams of sessions, have somebody to go to. */
static bool
owned_is_served(
    const struct owned *owned, const struct sockets *sockets, unsigned slot)
{
	if (!owned->listening[slot])
		return false;
	return sockets->used[slot] ||
	    (sockets->lingers[slot] &&
		owned_relays(owned, &sockets->conf->services[owned->service]));
}

/* The places in the group of the slots that are served and well, or, if none
 * is well, of all that are served; their number. */
static size_t
owned_well(const struct owned *owned, const struct sockets *sockets,
    const bool *sick, uint32_t *index)
{
	size_t n = 0;
	unsigned slot;

	for (slot = 0; slot < sockets->slots; slot++)
		if (owned_is_served(owned, sockets, slot) &&
		    (sick == NULL || !sick[slot]))
			index[n++] = owned->member[slot];
	return n > 0 || sick == NULL ? n
				     : owned_well(owned, sockets, NULL, index);
}

/* Deal the datagrams of an address among the slots that are well. */
int
owned_deal(
    const struct owned *owned, const struct sockets *sockets, const bool *sick)
{
	bool well[TALLY_WORKERS] = { false };
	uint32_t index[TALLY_WORKERS];
	size_t i, n = owned_well(owned, sockets, sick, index);

	for (i = 0; i < n; i++)
		well[index[i]] = true;
	return compat_reuseport_deal(owned_any_member(owned),
	    owned->endpoint.addr.family == ADDR_INET6, well, owned->dealt,
	    sockets->seed);
}

bool
owned_is_dealt(const struct owned *owned)
{
	return owned->endpoint.transport == TRANSPORT_UDP && !owned->shared;
}

void
owned_begin_to_deal(const struct owned *owned, const struct sockets *sockets)
{
	/* Where the system cannot, its own choice is as good until a slot is
	 * sick. */
	if (owned_is_dealt(owned) && owned->nmembers > 1)
		(void)owned_deal(owned, sockets, NULL);
}

static int
owned_steer(const struct owned *owned, const struct sockets *sockets,
    const bool *sick, uint32_t *index)
{
	size_t n;
	bool steer;

	if (owned->shared || owned->unordered || owned->nmembers == 0)
		return 0;
	n = owned_well(owned, sockets, sick, index);
	steer = n > 0 && n < owned->nmembers;
	if (!steer && !sockets->steered)
		return 0;
	return compat_reuseport_steer(
	    owned_any_member(owned), index, steer ? n : 0);
}

bool
sockets_are_parked(const struct sockets *sockets, unsigned slot)
{
	const struct owned *owned;
	size_t i;

	for (i = 0; i < sockets->n && !sockets->used[slot]; i++) {
		owned = &sockets->items[i];
		if (!owned->shared && owned->fds[slot] != -1)
			return true;
	}
	return false;
}

void
sockets_end_linger(struct sockets *sockets, unsigned slot)
{
	struct owned *owned;
	size_t i;

	/* They are closed where everything stops at once. */
	if (sockets->lingers == NULL)
		return;
	sockets->lingers[slot] = false;
	for (i = 0; i < sockets->n; i++) {
		owned = &sockets->items[i];
		/* Its senders have gone elsewhere, and stay there. */
		if (owned_is_dealt(owned))
			owned->listening[slot] = false;
	}
}

int
sockets_steer(struct sockets *sockets, const bool *sick)
{
	uint32_t index[TALLY_WORKERS];
	int result = 0;
	unsigned slot;
	size_t i;

	for (i = 0; i < sockets->n; i++) {
		if (owned_is_dealt(&sockets->items[i])) {
			if (owned_deal(&sockets->items[i], sockets, sick) == -1)
				result = -1;
		} else if (owned_steer(&sockets->items[i], sockets, sick,
			       index) == -1) {
			result = -1;
		}
	}
	sockets->steered = false;
	for (slot = 0; slot < sockets->slots; slot++)
		sockets->steered |= sockets->used[slot]
		    ? sick[slot]
		    : sockets_are_parked(sockets, slot);
	return result;
}
