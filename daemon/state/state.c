/*
 * The shared mapping: its layout, making it, and mapping what another process
 * made.  One function lays it out from the shape alone, so every process
 * comes to the same offsets and none of them is stored.
 */
#include "state/state.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/compat.h"
#include "base/mem.h"
#include "state/bans.h"
#include "state/servers.h"
#include "state/sources.h"

#define STATE_MAGIC  UINT64_C(0x657461747364786d) /* "mxdstate" */
#define CACHE_LINE   64

#define SERVICES_MAX UINT16_MAX /* ledger_entry.service */
#define SERVERS_MAX  UINT16_MAX /* ledger_entry.server */
#define SOURCES_MIN  16         /* a window */
#define SOURCES_MAX  (UINT32_C(1) << 28)

/* A master that was killed leaves what never becomes even. */
#define PAST_TRIES 1000

/* Where each part begins, in bytes from the start. */
struct layout {
	uint64_t total;
	uint64_t memory;
	uint64_t bans;
	uint64_t monitor;
	uint64_t node;
	uint64_t services;
	uint64_t pools;
	uint64_t servers;
	uint64_t workers;
	uint64_t counters;
	uint64_t server_counters;
	uint64_t past;
	uint64_t sources;
	uint64_t ledger;
	uint64_t condemned;
	uint64_t size;
};

/* The place of n objects behind all that were placed before.  With the
 * bounds of shape_check() the sum stays far below 2^64. */
static uint64_t
layout_place(struct layout *layout, uint64_t n, size_t size)
{
	uint64_t at = layout->size;

	layout->size += n * size + CACHE_LINE - 1;
	layout->size -= layout->size % CACHE_LINE;
	return at;
}

static struct layout
layout_of(const struct state_shape *shape)
{
	struct layout l = { 0 };
	uint64_t workers = shape->workers;

	layout_place(&l, 1, sizeof(struct state_header));
	l.total = layout_place(&l, 1, sizeof(struct limit));
	l.memory = layout_place(&l, 1, sizeof(struct limit));
	l.bans = layout_place(&l, 1, sizeof(struct bans));
	l.monitor = layout_place(&l, 1, sizeof(struct state_monitor));
	l.node = layout_place(&l, 1, sizeof(struct state_node));
	l.services =
	    layout_place(&l, shape->services, sizeof(struct state_service));
	l.pools = layout_place(&l, shape->pools, sizeof(struct state_pool));
	l.servers =
	    layout_place(&l, shape->servers, sizeof(struct state_server));
	l.workers = layout_place(&l, workers, sizeof(struct state_worker));
	l.counters = layout_place(
	    &l, workers * shape->services, sizeof(struct counters));
	l.server_counters = layout_place(
	    &l, workers * shape->servers, sizeof(struct server_counters));
	l.past = layout_place(&l, workers, sizeof(struct state_past));
	l.sources = layout_place(&l, shape->sources, sizeof(struct source));
	l.ledger = layout_place(
	    &l, workers * shape->sessions, sizeof(struct ledger_entry));
	l.condemned =
	    layout_place(&l, workers * shape->sessions, sizeof(uint64_t));
	return l;
}

static bool
shape_check(const struct state_shape *shape)
{
	return shape->workers >= 1 && shape->workers <= TALLY_WORKERS &&
	    shape->slots <= shape->workers && shape->services >= 1 &&
	    shape->services <= SERVICES_MAX && shape->sessions >= 1 &&
	    shape->sessions <= TALLY_MAX && shape->sources <= SOURCES_MAX &&
	    shape->pools <= SERVERS_MAX && shape->servers <= SERVERS_MAX;
}

static uint64_t
header_check(const struct state_header *header)
{
	return XXH3_64bits(header, offsetof(struct state_header, check));
}

/* Map the memory behind fd and find its parts; the header is not read. */
static struct state *
state_map(int fd, const struct state_shape *shape)
{
	struct layout l = layout_of(shape);
	struct state *state;
	unsigned char *base;

	if (l.size > SIZE_MAX / 2) {
		errno = ENOMEM;
		return NULL;
	}
	if ((state = mem_zalloc(sizeof(*state))) == NULL)
		return NULL;
	base = mmap(
	    NULL, (size_t)l.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		mem_free(state);
		return NULL;
	}
	state->header = (void *)base;
	state->total = (void *)(base + l.total);
	state->memory = (void *)(base + l.memory);
	state->bans = (void *)(base + l.bans);
	state->monitor = (void *)(base + l.monitor);
	state->node = (void *)(base + l.node);
	state->services = (void *)(base + l.services);
	state->pools = (void *)(base + l.pools);
	state->servers = (void *)(base + l.servers);
	state->workers = (void *)(base + l.workers);
	state->counters = (void *)(base + l.counters);
	state->server_counters = (void *)(base + l.server_counters);
	state->past = (void *)(base + l.past);
	state->sources = (void *)(base + l.sources);
	state->ledger = (void *)(base + l.ledger);
	state->condemned = (void *)(base + l.condemned);
	state->shape = *shape;
	state->size = (size_t)l.size;
	state->fd = fd;
	return state;
}

