/*
 * The pool of chunks: a free list, and a count of what was granted.
 *
 * It never takes a chunk that was not granted and never keeps a grant
 * without its chunk, so the shared ceiling holds whatever happens here.
 */
#include <string.h>

#include "base/mem.h"
#include "net/bufpool.h"

/* Chunks asked for beyond the need, and handed back at once. */
#define BUFPOOL_BATCH 16

void
bufpool_init(
    struct bufpool *pool, const struct bufpool_grant *grant, uint32_t reserve)
{
	memset(pool, 0, sizeof(*pool));
	pool->grant = *grant;
	pool->reserve = reserve;
	pool->keep = reserve + 2 * BUFPOOL_BATCH;
	list_init(&pool->blocked);
}

/* Free n chunks of the free list and give up their grant. */
static void
bufpool_release(struct bufpool *pool, uint32_t n)
{
	struct chunk *chunk;
	uint32_t i;

	for (i = 0; i < n; i++) {
		chunk = pool->free;
		pool->free = chunk->next;
		mem_free(chunk);
	}
	pool->nfree -= n;
	pool->granted -= n;
	pool->grant.give(pool->grant.arg, n);
}

void
bufpool_close(struct bufpool *pool)
{
	if (pool->nfree > 0)
		bufpool_release(pool, pool->nfree);
}

/* Put n new chunks, of which none was granted yet, on the free list. */
static bool
bufpool_grow(struct bufpool *pool, uint32_t n)
{
	struct chunk *chunk;
	uint32_t i;

	pool->refused = !pool->grant.take(pool->grant.arg, n);
	if (pool->refused)
		return false;
	for (i = 0; i < n; i++) {
		chunk = mem_zalloc(CHUNK_SIZE);
		if (chunk == NULL) {
			pool->grant.give(pool->grant.arg, n - i);
			return false;
		}
		chunk->next = pool->free;
		pool->free = chunk;
		pool->nfree++;
		pool->granted++;
	}
	return true;
}

/* Fill the reserve, and extra chunks beyond it.  Whether the reserve is full,
 * which it may be although not all could be had. */
static bool
bufpool_fill(struct bufpool *pool, uint32_t extra)
{
	(void)bufpool_grow(pool, pool->reserve - pool->nfree + extra);
	return pool->nfree >= pool->reserve;
}

bool
bufpool_ready(struct bufpool *pool)
{
	if (pool->nfree >= pool->reserve)
		return true;
	if (pool->used > 0 && bufpool_fill(pool, BUFPOOL_BATCH))
		return true;
	if (bufpool_fill(pool, 0))
		return true;
	/* Not where an allocation has failed: what is given back then would
	 * wake us at once, to fail again. */
	if (pool->refused)
		pool->grant.wait(pool->grant.arg);
	/* Something may be given back before the waiting is known to those
	 * who give: ask once more afterwards. */
	return bufpool_fill(pool, 0);
}

struct chunk *
bufpool_take(struct bufpool *pool)
{
	struct chunk *chunk;

	if (pool->nfree == 0 && !bufpool_grow(pool, BUFPOOL_BATCH) &&
	    pool->nfree == 0 && !bufpool_grow(pool, 1))
		return NULL;
	chunk = pool->free;
	pool->free = chunk->next;
	pool->nfree--;
	pool->used++;
	chunk->next = NULL;
	chunk->data = chunk->room;
	chunk->len = 0;
	chunk->filled = 0;
	return chunk;
}

void
bufpool_give(struct bufpool *pool, struct chunk *chunk)
{
	chunk->next = pool->free;
	pool->free = chunk;
	pool->used--;
	if (++pool->nfree > pool->keep)
		bufpool_release(pool, BUFPOOL_BATCH);
}

void
bufpool_trim(struct bufpool *pool)
{
	if (bufpool_has_spare(pool))
		bufpool_release(pool, pool->nfree - pool->reserve);
}
