/*
 * The hosts behind a server's name, and the addresses each had last.
 */
#ifndef MUXD_MONITOR_NAME_TARGET_H
#define MUXD_MONITOR_NAME_TARGET_H

#include "base/addr.h"
#include "monitor/places.h"
#include "monitor/resolver.h"

/* The name of the configuration itself, or what an SRV record says.  It
 * remembers its addresses, so that it does not lose them while it cannot be
 * resolved. */
struct name_target {
	void *owner; /* the caller's own */
	char *host;
	uint16_t port;
	uint16_t priority;
	uint64_t weight;
	struct addr *addrs; /* with the port; in order, each once */
	size_t naddrs;
	bool failed; /* when it was asked for last, in a family at least */
};

struct name_targets {
	struct name_target *items; /* by priority, the heaviest first */
	size_t n;
};

/* One target, with the addresses that places have already for this port.  -1
 * with ENOMEM; there is something to free all the same. */
int name_targets_init(struct name_targets *targets, const char *host,
    uint16_t port, uint64_t weight, const struct places *places);
void name_targets_free(struct name_targets *targets);

/*
 * Take the targets from SRV records, times the weight of the server: of those
 * with a weight of 0 each has the least there is, unless all of its priority
 * have none.  A target that was there before keeps its addresses.  What has
 * no host or no port is left out.  -1 with ENOMEM, then nothing has changed.
 */
int name_targets_replace(struct name_targets *targets,
    const struct resolver_services *answer, uint64_t weight);

/* The end of the targets that have the priority of the one at first. */
size_t name_targets_group(const struct name_targets *targets, size_t first);

/*
 * Take what its host was resolved to.  A family that failed stays as it was,
 * unless nothing but failure and absence came: then both do.  Addresses that
 * nobody can connect to (0.0.0.0, multicast) are none.  -1 with ENOMEM, then
 * it counts as failed.
 */
int name_target_take(
    struct name_target *target, const struct resolver_addresses *answer);

#endif
