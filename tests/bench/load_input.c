/*
 * Standard input.  A read never blocks, since it is asked for by poll(2)
 * each time; a file, for which epoll(7) cannot wait, is read in turns of a
 * timer.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "load_input.h"

enum { INPUT_SIZE = 65536, FILE_PACE_MS = 1 };

static void
input_read(struct load_input *input)
{
	static char buffer[INPUT_SIZE];
	ssize_t n;

	do {
		n = read(STDIN_FILENO, buffer, sizeof(buffer));
	} while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return;
	/* What cannot be read has ended. */
	if (n <= 0)
		load_input_close(input);
	input->came(input, buffer, n > 0 ? (size_t)n : 0);
}

static void
input_ready(struct io *io)
{
	struct load_input *input = container_of(io, struct load_input, io);
	struct pollfd ask = { .fd = io->fd, .events = POLLIN };

	if (poll(&ask, 1, 0) <= 0)
		io_drained(io, IO_READ);
	else
		input_read(input);
}

static void
input_turn(struct timer *timer)
{
	struct load_input *input =
	    container_of(timer, struct load_input, timer);

	if (!input->paused)
		input_read(input);
	if (!input->closed)
		loop_timer_set(input->loop, timer, FILE_PACE_MS);
}

int
load_input_open(struct load_input *input, struct loop *loop,
    void (*came)(struct load_input *input, const char *data, size_t len),
    void *owner)
{
	input->loop = loop;
	input->came = came;
	input->owner = owner;
	input->paused = input->closed = false;
	timer_init(&input->timer, input_turn);
	io_init(&input->io, STDIN_FILENO, input_ready, IO_SHARED);
	if (io_add(loop, &input->io, IO_READ) != -1)
		return 0;
	if (errno != EPERM)
		return -1;
	loop_timer_set(loop, &input->timer, FILE_PACE_MS);
	return 0;
}

void
load_input_pause(struct load_input *input, bool paused)
{
	input->paused = paused;
	if (!input->closed)
		io_want(&input->io, paused ? 0 : IO_READ);
}

void
load_input_close(struct load_input *input)
{
	if (input->closed)
		return;
	input->closed = true;
	loop_timer_cancel(input->loop, &input->timer);
	io_remove(&input->io);
}
