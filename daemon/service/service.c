/*
 * The services of a worker: set up, draining, and what connects the limits
 * of the shared state with the memory and the doors of this process.
 */
#include "service/service.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "service/admission.h"
#include "service/arrival.h"
#include "service/datagrams.h"
#include "service/flows.h"
#include "service/handler.h"
#include "service/pool.h"
#include "service/session.h"

#define UDP_PORTS_SIZE (65536 / 8)

/* Doors tried again in one go never starve: each has at most one waiter. */
static void
services_retry_doors(struct services *services)
{
	size_t i;

	for (i = 0; i < services->ndoors; i++)
		admission_retry(&services->doors[i]);
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

static void
service_set_timeouts(struct service *service)
{
	const struct conf_timeouts *own = &service->conf->timeouts;
	const struct conf_pool *pool = service->conf->pool;

	service->timeouts.idle = own->idle;
	service->timeouts.first_byte = own->first_byte;
	service->timeouts.lifetime = own->lifetime;
	if (pool == NULL)
		return;
	if (pool->idle_timeout != 0)
		service->timeouts.idle = pool->idle_timeout;
	if (pool->lifetime != 0)
		service->timeouts.lifetime = pool->lifetime;
	service->timeouts.lifetime_jitter = pool->lifetime_jitter;
	service->timeouts.half_close = pool->half_close_timeout;
}

static int
services_open_items(
    struct services *services, const struct services_config *config)
{
	const struct handler *handler;
	struct service *service;
	size_t i;

	services->items =
	    mem_array(config->conf->nservices, sizeof(*services->items));
	if (services->items == NULL)
		return -1;
	for (i = 0; i < config->conf->nservices; i++) {
		service = &services->items[i];
		handler = handler_table[config->conf->services[i].handler];
		service->set = services;
		service->conf = &config->conf->services[i];
		service->handler = handler;
		service->slot = config->slots[i];
		service->shared = &services->state->services[service->slot];
		service->counters = state_counters(
		    services->state, config->worker, service->slot);
		if (handler->setup != NULL && handler->setup(service) == -1)
			return -1;
		service_set_timeouts(service);
		if (service->conf->pool != NULL)
			service->pool = &services->pools[service->conf->pool -
			    config->conf->pools];
		service->read_max = handler->read_max != NULL
		    ? handler->read_max(service)
		    : NET_SCRATCH_SIZE;
		services->nitems++;
	}
	return 0;
}

static void services_check_drained(struct services *services);

static void
services_drain_deadline(struct timer *timer)
{
	struct services *services = container_of(timer, struct services, drain);
	struct log_record record;
	struct list *node;
	uint64_t n = arrival_end_all(services, REASON_DRAIN_DEADLINE);

	n += flows_end_all(services->flows, REASON_DRAIN_DEADLINE);
	while ((node = services->sessions.next) != &services->sessions) {
		session_end(container_of(node, struct session, link),
		    REASON_DRAIN_DEADLINE, 0);
		n++;
	}
	if (n > 0) {
		log_record_begin(&record, LOG_LEVEL_WARNING,
		    "the drain deadline has passed: sessions were closed");
		log_record_uint(&record, "sessions", n);
		log_emit(services->log, &record);
	}
	services_check_drained(services);
}

int
services_open(struct services *services, const struct services_config *config)
{
	const struct bufpool_grant grant = {
		.take = services_take_memory,
		.give = services_give_memory,
		.wait = services_wait_memory,
		.arg = services,
	};

	memset(services, 0, sizeof(*services));
	services->loop = config->loop;
	services->log = config->log;
	services->state = config->state;
	services->conf = config->conf;
	services->connections_max = config->connections_max;
	services->memory_max = config->conf->memory / CHUNK_SIZE;
	if (services->memory_max > TALLY_MAX)
		services->memory_max = TALLY_MAX;
	services->ops = config->ops;
	services->owner = config->owner;
	pipes_init(&services->pipes);
	list_init(&services->sessions);
	list_init(&services->arrivals);
	timer_init(&services->drain, services_drain_deadline);
	if (ledger_open(&services->ledger, config->state, config->worker) == -1)
		return -1;
	if (net_open(&services->net, config->loop, &grant) == -1)
		goto fail_ledger;
	services->doors = mem_array(config->ndoors, sizeof(*services->doors));
	services->udp_ports = mem_zalloc(UDP_PORTS_SIZE);
	services->pools =
	    pools_open(services, config->pool_slots, config->server_places);
	if (services->doors == NULL || services->udp_ports == NULL ||
	    services->pools == NULL)
		goto fail;
	if (services_open_items(services, config) == -1)
		goto fail;
	return 0;
fail:
	services_close(services);
	return -1;
fail_ledger:
	ledger_close(&services->ledger);
	return -1;
}

static int
services_open_dgram(struct services *services, struct door *door, int fd)
{
	uint16_t port;

	if (services->batch == NULL)
		services->batch = dgram_batch_new();
	if (services->batch == NULL)
		return -1;
	if (dgram_open(&door->dgram, &services->net, fd, services->batch,
		&datagrams_ops, door) == -1)
		return -1;
	port = door->endpoint.addr.port;
	services->udp_ports[port / 8] |= (unsigned char)(1U << port % 8);
	return 0;
}

int
services_add_door(struct services *services, size_t service,
    const struct endpoint *endpoint, int fd, bool shared)
{
	struct door *door = &services->doors[services->ndoors];
	int result;

	door->service = &services->items[service];
	door->endpoint = *endpoint;
	endpoint_format(endpoint, door->name, sizeof(door->name));
	admission_init(door);
	if (endpoint->transport == TRANSPORT_UDP)
		result = services_open_dgram(services, door, fd);
	else
		result = listener_open(&door->listener, &services->net, fd,
		    shared, &admission_listener_ops, door);
	if (result == -1)
		return -1;
	door->open = true;
	services->ndoors++;
	return 0;
}

static void
services_close_door(struct door *door)
{
	if (!door->open)
		return;
	door->open = false;
	admission_close(door);
	if (door->endpoint.transport == TRANSPORT_UDP) {
		flows_flush(door->service->set->flows);
		dgram_close(&door->dgram);
	} else {
		listener_close(&door->listener);
	}
}

/* A flow's datagrams come and go through the door. */
static bool
services_door_has_flows(const struct door *door)
{
	return door->endpoint.transport == TRANSPORT_UDP &&
	    door->service->flows != NULL;
}

static void
services_drain_door(struct door *door)
{
	if (!door->open)
		return;
	if (door->endpoint.transport == TRANSPORT_UDP)
		dgram_drain(&door->dgram);
	else
		listener_drain(&door->listener);
}

/*
 * Whether other workers still have sessions, until the deadline: with each
 * socket that is closed, the kernel deals the clients anew among those that
 * are left, and the flows of others would come to the wrong worker.
 */
static bool
services_await_others(struct services *services)
{
	struct limit *total = services->state->total;

	if (services->flows == NULL || !timer_is_set(&services->drain) ||
	    tally_read(&total->tally) == 0)
		return false;
	limit_wait(total, services->ledger.worker);
	return tally_read(&total->tally) != 0;
}

/* Tell the owner, once, that the last session is over. */
static void
services_check_drained(struct services *services)
{
	size_t i;

	if (!services->closed || services->drained ||
	    !list_empty(&services->sessions) ||
	    !list_empty(&services->arrivals) ||
	    flows_are_live(services->flows) || services_await_others(services))
		return;
	services->drained = true;
	for (i = 0; i < services->ndoors; i++)
		services_close_door(&services->doors[i]);
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
services_drain(struct services *services, uint64_t timeout_ms)
{
	size_t i;

	if (services->draining)
		return;
	services->draining = true;
	loop_timer_set(services->loop, &services->drain, timeout_ms);
	for (i = 0; i < services->ndoors; i++) {
		admission_close(&services->doors[i]);
		services_drain_door(&services->doors[i]);
	}
	services_drain_sessions(services);
}

void
services_close_doors(struct services *services)
{
	size_t i;

	for (i = 0; i < services->ndoors; i++) {
		services_drain_door(&services->doors[i]);
		if (!services_door_has_flows(&services->doors[i]))
			services_close_door(&services->doors[i]);
	}
	services->closed = true;
	/* Who has come since the draining began was told neither of it nor,
	 * if that has passed, of the deadline. */
	services_drain_sessions(services);
	if (!timer_is_set(&services->drain))
		services_drain_deadline(&services->drain);
	services_check_drained(services);
}

void
services_stop(struct services *services)
{
	struct list *node;
	size_t i;

	services->draining = true;
	services->closed = true;
	loop_timer_cancel(services->loop, &services->drain);
	for (i = 0; i < services->ndoors; i++)
		services_close_door(&services->doors[i]);
	(void)arrival_end_all(services, REASON_STOPPED);
	(void)flows_end_all(services->flows, REASON_STOPPED);
	while ((node = services->sessions.next) != &services->sessions)
		session_end(container_of(node, struct session, link),
		    REASON_STOPPED, 0);
	services_check_drained(services);
}

void
services_retry(struct services *services)
{
	size_t i;

	stream_memory_ready(&services->net);
	services_retry_doors(services);
	for (i = 0; i < services->conf->npools; i++)
		pool_retry(&services->pools[i]);
	services_check_drained(services);
}

bool
services_udp_port(const struct services *services, uint16_t port)
{
	return (services->udp_ports[port / 8] >> port % 8 & 1) != 0;
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
services_arrived(struct services *services)
{
	/* Who comes so late was not told of it. */
	if (services->draining)
		services_drain_sessions(services);
}

void
services_close(struct services *services)
{
	struct service *service;
	size_t i;

	loop_timer_cancel(services->loop, &services->drain);
	for (i = 0; i < services->nitems; i++) {
		service = &services->items[i];
		if (service->handler->teardown != NULL)
			service->handler->teardown(service);
	}
	flows_close(services->flows);
	dgram_batch_free(services->batch);
	mem_free(services->items);
	pools_close(services->pools, services->conf->npools);
	mem_free(services->doors);
	mem_free(services->udp_ports);
	pipes_close(&services->pipes);
	net_close(&services->net);
	ledger_close(&services->ledger);
}
