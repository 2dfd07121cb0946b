/*
 * What a client must be granted before it has a session: one of each limit
 * that counts it.
 *
 * In this order: the limits of its source, the service's connections, the
 * daemon's connections, and the service's rate.  What is taken is written
 * down in the client's ledger entry, so ledger_end() gives everything back,
 * and a worker that dies in the middle leaves nothing counted.
 */
#ifndef MUXD_SERVICE_QUOTA_H
#define MUXD_SERVICE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "service/service.h"
#include "state/ledger.h"

struct quota_request {
	struct addr peer;
	/* It can wait: have this worker woken when a limit that is full now
	 * falls. */
	bool wait;
	/* A token of its source was taken: by this request or before, and not
	 * to be taken again. */
	bool rate_paid;
	uint64_t retry_ms; /* out, of REASON_SERVICE_RATE: until a token */
};

/*
 * Take all of it for the entry, but what that holds already.  REASON_NONE, or
 * which limit is full; then the entry may hold a part: it is to be ended, or
 * to be tried again with the same request.
 */
enum reason quota_take(const struct service *service,
    struct ledger_entry *entry, struct quota_request *request);

/* Of all that, the daemon's connection alone: for a client whose address is
 * yet to be told. */
enum reason quota_take_total(
    const struct service *service, struct ledger_entry *entry, bool wait);

#endif
