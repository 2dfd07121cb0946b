/*
 * Making a period: earliest deadline first, over a heap of those whose next
 * turn may come already.  Those whose turn may not wait in lists, one for
 * each turn at which that changes.  Lists are kept in the turns themselves:
 * until a turn is given away its cell is the head of the list.
 */
#include "service/sequence.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

#define NOBODY  UINT16_MAX
#define LEN_MIN 16384 /* of the longest period: all weights of 16 servers */

struct sequence_runner {
	uint32_t weight;
	uint32_t done;     /* turns had */
	uint64_t deadline; /* of the next one: it comes before */
	uint16_t next;     /* in its list */
};

struct heap {
	const struct sequence_runner *runners;
	uint16_t *items;
	size_t n;
};

static bool
is_before(const struct heap *heap, uint16_t a, uint16_t b)
{
	uint64_t x = heap->runners[a].deadline;
	uint64_t y = heap->runners[b].deadline;

	return x != y ? x < y : a < b;
}

static void
heap_push(struct heap *heap, uint16_t item)
{
	size_t at = heap->n++, parent;

	for (; at > 0; at = parent) {
		parent = (at - 1) / 2;
		if (!is_before(heap, item, heap->items[parent]))
			break;
		heap->items[at] = heap->items[parent];
	}
	heap->items[at] = item;
}

static uint16_t
heap_pop(struct heap *heap)
{
	uint16_t first = heap->items[0], item = heap->items[--heap->n];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < heap->n) {
		if (child + 1 < heap->n &&
		    is_before(heap, heap->items[child + 1], heap->items[child]))
			child++;
		if (!is_before(heap, heap->items[child], item))
			break;
		heap->items[at] = heap->items[child];
		at = child;
	}
	heap->items[at] = item;
	return first;
}

size_t
sequence_len_max(size_t n)
{
	return n * 8 > LEN_MIN ? n * 8 : LEN_MIN;
}

int
sequence_open(struct sequence *sequence, size_t max)
{
	memset(sequence, 0, sizeof(*sequence));
	sequence->max = max;
	sequence->turns =
	    mem_array(sequence_len_max(max), sizeof(*sequence->turns));
	sequence->runners = mem_array(max, sizeof(*sequence->runners));
	sequence->heap = mem_array(max, sizeof(*sequence->heap));
	if (sequence->turns != NULL && sequence->runners != NULL &&
	    sequence->heap != NULL)
		return 0;
	sequence_close(sequence);
	return -1;
}

void
sequence_close(struct sequence *sequence)
{
	mem_free(sequence->turns);
	mem_free(sequence->runners);
	mem_free(sequence->heap);
	memset(sequence, 0, sizeof(*sequence));
}

static uint32_t
common_divisor(uint32_t a, uint32_t b)
{
	uint32_t rest;

	while (b != 0) {
		rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* Multiply by part / whole, but to no less than 1; the sum. */
static uint64_t
weights_scale(
    struct sequence_runner *runners, size_t n, uint64_t part, uint64_t whole)
{
	uint64_t weight, sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		weight = runners[i].weight * part / whole;
		runners[i].weight = weight > 0 ? (uint32_t)weight : 1;
		sum += runners[i].weight;
	}
	return sum;
}

static uint64_t
weights_reduce(struct sequence_runner *runners, size_t n)
{
	uint32_t divisor = 0;
	size_t i;

	for (i = 0; i < n; i++)
		divisor = common_divisor(runners[i].weight, divisor);
	return weights_scale(runners, n, 1, divisor);
}

/* Weights that make a period which is not too long; its length. */
static size_t
weights_fit(struct sequence_runner *runners, size_t n)
{
	uint64_t sum = weights_reduce(runners, n);

	if (sum > sequence_len_max(n)) {
		/* As many as there are may be lifted to 1. */
		(void)weights_scale(runners, n, sequence_len_max(n) - n, sum);
		sum = weights_reduce(runners, n);
	}
	return (size_t)sum;
}

/* The next turn of the runner may come from this one on. */
static size_t
runner_prepare(struct sequence_runner *runner, size_t len)
{
	uint64_t done = runner->done, weight = runner->weight;

	runner->deadline = ((done + 1) * len + weight - 1) / weight;
	return (size_t)(done * len / weight);
}

static void
sequence_run(struct sequence *sequence, size_t n)
{
	struct heap heap = { sequence->runners, sequence->heap, 0 };
	struct sequence_runner *runner;
	uint16_t who, *turns = sequence->turns;
	size_t i, t, from, len = sequence->len;

	for (t = 0; t < len; t++)
		turns[t] = NOBODY;
	for (i = 0; i < n; i++) {
		(void)runner_prepare(&sequence->runners[i], len);
		heap_push(&heap, (uint16_t)i);
	}
	for (t = 0; t < len; t++) {
		for (who = turns[t]; who != NOBODY;
		     who = sequence->runners[who].next)
			heap_push(&heap, who);
		who = heap_pop(&heap);
		turns[t] = who;
		runner = &sequence->runners[who];
		if (++runner->done == runner->weight)
			continue;
		from = runner_prepare(runner, len);
		if (from <= t + 1) {
			heap_push(&heap, who);
		} else {
			runner->next = turns[from];
			turns[from] = who;
		}
	}
}

void
sequence_make(struct sequence *sequence, const uint32_t *weights, size_t n)
{
	size_t i;

	sequence->len = 0;
	if (n == 0)
		return;
	for (i = 0; i < n; i++)
		sequence->runners[i] = (struct sequence_runner){
			.weight = weights[i] != 0 ? weights[i] : 1
		};
	sequence->len = weights_fit(sequence->runners, n);
	sequence_run(sequence, n);
}
