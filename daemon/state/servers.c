/*
 * Servers in the shared state: names, and reading and writing an address
 * while others look at it.
 */
#include "state/servers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A writer that was killed in the middle must not stop the readers. */
#define READ_TRIES 100

static const char *const names[SERVER_COUNTERS] = {
	[SERVER_COUNTER_SESSIONS] = "sessions",
	[SERVER_COUNTER_CONNECTS] = "connects",
	[SERVER_COUNTER_FAILED] = "failed",
	[SERVER_COUNTER_EJECTED] = "ejected",
	[SERVER_COUNTER_BYTES_TO] = "bytes_to",
	[SERVER_COUNTER_BYTES_FROM] = "bytes_from",
	[SERVER_COUNTER_DATAGRAMS_TO] = "datagrams_to",
	[SERVER_COUNTER_DATAGRAMS_FROM] = "datagrams_from",
	[SERVER_COUNTER_ERRORS] = "errors",
};

const char *
server_counter_name(enum server_counter counter)
{
	if ((unsigned)counter >= SERVER_COUNTERS)
		return "unknown";
	return names[counter];
}

int
state_pool_slot(struct state *state, const char *name)
{
	size_t len = strlen(name);
	int unused = -1;

	if (len == 0 || len >= STATE_NAME_MAX) {
		errno = EINVAL;
		return -1;
	}
	for (unsigned i = 0; i < state->shape.pools; i++) {
		if (strcmp(state->pools[i].name, name) == 0)
			return (int)i;
		if (unused == -1 && state->pools[i].name[0] == '\0')
			unused = (int)i;
	}
	if (unused == -1) {
		errno = ENOSPC;
		return -1;
	}
	memcpy(state->pools[unused].name, name, len + 1);
	return unused;
}

/* The name of place i of n; false if it does not fit. */
static bool
place_name(
    char *buf, const char *pool, const char *server, unsigned i, unsigned n)
{
	int len = n == 1
	    ? snprintf(buf, STATE_SERVER_NAME_MAX, "%s/%s", pool, server)
	    : snprintf(buf, STATE_SERVER_NAME_MAX, "%s/%s/%u", pool, server, i);

	return len > 0 && len < STATE_SERVER_NAME_MAX;
}

/* Whether all n places from first on have the names, or all are free. */
static bool
places_fit(const struct state *state, unsigned first, const char *pool,
    const char *server, unsigned n, bool unused)
{
	char name[STATE_SERVER_NAME_MAX];

	for (unsigned i = 0; i < n; i++) {
		(void)place_name(name, pool, server, i, n);
		if (strcmp(state->servers[first + i].name,
			unused ? "" : name) != 0)
			return false;
	}
	return true;
}

static int
places_find(const struct state *state, const char *pool, const char *server,
    unsigned n, bool unused)
{
	if (n > state->shape.servers)
		return -1;
	for (unsigned i = 0; i <= state->shape.servers - n; i++) {
		if (places_fit(state, i, pool, server, n, unused))
			return (int)i;
	}
	return -1;
}

int
state_server_places(
    struct state *state, const char *pool, const char *server, unsigned n)
{
	char name[STATE_SERVER_NAME_MAX];
	int first;

	if (n == 0 || pool[0] == '\0' || server[0] == '\0' ||
	    !place_name(name, pool, server, n, n)) {
		errno = EINVAL;
		return -1;
	}
	first = places_find(state, pool, server, n, false);
	if (first != -1)
		return first;
	first = places_find(state, pool, server, n, true);
	if (first == -1) {
		errno = ENOSPC;
		return -1;
	}
	for (unsigned i = 0; i < n; i++)
		(void)place_name(state->servers[(unsigned)first + i].name, pool,
		    server, i, n);
	return first;
}

struct server_counters *
state_server_counters(
    const struct state *state, unsigned worker, unsigned place)
{
	return &state->server_counters[(size_t)worker * state->shape.servers +
	    place];
}

uint64_t
state_server_sum(
    const struct state *state, unsigned place, enum server_counter counter)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < state->shape.workers; i++)
		sum += counter_read(
		    &state_server_counters(state, i, place)->events[counter]);
	return sum;
}

static void
forget_failures(struct state_server *server)
{
	atomic_store(&server->failures, 0);
	atomic_store(&server->probing, 0);
	atomic_store(&server->ejected_until_ms, 0);
	atomic_store(&server->recovered_ms, 0);
}

