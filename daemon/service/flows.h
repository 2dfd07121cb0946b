/*
 * The flows of one worker: all that they share, and which of them goes when
 * there is no room for another one.
 *
 * At a full limit (service.limit.connections, limits.connections, the pool's
 * max_connections) or where the worker has no place, descriptor or port left,
 * a flow of this worker makes room: one that was never answered, and of these
 * the one that is idle for the longest time.  So whoever sends single
 * datagrams with forged sources pushes out his own, and a client that
 * was answered stays.  Only where all were answered, the longest idle of these
 * goes.  None goes that was active a moment ago: it may have an answer under
 * way.
 *
 * For what all services share, the flows of all of them are looked at.
 *
 * Idle flows are ended by one timer for all of them: the lists are in the
 * order of their last activity, so a datagram only moves its flow to the end.
 */
#ifndef MUXD_SERVICE_FLOWS_H
#define MUXD_SERVICE_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/flow.h"
#include "service/service.h"

/* That long ago was a moment ago. */
#define FLOW_MOMENT_UNANSWERED_MS 50
#define FLOW_MOMENT_ANSWERED_MS   1000

/* Where datagrams of clients go elsewhere, an answer that has not come that
 * long after the last datagram will not come. */
#define FLOW_LEAVING_MS 2000

/* Those of one service. */
struct flow_queue {
	struct list ranks[FLOW_RANKS];
};

struct flows {
	struct services *set;
	struct flow_table table;
	struct dgram_relay *relay;
	struct loop_hook turn_end; /* sends what was gathered */
	struct timer expiry;       /* the next of all idle time-outs */
	struct timer progress;     /* looks for those that are old */
	uint32_t step;             /* how often it has */
	uint32_t n;
};

/* Get ready for the flows of a service that has UDP addresses, if it has any;
 * and be done with them. */
int flows_setup(struct service *service);
void flows_teardown(struct service *service);

/* For services->flows, which may be NULL. */
void flows_close(struct flows *flows);

/* Datagrams have come to a door of the service: see each to its flow.  The
 * handler's datagrams. */
void flows_datagrams(
    struct door *door, const struct dgram_message *messages, size_t n);

/* A flow has begun, or a datagram of it has passed. */
void flows_add(struct flows *flows, struct flow *flow);
void flows_touch(struct flows *flows, struct flow *flow);
/* It was answered. */
void flows_promote(struct flow *flow, enum flow_rank rank);
void flows_remove(struct flows *flows, struct flow *flow);

/* Have a flow make room for another one: of this service alone, or (NULL) of
 * any.  False: there is none that may. */
bool flows_evict(struct flows *flows, const struct service *service);

/* Send all that is under way to clients, as before a door closes.  flows may
 * be NULL, as below. */
void flows_flush(struct flows *flows);

/* End all; their number. */
uint64_t flows_end_all(struct flows *flows, enum reason reason);

/* Have those end that are idle, now that the worker is leaving. */
void flows_hurry(struct flows *flows);

/* End those that came through the gate. */
void flows_end_gate(
    struct flows *flows, const struct gate *gate, enum reason reason);

/* End those that are condemned (ledger_is_condemned()). */
void flows_end_condemned(struct flows *flows);

static inline bool
flows_are_live(const struct flows *flows)
{
	return flows != NULL && flows->n > 0;
}

#endif
