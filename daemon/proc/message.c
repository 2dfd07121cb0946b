/*
 * Messages between the master and its children.
 */
#include "proc/message.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void
channel_break(struct channel *channel)
{
	channel_close(channel);
	channel->ops->broken(channel);
}

static void
channel_drop_fds(struct channel *channel)
{
	while (channel->nfds > 0)
		(void)close(channel->fds[--channel->nfds]);
}

/* Take what is there; true while more may follow. */
static bool
channel_receive(struct channel *channel)
{
	struct message message;
	int fds[COMPAT_FDS_MAX];
	size_t nfds = COMPAT_FDS_MAX;
	ssize_t n;

	n = compat_receive_fds(channel->io.fd, channel->partial + channel->len,
	    sizeof(channel->partial) - channel->len, fds, &nfds);
	if (n == -1 && errno == EINTR)
		return true;
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		io_drained(&channel->io, IO_READ);
		return false;
	}
	if (n <= 0) {
		/* What came in part, or with descriptors that were lost,
		 * cannot be made good. */
		channel_break(channel);
		return false;
	}
	if (nfds > 0) {
		channel_drop_fds(channel);
		memcpy(channel->fds, fds, nfds * sizeof(*fds));
		channel->nfds = nfds;
	}
	channel->len += (size_t)n;
	if (channel->len < sizeof(message))
		return true;
	channel->len = 0;
	memcpy(&message, channel->partial, sizeof(message));
	channel->ops->message(channel, &message);
	channel_drop_fds(channel);
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
	channel->nfds = 0;
	/* Its pair was made before a fork, so others may hold duplicates. */
	io_init(&channel->io, fd, channel_ready, IO_SHARED);
	return io_add(loop, &channel->io, IO_READ);
}

int
channel_send(struct channel *channel, enum message_type type, uint32_t value)
{
	return channel_send_fds(channel, type, value, NULL, 0);
}

int
channel_send_fds(struct channel *channel, enum message_type type,
    uint32_t value, const int *fds, size_t nfds)
{
	struct message message = { .type = type, .value = value };
	ssize_t n;

	if (channel->io.fd == -1) {
		errno = EPIPE;
		return -1;
	}
	do {
		n = compat_send_fds(
		    channel->io.fd, &message, sizeof(message), fds, nfds);
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
	channel_drop_fds(channel);
}
