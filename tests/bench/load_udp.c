/*
 * Datagrams.  A socket has a slot for each of the datagrams that may be under
 * way, so one that is lost holds up none of the others:
 *
 *   free ──taken──► unsent ──sent──► busy ──answer, or none in time──► free
 *
 * The numbers of a slot are those that leave its index as remainder, so the
 * answer leads to it.  Sending and receiving go in batches (net/dgram_io.h).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "load_udp.h"
#include "net/connect.h"
#include "net/dgram_io.h"
#include "net/dgram_send.h"

#define NO_SLOT UINT32_MAX

/* Batches that a socket takes in a turn before others have theirs. */
enum { BATCHES = 4 };

struct udp_slot {
	uint64_t start_ns;
	uint64_t sent_ns; /* 0: not under way */
	uint32_t number;  /* the latest one */
	uint32_t next;    /* in the list that it is on */
};

struct udp_conn {
	struct load_conn base;
	struct io io;
	struct udp_slot *slots;
	uint32_t free;   /* a stack */
	uint32_t unsent; /* a queue, and its end */
	uint32_t last;
};

/* Of all sockets. */
struct udp {
	struct udp_conn *conns;
	struct udp_slot *slots;
	uint32_t ring;        /* a power of two, not less than the depth */
	unsigned char *sent;  /* room for a batch of messages */
	unsigned char *taken; /* for one more byte each */
	struct iovec iov[DGRAM_BATCH];
	struct dgram_slot batch[DGRAM_BATCH];
	struct connect_options connect;
};

static struct udp_conn *
udp_conn(struct load_conn *conn)
{
	return container_of(conn, struct udp_conn, base);
}

static struct udp *
udp_of(const struct udp_conn *conn)
{
	return conn->base.run->sockets;
}

/* ---- slots ---------------------------------------------------------------*/

static void
slot_free(struct udp_conn *conn, uint32_t index)
{
	conn->slots[index].sent_ns = 0;
	conn->slots[index].next = conn->free;
	conn->free = index;
}

/* Have another datagram to send, if there is room and one may begin. */
static bool
slot_take(struct udp_conn *conn, uint64_t now_ns)
{
	uint32_t index = conn->free;
	struct udp_slot *slot;
	uint64_t start_ns;

	if (index == NO_SLOT || !load_take(&conn->base, now_ns, &start_ns))
		return false;
	slot = &conn->slots[index];
	conn->free = slot->next;
	slot->start_ns = start_ns;
	slot->number += udp_of(conn)->ring;
	slot->next = NO_SLOT;
	if (conn->unsent == NO_SLOT)
		conn->unsent = index;
	else
		conn->slots[conn->last].next = index;
	conn->last = index;
	return true;
}

/* The first of the queue was sent, or cannot be. */
static uint32_t
slot_shift(struct udp_conn *conn)
{
	uint32_t index = conn->unsent;

	conn->unsent = conn->slots[index].next;
	return index;
}

static void
slots_init(struct udp_conn *conn, uint32_t depth)
{
	uint32_t i;

	conn->free = conn->unsent = conn->last = NO_SLOT;
	for (i = depth; i-- > 0;) {
		conn->slots[i].number = i;
		slot_free(conn, i);
	}
}

/* ---- errors --------------------------------------------------------------*/

static void
udp_shut(struct udp_conn *conn)
{
	if (conn->io.fd != -1)
		io_close(&conn->io);
	conn->io.fd = -1;
}

/* A pending error, such as that nobody has the port (udp(7)).  False if the
 * socket is over, which only one can be that had no answer yet. */
static bool
udp_survives(struct udp_conn *conn, int error)
{
	if (conn->base.state != LOAD_GREETING) {
		load_error(&conn->base, "datagram", error);
		return true;
	}
	udp_shut(conn);
	slots_init(conn, conn->base.run->options->depth);
	conn->base.state = LOAD_CONNECTING;
	load_broken(&conn->base, 1, "datagram", error);
	return false;
}

/* ---- sending -------------------------------------------------------------*/

