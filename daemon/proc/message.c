/*
 * Messages between the master and its children.
 */
#include "proc/message.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>

static void
channel_break(struct channel *channel)
{
	channel_close(channel);
	channel->ops->broken(channel);
}

/* Take what is there; true while more may follow. */
static bool
channel_receive(struct channel *channel)
{
	struct message message;
	ssize_t n;

	n = recv(channel->io.fd, channel->partial + channel->len,
	    sizeof(channel->partial) - channel->len, 0);
	if (n == -1 && errno == EINTR)
		return true;
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		io_drained(&channel->io, IO_READ);
		return false;
	}
	if (n <= 0) {
		channel_break(channel);
		return false;
	}
	channel->len += (size_t)n;
	if (channel->len < sizeof(message))
		return true;
	channel->len = 0;
	memcpy(&message, channel->partial, sizeof(message));
	channel->ops->message(channel, &message);
	return channel->io.fd != -1;
}

static void
channel_ready(struct io *io)
{
	struct channel *channel = container_of(io, struct channel, io);

	while (channel_receive(channel))
		continue;
}

int
channel_open(struct channel *channel, struct loop *loop, int fd,
    const struct channel_ops *ops, void *owner)
{
	channel->ops = ops;
	channel->owner = owner;
	channel->len = 0;
	/* Its pair was made before a fork, so others may hold duplicates. */
	io_init(&channel->io, fd, channel_ready, IO_SHARED);
	return io_add(loop, &channel->io, IO_READ);
}

int
channel_send(struct channel *channel, enum message_type type, uint32_t value)
{
	struct message message = { .type = type, .value = value };
	ssize_t n;

	if (channel->io.fd == -1) {
		errno = EPIPE;
		return -1;
	}
	do {
		n = send(
		    channel->io.fd, &message, sizeof(message), MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(message) ? 0 : -1;
}

void
channel_close(struct channel *channel)
{
	if (channel->io.fd == -1)
		return;
	io_close(&channel->io);
	channel->io.fd = -1;
}
