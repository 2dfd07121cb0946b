/*
 * The ledger of sessions, and the release of what a dead worker held.
 *
 * What a session holds is told by the bits of holds, each of which changes
 * together with the count it stands for (tally.h).  HOLD_ENTRY goes in first
 * and out last, so at any moment the bits are all there is to give back.  The
 * id goes first when a session ends: from then on it is over, and only what
 * it held is still to be given back.
 */
#include "state/ledger.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "state/limit.h"
#include "state/servers.h"
#include "state/sources.h"

#define SESSION_NUMBER_BITS 48

static struct ledger_entry *
table_of(const struct state *state, unsigned worker)
{
	return &state->ledger[(size_t)worker * state->shape.sessions];
}

int
ledger_open(struct ledger *ledger, struct state *state, unsigned worker)
{
	if (atomic_load(&state->workers[worker].ledger_top) != 0) {
		errno = EBUSY;
		return -1;
	}
	*ledger = (struct ledger){
		.state = state,
		.author = state_author(state, worker),
		.worker = worker,
		.free = mem_array(state->shape.sessions, sizeof(uint32_t)),
	};
	return ledger->free == NULL ? -1 : 0;
}

void
ledger_close(struct ledger *ledger)
{
	mem_free(ledger->free);
	ledger->free = NULL;
}

static void
sessions_store(struct ledger *ledger)
{
	atomic_store_explicit(&ledger->state->workers[ledger->worker].sessions,
	    ledger->used, memory_order_relaxed);
}