static int
header_fill(struct state *state)
{
	struct state_header *header = state->header;

	header->magic = STATE_MAGIC;
	header->version = STATE_LAYOUT_VERSION;
	header->shape = state->shape;
	header->size = state->size;
	if (getentropy(&header->seed, sizeof(header->seed)) == -1)
		return -1;
	header->check = header_check(header);
	return 0;
}

struct state *
state_create(const struct state_shape *shape)
{
	struct state_shape rounded = *shape;
	struct state *state;
	uint64_t size;
	int fd, saved;

	if (!shape_check(shape)) {
		errno = EINVAL;
		return NULL;
	}
	rounded.sources = SOURCES_MIN;
	while (rounded.sources < shape->sources)
		rounded.sources *= 2;

	size = layout_of(&rounded).size;
	if (size > SIZE_MAX / 2) {
		errno = ENOMEM;
		return NULL;
	}
	if ((fd = compat_shared_memory("muxd-state", (size_t)size)) == -1)
		return NULL;
	if ((state = state_map(fd, &rounded)) == NULL)
		goto fail_close;
	if (header_fill(state) == -1)
		goto fail_unmap;
	return state;

fail_unmap:
	saved = errno;
	state_close(state);
	errno = saved;
	return NULL;
fail_close:
	saved = errno;
	close(fd);
	errno = saved;
	return NULL;
}

/* Read the header by itself first: only what it says tells how much there is
 * to map.  Mapped, since read(2) of shared memory is not for every system. */
static int
header_read(int fd, struct state_header *header)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size < (off_t)sizeof(*header)) {
		errno = EPROTO;
		return -1;
	}
	map = mmap(NULL, sizeof(*header), PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	memcpy(header, map, sizeof(*header));
	munmap(map, sizeof(*header));

	if (header->magic != STATE_MAGIC ||
	    header->version != STATE_LAYOUT_VERSION ||
	    header->check != header_check(header) ||
	    !shape_check(&header->shape) ||
	    header->size != layout_of(&header->shape).size ||
	    (uint64_t)st.st_size < header->size) {
		errno = EPROTO;
		return -1;
	}
	return 0;
}

struct state *
state_attach(int fd)
{
	struct state_header header;

	if (header_read(fd, &header) == -1)
		return NULL;
	return state_map(fd, &header.shape);
}

void
state_close(struct state *state)
{
	munmap(state->header, state->size);
	close(state->fd);
	mem_free(state);
}

int
state_service_slot(struct state *state, const char *name)
{
	size_t len = strlen(name);
	int unused = -1;

	if (len == 0 || len >= STATE_NAME_MAX) {
		errno = EINVAL;
		return -1;
	}
	for (unsigned i = 0; i < state->shape.services; i++) {
		if (strcmp(state->services[i].name, name) == 0)
			return (int)i;
		if (unused == -1 && state->services[i].name[0] == '\0')
			unused = (int)i;
	}
	if (unused == -1) {
		errno = ENOSPC;
		return -1;
	}
	memcpy(state->services[unused].name, name, len + 1);
	return unused;
}

static void
move_cells(_Atomic uint64_t *to, _Atomic uint64_t *from, int n)
{
	for (int i = 0; i < n; i++) {
		uint64_t count = counter_read(&from[i]);

		/* Memory that nobody has counted in stays untouched. */
		if (count == 0)
			continue;
		counter_add(&to[i], count);
		atomic_store_explicit(&from[i], 0, memory_order_relaxed);
	}
}

