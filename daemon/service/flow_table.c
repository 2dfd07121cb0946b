/*
 * A hash table of flows: see flow_table.h.
 */
#include "service/flow_table.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/mem.h"

#define BUCKETS_MIN 64
#define BUCKETS_MAX (UINT32_C(1) << 20)

static_assert(
    sizeof(struct flow_key) == sizeof(uint32_t) + 2 * sizeof(struct addr),
    "struct flow_key has bytes that belong to no field");

int
flow_table_open(struct flow_table *table, uint32_t most)
{
	uint32_t n = BUCKETS_MIN;

	while (n < most && n < BUCKETS_MAX)
		n *= 2;
	if (getentropy(&table->seed, sizeof(table->seed)) == -1)
		return -1;
	table->buckets = mem_array(n, sizeof(struct flow_node *));
	if (table->buckets == NULL)
		return -1;
	table->mask = n - 1;
	return 0;
}

void
flow_table_close(struct flow_table *table)
{
	mem_free(table->buckets);
	table->buckets = NULL;
}

uint32_t
flow_table_hash(const struct flow_table *table, const struct flow_key *key)
{
	return (uint32_t)XXH3_64bits_withSeed(key, sizeof(*key), table->seed);
}

struct flow_node *
flow_table_find(
    const struct flow_table *table, const struct flow_key *key, uint32_t hash)
{
	struct flow_node *node;

	for (node = table->buckets[hash & table->mask]; node != NULL;
	     node = node->next)
		if (node->hash == hash &&
		    memcmp(&node->key, key, sizeof(*key)) == 0)
			return node;
	return NULL;
}

void
flow_table_insert(struct flow_table *table, struct flow_node *node)
{
	struct flow_node **bucket = &table->buckets[node->hash & table->mask];

	node->next = *bucket;
	*bucket = node;
}

void
flow_table_remove(struct flow_table *table, struct flow_node *node)
{
	struct flow_node **place = &table->buckets[node->hash & table->mask];

	while (*place != node)
		place = &(*place)->next;
	*place = node->next;
}
