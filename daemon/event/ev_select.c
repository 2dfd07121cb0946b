/*
 * select(2), level-triggered, for systems that have nothing better.  Its sets
 * hold descriptors below FD_SETSIZE; a higher one is refused, since FD_SET
 * would write outside of the set.
 *
 * It can ask for reading and writing alone, so a hang-up shows as one of these
 * and is not seen while neither is waited for.
 */
#include "event/backend.h"

#include <sys/select.h>

#include <errno.h>

#include "base/mem.h"

#define TEXT(macro)    TEXT_OF(macro)
#define TEXT_OF(value) #value

struct select {
	fd_set read;
	fd_set write;
	struct io *ios[FD_SETSIZE]; /* by descriptor */
	int end;                    /* no descriptor in use from here on */
};

static int
select_open(struct loop *loop)
{
	struct select *state;

	if ((state = mem_zalloc(sizeof(*state))) == NULL)
		return -1;
	FD_ZERO(&state->read);
	FD_ZERO(&state->write);
	loop->data = state;
	return 0;
}

static void
select_close(struct loop *loop)
{
	mem_free(loop->data);
}

static void
select_interest(struct loop *loop, struct io *io)
{
	struct select *state = loop->data;
	unsigned interest = io_interest(io);

	if ((interest & IO_READ) != 0)
		FD_SET(io->fd, &state->read);
	else
		FD_CLR(io->fd, &state->read);
	if ((interest & IO_WRITE) != 0)
		FD_SET(io->fd, &state->write);
	else
		FD_CLR(io->fd, &state->write);
}

static int
select_add(struct loop *loop, struct io *io)
{
	struct select *state = loop->data;

	if (io->fd >= FD_SETSIZE) {
		errno = EMFILE;
		return -1;
	}
	state->ios[io->fd] = io;
	if (io->fd >= state->end)
		state->end = io->fd + 1;
	select_interest(loop, io);
	return 0;
}

static void
select_remove(struct loop *loop, struct io *io, bool closing)
{
	struct select *state = loop->data;

	(void)closing;
	FD_CLR(io->fd, &state->read);
	FD_CLR(io->fd, &state->write);
	state->ios[io->fd] = NULL;
	while (state->end > 0 && state->ios[state->end - 1] == NULL)
		state->end--;
}

static int
select_sleep(struct loop *loop, int timeout_ms)
{
	struct select *state = loop->data;
	struct timeval timeout = { .tv_sec = timeout_ms / 1000,
		.tv_usec = timeout_ms % 1000 * 1000 };
	fd_set readable = state->read, writable = state->write;
	unsigned marks;

	if (select(state->end, &readable, &writable, NULL,
		timeout_ms < 0 ? NULL : &timeout) == -1)
		return errno == EINTR ? 0 : -1;
	for (int fd = 0; fd < state->end; fd++) {
		marks = FD_ISSET(fd, &readable) ? IO_READ : 0;
		if (FD_ISSET(fd, &writable))
			marks |= IO_WRITE;
		if (marks == 0)
			continue;
		loop_mark(loop, state->ios[fd], marks);
		select_interest(loop, state->ios[fd]);
	}
	return 0;
}

const struct event_backend event_backend_select = {
	.name = "select",
	.edge = false,
	.tells_hangup = false,
	.hint = "select(2) cannot hold descriptors from " TEXT(
	    FD_SETSIZE) " up; choose another event_backend",
	.open = select_open,
	.close = select_close,
	.add = select_add,
	.remove = select_remove,
	.interest = select_interest,
	.wait = select_sleep,
};
