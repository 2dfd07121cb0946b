/*
 * Sending rows of datagrams: several in a row that are of one size and go to
 * one place are handed to the kernel as one message that it cuts up.
 *
 * Not every way can take such a message (a datagram does not fit the MTU, the
 * device counts no checksums).  Then its datagrams are sent one by one, and
 * so are those of that size or larger for a while.
 */
#ifndef MUXD_NET_DGRAM_ROWS_H
#define MUXD_NET_DGRAM_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/dgram_send.h"
#include "net/pktinfo.h"

struct dgram_rows {
	bool works;
	size_t size_max; /* of datagrams in rows */
	unsigned pause;  /* batches until it has no bound again */
	/* The batch as it is sent: each message has so many datagrams. */
	struct dgram_slot slots[DGRAM_BATCH];
	uint8_t counts[DGRAM_BATCH];
	struct pktinfo_room rooms[DGRAM_BATCH];
};

void dgram_rows_init(struct dgram_rows *rows);

/*
 * As dgram_send(), of at most DGRAM_BATCH datagrams.  Two neighbours go to one
 * place if their msg_name and msg_control are the same pointers; they can be
 * in a row if the parts of the second follow those of the first in memory.
 */
void dgram_rows_send(struct dgram_rows *rows, int fd, struct dgram_slot *slots,
    size_t n, struct dgram_sent *sent);

#endif
