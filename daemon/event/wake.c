/*
 * A pipe that holds at most its own size of rings: when it is full, the loop
 * at the other end has been woken already, so a ring that does not fit is not
 * lost.
 */
#include "event/wake.h"

#include <errno.h>
#include <unistd.h>

#include "base/compat.h"

static void
wake_read(struct io *io)
{
	struct wake *wake = container_of(io, struct wake, io);
	unsigned char rings[512];

	while (read(io->fd, rings, sizeof(rings)) == sizeof(rings))
		;
	io_drained(io, IO_READ);
	wake->call(wake);
}

int
wake_make(int fds[2])
{
	return compat_pipe(fds);
}

int
wake_open(struct wake *wake, struct loop *loop, int read_fd,
    void (*call)(struct wake *), void *owner)
{
	wake->call = call;
	wake->owner = owner;
	io_init(&wake->io, read_fd, wake_read, IO_SHARED);
	return io_add(loop, &wake->io, IO_READ);
}

void
wake_close(struct wake *wake)
{
	io_close(&wake->io);
}

void
wake_send(int write_fd)
{
	static const unsigned char ring = 1;
	int error = errno;

	while (write(write_fd, &ring, 1) == -1 && errno == EINTR)
		;
	errno = error;
}
