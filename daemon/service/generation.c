/*
 * Generations: see generation.h.
 */
#include "service/generation.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "service/admission.h"
#include "service/gate.h"
#include "service/handler.h"
#include "service/pool.h"

#define UDP_PORTS_SIZE (65536 / 8)

static void
service_set_timeouts(struct service *service)
{
	const struct conf_timeouts *own = &service->conf->timeouts;
	const struct conf_pool *pool = service->conf->pool;

	service->timeouts.idle = own->idle;
	service->timeouts.first_byte = own->first_byte;
	service->timeouts.lifetime = own->lifetime;
	service->timeouts.progress = service->generation->conf->log.progress;
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
generation_open_service(
    struct generation *generation, struct service *service, unsigned slot)
{
	struct services *set = generation->set;
	const struct conf *conf = generation->conf;
	const struct handler *handler = handler_table[service->conf->handler];

	service->set = set;
	service->generation = generation;
	service->handler = handler;
	service->slot = slot;
	service->shared = &set->state->services[slot];
	service->counters =
	    state_counters(set->state, set->ledger.worker, slot);
	if (handler->setup != NULL && handler->setup(service) == -1)
		return -1;
	service_set_timeouts(service);
	if (service->conf->pool != NULL)
		service->pool =
		    &generation->pools[service->conf->pool - conf->pools];
	service->read_max = handler->read_max != NULL
	    ? handler->read_max(service)
	    : NET_SCRATCH_SIZE;
	return 0;
}

static int
generation_open_items(struct generation *generation, const unsigned *slots)
{
	const struct conf *conf = generation->conf;
	struct service *service;
	size_t i;

	generation->items = mem_array(conf->nservices, sizeof(struct service));
	if (generation->items == NULL)
		return -1;
	for (i = 0; i < conf->nservices; i++) {
		service = &generation->items[i];
		service->conf = &conf->services[i];
		if (generation_open_service(generation, service, slots[i]) ==
		    -1)
			return -1;
		generation->nitems++;
	}
	return 0;
}

struct generation *
generation_open(struct services *set, const struct generation_config *config)
{
	struct generation *generation = mem_zalloc(sizeof(*generation));
	int error;

	if (generation == NULL)
		return NULL;
	list_init(&generation->link);
	generation->set = set;
	generation->number = config->number;
	generation->conf = config->conf;
	generation->connections_max = config->connections_max;
	generation->nrooms = config->ndoors;
	generation->doors =
	    mem_array(config->ndoors, sizeof(*generation->doors));
	generation->udp_ports = mem_zalloc(UDP_PORTS_SIZE);
	generation->pools = pools_open(
	    set, config->conf, config->pool_slots, config->server_places);
	if (generation->doors == NULL || generation->udp_ports == NULL ||
	    generation->pools == NULL ||
	    generation_open_items(generation, config->slots) == -1)
		goto fail;
	generation->owned = config->owned;
	return generation;
fail:
	error = errno;
	generation_close(generation);
	errno = error;
	return NULL;
}

void
generation_close(struct generation *generation)
{
	struct service *service;
	size_t i;

	list_remove(&generation->link);
	for (i = 0; i < generation->nitems; i++) {
		service = &generation->items[i];
		if (service->handler->teardown != NULL)
			service->handler->teardown(service);
	}
	mem_free(generation->items);
	pools_close(generation->pools, generation->conf->npools);
	mem_free(generation->doors);
	mem_free(generation->udp_ports);
	conf_free(generation->owned);
	mem_free(generation);
}

struct door *
generation_add_door(
    struct generation *generation, const struct door_config *config)
{
	struct door *door = &generation->doors[generation->ndoors++];
	uint16_t port = config->endpoint.addr.port;

	door->service = &generation->items[config->service];
	door->endpoint = config->endpoint;
	endpoint_format(&door->endpoint, door->name, sizeof(door->name));
	admission_init(door);
	if (door->endpoint.transport == TRANSPORT_UDP)
		generation->udp_ports[port / 8] |=
		    (unsigned char)(1U << port % 8);
	return door;
}

void
generation_give(struct generation *generation)
{
	if (--generation->holds == 0)
		services_sweep(generation->set);
}

/* ---- beside the current one ---- */

struct generation *
services_prepare(struct services *services,
    const struct generation_config *config, const struct door_config *doors,
    size_t ndoors)
{
	struct generation *generation = generation_open(services, config);
	struct gate *gate;
	size_t i = 0;
	int error;

	if (generation == NULL)
		goto fail;
	for (; i < ndoors; i++) {
		gate = doors[i].fd == -1 ? gate_find(services, doors[i].id)
					 : gate_open(services, &doors[i]);
		if (gate == NULL && (doors[i].fd != -1 || !config->partial))
			goto fail;
		generation_add_door(generation, &doors[i])->gate = gate;
	}
	return generation;
fail:
	error = errno;
	for (; i < ndoors; i++)
		if (doors[i].fd != -1)
			(void)close(doors[i].fd);
	if (generation != NULL) {
		generation->owned = NULL;
		services_abandon(generation);
	}
	errno = error;
	return NULL;
}

static bool
gate_is_unused(const struct services *services, const struct gate *gate)
{
	(void)services;
	return gate->door == NULL;
}

void
services_abandon(struct generation *generation)
{
	gates_close_where(generation->set, gate_is_unused);
	generation_close(generation);
}
