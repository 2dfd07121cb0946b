/*
 * Gates: see gate.h.
 */
#include "service/gate.h"

#include <errno.h>

#include "base/mem.h"
#include "service/admission.h"
#include "service/datagrams.h"
#include "service/flows.h"
#include "service/generation.h"

static int
gate_open_dgram(struct services *services, struct gate *gate, int fd)
{
	if (services->batch == NULL)
		services->batch = dgram_batch_new();
	if (services->batch == NULL ||
	    dgram_open(&gate->dgram, &services->net, fd, services->batch,
		&datagrams_ops, gate) == -1)
		return -1;
	dgram_pause(&gate->dgram);
	return 0;
}

static int
gate_open_listener(struct services *services, struct gate *gate,
    const struct door_config *config)
{
	if (listener_open(&gate->listener, &services->net, config->fd,
		config->shared, &admission_listener_ops, gate) == -1)
		return -1;
	listener_pause(&gate->listener);
	return 0;
}

struct gate *
gate_open(struct services *services, const struct door_config *config)
{
	struct gate *gate = mem_zalloc(sizeof(*gate));
	int result;

	if (gate == NULL)
		return NULL;
	gate->id = config->id;
	gate->datagrams = config->endpoint.transport == TRANSPORT_UDP;
	result = gate->datagrams ? gate_open_dgram(services, gate, config->fd)
				 : gate_open_listener(services, gate, config);
	if (result == -1) {
		mem_free(gate);
		return NULL;
	}
	list_append(&services->gates, &gate->link);
	return gate;
}

struct gate *
gate_find(const struct services *services, uint32_t id)
{
	const struct list *node;
	struct gate *gate;

	for (node = services->gates.next; node != &services->gates;
	     node = node->next) {
		gate = container_of(node, struct gate, link);
		if (gate->id == id && !gate->adopted)
			return gate;
	}
	errno = ENOENT;
	return NULL;
}

void
gate_lead_to(struct gate *gate, struct door *door)
{
	struct door *before = gate->door;

	gate->door = door;
	door->gate = gate;
	generation_hold(door->service->generation);
	if (before == NULL) {
		if (gate->datagrams)
			dgram_resume(&gate->dgram);
		else
			listener_resume(&gate->listener);
		return;
	}
	admission_move(before, door);
	generation_give(before->service->generation);
}

void
gate_follow(struct gate *gate, const struct gate *own)
{
	struct door *before = gate->door;

	gate->door = own->door;
	generation_hold(gate->door->service->generation);
	if (gate->door->waiter.fd == -1)
		listener_resume(&gate->listener);
	else
		listener_pause(&gate->listener);
	if (before != NULL)
		generation_give(before->service->generation);
}

static void
gates_call(const struct door *door, void (*call)(struct listener *listener))
{
	struct services *services = door->service->set;
	struct gate *gate;
	struct list *node;

	for (node = services->gates.next; node != &services->gates;
	     node = node->next) {
		gate = container_of(node, struct gate, link);
		if (gate->door == door && !gate->datagrams)
			call(&gate->listener);
	}
}

void
gates_pause(const struct door *door)
{
	gates_call(door, listener_pause);
}

void
gates_resume(const struct door *door)
{
	gates_call(door, listener_resume);
}

void
gate_drain(struct gate *gate)
{
	if (gate->datagrams)
		dgram_drain(&gate->dgram);
	else
		listener_drain(&gate->listener);
}

void
gate_take(struct gate *gate)
{
	if (gate->datagrams)
		dgram_drain(&gate->dgram);
	else
		listener_take(&gate->listener);
}

static void
gate_free(struct retired *retired)
{
	mem_free(container_of(retired, struct gate, retired));
}

/* Doors of earlier generations know it too. */
static void
gate_forget(struct services *services, const struct gate *gate)
{
	struct generation *generation;
	struct list *node;
	size_t i;

	for (node = services->generations.next; node != &services->generations;
	     node = node->next) {
		generation = container_of(node, struct generation, link);
		for (i = 0; i < generation->ndoors; i++)
			if (generation->doors[i].gate == gate)
				generation->doors[i].gate = NULL;
	}
}

void
gate_close(struct services *services, struct gate *gate)
{
	bool starved = !gate->datagrams && gate->listener.told;

	/* First of all: what ends with it may have others close as well. */
	list_remove(&gate->link);
	if (gate->door != NULL && !gate->adopted && !services->retiring &&
	    !services->kept)
		admission_close(gate->door);
	if (gate->datagrams) {
		flows_end_gate(services->flows, gate, REASON_REMOVED);
		flows_flush(services->flows);
		dgram_close(&gate->dgram);
	} else {
		listener_close(&gate->listener);
	}
	gate_forget(services, gate);
	if (gate->door != NULL)
		generation_give(gate->door->service->generation);
	loop_retire(services->loop, &gate->retired, gate_free);
	if (starved)
		services_congested(services, false);
}

void
gates_close_where(struct services *services,
    bool (*which)(const struct services *, const struct gate *))
{
	struct list *node = services->gates.next;
	struct gate *gate;

	while (node != &services->gates) {
		gate = container_of(node, struct gate, link);
		node = node->next;
		if (!which(services, gate))
			continue;
		gate_close(services, gate);
		node = services->gates.next;
	}
}
