/*
 * The output queue: a list of chunks.  It keeps every byte it has accepted,
 * in order, until the kernel takes it or the queue is cleared.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>

#include "net/outq.h"

/* Parts of one sendmsg(2); more than high-water marks need. */
#define OUTQ_PARTS 64

void
outq_init(struct outq *q)
{
	q->head = q->tail = NULL;
	q->len = 0;
}

/* A fresh chunk at the end of the queue, or NULL. */
static struct chunk *
outq_add_chunk(struct outq *q, struct bufpool *pool)
{
	struct chunk *chunk = bufpool_take(pool);

	if (chunk == NULL)
		return NULL;
	if (q->tail == NULL)
		q->head = chunk;
	else
		q->tail->next = chunk;
	q->tail = chunk;
	return chunk;
}

size_t
outq_append(struct outq *q, struct bufpool *pool, const void *data, size_t len)
{
	const unsigned char *from = data;
	struct chunk *chunk = q->tail;
	size_t left = len, n;

	while (left > 0) {
		if ((chunk == NULL || chunk->filled == CHUNK_ROOM) &&
		    (chunk = outq_add_chunk(q, pool)) == NULL)
			break;
		n = CHUNK_ROOM - chunk->filled;
		if (n > left)
			n = left;
		memcpy(chunk->room + chunk->filled, from, n);
		chunk->filled += (uint32_t)n;
		chunk->len += n;
		from += n;
		left -= n;
	}
	q->len += len - left;
	return len - left;
}

bool
outq_lend(struct outq *q, struct bufpool *pool, const void *data, size_t len)
{
	struct chunk *chunk;

	if (len <= CHUNK_ROOM)
		return outq_append(q, pool, data, len) == len;
	chunk = outq_add_chunk(q, pool);
	if (chunk == NULL)
		return false;
	chunk->data = data;
	chunk->len = len;
	chunk->filled = CHUNK_ROOM;
	q->len += len;
	return true;
}

/* Take the first n bytes out of the queue. */
static void
outq_consume(struct outq *q, struct bufpool *pool, size_t n)
{
	struct chunk *chunk;

	q->len -= n;
	while ((chunk = q->head) != NULL && n >= chunk->len) {
		n -= chunk->len;
		q->head = chunk->next;
		bufpool_give(pool, chunk);
	}
	if (chunk == NULL) {
		q->tail = NULL;
		return;
	}
	chunk->data += n;
	chunk->len -= n;
}

/* Describe the front of the queue; returns how many bytes that is. */
static size_t
outq_describe(const struct outq *q, struct iovec *parts, struct msghdr *msg)
{
	struct chunk *chunk;
	size_t bytes = 0, n = 0;

	for (chunk = q->head; chunk != NULL && n < OUTQ_PARTS;
	     chunk = chunk->next) {
		/* sendmsg(2) does not write through iov_base. */
		parts[n].iov_base = (void *)chunk->data;
		parts[n].iov_len = chunk->len;
		bytes += chunk->len;
		n++;
	}
	memset(msg, 0, sizeof(*msg));
	msg->msg_iov = parts;
	msg->msg_iovlen = n;
	return bytes;
}

int
outq_flush(struct outq *q, struct bufpool *pool, int fd)
{
	struct iovec parts[OUTQ_PARTS];
	struct msghdr msg;
	size_t offered;
	ssize_t n;

	while (q->len > 0) {
		offered = outq_describe(q, parts, &msg);
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n == -1) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN ? 0 : -1;
		}
		outq_consume(q, pool, (size_t)n);
		if ((size_t)n < offered)
			break;
	}
	return 0;
}

void
outq_clear(struct outq *q, struct bufpool *pool)
{
	struct chunk *chunk;

	while ((chunk = q->head) != NULL) {
		q->head = chunk->next;
		bufpool_give(pool, chunk);
	}
	outq_init(q);
}
