/*
 * epoll(7), edge-triggered.
 *
 * A descriptor is registered when it is added, for reading, and once more if
 * it ever has to wait until it can write.  A message costs no epoll_ctl(2),
 * and neither does closing: the last close ends the registration.  Only where
 * another process holds a duplicate must it be taken back.
 *
 * Events that do not fit into one batch stay queued in the kernel, behind
 * which later ones line up, so nobody starves.
 */
#include "event/backend.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "event/ev_epoll.h"

enum { BATCH = 512 };

struct epoll {
	int fd;
	struct epoll_event events[BATCH];
};

static int
epoll_open(struct loop *loop)
{
	struct epoll *epoll;

	if ((epoll = mem_zalloc(sizeof(*epoll))) == NULL)
		return -1;
	if ((epoll->fd = epoll_create1(EPOLL_CLOEXEC)) == -1) {
		mem_free(epoll);
		return -1;
	}
	loop->data = epoll;
	return 0;
}

static void
epoll_close(struct loop *loop)
{
	struct epoll *epoll = loop->data;

	close(epoll->fd);
	mem_free(epoll);
}

/* Register an io, or register it anew, for reading and what else is in
 * directions. */
static int
epoll_arm(struct loop *loop, struct io *io, int op, unsigned directions)
{
	const struct epoll *epoll = loop->data;
	struct epoll_event event;

	event.data.ptr = io;
	event.events = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;
	if ((directions & IO_WRITE) != 0)
		event.events |= EPOLLOUT;
	/* Not together with EPOLLRDHUP, and never to be modified: see
	 * epoll_ctl(2).  A socket that processes share is a listening one, on
	 * which neither is missed. */
	if (io->exclusive) {
		event.events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE;
		directions = IO_WRITE;
	}
	if (epoll_ctl(epoll->fd, op, io->fd, &event) == -1)
		return -1;
	io->armed = (uint8_t)(IO_READ | directions);
	return 0;
}

static int
epoll_add(struct loop *loop, struct io *io)
{
	return epoll_arm(loop, io, EPOLL_CTL_ADD, io->wanted & IO_WRITE);
}

static void
epoll_remove(struct loop *loop, struct io *io, bool closing)
{
	const struct epoll *epoll = loop->data;

	if (!closing || io->shared)
		epoll_ctl(epoll->fd, EPOLL_CTL_DEL, io->fd, NULL);
}

static void
epoll_interest(struct loop *loop, struct io *io)
{
	if (epoll_arm(loop, io, EPOLL_CTL_MOD, IO_WRITE) == -1)
		loop_mark(loop, io, IO_WRITE);
}

static int
epoll_sleep(struct loop *loop, int timeout_ms)
{
	struct epoll *epoll = loop->data;
	int n;

	n = epoll_wait(epoll->fd, epoll->events, BATCH, timeout_ms);
	if (n == -1)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++)
		loop_mark(loop, epoll->events[i].data.ptr,
		    epoll_marks(epoll->events[i].events));
	return 0;
}

const struct event_backend event_backend_epoll = {
	.name = "epoll",
	.edge = true,
	.tells_hangup = true,
	.open = epoll_open,
	.close = epoll_close,
	.add = epoll_add,
	.remove = epoll_remove,
	.interest = epoll_interest,
	.wait = epoll_sleep,
};
