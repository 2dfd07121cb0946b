/*
 * Descriptors in a loop: their two bits for each direction, and whether they
 * stand on the ready list.  Outside of its own call, an io is on the list
 * exactly while io_callable() says so; every change here keeps that true.
 */
#include "event/io.h"

#include <unistd.h>

#include "event/backend.h"
#include "event/loop.h"

void
io_init(struct io *io, int fd, void (*call)(struct io *), unsigned flags)
{
	*io = (struct io){
		.call = call,
		.fd = fd,
		.shared = (flags & (IO_SHARED | IO_EXCLUSIVE)) != 0,
		.exclusive = (flags & IO_EXCLUSIVE) != 0,
	};
	list_init(&io->link);
}

int
io_add(struct loop *loop, struct io *io, unsigned wanted)
{
	io->loop = loop;
	io->wanted = (uint8_t)(wanted & IO_BOTH);
	io->ready = (wanted & IO_WRITE) != 0 ? 0 : IO_WRITE;
	io->armed = 0;
	io->shared |= loop->forks;
	io->eof = false;
	io->hangup = false;
	io->hangup_told = false;
	if (loop->backend->add(loop, io) == -1) {
		io->loop = NULL;
		io->wanted = 0;
		return -1;
	}
	return 0;
}

static void
io_leave(struct io *io, bool closing)
{
	struct loop *loop = io->loop;

	if (loop == NULL)
		return;
	loop->backend->remove(loop, io, closing);
	list_remove(&io->link);
	io->loop = NULL;
	io->wanted = 0;
	io->ready = 0;
}

void
io_remove(struct io *io)
{
	io_leave(io, false);
}

void
io_close(struct io *io)
{
	if (io->fd == -1)
		return;
	io_leave(io, true);
	close(io->fd);
	io->fd = -1;
}

void
io_want(struct io *io, unsigned wanted)
{
	if (io->loop == NULL || io->wanted == wanted)
		return;
	io->wanted = (uint8_t)(wanted & IO_BOTH);
	io_settle(io);
}

void
io_settle(struct io *io)
{
	struct loop *loop = io->loop;

	if (loop == NULL)
		return;
	if (!io_callable(io))
		list_remove(&io->link);
	else if (list_empty(&io->link))
		list_append(&loop->ready, &io->link);
	if (!loop->backend->edge ||
	    (io_interest(io) & ~(unsigned)io->armed) != 0)
		loop->backend->interest(loop, io);
}
