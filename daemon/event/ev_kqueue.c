/*
 * kqueue(2) of FreeBSD, OpenBSD, NetBSD and macOS, with EV_CLEAR: edges.
 *
 * The filter for reading is added with the descriptor, that for writing when
 * the owner first has to wait for it.  Closing a descriptor takes its filters
 * away, whatever duplicates other processes hold: they belong to the process.
 * A kqueue is not inherited by fork(2).
 *
 * EV_EOF on the filter for reading is the peer's FIN, or with an error in
 * fflags the end of both directions.  On the filter for writing it also comes
 * of our own shutdown(2), so there it counts only together with the former.
 */
#include "event/backend.h"

#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"

enum { BATCH = 512 };

/* A bit of io->armed beside IO_READ and IO_WRITE: writing has ended. */
enum { WRITE_ENDED = 4 };

/* udata is a pointer on most systems and an integer on older NetBSD. */
#define UDATA(io) ((__typeof__(((struct kevent *)NULL)->udata))(io))

struct kqueue {
	int fd;
	pid_t pid; /* whose it is */
	struct kevent events[BATCH];
};

static int
kqueue_open(struct loop *loop)
{
	struct kqueue *kq;

	if ((kq = mem_zalloc(sizeof(*kq))) == NULL)
		return -1;
	if ((kq->fd = kqueue()) == -1) {
		mem_free(kq);
		return -1;
	}
	kq->pid = getpid();
	loop->data = kq;
	return 0;
}

static void
kqueue_close(struct loop *loop)
{
	struct kqueue *kq = loop->data;

	/* In a child the number may be another descriptor's by now. */
	if (kq->pid == getpid())
		close(kq->fd);
	mem_free(kq);
}

/* Add or delete the filters of the directions, with one call. */
static int
kqueue_change(
    struct loop *loop, struct io *io, unsigned directions, unsigned action)
{
	const struct kqueue *kq = loop->data;
	struct kevent changes[2];
	int n = 0;

	if ((directions & IO_READ) != 0)
		EV_SET(&changes[n++], (uintptr_t)io->fd, EVFILT_READ,
		    (unsigned short)action, 0, 0, UDATA(io));
	if ((directions & IO_WRITE) != 0)
		EV_SET(&changes[n++], (uintptr_t)io->fd, EVFILT_WRITE,
		    (unsigned short)action, 0, 0, UDATA(io));
	return kevent(kq->fd, changes, n, NULL, 0, NULL);
}

static int
kqueue_add(struct loop *loop, struct io *io)
{
	unsigned directions = IO_READ | (io->wanted & IO_WRITE);

	if (kqueue_change(loop, io, directions, EV_ADD | EV_CLEAR) == -1)
		return -1;
	io->armed = (uint8_t)directions;
	return 0;
}

static void
kqueue_remove(struct loop *loop, struct io *io, bool closing)
{
	if (!closing)
		kqueue_change(loop, io, io->armed & IO_BOTH, EV_DELETE);
}

static void
kqueue_interest(struct loop *loop, struct io *io)
{
	if (kqueue_change(loop, io, IO_WRITE, EV_ADD | EV_CLEAR) == -1)
		loop_mark(loop, io, IO_WRITE);
	else
		io->armed |= IO_WRITE;
}

static void
kqueue_mark(struct loop *loop, const struct kevent *event)
{
	struct io *io = (struct io *)event->udata;
	bool end = (event->flags & EV_EOF) != 0;
	unsigned marks;

	if (event->filter == EVFILT_WRITE) {
		marks = IO_WRITE;
		if (end)
			io->armed |= WRITE_ENDED;
	} else {
		marks = end ? EVENT_EOF : IO_READ;
	}
	if (end &&
	    (event->fflags != 0 ||
		((io->eof || marks == EVENT_EOF) &&
		    (io->armed & WRITE_ENDED) != 0)))
		marks |= EVENT_HANGUP;
	loop_mark(loop, io, marks);
}

static int
kqueue_sleep(struct loop *loop, int timeout_ms)
{
	struct kqueue *kq = loop->data;
	struct timespec timeout;
	int n;

	timeout.tv_sec = timeout_ms / 1000;
	timeout.tv_nsec = timeout_ms % 1000 * 1000000L;
	n = kevent(kq->fd, NULL, 0, kq->events, BATCH,
	    timeout_ms < 0 ? NULL : &timeout);
	if (n == -1)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++)
		kqueue_mark(loop, &kq->events[i]);
	return 0;
}

const struct event_backend event_backend_kqueue = {
	.name = "kqueue",
	.edge = true,
	.tells_hangup = true,
	.open = kqueue_open,
	.close = kqueue_close,
	.add = kqueue_add,
	.remove = kqueue_remove,
	.interest = kqueue_interest,
	.wait = kqueue_sleep,
};
