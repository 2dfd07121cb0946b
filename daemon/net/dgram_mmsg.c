/*
 * Batches of datagrams by recvmmsg(2) and sendmmsg(2).
 */
#include <string.h>

#include "net/dgram_io.h"

int
dgram_io_receive(int fd, struct msghdr *msgs, size_t *lens, size_t n)
{
	struct mmsghdr batch[DGRAM_BATCH];
	int i, got;

	for (i = 0; i < (int)n; i++) {
		batch[i].msg_hdr = msgs[i];
		batch[i].msg_len = 0;
	}
	got = recvmmsg(fd, batch, (unsigned)n, MSG_DONTWAIT, NULL);
	for (i = 0; i < got; i++) {
		msgs[i] = batch[i].msg_hdr;
		lens[i] = batch[i].msg_len;
	}
	return got;
}

int
dgram_io_send(int fd, struct msghdr *msgs, size_t n)
{
	struct mmsghdr batch[DGRAM_BATCH];
	size_t i;

	for (i = 0; i < n; i++) {
		batch[i].msg_hdr = msgs[i];
		batch[i].msg_len = 0;
	}
	return sendmmsg(fd, batch, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}
