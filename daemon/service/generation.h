/*
 * A generation: what a worker has made of one configuration.
 *
 * The first one comes with the start, another one with each reload.  Only the
 * current one lets clients in, but for addresses that are about to be closed.
 * Sessions, arrivals and flows hold the generation in which they came, so it
 * lives until the last of them has ended; a turn later it is taken apart.
 */
#ifndef MUXD_SERVICE_GENERATION_H
#define MUXD_SERVICE_GENERATION_H

#include "service/service.h"

struct generation {
	struct list link; /* services->generations */
	struct services *set;
	uint32_t number; /* the master's */
	const struct conf *conf;
	struct conf *owned; /* the same, if it goes with the generation */
	struct pool *pools; /* by the order of conf->pools */
	struct service *items;
	size_t nitems;
	struct door *doors;
	size_t ndoors;
	size_t nrooms;            /* for doors */
	unsigned char *udp_ports; /* one bit for each port of a UDP door */
	uint64_t connections_max; /* of the whole daemon */
	uint64_t holds;           /* who needs it */
};

struct generation_config {
	uint32_t number;
	const struct conf *conf;
	struct conf *owned; /* the same, to be freed with it; or NULL */
	/* By the order of conf->services: their slots in the state. */
	const unsigned *slots;
	/* The same of conf->pools, and the first place of each of their
	 * servers. */
	const unsigned *pool_slots;
	const unsigned *server_places;
	uint64_t connections_max;
	size_t ndoors; /* room for so many */
	/* In a worker that lets nobody in any more: doors may lack their
	 * sockets. */
	bool partial;
};

/* Make one that is not in the list yet, and has no doors.  NULL with errno;
 * then config->owned is still the caller's. */
struct generation *generation_open(
    struct services *set, const struct generation_config *config);

/* Take it apart, and out of the list; nobody holds it. */
void generation_close(struct generation *generation);

/* Add a door without a gate; config->service is in range.  There is room. */
struct door *generation_add_door(
    struct generation *generation, const struct door_config *config);

/* Take and give back a hold.  That of who is on the stack may be the last
 * one: nothing is freed before the next turn. */
static inline void
generation_hold(struct generation *generation)
{
	generation->holds++;
}

void generation_give(struct generation *generation);

#endif
