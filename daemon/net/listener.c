/*
 * Accepting connections.
 *
 *              pause                    accept(2): EMFILE, …
 *   paused ◄──────────► accepting ─────────────────────────► starved
 *              resume            ◄──────────────────────────
 *                                   retry timer, a success
 *
 * No error of accept(2) ends it, and none makes it spin: what a client has
 * caused is skipped, and after anything else it rests until the timer.
 */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "base/compat.h"
#include "net/listener.h"

/* Even a queue that fills as fast as it is emptied has an end in
 * listener_drain(): the longest backlog that a system can be told. */
#define LISTENER_DRAIN_MAX 65536

static void listener_call(struct io *io);
static void listener_retry(struct timer *timer);

/* Wait for connections.  -1 with errno. */
static int
listener_enter(struct listener *listener)
{
	if (listener->io.loop == NULL)
		return io_add(listener->net->loop, &listener->io, IO_READ);
	io_want(&listener->io, IO_READ);
	return 0;
}

/* Do not wait for them, nor swallow the wake-ups of others. */
static void
listener_leave(struct listener *listener)
{
	if (listener->shared)
		io_remove(&listener->io);
	else
		io_want(&listener->io, 0);
}

int
listener_open(struct listener *listener, struct net *net, int fd, bool shared,
    const struct listener_ops *ops, void *owner)
{
	memset(listener, 0, sizeof(*listener));
	/* The master holds a duplicate of each listening socket. */
	io_init(&listener->io, fd, listener_call,
	    shared ? IO_SHARED | IO_EXCLUSIVE : IO_SHARED);
	timer_init(&listener->retry, listener_retry);
	listener->net = net;
	listener->ops = ops;
	listener->owner = owner;
	listener->shared = shared;
	return listener_enter(listener);
}

/* Errors that belong to one connection, which is then no longer in the
 * queue: accept(2), "Error handling", and firewall rules (EPERM). */
static bool
listener_is_clients(int error)
{
	static const int errors[] = { ECONNABORTED, EPROTO, EPERM, ENETDOWN,
		ENOPROTOOPT, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT,
		ECONNRESET, EOPNOTSUPP };
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i] == error)
			return true;
	return false;
}

/* Accept; errors of clients and signals are passed over, each at the cost
 * of one of *budget. */
static int
listener_accept(struct listener *listener, struct addr *peer, unsigned *budget)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	while (*budget > 0) {
		--*budget;
		len = sizeof(ss);
		fd = compat_accept(
		    listener->io.fd, (struct sockaddr *)&ss, &len);
		if (fd != -1) {
			addr_from_sockaddr(peer, (struct sockaddr *)&ss, len);
			return fd;
		}
		if (errno != EINTR && !listener_is_clients(errno))
			return -1;
	}
	errno = EINTR;
	return -1;
}

/* Nothing can be accepted for now, for a reason that no event will tell the
 * end of: rest, and try again by the timer. */
static void
listener_starve(struct listener *listener, int error)
{
	listener->starved = true;
	listener_leave(listener);
	loop_timer_set(
	    listener->net->loop, &listener->retry, LISTENER_RETRY_MS);
	/* EINVAL: listen(2) was not called yet, which is its owner's plan and
	 * no failure. */
	if (listener->told || error == EINVAL)
		return;
	listener->told = true;
	listener->ops->failed(listener, error, true);
}

/* It works again. */
static void
listener_recover(struct listener *listener)
{
	bool told = listener->told;

	if (!listener->starved)
		return;
	listener->starved = false;
	listener->told = false;
	loop_timer_cancel(listener->net->loop, &listener->retry);
	if (told)
		listener->ops->recovered(listener);
}

/* Accept until the queue is empty, the budget is spent, or the owner has had
 * enough.  What is left over keeps it ready for the next turn. */
static void
listener_run(struct listener *listener)
{
	unsigned budget = listener->net->accept_budget;
	struct addr peer;
	int fd;

	while (budget > 0) {
		fd = listener_accept(listener, &peer, &budget);
		if (fd != -1) {
			listener_recover(listener);
			listener->ops->accepted(listener, fd, &peer);
			if (listener->closed || listener->paused)
				return;
		} else if (errno == EAGAIN) {
			io_drained(&listener->io, IO_READ);
			listener_recover(listener);
			return;
		} else if (errno != EINTR) {
			listener_starve(listener, errno);
			return;
		}
	}
}

static void
listener_call(struct io *io)
{
	struct listener *listener = container_of(io, struct listener, io);

	if ((io->wanted & io->ready & IO_READ) != 0)
		listener_run(listener);
}

static void
listener_retry(struct timer *timer)
{
	struct listener *listener = container_of(timer, struct listener, retry);

	if (listener_enter(listener) == -1)
		listener_starve(listener, errno);
	else
		listener_run(listener);
}

void
listener_pause(struct listener *listener)
{
	if (listener->paused || listener->closed)
		return;
	listener->paused = true;
	loop_timer_cancel(listener->net->loop, &listener->retry);
	listener_leave(listener);
}

void
listener_resume(struct listener *listener)
{
	if (!listener->paused || listener->closed)
		return;
	listener->paused = false;
	/* The owner is on the stack, so a failure is left to the timer, which
	 * finds it again and tells. */
	if (listener->starved || listener_enter(listener) == -1) {
		listener->starved = true;
		loop_timer_set(
		    listener->net->loop, &listener->retry, LISTENER_RETRY_MS);
	}
}

int
listener_accept_one(struct listener *listener, struct addr *peer)
{
	unsigned budget = LISTENER_DRAIN_MAX;

	return listener_accept(listener, peer, &budget);
}

static void
listener_accept_all(struct listener *listener, bool heed_pause)
{
	unsigned budget = LISTENER_DRAIN_MAX;
	struct addr peer;
	int fd;

	while (!listener->closed && !(heed_pause && listener->paused)) {
		fd = listener_accept(listener, &peer, &budget);
		if (fd == -1)
			break;
		listener->ops->accepted(listener, fd, &peer);
		errno = EAGAIN;
	}
	if (!listener->closed && errno != EAGAIN && errno != EINTR &&
	    errno != EINVAL)
		listener->ops->failed(listener, errno, false);
}

void
listener_drain(struct listener *listener)
{
	listener_accept_all(listener, false);
}

void
listener_take(struct listener *listener)
{
	errno = EAGAIN;
	listener_accept_all(listener, true);
}

void
listener_close(struct listener *listener)
{
	if (listener->closed)
		return;
	listener->closed = true;
	loop_timer_cancel(listener->net->loop, &listener->retry);
	io_close(&listener->io);
}
