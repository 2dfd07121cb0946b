/*
 * A descriptor in an event loop.
 *
 * A struct io sits inside its owner (listener, stream, datagram socket).  For
 * each direction it has two bits:
 *
 *   wanted  the owner waits for it: reading is not paused, output is queued
 *   ready   the kernel has reported it and it was not yet drained
 *
 * Writing is taken to be ready at first unless the owner waits for it from
 * the start (an outgoing connection): a socket can be written to until it
 * says EAGAIN.  So one that never blocks is never asked about, and each of
 * the buffers it sends from causes no report when it is free again.
 *
 * The loop calls the owner while any direction is both wanted and ready.  So
 * the owner does one of three things: it works until EAGAIN (or a short
 * read) and calls io_drained(); it stops early to be fair to others, and is
 * called again in the next turn; or it takes its want away with io_want().
 * Which backend runs below, and whether it reports edges or levels, cannot
 * be seen from here.
 *
 *            backend reports               owner: io_drained()
 *   !ready ───────────────────► ready ───────────────────► !ready
 *                                 │ wanted?
 *                                 └──► on the loop's ready list ──► call
 */
#ifndef MUXD_EVENT_IO_H
#define MUXD_EVENT_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;

enum { IO_READ = 1, IO_WRITE = 2, IO_BOTH = 3 };

enum {
	/* Another process holds a duplicate, so closing does not end the
	 * registration and the loop must take it back explicitly.  For a
	 * process that forks see loop_expect_forks(). */
	IO_SHARED = 1,
	/* Several processes wait on this one socket; wake one of them, where
	 * the backend can (EPOLLEXCLUSIVE).  Implies IO_SHARED. */
	IO_EXCLUSIVE = 2
};

struct io {
	struct list link;          /* on the loop's ready list, or on none */
	struct loop *loop;         /* NULL while not in a loop */
	void (*call)(struct io *); /* some direction is wanted and ready */
	int fd;                    /* -1: none */
	uint8_t wanted;
	uint8_t ready;
	uint8_t armed;      /* the backend's: what it need not be asked for */
	bool shared : 1;    /* IO_SHARED, or implied */
	bool exclusive : 1; /* IO_EXCLUSIVE */
	/* The backend has seen the peer's FIN (or urgent data, at which a read
	 * stops as well): the end of the data is in
	 * sight, so a short read is no sign of an empty socket. */
	bool eof : 1;
	/* The backend has seen an error (a reset), or, where it can, that
	 * both directions have ended.  This one is told even to an owner that
	 * wants nothing, once; select alone sees it only in a direction that
	 * is wanted. */
	bool hangup : 1;
	bool hangup_told : 1;
};

/* Prepare an io that is in no loop.  call must not be NULL. */
void io_init(struct io *io, int fd, void (*call)(struct io *), unsigned flags);

/*
 * Put it into the loop, with the directions it wants at first (IO_READ,
 * IO_WRITE).  An outgoing socket must be put in after its connect(2), since
 * before that Linux reports a hang-up.  Returns -1 with errno: ENOMEM,
 * ENOSPC, or EMFILE if the backend cannot hold such a high descriptor.
 */
int io_add(struct loop *loop, struct io *io, unsigned wanted);

/* Take it out of the loop without closing the descriptor.  No call follows,
 * even if an event was already taken from the kernel. */
void io_remove(struct io *io);

/* io_remove() and close(2).  The memory must outlive the turn: pass it to
 * loop_retire() rather than to mem_free(). */
void io_close(struct io *io);

/* Say which directions are wanted from now on.  On an edge-triggered backend
 * this costs a system call once in the life of a descriptor: when it first
 * has to wait until it can write.  Does nothing to an io in no loop. */
void io_want(struct io *io, unsigned wanted);

/* Bring the ready list and the backend up to date; for io_drained(). */
void io_settle(struct io *io);

/* The kernel said EAGAIN, or a read came back short while io->eof is false:
 * these directions are empty until it reports them again. */
static inline void
io_drained(struct io *io, unsigned directions)
{
	io->ready = (uint8_t)(io->ready & ~directions);
	if ((io->wanted & ~(unsigned)(io->ready | io->armed)) != 0 ||
	    !list_empty(&io->link))
		io_settle(io);
}

/* Whether a direction is known to be ready. */
static inline bool
io_is_ready(const struct io *io, unsigned direction)
{
	return (io->ready & direction) != 0;
}

#endif
