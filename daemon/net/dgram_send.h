/*
 * Sending a batch of datagrams: each of them is tried, and none that cannot
 * be sent keeps those behind it from being.  Nothing is queued: what the
 * kernel does not take now is dropped, as UDP may.
 */
#ifndef MUXD_NET_DGRAM_SEND_H
#define MUXD_NET_DGRAM_SEND_H

#include <stdbool.h>
#include <stddef.h>

#include "net/dgram_io.h"

/* What became of a batch. */
struct dgram_sent {
	size_t n;     /* taken by the kernel */
	size_t bytes; /* of these */
	size_t left;  /* not taken */
	/* The last error that it met, but for a kernel that was full: of one
	 * of its datagrams, or on a connected socket of an earlier one.  0:
	 * none. */
	int error;
};

/* Send n datagrams and add to *sent. */
void dgram_send(
    int fd, struct dgram_slot *slots, size_t n, struct dgram_sent *sent);

/* Errors that an earlier datagram has met on its way (ICMP; udp(7)), or that
 * its destination alone is to blame for. */
bool dgram_error_is_pending(int error);

#endif
