/*
 * Several datagrams in one system call, where the system has one: automake
 * picks dgram_mmsg.c (recvmmsg(2), sendmmsg(2)) or dgram_msg.c (one by one).
 */
#ifndef MUXD_NET_DGRAM_IO_H
#define MUXD_NET_DGRAM_IO_H

#include <sys/types.h>
#include <sys/socket.h>

#include <stddef.h>

#define DGRAM_BATCH 32 /* of one call, at most */

/* One datagram, as struct mmsghdr where the system has that. */
struct dgram_slot {
	struct msghdr msg;
	unsigned len; /* of what came, or went */
};

/* Receive up to n datagrams that wait.  Returns how many came (fewer than n:
 * no more wait, or an error lasts), or -1 with errno. */
int dgram_io_receive(int fd, struct dgram_slot *slots, size_t n);

/* Send n datagrams, in order.  Returns how many the kernel took before the
 * first that it did not, or -1 with errno if that was the very first. */
int dgram_io_send(int fd, struct dgram_slot *slots, size_t n);

#endif