/* A master that was killed may have left the version odd. */
static void
move_to_past(struct state_past *past, struct counters *counters)
{
	uint32_t odd =
	    atomic_load_explicit(&past->version, memory_order_relaxed) | 1;

	atomic_store_explicit(&past->version, odd, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	move_cells(past->counters.events, counters->events, COUNTER_EVENTS);
	move_cells(past->counters.ended, counters->ended, REASON_COUNT);
	atomic_store_explicit(&past->version, odd + 1, memory_order_release);
}

static void
forget_service(struct state *state, unsigned slot)
{
	struct state_service *service = &state->services[slot];

	for (unsigned i = 0; i < state->shape.workers; i++)
		move_to_past(&state->past[i], state_counters(state, i, slot));
	memset(service->name, 0, sizeof(service->name));
	atomic_store_explicit(
	    &service->rate.full_at_ns, 0, memory_order_relaxed);
	service->used = 0;
}

static void
forget_pool(struct state_pool *pool)
{
	memset(pool->name, 0, sizeof(pool->name));
	pool->used = 0;
}

static void
forget_server(struct state *state, unsigned place)
{
	struct state_server *server = &state->servers[place];

	for (unsigned i = 0; i < state->shape.workers; i++)
		memset(state_server_counters(state, i, place), 0,
		    sizeof(struct server_counters));
	state_server_clear(server);
	memset(server->name, 0, sizeof(server->name));
	server->used = 0;
}

static bool
is_between(uint32_t used, uint32_t first, uint32_t last)
{
	return used != 0 && used >= first && used <= last;
}

void
state_forget(struct state *state, uint32_t first, uint32_t last)
{
	unsigned i;

	for (i = 0; i < state->shape.services; i++)
		if (is_between(state->services[i].used, first, last))
			forget_service(state, i);
	for (i = 0; i < state->shape.pools; i++)
		if (is_between(state->pools[i].used, first, last))
			forget_pool(&state->pools[i]);
	for (i = 0; i < state->shape.servers; i++)
		if (is_between(state->servers[i].used, first, last))
			forget_server(state, i);
}

uint32_t
state_oldest_generation(const struct state *state)
{
	uint32_t oldest = UINT32_MAX, generation;

	for (unsigned i = 0; i < state->shape.workers; i++) {
		if (atomic_load(&state->workers[i].pid) == 0)
			continue;
		generation = atomic_load(&state->workers[i].generation);
		if (generation < oldest)
			oldest = generation;
	}
	return oldest;
}

struct counters *
state_counters(const struct state *state, unsigned worker, unsigned service)
{
	return &state->counters[(size_t)worker * state->shape.services +
	    service];
}

struct tally_author
state_author(const struct state *state, unsigned worker)
{
	return (struct tally_author){
		.base = (unsigned char *)state->header,
		.size = state->size,
		.places = (unsigned char *)&state->workers[0].tallies,
		.stride = sizeof(struct state_worker),
		.authors = state->shape.workers,
		.worker = worker,
	};
}

uint64_t
state_sum_events(
    const struct state *state, unsigned service, enum counter counter)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < state->shape.workers; i++)
		sum += counter_read(
		    &state_counters(state, i, service)->events[counter]);
	return sum;
}

uint64_t
state_sum_ended(const struct state *state, unsigned service, enum reason reason)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < state->shape.workers; i++)
		sum += counter_read(
		    &state_counters(state, i, service)->ended[reason]);
	return sum;
}

enum node_order
state_node_order(const struct state *state)
{
	uint32_t order =
	    atomic_load_explicit(&state->node->order, memory_order_relaxed);

	return order <= NODE_REFUSING ? (enum node_order)order : NODE_ENABLED;
}

const char *
state_node_name(enum node_order order)
{
	static const char *const names[] = {
		[NODE_ENABLED] = "enabled",
		[NODE_DRAINING] = "draining",
		[NODE_REFUSING] = "refusing",
	};

	return names[order];
}

static uint64_t
worker_events(const struct state *state, unsigned worker, enum counter counter)
{
	uint64_t sum =
	    counter_read(&state->past[worker].counters.events[counter]);

	for (unsigned i = 0; i < state->shape.services; i++)
		if (state->services[i].name[0] != '\0')
			sum += counter_read(
			    &state_counters(state, worker, i)->events[counter]);
	return sum;
}

uint64_t
state_worker_events(
    const struct state *state, unsigned worker, enum counter counter)
{
	const _Atomic uint32_t *version = &state->past[worker].version;
	uint32_t before, after;
	uint64_t sum;
	int tries = 0;

	do {
		before = atomic_load_explicit(version, memory_order_acquire);
		sum = worker_events(state, worker, counter);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(version, memory_order_relaxed);
	} while ((before != after || before % 2 != 0) && ++tries < PAST_TRIES);
	return sum;
}
