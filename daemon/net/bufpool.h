/*
 * Memory for bytes that wait: chunks of one size, kept on a free list, under
 * a ceiling that all workers share.
 *
 * No byte that was read is ever dropped for want of memory.  Therefore the
 * pool keeps a reserve: what one read can produce at most is already paid
 * for before the read takes place.  When the ceiling keeps the reserve from
 * being filled up again, bufpool_ready() is false and nobody reads; streams
 * that wanted to are kept in a list and called when it is full again.
 */
#ifndef MUXD_NET_BUFPOOL_H
#define MUXD_NET_BUFPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

#define CHUNK_SIZE 4096 /* header included */

struct chunk {
	struct chunk *next;
	const unsigned char *data; /* into room, or memory lent by others */
	size_t len;
	uint32_t filled; /* bytes of room in use, sent ones included */
	unsigned char room[];
};

#define CHUNK_ROOM (CHUNK_SIZE - offsetof(struct chunk, room))

/* Who grants chunks: take says whether n more are allowed, give hands n
 * back, wait asks for stream_memory_ready() to be called once there may be
 * some again (the pool then tries take once more before it believes it). */
struct bufpool_grant {
	bool (*take)(void *arg, uint32_t n);
	void (*give)(void *arg, uint32_t n);
	void (*wait)(void *arg);
	void *arg;
};

struct bufpool {
	struct bufpool_grant grant;
	struct chunk *free;
	uint32_t nfree;      /* on the free list */
	uint32_t granted;    /* chunks that grant has given us */
	uint32_t used;       /* of these, in queues */
	uint32_t reserve;    /* chunks that must be available before a read */
	uint32_t keep;       /* free chunks kept rather than handed back */
	bool refused;        /* the latest request for a grant was */
	struct list blocked; /* those that wait to read, see stream.h */
};

/*
 * What is free beyond the reserve is kept for a while, so that the count that
 * all workers share is not touched for each chunk; bufpool_trim() hands it
 * back.  A pool that has nothing in queues asks for its reserve and no more.
 *
 * Always: granted == used + nfree.
 */

/* Begin, without asking for any grant yet.  reserve is in chunks. */
void bufpool_init(
    struct bufpool *pool, const struct bufpool_grant *grant, uint32_t reserve);

/* Free all memory.  No chunk may be in use. */
void bufpool_close(struct bufpool *pool);

/* Whether a read may take place: the reserve is paid for and allocated; asks
 * for what is missing.  When it is false because an allocation has failed,
 * nobody was asked to wake the pool, and the caller must try again. */
bool bufpool_ready(struct bufpool *pool);

/* A chunk out of what bufpool_ready() has ensured, empty, data at its room.
 * NULL only if the caller takes more than the reserve and there is no more. */
struct chunk *bufpool_take(struct bufpool *pool);

void bufpool_give(struct bufpool *pool, struct chunk *chunk);

/* Whether bufpool_trim() would hand anything back. */
static inline bool
bufpool_has_spare(const struct bufpool *pool)
{
	return pool->nfree > pool->reserve;
}

/* Hand back what is free beyond the reserve. */
void bufpool_trim(struct bufpool *pool);

#endif
