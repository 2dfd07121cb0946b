/*
 * The data path: bytes from the kernel to the owner, and back.
 *
 * A message that the kernel takes whole costs one recv(2) and one send(2),
 * and nothing else: no allocation, no change of interest, no clock.
 *
 * Rules that keep it right:
 * - Callbacks come last: a function that calls one has put the stream in
 *   order before, and looks at closed and failed before it goes on.
 * - Owners are never called from within a function that they call.  A write
 *   that finds the connection broken puts the stream on net->broken, and a
 *   timer that is due at once tells the owner.
 * - What is read has its memory ensured before, so that no byte is dropped.
 */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/connect.h"
#include "net/socket.h"
#include "net/stream.h"

/* How often the pool is looked after while there is a reason to. */
#define STREAM_UPKEEP_MS 100

static bool
stream_is_over(const struct stream *stream)
{
	return stream->closed || stream->failed;
}

/* Tell the loop which directions the state of the stream asks for. */
static void
stream_update(struct stream *stream)
{
	unsigned wanted = 0;

	if (!stream->paused && !stream->ended && list_empty(&stream->blocked))
		wanted |= IO_READ;
	if (stream->out.len > 0 || stream->producing)
		wanted |= IO_WRITE;
	if (stream->connecting)
		wanted = IO_WRITE;
	if (stream_is_over(stream))
		wanted = 0;
	if (wanted != stream->io.wanted)
		io_want(&stream->io, wanted);
}

static void
stream_schedule_upkeep(struct net *net)
{
	if (!timer_is_set(&net->upkeep))
		loop_timer_set(net->loop, &net->upkeep, STREAM_UPKEEP_MS);
}

/* Chunks have come back to the pool: others may be able to read again. */
static void
stream_memory_given(struct net *net)
{
	if (!list_empty(&net->pool.blocked))
		stream_memory_ready(net);
	if (bufpool_has_spare(&net->pool))
		stream_schedule_upkeep(net);
}

/* Stop everything; the owner is still to be told.  The memory of the queue
 * goes, its length stays for stream_unsent(). */
static void
stream_break(struct stream *stream, int error)
{
	size_t unsent = stream->out.len;

	stream->failed = true;
	stream->error = error;
	list_remove(&stream->blocked);
	if (unsent > 0) {
		outq_clear(&stream->out, &stream->net->pool);
		stream->out.len = unsent;
		stream_memory_given(stream->net);
	}
	stream_update(stream);
}

/* From the loop: break and tell. */
static void
stream_fail(struct stream *stream, int error)
{
	stream_break(stream, error);
	stream->ops->failed(stream, error);
}

/* From a call of the owner: break, and tell when the owner has returned.
 * unsent is what will never be sent.  Returns -1 with errno. */
static int
stream_fail_later(struct stream *stream, int error, size_t unsent)
{
	struct net *net = stream->net;

	stream_break(stream, error);
	stream->out.len = unsent;
	list_append(&net->broken, &stream->blocked);
	if (!timer_is_set(&net->tell))
		loop_timer_set(net->loop, &net->tell, 0);
	errno = error;
	return -1;
}

void
stream_tell_broken(struct timer *timer)
{
	struct net *net = container_of(timer, struct net, tell);
	struct stream *stream;
	struct list broken, *node;

	/* Those that break in the course of this are told in the next turn. */
	list_init(&broken);
	list_splice(&broken, &net->broken);
	while ((node = list_shift(&broken)) != NULL) {
		stream = container_of(node, struct stream, blocked);
		stream->ops->failed(stream, stream->error);
	}
}

void
stream_memory_ready(struct net *net)
{
	struct stream *stream;
	struct list waiting, *node;

	if (list_empty(&net->pool.blocked) || !bufpool_ready(&net->pool))
		return;
	list_init(&waiting);
	list_splice(&waiting, &net->pool.blocked);
	while ((node = list_shift(&waiting)) != NULL) {
		stream = container_of(node, struct stream, blocked);
		stream_update(stream);
	}
}

void
stream_upkeep(struct timer *timer)
{
	struct net *net = container_of(timer, struct net, upkeep);

	/* Where an allocation failed nobody else will ever call. */
	stream_memory_ready(net);
	if (!list_empty(&net->pool.blocked))
		stream_schedule_upkeep(net);
	else
		bufpool_trim(&net->pool);
}

static void
stream_shutdown(struct stream *stream)
{
	stream->finished = true;
	/* ENOTCONN: the peer has broken the connection, which the loop is
	 * about to report. */
	(void)shutdown(stream->io.fd, SHUT_WR);
}

