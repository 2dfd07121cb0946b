/*
 * Datagrams in batches: receive, let the owner answer, send.
 *
 * No error of one datagram keeps the others from being served, and none ends
 * the receiving.
 */
#include <netinet/in.h>

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "net/dgram.h"
#include "net/dgram_send.h"
#include "net/pktinfo.h"
#include "net/socket.h"

/* Batches in one turn, and at most in dgram_drain(). */
#define DGRAM_TURN_BATCHES  4
#define DGRAM_DRAIN_BATCHES 4096

/* Each datagram's room begins on a page, so small ones touch one page. */
#define DGRAM_STRIDE 65536

union dgram_name {
	struct sockaddr any;
	struct sockaddr_in inet4;
	struct sockaddr_in6 inet6;
};

/* Room for what comes, and for what goes. */
struct dgram_half {
	struct dgram_slot slots[DGRAM_BATCH];
	struct iovec parts[DGRAM_BATCH];
	struct pktinfo_room rooms[DGRAM_BATCH];
	unsigned char *data; /* DGRAM_BATCH rooms of DGRAM_STRIDE bytes */
};

struct dgram_batch {
	struct dgram_message messages[DGRAM_BATCH];
	union dgram_name names[DGRAM_BATCH];
	struct dgram_half in;
	struct dgram_half out;
};

static void dgram_call(struct io *io);
static void dgram_retry(struct timer *timer);

struct dgram_batch *
dgram_batch_new(void)
{
	struct dgram_batch *batch = mem_zalloc(sizeof(*batch));

	if (batch == NULL)
		return NULL;
	/* Large enough for malloc(3) to map them, so that pages that no
	 * datagram has needed cost nothing. */
	batch->in.data = mem_array(DGRAM_BATCH, DGRAM_STRIDE);
	batch->out.data = mem_array(DGRAM_BATCH, DGRAM_STRIDE);
	if (batch->in.data == NULL || batch->out.data == NULL) {
		dgram_batch_free(batch);
		errno = ENOMEM;
		return NULL;
	}
	return batch;
}

void
dgram_batch_free(struct dgram_batch *batch)
{
	if (batch == NULL)
		return;
	mem_free(batch->in.data);
	mem_free(batch->out.data);
	mem_free(batch);
}

int
dgram_open(struct dgram *dgram, struct net *net, int fd,
    struct dgram_batch *batch, const struct dgram_ops *ops, void *owner)
{
	memset(dgram, 0, sizeof(*dgram));
	if (socket_local(fd, &dgram->local) == -1)
		return -1;
	/* The master holds a duplicate of each bound socket. */
	io_init(&dgram->io, fd, dgram_call, IO_SHARED);
	timer_init(&dgram->retry, dgram_retry);
	dgram->net = net;
	dgram->batch = batch;
	dgram->ops = ops;
	dgram->owner = owner;
	return io_add(net->loop, &dgram->io, IO_READ);
}

/* Make message i of the batch ready for receiving. */
static void
dgram_prepare(struct dgram_batch *batch, size_t i)
{
	struct msghdr *msg = &batch->in.slots[i].msg;

	batch->in.parts[i].iov_base = batch->in.data + i * DGRAM_STRIDE;
	batch->in.parts[i].iov_len = DGRAM_SIZE;
	memset(msg, 0, sizeof(*msg));
	msg->msg_name = &batch->names[i];
	msg->msg_namelen = sizeof(batch->names[i]);
	msg->msg_iov = &batch->in.parts[i];
	msg->msg_iovlen = 1;
	msg->msg_control = &batch->in.rooms[i];
	msg->msg_controllen = sizeof(batch->in.rooms[i]);
}

/* Describe to the owner what has come as message i. */
static void
dgram_describe(struct dgram *dgram, size_t i)
{
	struct dgram_batch *batch = dgram->batch;
	struct dgram_message *message = &batch->messages[i];
	struct msghdr *msg = &batch->in.slots[i].msg;

	memset(message, 0, sizeof(*message));
	addr_from_sockaddr(
	    &message->peer, &batch->names[i].any, msg->msg_namelen);
	message->local.port = dgram->local.port;
	message->many = pktinfo_read(msg, &message->local);
	message->data = batch->in.data + i * DGRAM_STRIDE;
	message->len = batch->in.slots[i].len;
	message->truncated = (msg->msg_flags & MSG_TRUNC) != 0;
	message->reply = batch->out.data + i * DGRAM_STRIDE;
}