void
state_server_set(
    struct state_server *server, const struct addr *addr, uint32_t weight)
{
	uint32_t version =
	    atomic_load_explicit(&server->version, memory_order_relaxed);

	if (addr_compare(&server->addr, addr) != 0)
		forget_failures(server);
	/* Odd already where an earlier writer died in between. */
	atomic_store_explicit(
	    &server->version, version | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	server->addr = *addr;
	server->weight = weight;
	atomic_store_explicit(
	    &server->version, (version | 1) + 1, memory_order_release);
}

bool
state_server_get(
    const struct state_server *server, struct addr *addr, uint32_t *weight)
{
	uint32_t version;

	for (unsigned tries = 0; tries < READ_TRIES; tries++) {
		version = atomic_load_explicit(
		    &server->version, memory_order_acquire);
		*addr = server->addr;
		*weight = server->weight;
		atomic_thread_fence(memory_order_acquire);
		if (version % 2 == 0 &&
		    atomic_load_explicit(
			&server->version, memory_order_relaxed) == version)
			return addr->family != ADDR_NONE;
	}
	memset(addr, 0, sizeof(*addr));
	*weight = 0;
	return false;
}

void
state_server_clear(struct state_server *server)
{
	const struct addr none = { .family = ADDR_NONE };

	state_server_set(server, &none, 0);
	forget_failures(server);
	atomic_store(&server->checked, SERVER_UNCHECKED);
	atomic_store(&server->admin, SERVER_ADMIN_ENABLED);
	atomic_store(&server->loops, 0);
	atomic_store(&server->since_ms, 0);
	atomic_store(&server->manual_weight, 0);
	atomic_store(&server->manual_max, 0);
	atomic_store(&server->configured_weight, 0);
}

void
state_pool_changed(struct state_pool *pool)
{
	(void)atomic_fetch_add(&pool->generation, 1);
}

void
state_server_configure(struct state_server *server, enum server_admin admin,
    uint32_t weight, uint64_t max_connections)
{
	bool first = atomic_load(&server->configured_weight) == 0;

	if (atomic_exchange(&server->configured_admin, admin) != admin || first)
		atomic_store(&server->admin, admin);
	if (atomic_exchange(&server->configured_weight, weight) != weight)
		atomic_store(&server->manual_weight, 0);
	if (atomic_exchange(&server->configured_max, max_connections) !=
	    max_connections)
		atomic_store(&server->manual_max, 0);
}

uint32_t
state_server_weight(const struct state_server *server, uint32_t weight)
{
	uint32_t manual =
	    atomic_load_explicit(&server->manual_weight, memory_order_relaxed);

	return manual != 0 ? manual : weight;
}

uint64_t
state_server_max(const struct state_server *server, uint64_t configured)
{
	uint64_t manual =
	    atomic_load_explicit(&server->manual_max, memory_order_relaxed);

	return manual != 0 ? manual - 1 : configured;
}

const char *
state_admin_name(uint32_t admin)
{
	static const char *const admins[] = {
		[SERVER_ADMIN_ENABLED] = "enabled",
		[SERVER_ADMIN_DRAINING] = "draining",
		[SERVER_ADMIN_DISABLED] = "disabled",
	};

	if (admin >= sizeof(admins) / sizeof(admins[0]))
		return "unknown";
	return admins[admin];
}

bool
state_server_healthy(const struct state_server *server, uint64_t now_ms)
{
	return atomic_load_explicit(&server->checked, memory_order_relaxed) !=
	    SERVER_DOWN &&
	    atomic_load_explicit(&server->admin, memory_order_relaxed) ==
	    SERVER_ADMIN_ENABLED &&
	    atomic_load_explicit(&server->loops, memory_order_relaxed) == 0 &&
	    atomic_load_explicit(
		&server->ejected_until_ms, memory_order_relaxed) <= now_ms;
}

bool
state_server_usable(const struct state_server *server, uint64_t now_ms)
{
	struct addr addr;
	uint32_t weight;

	return state_server_healthy(server, now_ms) &&
	    state_server_get(server, &addr, &weight);
}

void
state_wake_workers(const struct state *state)
{
	if (state->wake == NULL)
		return;
	for (unsigned i = 0; i < state->shape.workers; i++)
		state->wake(state->wake_arg, i);
}
