/*
 * A table that spreads keys over members by their identities, so that all who
 * know the same members send a key to the same one, and that a member more
 * or less moves little but its own share (Eisenbud et al., "Maglev: A Fast
 * and Reliable Software Network Load Balancer", NSDI 2016, 3.4).
 *
 * Each member has a permutation of the table's places, of its identity alone.
 * In turns, smooth and by weight, each takes the next place of its own that
 * is free.
 */
#ifndef MUXD_SERVICE_MAGLEV_H
#define MUXD_SERVICE_MAGLEV_H

#include <stddef.h>
#include <stdint.h>

#include "service/sequence.h"

/* Places: a prime.  Shares are exact to 1 in 100 up to about 600 members of
 * equal weight.  It is one size for all pools, since keys move when it
 * changes. */
#define MAGLEV_SIZE 65537

struct maglev_member {
	uint64_t identity; /* its hash */
	uint32_t weight;
	uint16_t index; /* what the table says for it */
};

struct maglev {
	uint16_t *places; /* MAGLEV_SIZE indices */
	size_t n;         /* members it was made of */
};

/* What making a table needs beside: one for all tables of a pool. */
struct maglev_builder {
	struct maglev_member *members;
	struct sequence sequence;
	uint32_t *weights;
	struct maglev_walk *walks;
	uint64_t *taken; /* a bit for each place */
	size_t max;
};

/* For up to max members.  -1 with ENOMEM. */
int maglev_builder_open(struct maglev_builder *builder, size_t max);
void maglev_builder_close(struct maglev_builder *builder);

int maglev_open(struct maglev *maglev);
void maglev_close(struct maglev *maglev);

/* Make the table of n of builder->members, in any order (they are sorted).
 * Takes 2 ms on a CPU of 2024, 4 ms with a thousand weights. */
void maglev_build(
    struct maglev *maglev, struct maglev_builder *builder, size_t n);

/* Hash for identities; the same on all systems and for all times. */
uint64_t maglev_identity(const void *data, size_t len);

/* The hash of a key; attempts 0, 1, … are independent of each other. */
uint64_t maglev_key(const void *data, size_t len, unsigned attempt);

#endif
