/*
 * Addresses to places; see places.h.
 *
 * Workers read while this writes.  An address that is replaced is overwritten
 * and not emptied first, so that a change of all addresses at once leaves no
 * moment without any.
 */
#include "monitor/places.h"

#include <stdlib.h>
#include <string.h>

/* ---- entries --------------------------------------------------------------------- */

static int
by_address(const void *a, const void *b)
{
	const struct place_entry *one = a, *other = b;

	return addr_compare(&one->addr, &other->addr);
}

static int
by_preference(const void *a, const void *b)
{
	const struct place_entry *one = a, *other = b;

	if (one->weight != other->weight)
		return one->weight > other->weight ? -1 : 1;
	return addr_compare(&one->addr, &other->addr);
}

/* Of sorted ones. */
static size_t
merge_same(struct place_entry *entries, size_t n)
{
	size_t i, left = 0;

	for (i = 0; i < n; i++) {
		if (left > 0 &&
		    by_address(&entries[left - 1], &entries[i]) == 0)
			entries[left - 1].weight += entries[i].weight;
		else
			entries[left++] = entries[i];
	}
	return left;
}

size_t
places_sort(struct place_entry *entries, size_t n)
{
	uint64_t heaviest;
	size_t i;

	if (n == 0)
		return 0;
	qsort(entries, n, sizeof(*entries), by_address);
	n = merge_same(entries, n);
	qsort(entries, n, sizeof(*entries), by_preference);
	heaviest = entries[0].weight;
	if (heaviest <= PLACES_WEIGHT_MAX)
		return n;
	for (i = 0; i < n; i++) {
		entries[i].weight =
		    entries[i].weight * PLACES_WEIGHT_MAX / heaviest;
		if (entries[i].weight == 0)
			entries[i].weight = 1;
	}
	return n;
}

/* ---- places ---------------------------------------------------------------------- */

static struct place_entry *
entry_find(struct place_entry *entries, size_t n, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (addr_compare(&entries[i].addr, addr) == 0)
			return &entries[i];
	return NULL;
}

static void
note(struct strbuf *list, const struct addr *addr)
{
	char text[ADDR_STRLEN];

	strbuf_printf(list, "%s%s", list->len > 0 ? ", " : "",
	    addr_format(addr, text, sizeof(text)));
}

static void
place_tell(const struct places *places, const struct state_server *server)
{
	if (places->changed != NULL)
		places->changed(
		    places->owner, (unsigned)(server - places->first));
}

static void
place_mark(struct state_server *server, const struct place_entry *entry,
    struct places_change *change)
{
	uint32_t loops = entry->loops;

	if (atomic_exchange(&server->loops, loops) == loops)
		return;
	change->any = true;
	if (entry->loops)
		note(&change->looping, &entry->addr);
}

/* Keep the address, if it is an entry and not in another place already. */
static void
place_keep(struct state_server *server, struct place_entry *entries, size_t n,
    struct places_change *change)
{
	struct place_entry *entry;
	struct addr addr;
	uint32_t weight;

	if (!state_server_get(server, &addr, &weight))
		return;
	entry = entry_find(entries, n, &addr);
	if (entry == NULL || entry->placed)
		return;
	entry->placed = true;
	place_mark(server, entry, change);
	if (weight == entry->weight)
		return;
	state_server_set(server, &addr, (uint32_t)entry->weight);
	change->any = true;
}

/* Whether a new address may go there: what is there is no entry. */
static bool
place_is_free(
    const struct state_server *server, struct place_entry *entries, size_t n)
{
	struct addr addr;
	uint32_t weight;

	return !state_server_get(server, &addr, &weight) ||
	    entry_find(entries, n, &addr) == NULL;
}

/* The one with the fewest sessions; there is one, since there are no more
 * entries than places, each in one at most. */
static struct state_server *
place_choose(const struct places *places, struct place_entry *entries, size_t n)
{
	struct state_server *best = NULL;
	uint32_t sessions, fewest = 0;
	unsigned i;

	for (i = 0; i < places->n; i++) {
		if (!place_is_free(&places->first[i], entries, n))
			continue;
		sessions = tally_read(&places->first[i].connections.tally);
		if (best == NULL || sessions < fewest) {
			best = &places->first[i];
			fewest = sessions;
		}
	}
	return best;
}

static void
place_remove(struct state_server *server, struct places_change *change)
{
	struct addr addr;
	uint32_t weight;

	if (state_server_get(server, &addr, &weight))
		note(&change->removed, &addr);
	change->any = true;
}

/* What leads back must not be sent to for a moment, neither the old address
 * nor the new one. */
static void
place_fill(const struct places *places, struct place_entry *entries, size_t n,
    struct place_entry *entry, uint64_t since_ms, struct places_change *change)
{
	struct state_server *server = place_choose(places, entries, n);

	if (server == NULL)
		return;
	entry->placed = true;
	place_remove(server, change);
	note(&change->added, &entry->addr);
	if (entry->loops)
		place_mark(server, entry, change);
	atomic_store(&server->since_ms, since_ms);
	state_server_set(server, &entry->addr, (uint32_t)entry->weight);
	if (!entry->loops)
		place_mark(server, entry, change);
	place_tell(places, server);
}

static void
place_empty(const struct places *places, struct state_server *server,
    struct places_change *change)
{
	static const struct addr none;

	place_remove(server, change);
	state_server_set(server, &none, 1);
	atomic_store(&server->loops, 0);
	place_tell(places, server);
}

void
places_assign(const struct places *places, struct place_entry *entries,
    size_t n, uint64_t since_ms, struct places_change *change)
{
	struct state_server *server;
	struct addr addr;
	uint32_t weight;
	size_t i;

	for (i = 0; i < n; i++)
		entries[i].placed = false;
	for (i = 0; i < places->n; i++)
		place_keep(&places->first[i], entries, n, change);
	for (i = 0; i < n; i++)
		if (!entries[i].placed)
			place_fill(
			    places, entries, n, &entries[i], since_ms, change);
	for (i = 0; i < places->n; i++) {
		server = &places->first[i];
		if (state_server_get(server, &addr, &weight) &&
		    entry_find(entries, n, &addr) == NULL)
			place_empty(places, server, change);
	}
}

unsigned
places_in_use(const struct places *places)
{
	unsigned i, n = 0;
	struct addr addr;
	uint32_t weight;

	for (i = 0; i < places->n; i++)
		n += state_server_get(&places->first[i], &addr, &weight);
	return n;
}

void
places_repair(const struct places *places)
{
	static const struct addr none;
	unsigned i;

	for (i = 0; i < places->n; i++)
		if (atomic_load(&places->first[i].version) % 2 != 0)
			state_server_set(&places->first[i], &none, 1);
}

void
places_change_free(struct places_change *change)
{
	strbuf_free(&change->added);
	strbuf_free(&change->removed);
	strbuf_free(&change->looping);
}
