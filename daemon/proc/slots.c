/*
 * From the names of a configuration to slots of the shared state.
 */
#include "proc/slots.h"

#include <string.h>

#include <xxhash.h>

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

/* Of a name that is there already it is not known yet whether it will be
 * used. */
static void
note_new(uint32_t *used, uint32_t number)
{
	if (*used == 0)
		*used = number;
}

static int
slots_make_services(struct slots *slots, const struct conf *conf,
    struct state *state, uint32_t number)
{
	size_t i;
	int slot;

	for (i = 0; i < conf->nservices; i++) {
		slot = state_service_slot(state, conf->services[i].name);
		if (slot == -1)
			return -1;
		slots->services[i] = (unsigned)slot;
		note_new(&state->services[slot].used, number);
	}
	return 0;
}

/* next is where the places of this pool's servers go. */
static int
slots_make_servers(unsigned *next, const struct conf_pool *pool,
    struct state *state, uint32_t number)
{
	const struct conf_server *server;
	unsigned j;
	size_t i;
	int first;

	for (i = 0; i < pool->nservers; i++) {
		server = &pool->servers[i];
		first = state_server_places(
		    state, pool->name, server->name, server->nplaces);
		if (first == -1)
			return -1;
		next[i] = (unsigned)first;
		for (j = 0; j < server->nplaces; j++)
			note_new(&state->servers[next[i] + j].used, number);
	}
	return 0;
}

static int
slots_make_pools(struct slots *slots, const struct conf *conf,
    struct state *state, uint32_t number)
{
	unsigned *next = slots->places;
	size_t i;
	int slot;

	for (i = 0; i < conf->npools; i++) {
		slot = state_pool_slot(state, conf->pools[i].name);
		if (slot == -1)
			return -1;
		slots->pools[i] = (unsigned)slot;
		note_new(&state->pools[slot].used, number);
		if (slots_make_servers(next, &conf->pools[i], state, number) ==
		    -1)
			return -1;
		next += conf->pools[i].nservers;
	}
	return 0;
}

int
slots_make(struct slots *slots, const struct conf *conf, struct state *state,
    uint32_t number)
{
	slots->services = mem_array(conf->nservices, sizeof(unsigned));
	slots->pools = mem_array(conf->npools, sizeof(unsigned));
	slots->places = mem_array(conf_count_servers(conf), sizeof(unsigned));
	if (slots->services == NULL || slots->pools == NULL ||
	    slots->places == NULL)
		return -1;
	if (slots_make_services(slots, conf, state, number) == -1)
		return -1;
	return slots_make_pools(slots, conf, state, number);
}

void
slots_free(struct slots *slots)
{
	mem_free(slots->services);
	mem_free(slots->pools);
	mem_free(slots->places);
	memset(slots, 0, sizeof(*slots));
}

void
slots_use(const struct slots *slots, const struct conf *conf,
    struct state *state, uint32_t number)
{
	const unsigned *place = slots->places;
	size_t i, j;
	unsigned k;

	for (i = 0; i < conf->nservices; i++)
		state->services[slots->services[i]].used = number;
	for (i = 0; i < conf->npools; i++) {
		state->pools[slots->pools[i]].used = number;
		for (j = 0; j < conf->pools[i].nservers; j++, place++)
			for (k = 0; k < conf->pools[i].servers[j].nplaces; k++)
				state->servers[*place + k].used = number;
	}
}

/* ---- what is written there ---- */

/* The server of the same names in another configuration, or NULL. */
static const struct conf_server *
find_server(const struct conf *conf, const struct conf_pool *pool,
    const struct conf_server *server)
{
	const struct conf_pool *same;
	size_t i, j;

	for (i = 0; conf != NULL && i < conf->npools; i++) {
		same = &conf->pools[i];
		if (strcmp(same->name, pool->name) != 0)
			continue;
		for (j = 0; j < same->nservers; j++)
			if (strcmp(same->servers[j].name, server->name) == 0)
				return &same->servers[j];
	}
	return NULL;
}

/* Paths and names, which do not show in the address of a place; never 0. */
static uint64_t
hash_target(const struct conf_target *target)
{
	const char *host = target->host != NULL ? target->host : "";
	uint64_t seed = (uint64_t)target->kind << 16 |
	    (target->kind == TARGET_NAME ? target->port : 0);

	return XXH3_64bits_withSeed(host, strlen(host), seed) | 1;
}

/* What another configuration has left there, which nobody knows any more, is
 * of use if it was of the same server. */
static void
place_claim(const struct conf_server *server, struct state_server *shared)
{
	uint64_t target = hash_target(&server->target);

	if (shared->target != 0 && shared->target != target)
		state_server_clear(shared);
	shared->target = target;
}

/* A path and a name do not show in the address of a place. */
static bool
same_target(const struct conf_target *one, const struct conf_target *other)
{
	const char *host = one->host != NULL ? one->host : "";
	const char *was = other->host != NULL ? other->host : "";

	return one->kind == other->kind && strcmp(host, was) == 0 &&
	    (one->kind != TARGET_NAME || one->port == other->port);
}

static void
place_apply(const struct conf *conf, const struct conf_pool *pool,
    const struct conf_server *server, struct state_server *shared)
{
	const struct addr *addr = &server->target.addr;
	struct addr before;
	uint32_t weight;
	bool numeric = server->target.kind == TARGET_ADDRESS ||
	    server->target.kind == TARGET_UNIX;

	if (numeric && state_server_get(shared, &before, &weight) &&
	    addr_compare(&before, addr) != 0)
		state_server_clear(shared);
	state_server_configure(shared, (enum server_admin)server->state,
	    (uint32_t)server->weight, server->max_connections);
	if (numeric)
		state_server_set(shared, addr, (uint32_t)server->weight);
	/* What the text alone does not tell: the address is one of this
	 * machine's. */
	if (server->target.kind == TARGET_ADDRESS)
		atomic_store(&shared->loops,
		    conf_leads_back(conf, pool, addr, local_has_address(addr)));
}

void
slots_apply(const struct slots *slots, const struct conf *conf,
    const struct conf *before, struct state *state)
{
	const unsigned *place = slots->places;
	const struct conf_server *server, *was;
	const struct conf_pool *pool;
	size_t i, j;
	unsigned k;

	for (i = 0; i < conf->npools; i++) {
		pool = &conf->pools[i];
		for (j = 0; j < pool->nservers; j++, place++) {
			server = &pool->servers[j];
			was = find_server(before, pool, server);
			for (k = 0; k < server->nplaces; k++) {
				/* A place that has lain idle may still have
				 * what it was last used for. */
				if (before != NULL &&
				    (was == NULL ||
					!same_target(
					    &server->target, &was->target)))
					state_server_clear(
					    &state->servers[*place + k]);
				place_claim(
				    server, &state->servers[*place + k]);
				place_apply(conf, pool, server,
				    &state->servers[*place + k]);
			}
		}
		state_pool_changed(&state->pools[slots->pools[i]]);
	}
}
