/*
 * poll(2), level-triggered: the one that every system has.  The work of a turn
 * grows with the number of descriptors.
 *
 * The rows given to poll(2) are dense, and a table by descriptor tells which
 * row is whose.  A row of which nothing more is to be said has a negative
 * descriptor, so that poll(2) passes over it: a hang-up would be reported
 * again and again.
 */
#include "event/backend.h"

#include <errno.h>
#include <poll.h>

#include "base/mem.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0 /* then the end shows as a read of nothing */
#endif

struct poll {
	struct pollfd *rows;
	struct io **ios; /* of each row */
	size_t nrows;
	size_t nios;
	size_t *places; /* by descriptor: its row */
	size_t nplaces;
};

static int
poll_open(struct loop *loop)
{
	loop->data = mem_zalloc(sizeof(struct poll));
	return loop->data == NULL ? -1 : 0;
}

static void
poll_close(struct loop *loop)
{
	struct poll *state = loop->data;

	mem_free(state->rows);
	mem_free(state->ios);
	mem_free(state->places);
	mem_free(state);
}

static void
poll_interest(struct loop *loop, struct io *io)
{
	const struct poll *state = loop->data;
	struct pollfd *row = &state->rows[state->places[io->fd]];
	unsigned interest = io_interest(io);

	row->fd = interest == 0 && io->hangup ? -1 : io->fd;
	row->events = 0;
	if ((interest & IO_READ) != 0)
		row->events = POLLIN | POLLRDHUP;
	if ((interest & IO_WRITE) != 0)
		row->events |= POLLOUT;
}

static int
poll_add(struct loop *loop, struct io *io)
{
	struct poll *state = loop->data;

	while (state->nplaces <= (size_t)io->fd)
		if (mem_push(&state->places, &state->nplaces,
			sizeof(*state->places)) == NULL)
			return -1;
	if (mem_push(&state->rows, &state->nrows, sizeof(*state->rows)) == NULL)
		return -1;
	if (mem_push(&state->ios, &state->nios, sizeof(struct io *)) == NULL) {
		state->nrows--;
		return -1;
	}
	state->ios[state->nios - 1] = io;
	state->places[io->fd] = state->nrows - 1;
	poll_interest(loop, io);
	return 0;
}

static void
poll_remove(struct loop *loop, struct io *io, bool closing)
{
	struct poll *state = loop->data;
	size_t place = state->places[io->fd];

	(void)closing;
	state->nrows--;
	state->nios--;
	state->rows[place] = state->rows[state->nrows];
	state->ios[place] = state->ios[state->nios];
	state->places[state->ios[place]->fd] = place;
}

static int
poll_sleep(struct loop *loop, int timeout_ms)
{
	struct poll *state = loop->data;
	unsigned events, marks;
	int left;

	left = poll(state->rows, (nfds_t)state->nrows, timeout_ms);
	if (left == -1)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	for (size_t i = 0; left > 0; i++) {
		events = (unsigned)state->rows[i].revents;
		if (events == 0)
			continue;
		left--;
		marks = (events & POLLIN) != 0 ? IO_READ : 0;
		if ((events & POLLOUT) != 0)
			marks |= IO_WRITE;
		if ((events & POLLRDHUP) != 0)
			marks |= EVENT_EOF;
		if ((events & (POLLHUP | POLLERR | POLLNVAL)) != 0)
			marks |= EVENT_HANGUP;
		loop_mark(loop, state->ios[i], marks);
		poll_interest(loop, state->ios[i]);
	}
	return 0;
}

const struct event_backend event_backend_poll = {
	.name = "poll",
	.edge = false,
	.tells_hangup = true,
	.open = poll_open,
	.close = poll_close,
	.add = poll_add,
	.remove = poll_remove,
	.interest = poll_interest,
	.wait = poll_sleep,
};
