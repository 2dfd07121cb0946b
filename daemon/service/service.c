/*
 * The services of a worker: set up, reload, and what connects the limits of
 * the shared state with the memory and the doors of this process.  Draining is
 * in service_drain.c.
 */
#include "service/service.h"

#include <errno.h>
#include <string.h>

#include "service/admission.h"
#include "service/arrival.h"
#include "service/flows.h"
#include "service/gate.h"
#include "service/generation.h"
#include "service/pool.h"
#include "service/service_common.h"
#include "service/session.h"

void
services_each_door(struct services *services, void (*call)(struct door *))
{
	struct generation *generation;
	struct list *node;
	size_t i;

	for (node = services->generations.next; node != &services->generations;
	     node = node->next) {
		generation = container_of(node, struct generation, link);
		for (i = 0; i < generation->ndoors; i++)
			call(&generation->doors[i]);
	}
}

/* Doors tried again in one go never starve: each has at most one waiter.  Who
 * came before a reload is asked before those who came after. */
static void
services_retry_doors(struct services *services)
{
	services_each_door(services, admission_retry);
}

static struct state_worker *
services_worker(const struct services *services)
{
	return &services->state->workers[services->ledger.worker];
}

static bool
services_take_memory(void *arg, uint32_t n)
{
	struct services *services = arg;
	struct state_worker *worker = services_worker(services);
	uint32_t held =
	    atomic_load_explicit(&worker->memory_held, memory_order_relaxed);

	return limit_take(services->state->memory, &services->ledger.author, n,
	    (uint32_t)services->memory_max, &worker->memory_held, held + n);
}

static void
services_give_memory(void *arg, uint32_t n)
{
	struct services *services = arg;
	struct state_worker *worker = services_worker(services);
	uint32_t held =
	    atomic_load_explicit(&worker->memory_held, memory_order_relaxed);

	limit_give(services->state, services->state->memory,
	    &services->ledger.author, n, &worker->memory_held, held - n);
}

static void
services_wait_memory(void *arg)
{
	struct services *services = arg;

	limit_wait(services->state->memory, services->ledger.worker);
}

/* Limits of the whole daemon apply to all, at once. */
static void
services_set_current(struct services *services, struct generation *generation)
{
	list_append(&services->generations, &generation->link);
	services->current = generation;
	services->conf = generation->conf;
	services->connections_max = generation->connections_max;
	services->memory_max = generation->conf->memory / CHUNK_SIZE;
	if (services->memory_max > TALLY_MAX)
		services->memory_max = TALLY_MAX;
}

/* Tell the master which names of the shared state are still in use here. */
static void
services_tell_oldest(struct services *services)
{
	const struct generation *oldest =
	    container_of(services->generations.next, struct generation, link);

	atomic_store(&services_worker(services)->generation, oldest->number);
}

static void
services_sweep_now(struct timer *timer)
{
	struct services *services = container_of(timer, struct services, sweep);
	struct generation *generation;
	struct list *node, *next;

	for (node = services->generations.next; node != &services->generations;
	     node = next) {
		next = node->next;
		generation = container_of(node, struct generation, link);
		if (generation->holds == 0 && generation != services->current)
			generation_close(generation);
	}
	services_tell_oldest(services);
}

void
services_sweep(struct services *services)
{
	if (!timer_is_set(&services->sweep))
		loop_timer_set(services->loop, &services->sweep, 0);
}

static void
services_init(struct services *services, const struct services_config *config)
{
	memset(services, 0, sizeof(*services));
	services->loop = config->loop;
	services->log = config->log;
	services->state = config->state;
	services->ops = config->ops;
	services->owner = config->owner;
	pipes_init(&services->pipes);
	list_init(&services->generations);
	list_init(&services->gates);
	list_init(&services->sessions);
	list_init(&services->arrivals);
	timer_init(&services->drain, services_drain_deadline);
	timer_init(&services->sweep, services_sweep_now);
}

int
services_open(struct services *services, const struct services_config *config,
    const struct generation_config *first)
{
	const struct bufpool_grant grant = {
		.take = services_take_memory,
		.give = services_give_memory,
		.wait = services_wait_memory,
		.arg = services,
	};
	struct generation *generation;

	services_init(services, config);
	if (ledger_open(&services->ledger, config->state, config->worker) == -1)
		return -1;
	if (net_open(&services->net, config->loop, &grant) == -1)
		goto fail_ledger;
	generation = generation_open(services, first);
	if (generation == NULL)
		goto fail;
	services_set_current(services, generation);
	services_tell_oldest(services);
	return 0;
fail:
	services_close(services);
	return -1;
fail_ledger:
	ledger_close(&services->ledger);
	return -1;
}

int
services_add_door(struct services *services, const struct door_config *config)
{
	struct gate *gate = gate_open(services, config);

	if (gate == NULL)
		return -1;
	gate_lead_to(gate, generation_add_door(services->current, config));
	return 0;
}

/* ---- reload ---- */

static bool
gate_is_leftover(const struct services *services, const struct gate *gate)
{
	return gate->door->service->generation != services->current;
}

