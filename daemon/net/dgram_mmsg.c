/*
 * Batches of datagrams by recvmmsg(2) and sendmmsg(2).
 */
#include <assert.h>

#include "net/dgram_io.h"

/* The caller's slots go to the kernel as they are. */
static_assert(sizeof(struct dgram_slot) == sizeof(struct mmsghdr) &&
	offsetof(struct dgram_slot, len) == offsetof(struct mmsghdr, msg_len),
    "struct dgram_slot is not struct mmsghdr");

int
dgram_io_receive(int fd, struct dgram_slot *slots, size_t n)
{
	return recvmmsg(fd, (struct mmsghdr *)(void *)slots, (unsigned)n,
	    MSG_DONTWAIT, NULL);
}

int
dgram_io_send(int fd, struct dgram_slot *slots, size_t n)
{
	return sendmmsg(fd, (struct mmsghdr *)(void *)slots, (unsigned)n,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
}