/* Put the answer to message i, if there is one, at place n of what goes out.
 * Returns the next place. */
static size_t
dgram_address(struct dgram_batch *batch, size_t i, size_t n)
{
	const struct dgram_message *message = &batch->messages[i];
	struct msghdr *msg = &batch->out.slots[n].msg;

	if (message->reply_len == 0 && !message->reply_empty)
		return n;
	batch->out.parts[n].iov_base = message->reply;
	batch->out.parts[n].iov_len = message->reply_len;
	memset(msg, 0, sizeof(*msg));
	msg->msg_name = &batch->names[i];
	msg->msg_namelen = batch->in.slots[i].msg.msg_namelen;
	msg->msg_iov = &batch->out.parts[n];
	msg->msg_iovlen = 1;
	if (!message->many)
		pktinfo_write(msg, &batch->out.rooms[n], &message->local);
	return n + 1;
}

/* Let the owner answer n messages, and send the answers. */
static void
dgram_serve(struct dgram *dgram, size_t n)
{
	struct dgram_batch *batch = dgram->batch;
	struct dgram_sent sent = { 0 };
	size_t i, answers = 0;

	for (i = 0; i < n; i++)
		dgram_describe(dgram, i);
	dgram->ops->datagrams(dgram, batch->messages, n);
	if (dgram->closed)
		return;
	for (i = 0; i < n; i++)
		answers = dgram_address(batch, i, answers);
	if (answers == 0)
		return;
	dgram_send(dgram->io.fd, batch->out.slots, answers, &sent);
	dgram->ops->sent(dgram, sent.n, sent.bytes, sent.left);
}

/* Receiving failed.  Whether to go on with it now. */
static bool
dgram_failed(struct dgram *dgram, int error)
{
	if (error == EINTR || dgram_error_is_pending(error))
		return true;
	if (error == EAGAIN) {
		io_drained(&dgram->io, IO_READ);
		return false;
	}
	io_want(&dgram->io, 0);
	loop_timer_set(dgram->net->loop, &dgram->retry, DGRAM_RETRY_MS);
	dgram->ops->failed(dgram, error);
	return false;
}

/* Receive and serve until nothing waits, or the given number of batches. */
static void
dgram_run(struct dgram *dgram, unsigned batches)
{
	struct dgram_batch *batch = dgram->batch;
	size_t i;
	int n;

	while (batches-- > 0) {
		for (i = 0; i < DGRAM_BATCH; i++)
			dgram_prepare(batch, i);
		n = dgram_io_receive(
		    dgram->io.fd, batch->in.slots, DGRAM_BATCH);
		if (n == -1) {
			if (!dgram_failed(dgram, errno))
				return;
			continue;
		}
		if (n < DGRAM_BATCH)
			io_drained(&dgram->io, IO_READ);
		dgram_serve(dgram, (size_t)n);
		if (n < DGRAM_BATCH || dgram->closed)
			return;
	}
}

static void
dgram_call(struct io *io)
{
	if ((io->wanted & io->ready & IO_READ) != 0)
		dgram_run(
		    container_of(io, struct dgram, io), DGRAM_TURN_BATCHES);
}

static void
dgram_retry(struct timer *timer)
{
	struct dgram *dgram = container_of(timer, struct dgram, retry);

	io_want(&dgram->io, IO_READ);
}

void
dgram_pause(struct dgram *dgram)
{
	loop_timer_cancel(dgram->net->loop, &dgram->retry);
	io_want(&dgram->io, 0);
}

void
dgram_resume(struct dgram *dgram)
{
	io_want(&dgram->io, IO_READ);
}

void
dgram_drain(struct dgram *dgram)
{
	if (!dgram->closed)
		dgram_run(dgram, DGRAM_DRAIN_BATCHES);
}

void
dgram_close(struct dgram *dgram)
{
	if (dgram->closed)
		return;
	dgram->closed = true;
	loop_timer_cancel(dgram->net->loop, &dgram->retry);
	io_close(&dgram->io);
}
