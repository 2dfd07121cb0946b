/*
 * From the names of the configuration to slots of the shared state.
 */
#include "proc/slots.h"

#include "base/mem.h"
#include "conf/loop.h"
#include "net/local.h"
#include "state/servers.h"

size_t
slots_places(const struct conf *conf)
{
	size_t i, j, n = 0;

	for (i = 0; i < conf->npools; i++)
		for (j = 0; j < conf->pools[i].nservers; j++)
			n += conf->pools[i].servers[j].nplaces;
	return n;
}

static int
slots_services(
    struct slots *slots, const struct conf *conf, struct state *state)
{
	size_t i;
	int slot;

	for (i = 0; i < conf->nservices; i++) {
		slot = state_service_slot(state, conf->services[i].name);
		if (slot == -1)
			return -1;
		slots->services[i] = (unsigned)slot;
	}
	return 0;
}

static void
slots_init_server(const struct conf *conf, const struct conf_pool *pool,
    const struct conf_server *server, struct state *state, unsigned first)
{
	struct state_server *shared;
	unsigned i;

	for (i = 0; i < server->nplaces; i++) {
		shared = &state->servers[first + i];
		atomic_store(&shared->admin, (uint32_t)server->state);
		if (server->target.kind == TARGET_ADDRESS ||
		    server->target.kind == TARGET_UNIX)
			state_server_set(shared, &server->target.addr,
			    (uint32_t)server->weight);
		/* What the text alone does not tell: the address is one of
		 * this machine's. */
		if (server->target.kind == TARGET_ADDRESS)
			atomic_store(&shared->loops,
			    conf_leads_back(conf, pool, &server->target.addr,
				local_has_address(&server->target.addr)));
	}
}

/* next is where the places of this pool's servers go. */
static int
slots_servers(unsigned *next, const struct conf *conf,
    const struct conf_pool *pool, struct state *state)
{
	const struct conf_server *server;
	size_t i;
	int first;

	for (i = 0; i < pool->nservers; i++) {
		server = &pool->servers[i];
		first = state_server_places(
		    state, pool->name, server->name, server->nplaces);
		if (first == -1)
			return -1;
		next[i] = (unsigned)first;
		slots_init_server(conf, pool, server, state, (unsigned)first);
	}
	return 0;
}

static int
slots_pools(struct slots *slots, const struct conf *conf, struct state *state)
{
	unsigned *next = slots->places;
	size_t i;
	int slot;

	for (i = 0; i < conf->npools; i++) {
		slot = state_pool_slot(state, conf->pools[i].name);
		if (slot == -1 ||
		    slots_servers(next, conf, &conf->pools[i], state) == -1)
			return -1;
		slots->pools[i] = (unsigned)slot;
		next += conf->pools[i].nservers;
		state_pool_changed(&state->pools[slot]);
	}
	return 0;
}

int
slots_make(struct slots *slots, const struct conf *conf, struct state *state)
{
	size_t i, nservers = 0;

	for (i = 0; i < conf->npools; i++)
		nservers += conf->pools[i].nservers;
	slots->services = mem_array(conf->nservices, sizeof(unsigned));
	slots->pools = mem_array(conf->npools, sizeof(unsigned));
	slots->places = mem_array(nservers, sizeof(unsigned));
	if (slots->services == NULL || slots->pools == NULL ||
	    slots->places == NULL)
		return -1;
	if (slots_services(slots, conf, state) == -1)
		return -1;
	return slots_pools(slots, conf, state);
}

void
slots_free(struct slots *slots)
{
	mem_free(slots->services);
	mem_free(slots->pools);
	mem_free(slots->places);
}
