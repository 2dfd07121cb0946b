/*
 * What all sockets of one worker share: its loop, the buffer that reads land
 * in, the memory for bytes that wait, and the sizes that keep one connection
 * from starving the others.
 */
#ifndef MUXD_NET_NET_H
#define MUXD_NET_NET_H

#include <stddef.h>
#include <stdint.h>

#include "event/loop.h"
#include "net/bufpool.h"

#define NET_SCRATCH_SIZE 65536

/* Chunks that must be free before a read: a whole scratch buffer's worth of
 * answer, and a few for memory that is lent.  The shared ceiling must hold
 * this many for each worker, or a worker may never read. */
#define NET_RESERVE ((uint32_t)(NET_SCRATCH_SIZE / CHUNK_ROOM + 4))

struct net {
	struct loop *loop;
	unsigned char *scratch; /* NET_SCRATCH_SIZE bytes */
	struct bufpool pool;
	size_t read_budget;     /* bytes read from one stream in one turn */
	unsigned accept_budget; /* connections accepted in one turn */
	size_t high_water;      /* of an output queue, bytes */
	size_t low_water;
	/* Streams that broke while their owner wrote, to be told of it when
	 * the owner is not on the stack; see stream.c. */
	struct list broken;
	struct timer tell;
	/* Looks after the pool while there is a reason to: hands spare
	 * chunks back, tries again for those who wait for memory. */
	struct timer upkeep;
};

/* Set up with the defaults.  -1 with ENOMEM. */
int net_open(
    struct net *net, struct loop *loop, const struct bufpool_grant *grant);

/* All streams must be closed. */
void net_close(struct net *net);

#endif
