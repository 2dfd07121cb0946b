/*
 * A UDP socket that answers: takes datagrams in batches (recvmmsg(2)), lets
 * the owner write the answers, and sends them in a batch (sendmmsg(2)), each
 * from the address that the client had used (ip(7), IP_PKTINFO; RFC 1122,
 * 4.1.3.5).
 */
#ifndef MUXD_NET_DGRAM_H
#define MUXD_NET_DGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "event/io.h"
#include "event/timer.h"
#include "net/dgram_io.h"
#include "net/net.h"

#define DGRAM_SIZE     65535 /* one datagram's room: none is longer */
#define DGRAM_RETRY_MS 100

/* One datagram that came, and the answer to it. */
struct dgram_message {
	struct addr peer;
	struct addr local; /* where it was sent to; ADDR_NONE: not told */
	const unsigned char *data;
	size_t len;
	bool dropped;         /* the owner's: not to be looked at any more */
	bool truncated;       /* larger than the room: data is not all */
	bool many;            /* sent to a broadcast or multicast address; an
			     * answer leaves from whatever address fits */
	unsigned char *reply; /* room for DGRAM_SIZE bytes */
	size_t reply_len;     /* 0: no answer unless reply_empty */
	bool reply_empty;     /* answer with a datagram of no bytes */
};

struct dgram;

struct dgram_ops {
	/* n datagrams came; set the reply of those to be answered.  No other
	 * dgram of the same batch may be drained in this call. */
	void (*datagrams)(
	    struct dgram *dgram, struct dgram_message *messages, size_t n);
	/* After sending: answers that the kernel took, and how many bytes. */
	void (*sent)(
	    struct dgram *dgram, size_t n, size_t bytes, size_t unsent);
	/* An error that is no client's; pending ICMP errors are not told.
	 * Receiving is tried again after DGRAM_RETRY_MS. */
	void (*failed)(struct dgram *dgram, int error);
};

/* The buffers for a batch; one for each worker, shared by its sockets. */
struct dgram_batch;

struct dgram_batch *dgram_batch_new(void); /* NULL with ENOMEM */
void dgram_batch_free(struct dgram_batch *batch);

struct dgram {
	struct io io;
	struct timer retry;
	struct net *net;
	struct dgram_batch *batch;
	const struct dgram_ops *ops;
	void *owner;       /* the caller's own */
	struct addr local; /* what it is bound to */
	bool closed;
};

/* Begin to receive on a bound descriptor, which becomes the dgram's. */
int dgram_open(struct dgram *dgram, struct net *net, int fd,
    struct dgram_batch *batch, const struct dgram_ops *ops, void *owner);

/* Receive nothing for the time being; and go on with what waits. */
void dgram_pause(struct dgram *dgram);
void dgram_resume(struct dgram *dgram);

/* Receive what waits now, until EAGAIN. */
void dgram_drain(struct dgram *dgram);

void dgram_close(struct dgram *dgram);

#endif
