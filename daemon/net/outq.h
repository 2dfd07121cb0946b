/*
 * The output queue of a stream: what the kernel did not take, in order.
 * Small writes share a chunk; memory that outlives the connection (the body
 * of a fixed response) is lent rather than copied.
 */
#ifndef MUXD_NET_OUTQ_H
#define MUXD_NET_OUTQ_H

#include <stdbool.h>
#include <stddef.h>

#include "net/bufpool.h"

struct outq {
	struct chunk *head;
	struct chunk *tail;
	size_t len; /* bytes that wait */
};

void outq_init(struct outq *q);

/* Append a copy.  Returns how many bytes were kept: len, or less when the
 * pool is exhausted beyond its reserve. */
size_t outq_append(
    struct outq *q, struct bufpool *pool, const void *data, size_t len);

/* Append memory that stays valid and unchanged until it is written or the
 * queue is cleared.  What fits into one chunk is copied all the same, since
 * that costs no more memory than the loan.  false: no chunk, and nothing was
 * appended. */
bool outq_lend(
    struct outq *q, struct bufpool *pool, const void *data, size_t len);

/* Write as much as the kernel takes, with sendmsg(2) and MSG_NOSIGNAL.  0:
 * the queue is empty, or the kernel is full for now, which q->len tells
 * apart; -1 with errno: the connection is broken. */
int outq_flush(struct outq *q, struct bufpool *pool, int fd);

/* Drop what waits. */
void outq_clear(struct outq *q, struct bufpool *pool);

#endif
