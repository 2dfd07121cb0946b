/*
 * One message that the kernel cuts up into datagrams (UDP_SEGMENT of udp(7)),
 * so that they go through the network's layers as one: automake picks
 * dgram_segment_linux.c or dgram_segment_none.c.
 */
#ifndef MUXD_NET_DGRAM_SEGMENT_H
#define MUXD_NET_DGRAM_SEGMENT_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include "net/pktinfo.h"

/* Whether the kernel can: one that cannot would send the whole as one. */
bool dgram_segment_works(void);

/* Have msg cut up into datagrams of size bytes; the last one may be shorter.
 * Its control messages are copied to room, which must last until it is
 * sent. */
void dgram_segment_write(
    struct msghdr *msg, struct pktinfo_room *room, uint16_t size);

#endif