/* The kernel takes output again. */
static void
stream_output(struct stream *stream)
{
	struct net *net = stream->net;
	size_t before = stream->out.len;
	bool tell = stream->producing;

	if (before > 0) {
		if (outq_flush(&stream->out, &net->pool, stream->io.fd) == -1) {
			stream_fail(stream, errno);
			return;
		}
		if (stream->out.len < before)
			stream->active_ms = loop_now(net->loop);
		stream_memory_given(net);
		if (stream->out.len > 0) {
			io_drained(&stream->io, IO_WRITE);
			tell = false;
		} else if (stream->finishing) {
			stream_shutdown(stream);
			tell = true;
		}
	}
	if (stream->full && stream->out.len <= net->low_water) {
		stream->full = false;
		tell = true;
	}
	stream_update(stream);
	if (tell)
		stream->ops->writable(stream);
}

/* No memory for what a read may give: wait for it. */
static void
stream_block(struct stream *stream)
{
	struct net *net = stream->net;

	list_append(&net->pool.blocked, &stream->blocked);
	stream_update(stream);
	stream_schedule_upkeep(net);
}

static void
stream_read_failed(struct stream *stream, int error)
{
	if (error == EAGAIN)
		io_drained(&stream->io, IO_READ);
	else if (error != EINTR)
		stream_fail(stream, error);
}

/* Read until there is no more, the budget is spent, or the owner has had
 * enough.  What is left over keeps the stream ready for the next turn. */
static void
stream_input(struct stream *stream)
{
	struct net *net = stream->net;
	size_t left = net->read_budget;
	ssize_t n;
	bool drained;

	do {
		if (!bufpool_ready(&net->pool)) {
			stream_block(stream);
			return;
		}
		n = recv(stream->io.fd, net->scratch, stream->read_max, 0);
		if (n == -1) {
			stream_read_failed(stream, errno);
			return;
		}
		if (n == 0) {
			stream->ended = true;
			stream_update(stream);
			stream->ops->end(stream);
			return;
		}
		drained = (size_t)n < stream->read_max && !stream->io.eof &&
		    !stream->io.hangup;
		if (drained)
			io_drained(&stream->io, IO_READ);
		stream->active_ms = loop_now(net->loop);
		stream->ops->data(stream, net->scratch, (size_t)n);
		if (drained || stream_is_over(stream) || stream->paused ||
		    stream->raw)
			return;
		left -= (size_t)n < left ? (size_t)n : left;
	} while (left > 0);
}

/* The connection is gone, but nobody reads: ask what has happened.  No error
 * means that both directions have ended, which the owner knows or will see
 * when it reads on. */
static void
stream_check(struct stream *stream)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(stream->io.fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0)
		stream_fail(stream, error);
}

/* The connect(2) is through, one way or the other. */
static void
stream_connect_done(struct stream *stream)
{
	int error = 0;

	if (stream->io.hangup || !loop_tells_hangup(stream->net->loop))
		error = connect_error(stream->io.fd);
	stream->connecting = false;
	if (error != 0) {
		stream_fail(stream, error);
		return;
	}
	stream->active_ms = loop_now(stream->net->loop);
	stream_update(stream);
	stream->ops->connected(stream);
}

static void
stream_call(struct io *io)
{
	struct stream *stream = container_of(io, struct stream, io);

	if (stream->connecting) {
		stream_connect_done(stream);
		return;
	}
	if ((io->wanted & io->ready & IO_WRITE) != 0)
		stream_output(stream);
	if (!stream_is_over(stream) &&
	    (io->wanted & io->ready & IO_READ) != 0) {
		if (stream->raw)
			stream->ops->readable(stream);
		else
			stream_input(stream);
	}
	if (!stream_is_over(stream) && io->hangup &&
	    (io->wanted & IO_READ) == 0)
		stream_check(stream);
}

static void
stream_init(struct stream *stream, struct net *net, int fd,
    const struct stream_ops *ops, uint32_t read_max)
{
	memset(stream, 0, sizeof(*stream));
	io_init(&stream->io, fd, stream_call, 0);
	stream->ops = ops;
	stream->net = net;
	outq_init(&stream->out);
	list_init(&stream->blocked);
	stream->read_max =
	    read_max < NET_SCRATCH_SIZE ? read_max : NET_SCRATCH_SIZE;
	stream->active_ms = loop_now(net->loop);
}

int
stream_open(struct stream *stream, struct net *net, int fd,
    const struct stream_ops *ops, uint32_t read_max)
{
	stream_init(stream, net, fd, ops, read_max);
	return io_add(net->loop, &stream->io, IO_READ);
}

int
stream_connect(struct stream *stream, struct net *net, int fd,
    const struct stream_ops *ops, uint32_t read_max)
{
	stream_init(stream, net, fd, ops, read_max);
	stream->connecting = true;
	return io_add(net->loop, &stream->io, IO_WRITE);
}

/* One system call for all parts.  Returns the bytes taken, 0 when the kernel
 * is full, -1 with errno. */
