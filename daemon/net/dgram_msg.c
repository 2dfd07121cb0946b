/*
 * Batches of datagrams where the system has no call for them: one by one.
 */
#include <errno.h>

#include "net/dgram_io.h"

int
dgram_io_receive(int fd, struct msghdr *msgs, size_t *lens, size_t n)
{
	size_t got = 0;
	ssize_t len;

	while (got < n) {
		len = recvmsg(fd, &msgs[got], MSG_DONTWAIT);
		if (len != -1)
			lens[got++] = (size_t)len;
		else if (got == 0)
			return -1;
		else if (errno == EAGAIN)
			break;
		/* Any other error is over with its report (pending ICMP), and
		 * more may wait behind it. */
	}
	return (int)got;
}

int
dgram_io_send(int fd, struct msghdr *msgs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (sendmsg(fd, &msgs[i], MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
			return i > 0 ? (int)i : -1;
	return (int)n;
}
