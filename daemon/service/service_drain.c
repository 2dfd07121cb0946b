/*
 * How a worker comes to its end: its queues are emptied or left to others, its
 * doors closed, its sessions told, and what is left at the deadline is ended.
 */
#include "service/service_common.h"

#include "service/admission.h"
#include "service/arrival.h"
#include "service/flows.h"
#include "service/gate.h"
#include "service/generation.h"
#include "service/handler.h"
#include "service/session.h"

/*
 * Whether other workers still have sessions, until the deadline: with each
 * socket that is closed, the kernel deals the clients anew among those that
 * are left, and the flows of others would come to the wrong worker.
 */
static bool
services_await_others(struct services *services)
{
	struct limit *total = services->state->total;

	if (services->flows == NULL || services->retiring || services->kept ||
	    !timer_is_set(&services->drain) || tally_read(&total->tally) == 0)
		return false;
	limit_wait(total, services->ledger.worker);
	return tally_read(&total->tally) != 0;
}

static bool
gate_is_any(const struct services *services, const struct gate *gate)
{
	(void)services;
	(void)gate;
	return true;
}

/* Those that relayed datagrams come and go through stay open. */
static bool
gate_has_no_flows(const struct services *services, const struct gate *gate)
{
	(void)services;
	return !gate->datagrams || gate->door->service->flows == NULL;
}

static void
services_each_gate(struct services *services, void (*call)(struct gate *))
{
	struct list *node;

	for (node = services->gates.next; node != &services->gates;
	     node = node->next)
		call(container_of(node, struct gate, link));
}

/* Whether a client waits at a door for a limit to fall. */
static bool
services_have_waiters(const struct services *services)
{
	const struct generation *generation;
	const struct list *node;
	size_t i;

	for (node = services->generations.next; node != &services->generations;
	     node = node->next) {
		generation = container_of(node, struct generation, link);
		for (i = 0; i < generation->ndoors; i++)
			if (generation->doors[i].waiter.fd != -1)
				return true;
	}
	return false;
}

void
services_check_drained(struct services *services)
{
	if (!services->closed || services->drained ||
	    !list_empty(&services->sessions) ||
	    !list_empty(&services->arrivals) ||
	    flows_are_live(services->flows) ||
	    services_have_waiters(services) || services_await_others(services))
		return;
	services->drained = true;
	gates_close_where(services, gate_is_any);
	services->ops->drained(services);
}

/* Tell the sessions that the daemon drains. */
static void
services_drain_sessions(struct services *services)
{
	struct session *session;
	struct list *node, *next;

	for (node = services->sessions.next; node != &services->sessions;
	     node = next) {
		next = node->next;
		session = container_of(node, struct session, link);
		if (session->phase == SESSION_OPEN &&
		    session->door->service->handler->drain != NULL)
			session->door->service->handler->drain(session);
	}
}

void
services_arrived(struct services *services)
{
	/* Who comes so late was not told of it. */
	if (services->draining)
		services_drain_sessions(services);
}

/* Returns how many there were. */
static uint64_t
services_end_streams(struct services *services, enum reason reason)
{
	struct list *node;
	uint64_t n = 0;

	while ((node = services->sessions.next) != &services->sessions) {
		session_end(
		    container_of(node, struct session, link), reason, 0);
		n++;
	}
	return n;
}

void
services_drain_deadline(struct timer *timer)
{
	struct services *services = container_of(timer, struct services, drain);
	struct log_record record;
	uint64_t n = arrival_end_all(services, REASON_DRAIN_DEADLINE);

	n += flows_end_all(services->flows, REASON_DRAIN_DEADLINE);
	n += services_end_streams(services, REASON_DRAIN_DEADLINE);
	if (n > 0) {
		log_record_begin(&record, LOG_LEVEL_WARNING,
		    "the drain deadline has passed: sessions were closed");
		log_record_uint(&record, "sessions", n);
		log_emit(services->log, &record);
	}
	/* Those of a worker that is retired, or has left its queues. */
	if (services->retiring || services->kept)
		services_each_door(services, admission_close);
	services_check_drained(services);
}

/* Those that relay datagrams go on for their sessions. */
static void
services_leave_gates(struct services *services)
{
	services_each_gate(services, gate_take);
	gates_close_where(services, gate_has_no_flows);
}

void
services_drain(struct services *services, uint64_t timeout_ms, bool kept)
{
	if (services->draining)
		return;
	services->retiring = false;
	services->kept = kept;
	loop_timer_set(services->loop, &services->drain, timeout_ms);
	/* While they may still wait: at a full limit they are left alone. */
	if (kept)
		services_leave_gates(services);
	services->draining = true;
	if (!kept) {
		/* Who waits at a door is turned away. */
		services_each_door(services, admission_close);
		services_each_gate(services, gate_drain);
	}
	services_drain_sessions(services);
}

void
services_close_doors(struct services *services)
{
	services_each_gate(services, gate_drain);
	gates_close_where(services, gate_has_no_flows);
	services->closed = true;
	/* Who has come since the draining began was told neither of it nor,
	 * if that has passed, of the deadline. */
	services_drain_sessions(services);
	if (!timer_is_set(&services->drain))
		services_drain_deadline(&services->drain);
	services_check_drained(services);
}

void
services_retire(struct services *services, uint64_t timeout_ms)
{
	if (services->draining || services->retiring)
		return;
	services->retiring = true;
	services->closed = true;
	loop_timer_set(services->loop, &services->drain, timeout_ms);
	gates_close_where(services, gate_has_no_flows);
	services_drain_sessions(services);
	services_check_drained(services);
}

void
services_forgo(struct services *services, uint32_t id)
{
	struct list *node;
	struct gate *gate;

	for (node = services->gates.next; node != &services->gates;
	     node = node->next) {
		gate = container_of(node, struct gate, link);
		gate->forgone |= gate->id == id;
	}
}

void
services_leave(struct services *services, uint64_t timeout_ms)
{
	struct list *node;
	struct gate *gate;

	services->leaving = true;
	for (node = services->gates.next; node != &services->gates;
	     node = node->next) {
		gate = container_of(node, struct gate, link);
		if (gate->forgone)
			gate_drain(gate);
		else if (gate->datagrams)
			dgram_pause(&gate->dgram);
	}
	services_retire(services, timeout_ms);
	flows_hurry(services->flows);
}

void
services_stop(struct services *services)
{
	services->draining = true;
	services->closed = true;
	loop_timer_cancel(services->loop, &services->drain);
	services_each_door(services, admission_close);
	(void)flows_end_all(services->flows, REASON_STOPPED);
	gates_close_where(services, gate_is_any);
	(void)arrival_end_all(services, REASON_STOPPED);
	(void)services_end_streams(services, REASON_STOPPED);
	services_check_drained(services);
}
