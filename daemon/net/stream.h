/*
 * A connected stream socket, TCP or UNIX: one end of a conversation.
 *
 * Reads land in the worker's scratch buffer and go to the owner at once;
 * writes go to the kernel at once, and only what it refuses is kept.  So an
 * idle stream holds no buffer.
 *
 *   reading   ──FIN──► ended                        owner: ops->end
 *   writing   ──stream_finish(), queue empty──► shut down
 *   either    ──reset, error──► failed              owner: ops->failed
 *
 * Both directions end separately.  After failed nothing is read or written
 * any more; the owner must close the stream.  The callbacks may close it.
 */
#ifndef MUXD_NET_STREAM_H
#define MUXD_NET_STREAM_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/io.h"
#include "net/net.h"
#include "net/outq.h"

struct stream;

struct stream_ops {
	/* A connection that stream_connect() was given is made.  NULL for
	 * streams that are open from the start. */
	void (*connected)(struct stream *stream);
	/* len > 0 bytes came, in the worker's scratch buffer: what the owner
	 * wants to keep it must copy.  All of it counts as taken. */
	void (*data)(
	    struct stream *stream, const unsigned char *data, size_t len);
	/* Something can be read, and stream_read_raw() is on: read it in some
	 * other way until EAGAIN (then io_drained()) or until it is time for
	 * others.  NULL for owners that never ask for it. */
	void (*readable)(struct stream *stream);
	/* The peer has sent its FIN, after all its data. */
	void (*end)(struct stream *stream);
	/* The queue has fallen to the low-water mark after stream_is_full(),
	 * or the producer asked for with stream_produce() may go on, or the
	 * queue was emptied and shut down after stream_finish() had found
	 * something in it. */
	void (*writable)(struct stream *stream);
	/* The connection is broken; error is an errno value (ECONNRESET,
	 * EPIPE, ETIMEDOUT, …). */
	void (*failed)(struct stream *stream, int error);
};

struct stream {
	struct io io;
	const struct stream_ops *ops;
	struct net *net;
	struct outq out;
	struct list blocked; /* waits for memory before it reads, or, being
			      * broken, for its owner to be told */
	uint64_t active_ms;  /* loop_now() when bytes last moved, either way */
	uint32_t read_max;   /* bytes of one read, <= NET_SCRATCH_SIZE */
	int error;           /* why it broke */
	bool paused : 1;     /* the owner does not want to read */
	bool ended : 1;      /* the peer's FIN was seen */
	bool finishing : 1;  /* shut down once the queue is empty */
	bool finished : 1;   /* shut down */
	bool full : 1;       /* the queue was above its high-water mark */
	bool producing : 1;  /* the owner wants writable calls */
	bool failed : 1;
	bool closed : 1;
	bool connecting : 1; /* nothing can be sent or read yet */
	bool raw : 1;        /* the owner reads by itself */
};

/*
 * Take over a connected, non-blocking descriptor and begin to read.  -1 with
 * errno if it cannot be put into the loop; the descriptor is then still the
 * caller's.  Each read gives at most read_max bytes, for owners whose answer
 * can be longer than what it answers.
 */
int stream_open(struct stream *stream, struct net *net, int fd,
    const struct stream_ops *ops, uint32_t read_max);

/*
 * The same for a descriptor whose connect(2) is under way (CONNECT_PROGRESS):
 * ops->connected follows, or ops->failed with what kept it from connecting.
 * Until then nothing is read, and nothing may be written.
 */
int stream_connect(struct stream *stream, struct net *net, int fd,
    const struct stream_ops *ops, uint32_t read_max);

/* Send len bytes: to the kernel, and what it refuses into the queue.
 * Returns 0, or -1 with errno when the connection is broken (failed is
 * called too, in a later turn) or ENOMEM when more was written than the
 * pool's reserve allows. */
int stream_write(struct stream *stream, const void *data, size_t len);

/* The same for two parts, in one system call; the second one is lent: it must
 * stay valid until the stream is closed. */
int stream_write_lent(struct stream *stream, const void *head, size_t head_len,
    const void *body, size_t body_len);

/* Send what the kernel takes now and queue nothing: for producers, which can
 * make the rest again.  Returns the number of bytes taken, 0 when the
 * kernel is full (writable is called later, if producing), -1 on error. */
ssize_t stream_write_some(struct stream *stream, const void *data, size_t len);

/* Whether more waits than the high-water mark allows; writable is called
 * once it has fallen to the low-water mark. */
static inline bool
stream_is_full(const struct stream *stream)
{
	return stream->full;
}

/* How many bytes of all that was written have not gone to the kernel: they
 * wait, or they were lost when the stream broke, those of writes that failed
 * included.  0 after stream_close(). */
static inline size_t
stream_unsent(const struct stream *stream)
{
	return stream->out.len;
}

/* Whether all that was written has gone to the kernel. */
static inline bool
stream_is_flushed(const struct stream *stream)
{
	return stream->out.len == 0;
}

/* Whether stream_finish() was called and all is out, the FIN included. */
static inline bool
stream_is_finished(const struct stream *stream)
{
	return stream->finished;
}

/* Stop and go on reading. */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* Whether the owner reads by itself, when readable is called. */
void stream_read_raw(struct stream *stream, bool on);

/* What the owner has found out by itself: bytes have moved; the peer's FIN
 * has come; the connection is broken (failed follows, in a later turn). */
void stream_moved(struct stream *stream);
void stream_ended(struct stream *stream);
void stream_broken(struct stream *stream, int error);

/* Whether writable shall be called whenever the queue is empty and the
 * kernel takes more; each turn again while it does. */
void stream_produce(struct stream *stream, bool on);

/* Shut the writing direction down once the queue is empty.  Ends producing;
 * nothing may be written afterwards (EPIPE). */
void stream_finish(struct stream *stream);

/* Close at once, dropping what waits.  Unread input makes the kernel send a
 * reset.  The memory of the stream must outlive the turn. */
void stream_close(struct stream *stream);

/* Close with a reset.  A UNIX socket knows none: its peer sees the end, or
 * ECONNRESET if input was left unread. */
void stream_reset(struct stream *stream);

/* The reserve is full again: wake those that wait for memory.  Called by
 * whoever was asked with bufpool_grant.wait. */
void stream_memory_ready(struct net *net);

/* Calls of net's timers. */
void stream_tell_broken(struct timer *timer);
void stream_upkeep(struct timer *timer);

#endif
