/*
 * Flows, from the first datagram to the record of their end: see flow.h.
 */
#include "service/flow.h"

#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "service/admission.h"
#include "service/flows.h"
#include "service/generation.h"
#include "service/quota.h"
#include "service/record.h"

/* Flows that may go for one that comes. */
#define EVICTIONS_MAX 2

static enum reason
flow_new(struct door *door, const struct flow_key *key, uint32_t hash,
    struct ledger_entry *entry, struct flow **begun)
{
	struct service *service = door->service;
	struct flow *flow = mem_zalloc(sizeof(*flow));
	enum reason reason;

	if (flow == NULL)
		return REASON_NO_MEMORY;
	io_init(&flow->io, -1, flow_call, 0);
	list_init(&flow->link);
	flow->door = door;
	flow->node.key = *key;
	flow->node.hash = hash;
	flow->entry = entry;
	flow->started_ms = loop_now(service->set->loop);
	flow->active_ms = flow->started_ms;
	reason = flow_connect(flow);
	if (reason != REASON_NONE) {
		mem_free(flow);
		return reason;
	}
	generation_hold(service->generation);
	flows_add(service->set->flows, flow);
	*begun = flow;
	return REASON_NONE;
}

/* With all limits, or not at all. */
static enum reason
flow_admit(struct door *door, const struct flow_key *key, uint32_t hash,
    struct quota_request *request, struct flow **begun)
{
	const struct service *service = door->service;
	struct ledger *ledger = &service->set->ledger;
	struct ledger_entry *entry;
	enum reason reason;

	entry =
	    ledger_begin(ledger, service->slot, &key->peer, clock_wall_us());
	if (entry == NULL)
		return REASON_WORKER_FULL;
	reason = quota_take(service, entry, request);
	if (reason == REASON_NONE)
		reason = flow_new(door, key, hash, entry, begun);
	if (reason != REASON_NONE)
		ledger_end(ledger, entry);
	return reason;
}

/* Have another flow go, if that helps. */
static bool
flow_make_room(const struct service *service, enum reason reason)
{
	switch (reason) {
	case REASON_SERVICE_FULL:
	case REASON_QUEUE_FULL:
		return flows_evict(service->set->flows, service);
	case REASON_DAEMON_FULL:
	case REASON_WORKER_FULL:
	case REASON_NO_DESCRIPTOR:
	case REASON_NO_LOCAL_PORT:
		return flows_evict(service->set->flows, NULL);
	default:
		return false;
	}
}

static void
flow_refuse(struct door *door, const struct record_refusal *refusal, size_t n)
{
	enum reason reason = refusal->reason;
	struct service *service = door->service;
	struct services *set = service->set;

	/* What has passed the limits was a session, if a short one. */
	if (!reason_info(reason)->refused)
		counter_add(&service->counters->events[COUNTER_SESSIONS], n);
	counter_add(&service->counters->ended[reason], n);
	if (reason == REASON_WORKER_FULL)
		services_ledger_full(set);
	record_refused_limited(door, refusal);
}

struct flow *
flow_begin(
    struct door *door, const struct flow_key *key, uint32_t hash, size_t n)
{
	const struct service *service = door->service;
	struct quota_request request = { .peer = key->peer };
	struct record_refusal refusal = { .client = &key->peer };
	enum reason reason = REASON_DRAINING;
	unsigned evictions = 0;
	struct flow *flow = NULL;

	/* Those of a worker that is retired have nowhere else to go. */
	if (!service->set->closed || service->set->retiring)
		reason = admission_check(service, &key->peer, &refusal.rule);
	if (reason == REASON_NONE)
		reason = flow_admit(door, key, hash, &request, &flow);
	while (flow == NULL && evictions++ < EVICTIONS_MAX &&
	    flow_make_room(service, reason))
		reason = flow_admit(door, key, hash, &request, &flow);
	if (flow == NULL) {
		counter_add(&service->counters->events[COUNTER_ACCEPTED], n);
		refusal.reason = reason;
		refusal.limit = request.limit;
		flow_refuse(door, &refusal, n);
		return NULL;
	}
	counter_add(&service->counters->events[COUNTER_ACCEPTED], 1);
	counter_add(&service->counters->events[COUNTER_SESSIONS], 1);
	return flow;
}

static struct record_end
flow_describe(const struct flow *flow, enum reason reason, int error)
{
	const struct door *door = flow_door(flow);

	return (struct record_end){
		.service = door->service->conf->name,
		.listener = door->name,
		.phase = flow->rank == FLOW_ANSWERED ? "open" : "unanswered",
		.server = flow->server->shared->name,
		.server_addr = flow->addr,
		.attempts = flow->attempts,
		.connect_ms = flow->connect_ms,
		.duration_ms = flow_now(flow) - flow->started_ms,
		.datagrams = true,
		.datagrams_in = flow->in,
		.datagrams_out = flow->out,
		.reason = reason,
		.error = error,
		.choice = flow->choice,
	};
}

static void
flow_record(const struct flow *flow, enum reason reason, int error)
{
	const struct door *door = flow_door(flow);
	const struct services *set = door->service->set;
	const struct record_end end = flow_describe(flow, reason, error);

	counter_add(&door->service->counters->ended[reason], 1);
	if (record_is_wanted(&set->conf->log))
		record_session(set->log, &set->conf->log, flow->entry, &end);
}

void
flow_tell_progress(const struct flow *flow)
{
	const struct services *set = flow_door(flow)->service->set;
	const struct record_end end = flow_describe(flow, REASON_NONE, 0);

	if (set->conf->log.access)
		record_progress(set->log, flow->entry, &end);
}

static void
flow_free(struct retired *retired)
{
	mem_free(container_of(retired, struct flow, retired));
}

void
flow_end(struct flow *flow, enum reason reason, int error)
{
	struct services *set = flow_door(flow)->service->set;

	if (flow->over)
		return;
	flow->over = true;
	if (!flow->reached && flow->error == 0) {
		if (flow_was_patient(flow))
			flow_reached(flow);
		else
			counter_add(&flow->server->counters
					 ->events[SERVER_COUNTER_SESSIONS],
			    1);
	}
	flow_record(flow, reason, error);
	io_close(&flow->io);
	flows_remove(set->flows, flow);
	ledger_end(&set->ledger, flow->entry);
	loop_retire(set->loop, &flow->retired, flow_free);
	generation_give(flow_door(flow)->service->generation);
	services_session_ended(set);
}