/* Make messages of the queue's first ones; how many. */
static unsigned
udp_fill(struct udp_conn *conn, struct udp *udp)
{
	struct load_message *message = &conn->base.run->message;
	uint32_t index = conn->unsent;
	unsigned n = 0;

	for (; index != NO_SLOT && n < DGRAM_BATCH; n++) {
		udp->iov[n].iov_base = udp->sent + n * message->size;
		udp->iov[n].iov_len = message->size;
		memcpy(udp->iov[n].iov_base,
		    load_message_make(
			message, conn->base.index, conn->slots[index].number),
		    message->size);
		index = conn->slots[index].next;
	}
	return n;
}

/* Send a batch.  False if the kernel is full, or the socket is over. */
static bool
udp_send(struct udp_conn *conn, uint64_t now_ns)
{
	struct udp *udp = udp_of(conn);
	unsigned n = udp_fill(conn, udp);
	int sent = dgram_io_send(conn->io.fd, udp->batch, n);

	if (sent == -1) {
		if (errno == EAGAIN || errno == ENOBUFS) {
			io_want(&conn->io, IO_BOTH);
			io_drained(&conn->io, IO_WRITE);
			return false;
		}
		if (errno == EINTR)
			return true;
		if (dgram_error_is_pending(errno))
			return udp_survives(conn, errno);
		/* This one cannot be sent at all. */
		if (!udp_survives(conn, errno))
			return false;
		conn->base.run->outstanding--;
		slot_free(conn, slot_shift(conn));
		return true;
	}
	for (; sent > 0; sent--)
		conn->slots[slot_shift(conn)].sent_ns = now_ns;
	return true;
}

static void
udp_pump(struct load_conn *base, uint64_t now_ns)
{
	struct udp_conn *conn = udp_conn(base);

	while (slot_take(conn, now_ns))
		continue;
	while (conn->unsent != NO_SLOT) {
		if (!udp_send(conn, now_ns))
			return;
	}
	if (conn->io.wanted != IO_READ)
		io_want(&conn->io, IO_READ);
}

/* ---- receiving -----------------------------------------------------------*/

/* Whether a datagram is the answer to that of a slot.  *late: it is one to an
 * earlier one, which was given up, or comes once more. */
static struct udp_slot *
udp_match(
    struct udp_conn *conn, const unsigned char *data, size_t len, bool *late)
{
	const struct load_run *run = conn->base.run;
	const struct udp *udp = run->sockets;
	uint32_t index, number;
	struct udp_slot *slot;

	*late = false;
	if (len != run->message.size)
		return NULL;
	load_message_read_head(data, &index, &number);
	if (index != conn->base.index ||
	    (number & (udp->ring - 1)) >= run->options->depth ||
	    !load_message_fits(&run->message, index, number, 0, data, len))
		return NULL;
	slot = &conn->slots[number & (udp->ring - 1)];
	if (slot->number == number && slot->sent_ns != 0)
		return slot;
	*late = (int32_t)(number - slot->number) <= 0;
	return NULL;
}

static void
udp_came(struct udp_conn *conn, const unsigned char *data, size_t len,
    uint64_t now_ns)
{
	struct udp_slot *slot;
	bool late;

	slot = udp_match(conn, data, len, &late);
	if (slot != NULL) {
		slot_free(conn, (uint32_t)(slot - conn->slots));
		load_answered(&conn->base, slot->start_ns, now_ns);
	} else if (!late) {
		load_mismatch(&conn->base, "another datagram came back");
		conn->base.run->counts.errors++;
	}
}

/* Take a batch.  False if no more waits, or the socket is over. */
static bool
udp_receive(struct udp_conn *conn)
{
	struct udp *udp = udp_of(conn);
	size_t room = conn->base.run->message.size + 1;
	uint64_t now_ns;
	int n, i;

	for (i = 0; i < DGRAM_BATCH; i++) {
		udp->iov[i].iov_base = udp->taken + (size_t)i * room;
		udp->iov[i].iov_len = room;
	}
	n = dgram_io_receive(conn->io.fd, udp->batch, DGRAM_BATCH);
	if (n == -1) {
		if (errno == EAGAIN)
			io_drained(&conn->io, IO_READ);
		else if (errno != EINTR)
			return udp_survives(conn, errno);
		return errno != EAGAIN;
	}
	now_ns = clock_mono_ns();
	for (i = 0; i < n; i++)
		udp_came(conn, udp->iov[i].iov_base, udp->batch[i].len, now_ns);
	if (n < DGRAM_BATCH && !conn->io.hangup)
		io_drained(&conn->io, IO_READ);
	udp_pump(&conn->base, now_ns);
	return n == DGRAM_BATCH && conn->io.fd != -1;
}