void
services_commit(struct services *services, struct generation *generation)
{
	struct gate *gate;
	struct list *node;
	size_t i;

	services_set_current(services, generation);
	for (i = 0; i < generation->ndoors; i++)
		if (generation->doors[i].gate != NULL)
			gate_lead_to(
			    generation->doors[i].gate, &generation->doors[i]);
	for (node = services->gates.next; node != &services->gates;
	     node = node->next) {
		gate = container_of(node, struct gate, link);
		if (gate->adopted)
			gate_follow(gate, gate_find(services, gate->id));
		if (gate_is_leftover(services, gate)) {
			admission_close(gate->door);
			gate_drain(gate);
		}
	}
	services_sweep(services);
	/* Limits may have been raised. */
	services_retry(services);
}

/* A gate for a socket beside that of an address, or NULL with errno. */
static struct gate *
gate_open_beside(
    struct services *services, const struct gate *gate, uint32_t id, int fd)
{
	struct door_config config = { .id = id, .fd = fd };
	struct gate *another;

	if (gate->datagrams) {
		errno = EINVAL;
		return NULL;
	}
	config.endpoint = gate->door->endpoint;
	another = gate_open(services, &config);
	if (another == NULL)
		return NULL;
	another->adopted = true;
	gate_follow(another, gate);
	return another;
}

int
services_adopt(struct services *services, uint32_t id, int fd)
{
	struct gate *gate = gate_find(services, id), *another;

	if (gate == NULL)
		return -1;
	another = gate_open_beside(services, gate, id, fd);
	if (another == NULL)
		return -1;
	if (gate_is_leftover(services, gate))
		gate_drain(another);
	return 0;
}

int
services_take_last(struct services *services, uint32_t id, int fd)
{
	struct gate *gate = gate_find(services, id), *another;

	if (gate == NULL)
		return -1;
	another = gate_open_beside(services, gate, id, fd);
	if (another == NULL)
		return -1;
	gate_drain(another);
	gate_close(services, another);
	return 0;
}

static bool
gate_is_adopted(const struct services *services, const struct gate *gate)
{
	return gate->adopted && !gate_is_leftover(services, gate);
}

void
services_forsake(struct services *services)
{
	gates_close_where(services, gate_is_adopted);
}

void
services_close_leftover(struct services *services)
{
	struct list *node;
	struct gate *gate;

	for (node = services->gates.next; node != &services->gates;
	     node = node->next) {
		gate = container_of(node, struct gate, link);
		if (gate_is_leftover(services, gate))
			gate_drain(gate);
	}
	gates_close_where(services, gate_is_leftover);
}

/* ---- limits and sessions ---- */

void
services_end_condemned(struct services *services)
{
	struct session *session;
	struct list *node, *next;

	for (node = services->sessions.next; node != &services->sessions;
	     node = next) {
		next = node->next;
		session = container_of(node, struct session, link);
		if (ledger_is_condemned(&services->ledger, session->entry))
			session_end(session, REASON_ADMIN, 0);
	}
	arrival_end_condemned(services);
	flows_end_condemned(services->flows);
}

static void
services_retry_pools(struct services *services)
{
	struct generation *generation;
	struct list *node;
	size_t i;

	for (node = services->generations.next; node != &services->generations;
	     node = node->next) {
		generation = container_of(node, struct generation, link);
		for (i = 0; i < generation->conf->npools; i++)
			pool_retry(&generation->pools[i]);
	}
}

void
services_retry(struct services *services)
{
	stream_memory_ready(&services->net);
	services_retry_doors(services);
	services_retry_pools(services);
	services_check_drained(services);
}

bool
services_udp_port(const struct services *services, uint16_t port)
{
	return (services->current->udp_ports[port / 8] >> port % 8 & 1) != 0;
}

static void
services_tell_congestion(struct services *services, bool before)
{
	bool now = services->full || services->congestions > 0;

	if (now != before)
		services->ops->congested(services, now);
}

void
services_ledger_full(struct services *services)
{
	bool before = services->full || services->congestions > 0;

	services->full = true;
	services_tell_congestion(services, before);
}

void
services_congested(struct services *services, bool congested)
{
	bool before = services->full || services->congestions > 0;

	if (congested)
		services->congestions++;
	else
		services->congestions--;
	services_tell_congestion(services, before);
}

void
services_waiter_gone(struct services *services)
{
	services_check_drained(services);
}

void
services_session_ended(struct services *services)
{
	bool before = services->full || services->congestions > 0;

	if (services->full) {
		services->full = false;
		services_tell_congestion(services, before);
		services_retry_doors(services);
	}
	services_check_drained(services);
}

void
services_close(struct services *services)
{
	struct list *node;

	loop_timer_cancel(services->loop, &services->drain);
	loop_timer_cancel(services->loop, &services->sweep);
	while ((node = services->generations.next) != &services->generations)
		generation_close(container_of(node, struct generation, link));
	flows_close(services->flows);
	dgram_batch_free(services->batch);
	pipes_close(&services->pipes);
	net_close(&services->net);
	ledger_close(&services->ledger);
}
