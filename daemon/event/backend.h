/*
 * What a multiplexer must do for the loop.  Only event/ includes this.
 *
 * An edge-triggered backend registers reading in add(), and writing there or
 * when it is first waited for, and never takes a direction back: io->armed is
 * what it has registered.  A level-triggered one keeps for each descriptor
 * what it has told the kernel, and leaves io->armed alone; interest() says
 * that wanted or ready of an io have changed, and by the time wait() sleeps
 * the kernel is asked for io_interest(io), so that a direction that is ready
 * but not yet drained, or that nobody wants, causes no further report.
 */
#ifndef MUXD_EVENT_BACKEND_H
#define MUXD_EVENT_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "event/loop.h"

struct event_backend {
	const char *name;
	bool edge; /* reports changes, not states */
	/* Reports a hang-up also of a descriptor nobody waits for. */
	bool tells_hangup;
	/* What to do about an add() that fails with EMFILE, or NULL. */
	const char *hint;

	/* Set loop->data.  -1 with errno when the system cannot. */
	int (*open)(struct loop *loop);
	void (*close)(struct loop *loop);

	/* -1 with errno: ENOMEM, ENOSPC, EMFILE for a descriptor that the
	 * backend cannot hold (select: >= FD_SETSIZE). */
	int (*add)(struct loop *loop, struct io *io);

	/* Forget the io.  closing: its descriptor is about to be closed,
	 * which ends a registration unless the io is IO_SHARED. */
	void (*remove)(struct loop *loop, struct io *io, bool closing);

	/* wanted or ready changed.  An edge-triggered backend is called only
	 * when a direction is waited for that is not armed.  Where the kernel
	 * cannot be told for want of memory, the direction is marked as
	 * ready: its owner then tries, is refused, and so asks again. */
	void (*interest)(struct loop *loop, struct io *io);

	/* Sleep up to timeout_ms (-1: for ever) and call loop_mark() for all
	 * that became ready.  0; -1 with errno; EINTR is no error. */
	int (*wait)(struct loop *loop, int timeout_ms);
};

enum { EVENT_EOF = 4, EVENT_HANGUP = 8 }; /* beside IO_READ, IO_WRITE */

/* Whether the loop has to call the owner. */
static inline bool
io_callable(const struct io *io)
{
	return (io->wanted & io->ready) != 0 ||
	    (io->hangup && !io->hangup_told);
}

/* Called by wait(), also several times for an io: events is a set of IO_READ,
 * IO_WRITE, EVENT_EOF (the peer's FIN; implies IO_READ) and EVENT_HANGUP
 * (both directions ended or an error is pending; implies all others). */
static inline void
loop_mark(struct loop *loop, struct io *io, unsigned events)
{
	if ((events & (EVENT_EOF | EVENT_HANGUP)) != 0) {
		events |= IO_READ;
		io->eof = true;
		if ((events & EVENT_HANGUP) != 0) {
			events |= IO_WRITE;
			io->hangup = true;
		}
	}
	io->ready = (uint8_t)(io->ready | (events & IO_BOTH));
	if (io_callable(io) && list_empty(&io->link))
		list_append(&loop->ready, &io->link);
}

/* The directions a level-triggered backend should ask the kernel for. */
static inline unsigned
io_interest(const struct io *io)
{
	return io->wanted & (unsigned)~io->ready & IO_BOTH;
}

/* All backends of this build, in order of preference; NULL at the end. */
extern const struct event_backend *const event_backends[];

extern const struct event_backend event_backend_epoll;
extern const struct event_backend event_backend_epoll_level;
extern const struct event_backend event_backend_kqueue;
extern const struct event_backend event_backend_poll;
extern const struct event_backend event_backend_select;

/* The backend of that name, or NULL. */
const struct event_backend *event_backend_find(const char *name);

#endif