static ssize_t
stream_send(struct stream *stream, const struct iovec *parts, size_t n)
{
	struct msghdr msg = { .msg_iov = NULL };
	ssize_t sent;

	do {
		if (n == 1) {
			sent = send(stream->io.fd, parts->iov_base,
			    parts->iov_len, MSG_NOSIGNAL);
		} else {
			msg.msg_iov = (struct iovec *)parts;
			msg.msg_iovlen = n;
			sent = sendmsg(stream->io.fd, &msg, MSG_NOSIGNAL);
		}
	} while (sent == -1 && errno == EINTR);
	if (sent == -1)
		return errno == EAGAIN ? 0 : -1;
	if (sent > 0)
		stream->active_ms = loop_now(stream->net->loop);
	return sent;
}

/* Keep what is left of a part after the first skip bytes. */
static bool
stream_keep(
    struct stream *stream, const struct iovec *part, size_t skip, bool lend)
{
	struct bufpool *pool = &stream->net->pool;
	const unsigned char *data = part->iov_base;
	size_t len = part->iov_len - skip;

	if (len == 0)
		return true;
	if (lend)
		return outq_lend(&stream->out, pool, data + skip, len);
	return outq_append(&stream->out, pool, data + skip, len) == len;
}

/* Send the parts and keep what the kernel refuses; the last one is lent if
 * lend. */
static int
stream_put(
    struct stream *stream, const struct iovec *parts, size_t n, bool lend)
{
	size_t total = 0, unsent, taken, i, skip;
	ssize_t sent = 0;

	for (i = 0; i < n; i++)
		total += parts[i].iov_len;
	unsent = stream->out.len + total;
	if (stream_is_over(stream) || stream->finishing) {
		if (stream->failed)
			stream->out.len = unsent;
		errno = EPIPE;
		return -1;
	}
	if (total == 0)
		return 0;
	if (stream->out.len == 0) {
		sent = stream_send(stream, parts, n);
		if (sent == -1)
			return stream_fail_later(stream, errno, unsent);
		if ((size_t)sent == total)
			return 0;
		io_drained(&stream->io, IO_WRITE);
	}
	taken = (size_t)sent;
	for (i = 0; i < n; i++) {
		skip = taken < parts[i].iov_len ? taken : parts[i].iov_len;
		taken -= skip;
		if (!stream_keep(stream, &parts[i], skip, lend && i == n - 1))
			return stream_fail_later(
			    stream, ENOMEM, unsent - (size_t)sent);
	}
	if (stream->out.len > stream->net->high_water)
		stream->full = true;
	stream_update(stream);
	return 0;
}

int
stream_write(struct stream *stream, const void *data, size_t len)
{
	const struct iovec part = { (void *)data, len };

	return stream_put(stream, &part, 1, false);
}

int
stream_write_lent(struct stream *stream, const void *head, size_t head_len,
    const void *body, size_t body_len)
{
	const struct iovec parts[2] = {
		{ (void *)head, head_len },
		{ (void *)body, body_len },
	};

	return stream_put(stream, parts, 2, true);
}

ssize_t
stream_write_some(struct stream *stream, const void *data, size_t len)
{
	const struct iovec part = { (void *)data, len };
	ssize_t sent;

	if (stream_is_over(stream) || stream->finishing) {
		errno = EPIPE;
		return -1;
	}
	if (stream->out.len > 0)
		return 0;
	sent = stream_send(stream, &part, 1);
	if (sent == -1)
		return stream_fail_later(stream, errno, 0);
	if ((size_t)sent < len)
		io_drained(&stream->io, IO_WRITE);
	return sent;
}

void
stream_pause(struct stream *stream)
{
	stream->paused = true;
	if (!stream->closed)
		stream_update(stream);
}

void
stream_resume(struct stream *stream)
{
	stream->paused = false;
	if (!stream->closed)
		stream_update(stream);
}

void
stream_read_raw(struct stream *stream, bool on)
{
	stream->raw = on;
}

void
stream_moved(struct stream *stream)
{
	stream->active_ms = loop_now(stream->net->loop);
}

void
stream_ended(struct stream *stream)
{
	stream->ended = true;
	stream_update(stream);
}

void
stream_broken(struct stream *stream, int error)
{
	if (!stream_is_over(stream))
		(void)stream_fail_later(stream, error, stream->out.len);
}

void
stream_produce(struct stream *stream, bool on)
{
	stream->producing = on && !stream->finishing;
	if (!stream->closed)
		stream_update(stream);
}

void
stream_finish(struct stream *stream)
{
	if (stream->finishing || stream_is_over(stream))
		return;
	stream->finishing = true;
	stream->producing = false;
	if (stream->out.len == 0)
		stream_shutdown(stream);
	stream_update(stream);
}

void
stream_close(struct stream *stream)
{
	if (stream->closed)
		return;
	stream->closed = true;
	list_remove(&stream->blocked);
	io_close(&stream->io);
	if (stream->out.len > 0) {
		outq_clear(&stream->out, &stream->net->pool);
		stream_memory_given(stream->net);
	}
}

void
stream_reset(struct stream *stream)
{
	if (stream->closed)
		return;
	socket_close_resets(stream->io.fd);
	stream_close(stream);
}
