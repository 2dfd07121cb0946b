/*
 * Datagrams that pass through: see dgram_relay.h.
 *
 * The way back has one room for each datagram of a batch.  Rooms are filled
 * in their order; what was gathered points into them, so none is used again
 * before all of it is sent.
 */
#include "net/dgram_relay.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "net/dgram_rows.h"
#include "net/pktinfo.h"

/* Each room begins on a page, so small datagrams touch one page. */
#define RELAY_STRIDE 65536

/* Head and payload. */
#define RELAY_PARTS 2

/* Where a row of datagrams goes. */
struct relay_target {
	struct msghdr msg; /* what the messages of the row have in common */
	struct sockaddr_storage name;
	struct pktinfo_room room;
};

struct dgram_relay {
	struct dgram_rows rows; /* for sending, either way */
	/* The way out. */
	struct dgram_slot out[DGRAM_BATCH];
	struct iovec out_parts[DGRAM_BATCH * RELAY_PARTS];
	/* The way back: what is received, */
	struct dgram_slot in[DGRAM_BATCH];
	struct iovec in_parts[DGRAM_BATCH];
	unsigned char *rooms; /* DGRAM_BATCH of RELAY_STRIDE bytes */
	size_t used;          /* of the rooms */
	/* and what was gathered. */
	struct dgram *through;
	struct dgram_slot back[DGRAM_BATCH];
	struct iovec back_parts[DGRAM_BATCH];
	size_t nback;
	struct relay_target targets[DGRAM_BATCH];
	size_t ntargets;
};

struct dgram_relay *
dgram_relay_new(void)
{
	struct dgram_relay *relay = mem_zalloc(sizeof(*relay));
	size_t i;

	if (relay == NULL)
		return NULL;
	relay->rooms = mem_array(DGRAM_BATCH, RELAY_STRIDE);
	if (relay->rooms == NULL) {
		dgram_relay_free(relay);
		errno = ENOMEM;
		return NULL;
	}
	dgram_rows_init(&relay->rows);
	for (i = 0; i < DGRAM_BATCH; i++) {
		relay->in_parts[i].iov_base = relay->rooms + i * RELAY_STRIDE;
		relay->in_parts[i].iov_len = DGRAM_SIZE;
		relay->in[i].msg.msg_iov = &relay->in_parts[i];
		relay->in[i].msg.msg_iovlen = 1;
	}
	return relay;
}

void
dgram_relay_free(struct dgram_relay *relay)
{
	if (relay == NULL)
		return;
	mem_free(relay->rooms);
	mem_free(relay);
}

void
dgram_relay_forward(struct dgram_relay *relay, int fd,
    const struct dgram_message *messages, size_t n, const void *head,
    size_t head_len, struct dgram_sent *sent)
{
	struct iovec *part = relay->out_parts;
	size_t i, before = sent->n;

	for (i = 0; i < n; i++) {
		relay->out[i].msg.msg_iov = part;
		if (head_len > 0)
			*part++ =
			    (struct iovec){ (void *)(uintptr_t)head, head_len };
		*part++ = (struct iovec){ (void *)(uintptr_t)messages[i].data,
			messages[i].len };
		relay->out[i].msg.msg_iovlen =
		    (size_t)(part - relay->out[i].msg.msg_iov);
	}
	dgram_rows_send(&relay->rows, fd, relay->out, n, sent);
	sent->bytes -= (sent->n - before) * head_len;
}

/* ---- the way back ---- */

/* Where the next datagrams go. */
static const struct relay_target *
relay_target(struct dgram_relay *relay, const struct dgram_path *path)
{
	struct relay_target *target = &relay->targets[relay->ntargets++];

	memset(&target->msg, 0, sizeof(target->msg));
	target->msg.msg_name = &target->name;
	target->msg.msg_namelen = addr_to_sockaddr(path->peer, &target->name);
	target->msg.msg_iovlen = 1;
	pktinfo_write(&target->msg, &target->room, path->local);
	return target;
}

/* Gather n datagrams that came, the first of them in the given room. */
static void
relay_gather(struct dgram_relay *relay, const struct relay_target *target,
    size_t room, size_t n, struct dgram_came *came)
{
	struct iovec *part;
	struct msghdr *msg;
	size_t i;

	for (i = room; i < room + n; i++) {
		if ((relay->in[i].msg.msg_flags & MSG_TRUNC) != 0) {
			came->truncated++;
			continue;
		}
		came->n++;
		came->bytes += relay->in[i].len;
		part = &relay->back_parts[relay->nback];
		part->iov_base = relay->in_parts[i].iov_base;
		part->iov_len = relay->in[i].len;
		msg = &relay->back[relay->nback++].msg;
		*msg = target->msg;
		msg->msg_iov = part;
	}
}

int
dgram_relay_back(struct dgram_relay *relay, int fd,
    const struct dgram_path *path, struct dgram_came *came)
{
	size_t room, asked;
	int n;

	memset(came, 0, sizeof(*came));
	if (relay->used == DGRAM_BATCH ||
	    (relay->through != NULL && relay->through != path->through))
		dgram_relay_flush(relay);
	room = relay->used;
	asked = DGRAM_BATCH - room;
	n = dgram_io_receive(fd, relay->in + room, asked);
	if (n == -1)
		return -1;
	relay->through = path->through;
	relay->used += (size_t)n;
	relay_gather(relay, relay_target(relay, path), room, (size_t)n, came);
	came->drained = (size_t)n < asked;
	return 0;
}

void
dgram_relay_flush(struct dgram_relay *relay)
{
	struct dgram *through = relay->through;
	struct dgram_sent sent = { 0 };

	if (through == NULL)
		return;
	if (relay->nback > 0) {
		if (through->closed)
			sent.left = relay->nback;
		else
			dgram_rows_send(&relay->rows, through->io.fd,
			    relay->back, relay->nback, &sent);
		through->ops->sent(through, sent.n, sent.bytes, sent.left);
	}
	relay->through = NULL;
	relay->used = 0;
	relay->nback = 0;
	relay->ntargets = 0;
}
