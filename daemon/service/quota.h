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
#include "state/memo.h"

struct quota_request {
	struct addr peer;
	/* It can wait: have this worker woken when a limit that is full now
	 * falls. */
	bool wait;
	/* A token of its source was taken: by this request or before, and not
	 * to be taken again. */
	bool rate_paid;
	uint64_t retry_ms; /* out, of REASON_SERVICE_RATE: until a token */
	struct memo_limit limit; /* out: the one that is full */
};

/* The limits of a service, in a configuration and in the shared state. */
struct quota_scope {
	const struct state *state;
	const struct conf *conf;
	const struct conf_service *service;
	unsigned slot;            /* of the service */
	uint64_t connections_max; /* of the whole daemon */
};

/* How a client would find one of them. */
struct quota_sight {
	struct memo_limit limit; /* max 0: there is no such limit */
	uint64_t held;           /* of a rate: tokens that are gone */
	enum reason reason;      /* REASON_NONE: there is room */
};

/*
 * Take all of it for the entry, but what that holds already.  REASON_NONE, or
 * which limit is full; then the entry may hold a part: it is to be ended, or
 * to be tried again with the same request.
 */
enum reason quota_take(const struct service *service,
    struct ledger_entry *entry, struct quota_request *request);

/* The limits in the order in which quota_take() takes them; MEMO_LIMIT_NONE
 * behind the last one. */
extern const enum memo_limit_kind quota_order[];

/* Look at one of them, and take nothing. */
struct quota_sight quota_look(const struct quota_scope *scope,
    enum memo_limit_kind kind, const struct addr *client, uint64_t now_ms);

/* Of all that, the daemon's connection alone: for a client whose address is
 * yet to be told. */
enum reason quota_take_total(
    const struct service *service, struct ledger_entry *entry, bool wait);

#endif