static void
udp_ready(struct io *io)
{
	struct udp_conn *conn = container_of(io, struct udp_conn, io);
	unsigned batches = 0;

	if ((io->wanted & io->ready & IO_WRITE) != 0)
		udp_pump(&conn->base, clock_mono_ns());
	while (conn->io.fd != -1 && io_is_ready(io, IO_READ) &&
	    batches++ < BATCHES) {
		if (!udp_receive(conn))
			return;
	}
}

/* ---- opening, and what is lost -------------------------------------------*/

static void
udp_open(struct load_conn *base, uint64_t now_ns)
{
	struct udp_conn *conn = udp_conn(base);
	struct udp *udp = udp_of(conn);
	struct connect_options options = udp->connect;
	const struct endpoint *endpoint;
	const char *option;
	int fd;

	endpoint = load_next_endpoint(base, &options.source);
	base->state = LOAD_CONNECTING;
	slots_init(conn, base->run->options->depth);
	if (connect_datagram(&endpoint->addr, &options, &fd, &option) ==
	    CONNECT_FAILED) {
		load_broken(base, 0, "connect", errno);
		return;
	}
	io_init(&conn->io, fd, udp_ready, 0);
	if (io_add(base->run->loop, &conn->io, IO_READ) == -1) {
		load_broken(base, 0, "event loop", errno);
		(void)close(fd);
		conn->io.fd = -1;
		return;
	}
	load_connected(base, now_ns);
}

static void
udp_sweep(struct load_conn *base, uint64_t now_ns)
{
	const struct load_options *options = base->run->options;
	uint64_t timeout_ns = options->timeout_ms * 1000000;
	struct udp_conn *conn = udp_conn(base);
	bool lost = false;
	uint32_t i;

	for (i = 0; i < options->depth; i++) {
		if (conn->slots[i].sent_ns == 0 ||
		    now_ns < conn->slots[i].sent_ns + timeout_ns)
			continue;
		slot_free(conn, i);
		load_lost(base, conn->slots[i].start_ns);
		lost = true;
	}
	if (lost && conn->io.fd != -1)
		udp_pump(base, now_ns);
}

static void
udp_close(struct load_conn *base)
{
	udp_shut(udp_conn(base));
}

/* ---- memory --------------------------------------------------------------*/

static struct load_conn *
udp_conn_at(struct load_run *run, unsigned index)
{
	const struct udp *udp = run->sockets;

	return &udp->conns[index].base;
}

static void
udp_release(struct load_run *run)
{
	struct udp *udp = run->sockets;

	if (udp == NULL)
		return;
	mem_free(udp->taken);
	mem_free(udp->sent);
	mem_free(udp->slots);
	mem_free(udp->conns);
	mem_free(udp);
	run->sockets = NULL;
}

static int
udp_prepare(struct load_run *run)
{
	const struct load_options *options = run->options;
	struct udp *udp;
	unsigned i;

	if ((udp = mem_zalloc(sizeof(*udp))) == NULL)
		return -1;
	run->sockets = udp;
	for (udp->ring = 1; udp->ring < options->depth;)
		udp->ring *= 2;
	udp->conns = mem_array(options->connections, sizeof(*udp->conns));
	udp->slots = mem_array(
	    options->connections, options->depth * sizeof(*udp->slots));
	udp->sent = mem_array(DGRAM_BATCH, options->message);
	udp->taken = mem_array(DGRAM_BATCH, options->message + 1);
	if (udp->conns == NULL || udp->slots == NULL || udp->sent == NULL ||
	    udp->taken == NULL) {
		udp_release(run);
		errno = ENOMEM;
		return -1;
	}
	for (i = 0; i < DGRAM_BATCH; i++) {
		udp->batch[i].msg.msg_iov = &udp->iov[i];
		udp->batch[i].msg.msg_iovlen = 1;
	}
	for (i = 0; i < options->connections; i++) {
		udp->conns[i].io.fd = -1;
		udp->conns[i].slots = udp->slots + (size_t)i * options->depth;
	}
	return 0;
}

const struct load_driver load_driver_udp = {
	.prepare = udp_prepare,
	.conn = udp_conn_at,
	.open = udp_open,
	.pump = udp_pump,
	.sweep = udp_sweep,
	.close = udp_close,
	.release = udp_release,
};
