/*
 * The flows of a worker, found by their addresses: a hash table that is
 * chained through the flows themselves, so nothing is allocated once it is
 * open.  Its seed is random and known to nobody outside, or clients could
 * choose their ports such that all of them stand in one chain.
 */
#ifndef MUXD_SERVICE_FLOW_TABLE_H
#define MUXD_SERVICE_FLOW_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* What tells one flow from another.  Compared and hashed as bytes. */
struct flow_key {
	uint32_t gate; /* its id */
	struct addr peer;
	struct addr local; /* the address that the client has used */
};

/* Within a flow. */
struct flow_node {
	struct flow_node *next;
	struct flow_key key;
	uint32_t hash;
};

struct flow_table {
	struct flow_node **buckets;
	uint32_t mask; /* their number - 1 */
	uint64_t seed;
};

/* For about most flows; a multiple of 64 buckets.  -1 with errno. */
int flow_table_open(struct flow_table *table, uint32_t most);
void flow_table_close(struct flow_table *table);

uint32_t flow_table_hash(
    const struct flow_table *table, const struct flow_key *key);

/* NULL: there is none.  hash is that of the key. */
struct flow_node *flow_table_find(
    const struct flow_table *table, const struct flow_key *key, uint32_t hash);

/* node->key and node->hash are set, and it is not in yet. */
void flow_table_insert(struct flow_table *table, struct flow_node *node);
void flow_table_remove(struct flow_table *table, struct flow_node *node);

#endif
