/*
 * Making the table.
 */
#include "service/maglev.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/mem.h"

/* Never to be changed: muxd of another version chooses alike. */
#define SEED_IDENTITY UINT64_C(0x6d757864706f6f6c)
#define SEED_KEY      UINT64_C(0x6d757864636c6965)

#define WORD_BITS     64

/* Where a member is in its permutation. */
struct maglev_walk {
	uint32_t at;
	uint32_t step;
};

int
maglev_builder_open(struct maglev_builder *builder, size_t max)
{
	memset(builder, 0, sizeof(*builder));
	builder->max = max;
	builder->members = mem_array(max, sizeof(*builder->members));
	builder->weights = mem_array(max, sizeof(*builder->weights));
	builder->walks = mem_array(max, sizeof(*builder->walks));
	builder->taken =
	    mem_array(MAGLEV_SIZE / WORD_BITS + 1, sizeof(*builder->taken));
	if (builder->members != NULL && builder->weights != NULL &&
	    builder->walks != NULL && builder->taken != NULL &&
	    sequence_open(&builder->sequence, max) == 0)
		return 0;
	maglev_builder_close(builder);
	return -1;
}

void
maglev_builder_close(struct maglev_builder *builder)
{
	mem_free(builder->members);
	mem_free(builder->weights);
	mem_free(builder->walks);
	mem_free(builder->taken);
	sequence_close(&builder->sequence);
	memset(builder, 0, sizeof(*builder));
}

int
maglev_open(struct maglev *maglev)
{
	maglev->n = 0;
	maglev->places = mem_array(MAGLEV_SIZE, sizeof(*maglev->places));
	return maglev->places != NULL ? 0 : -1;
}

void
maglev_close(struct maglev *maglev)
{
	mem_free(maglev->places);
	maglev->places = NULL;
}

/* The index last, for members that are the same twice.  For more than 64
 * members qsort(3) may take memory for the time being, or do without. */
static int
member_compare(const void *left, const void *right)
{
	const struct maglev_member *a = left, *b = right;

	if (a->identity != b->identity)
		return a->identity < b->identity ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

static void
walk_begin(struct maglev_walk *walk, uint64_t identity)
{
	walk->at = (uint32_t)((identity & UINT32_MAX) % MAGLEV_SIZE);
	walk->step = 1 + (uint32_t)((identity >> 32) % (MAGLEV_SIZE - 1));
}

/* The next free place of the member's, which is taken. */
static uint32_t
walk_take(struct maglev_walk *walk, uint64_t *taken)
{
	uint32_t at = walk->at;

	while ((taken[at / WORD_BITS] >> at % WORD_BITS & 1) != 0) {
		at += walk->step;
		if (at >= MAGLEV_SIZE)
			at -= MAGLEV_SIZE;
	}
	taken[at / WORD_BITS] |= UINT64_C(1) << at % WORD_BITS;
	walk->at = at;
	return at;
}

void
maglev_build(struct maglev *maglev, struct maglev_builder *builder, size_t n)
{
	const struct maglev_member *members = builder->members;
	const uint16_t *turns = builder->sequence.turns;
	size_t i, turn = 0;

	maglev->n = n;
	if (n == 0)
		return;
	qsort(builder->members, n, sizeof(*builder->members), member_compare);
	for (i = 0; i < n; i++) {
		walk_begin(&builder->walks[i], members[i].identity);
		builder->weights[i] = members[i].weight;
	}
	sequence_make(&builder->sequence, builder->weights, n);
	memset(builder->taken, 0,
	    (MAGLEV_SIZE / WORD_BITS + 1) * sizeof(*builder->taken));
	for (i = 0; i < MAGLEV_SIZE; i++) {
		maglev->places[walk_take(&builder->walks[turns[turn]],
		    builder->taken)] = members[turns[turn]].index;
		if (++turn == builder->sequence.len)
			turn = 0;
	}
}

uint64_t
maglev_identity(const void *data, size_t len)
{
	return XXH3_64bits_withSeed(data, len, SEED_IDENTITY);
}

uint64_t
maglev_key(const void *data, size_t len, unsigned attempt)
{
	return XXH3_64bits_withSeed(data, len, SEED_KEY + attempt);
}