/* Readers distrust the entry between these two. */
static void
entry_change_begin(struct ledger_entry *entry)
{
	uint32_t version =
	    atomic_load_explicit(&entry->version, memory_order_relaxed);

	/* Odd already where the predecessor died in between. */
	atomic_store_explicit(
	    &entry->version, version | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void
entry_change_end(struct ledger_entry *entry)
{
	uint32_t version =
	    atomic_load_explicit(&entry->version, memory_order_relaxed);

	atomic_store_explicit(
	    &entry->version, version + 1, memory_order_release);
}

static uint32_t
place_take(struct ledger *ledger)
{
	struct state_worker *self = &ledger->state->workers[ledger->worker];

	if (ledger->nfree > 0)
		return ledger->free[--ledger->nfree];
	/* Before the place is used, so that the master goes as far. */
	atomic_store(&self->ledger_top, ledger->fresh + 1);
	return ledger->fresh++;
}

struct ledger_entry *
ledger_begin(struct ledger *ledger, unsigned service, const struct addr *client,
    int64_t start_us)
{
	struct state_worker *self = &ledger->state->workers[ledger->worker];
	struct ledger_entry *entry;
	uint64_t number;

	if (ledger->used == ledger->state->shape.sessions)
		return NULL;
	entry = &table_of(ledger->state, ledger->worker)[place_take(ledger)];
	number =
	    atomic_load_explicit(&self->next_session, memory_order_relaxed) + 1;
	atomic_store_explicit(
	    &self->next_session, number, memory_order_relaxed);

	entry_change_begin(entry);
	atomic_store_explicit(&entry->bytes_in, 0, memory_order_relaxed);
	atomic_store_explicit(&entry->bytes_out, 0, memory_order_relaxed);
	entry->start_us = start_us;
	entry->client = *client;
	entry->source[0] = SOURCE_NONE;
	entry->source[1] = SOURCE_NONE;
	entry->service = (uint16_t)service;
	entry->server = STATE_SERVER_NONE;
	atomic_store_explicit(&entry->id,
	    (uint64_t)ledger->worker << SESSION_NUMBER_BITS | number,
	    memory_order_relaxed);
	entry_change_end(entry);
	atomic_store(&entry->holds, HOLD_ENTRY);
	ledger->used++;
	sessions_store(ledger);
	return entry;
}

bool
ledger_take_server(struct ledger *ledger, struct ledger_entry *entry,
    unsigned place, uint64_t max, bool wait)
{
	struct limit *limit = &ledger->state->servers[place].connections;
	const struct tally_author *author = &ledger->author;
	uint32_t after = atomic_load(&entry->holds) | HOLD_SERVER;
	uint32_t bound =
	    max == 0 || max > TALLY_MAX ? TALLY_MAX : (uint32_t)max;

	/* First, so that whoever finds the bit finds the place. */
	entry->server = (uint16_t)place;
	if (limit_take(limit, author, 1, bound, &entry->holds, after))
		return true;
	if (wait) {
		limit_wait(limit, ledger->worker);
		if (limit_take(limit, author, 1, bound, &entry->holds, after))
			return true;
	}
	entry->server = STATE_SERVER_NONE;
	return false;
}

bool
ledger_take_queue(struct ledger *ledger, struct ledger_entry *entry,
    unsigned pool, uint64_t max)
{
	uint32_t after = atomic_load(&entry->holds) | HOLD_QUEUE;

	entry->pool = (uint16_t)pool;
	return limit_take(&ledger->state->pools[pool].queue, &ledger->author, 1,
	    max > TALLY_MAX ? TALLY_MAX : (uint32_t)max, &entry->holds, after);
}

static void
entry_give_server(struct state *state, const struct tally_author *author,
    struct ledger_entry *entry)
{
	uint32_t holds = atomic_load(&entry->holds);

	if (holds & HOLD_SERVER && entry->server < state->shape.servers)
		limit_give(state, &state->servers[entry->server].connections,
		    author, 1, &entry->holds, holds & ~(uint32_t)HOLD_SERVER);
}

static void
entry_give_queue(struct state *state, const struct tally_author *author,
    struct ledger_entry *entry)
{
	uint32_t holds = atomic_load(&entry->holds);

	if (holds & HOLD_QUEUE && entry->pool < state->shape.pools)
		limit_give(state, &state->pools[entry->pool].queue, author, 1,
		    &entry->holds, holds & ~(uint32_t)HOLD_QUEUE);
}

static void
entry_give_service(struct state *state, const struct tally_author *author,
    struct ledger_entry *entry)
{
	uint32_t holds = atomic_load(&entry->holds);

	if (holds & HOLD_SERVICE && entry->service < state->shape.services)
		limit_give(state, &state->services[entry->service].connections,
		    author, 1, &entry->holds, holds & ~(uint32_t)HOLD_SERVICE);
}

void
ledger_give_server(struct ledger *ledger, struct ledger_entry *entry)
{
	entry_give_server(ledger->state, &ledger->author, entry);
	entry->server = STATE_SERVER_NONE;
}

void
ledger_give_queue(struct ledger *ledger, struct ledger_entry *entry)
{
	entry_give_queue(ledger->state, &ledger->author, entry);
}

void
ledger_give_service(struct ledger *ledger, struct ledger_entry *entry)
{
	entry_give_service(ledger->state, &ledger->author, entry);
}

void
ledger_set_client(struct ledger_entry *entry, const struct addr *client)
{
	entry_change_begin(entry);
	entry->client = *client;
	entry_change_end(entry);
}

/*
 * Give back what the entry holds in the author's name, and the entry itself.
 * A dead worker's entry is read with care: whatever it says, nothing outside
 * of the mapping is touched.
 */
static void
entry_release(struct state *state, const struct tally_author *author,
    struct ledger_entry *entry)
{
	uint32_t holds;

	entry_change_begin(entry);
	atomic_store_explicit(&entry->id, 0, memory_order_relaxed);
	entry_change_end(entry);
	entry_give_queue(state, author, entry);
	entry_give_server(state, author, entry);
	holds = atomic_load(&entry->holds);
	if (holds & HOLD_SERVICE_SOURCE) {
		holds &= ~(uint32_t)HOLD_SERVICE_SOURCE;
		sources_give(
		    state, author, entry->source[1], &entry->holds, holds);
	}
	if (holds & HOLD_SOURCE) {
		holds &= ~(uint32_t)HOLD_SOURCE;
		sources_give(
		    state, author, entry->source[0], &entry->holds, holds);
	}
	entry_give_service(state, author, entry);
	holds = atomic_load(&entry->holds);
	if (holds & HOLD_TOTAL) {
		holds &= ~(uint32_t)HOLD_TOTAL;
		limit_give(
		    state, state->total, author, 1, &entry->holds, holds);
	}
	atomic_store(&entry->holds, 0);
}

void
ledger_end(struct ledger *ledger, struct ledger_entry *entry)
{
	const struct ledger_entry *table =
	    table_of(ledger->state, ledger->worker);

	entry_release(ledger->state, &ledger->author, entry);
	ledger->free[ledger->nfree++] = (uint32_t)(entry - table);
	ledger->used--;
	sessions_store(ledger);
}

static void
entry_copy(struct ledger_entry *copy, const struct ledger_entry *entry)
{
	atomic_init(&copy->holds,
	    atomic_load_explicit(&entry->holds, memory_order_relaxed));
	atomic_init(&copy->version,
	    atomic_load_explicit(&entry->version, memory_order_relaxed));
	atomic_init(
	    &copy->id, atomic_load_explicit(&entry->id, memory_order_relaxed));
	atomic_init(&copy->bytes_in,
	    atomic_load_explicit(&entry->bytes_in, memory_order_relaxed));
	atomic_init(&copy->bytes_out,
	    atomic_load_explicit(&entry->bytes_out, memory_order_relaxed));
	copy->start_us = entry->start_us;
	copy->client = entry->client;
	memcpy(copy->source, entry->source, sizeof(copy->source));
	copy->service = entry->service;
	copy->server = entry->server;
	copy->pool = entry->pool;
}

bool
ledger_read(const struct state *state, unsigned worker, uint32_t place,
    struct ledger_entry *copy)
{
	const struct ledger_entry *entry = &table_of(state, worker)[place];
	uint32_t version;

	/* A worker that was stopped in the middle must not stop us too. */
	for (unsigned tries = 0; tries < 100; tries++) {
		version =
		    atomic_load_explicit(&entry->version, memory_order_acquire);
		entry_copy(copy, entry);
		atomic_thread_fence(memory_order_acquire);
		if (version % 2 == 0 &&
		    atomic_load_explicit(
			&entry->version, memory_order_relaxed) == version)
			return atomic_load(&copy->id) != 0;
	}
	return false;
}

static bool
entry_is_live(const struct ledger_entry *entry)
{
	return atomic_load(&entry->holds) != 0 && atomic_load(&entry->id) != 0;
}

/* Count a session that its worker took with it, and tell of it, unless the
 * worker has left nonsense in its place. */
static void
tell_died(const struct state *state, unsigned worker,
    const struct ledger_entry *copy,
    void (*each)(void *arg, const struct ledger_entry *entry), void *arg)
{
	struct counters *counters;

	if (copy->service >= state->shape.services)
		return;
	counters = state_counters(state, worker, copy->service);
	counter_add(&counters->ended[REASON_WORKER_DIED], 1);
	if (each != NULL)
		each(arg, copy);
}

static uint32_t
release_sessions(struct state *state, const struct tally_author *dead,
    void (*each)(void *arg, const struct ledger_entry *entry), void *arg)
{
	struct state_worker *worker = &state->workers[dead->worker];
	uint32_t top = atomic_load(&worker->ledger_top);
	struct ledger_entry *table = table_of(state, dead->worker);
	struct ledger_entry copy;
	uint32_t n = 0;

	if (top > state->shape.sessions)
		top = state->shape.sessions;
	for (uint32_t i = 0; i < top; i++) {
		if (entry_is_live(&table[i])) {
			entry_copy(&copy, &table[i]);
			tell_died(state, dead->worker, &copy, each, arg);
			n++;
		}
		/* Also of one that had half begun or half ended. */
		entry_release(state, dead, &table[i]);
	}
	atomic_store(&worker->sessions, 0);
	atomic_store(&worker->ledger_top, 0);
	return n;
}

static void
release_waiters(struct state *state, unsigned worker)
{
	limit_unwait(state->total, worker);
	limit_unwait(state->memory, worker);
	for (unsigned i = 0; i < state->shape.services; i++)
		limit_unwait(&state->services[i].connections, worker);
	for (unsigned i = 0; i < state->shape.servers; i++)
		limit_unwait(&state->servers[i].connections, worker);
	if (state->wake == NULL)
		return;
	for (unsigned i = 0; i < state->shape.workers; i++) {
		if (i != worker)
			state->wake(state->wake_arg, i);
	}
}

uint32_t
state_release_worker(struct state *state, unsigned worker,
    void (*each)(void *arg, const struct ledger_entry *entry), void *arg)
{
	struct tally_author dead = state_author(state, worker);
	struct state_worker *self = &state->workers[worker];
	uint32_t n, chunks;

	tally_recover(&dead);
	sources_release(state, &dead);
	n = release_sessions(state, &dead, each, arg);
	chunks = atomic_load(&self->memory_held);
	if (chunks > 0)
		limit_give(
		    state, state->memory, &dead, chunks, &self->memory_held, 0);
	release_waiters(state, worker);
	return n;
}

static _Atomic uint64_t *
condemned_of(const struct state *state, unsigned worker, size_t place)
{
	return &state
		    ->condemned[(size_t)worker * state->shape.sessions + place];
}

void
ledger_condemn(
    struct state *state, unsigned worker, uint32_t place, uint64_t id)
{
	atomic_store(condemned_of(state, worker, place), id);
}

bool
ledger_is_condemned(
    const struct ledger *ledger, const struct ledger_entry *entry)
{
	const struct ledger_entry *table =
	    table_of(ledger->state, ledger->worker);
	size_t place = (size_t)(entry - table);

	return atomic_load_explicit(
		   condemned_of(ledger->state, ledger->worker, place),
		   memory_order_relaxed) ==
	    atomic_load_explicit(&entry->id, memory_order_relaxed);
}
