/*
 * Batches of datagrams where the system has no call for them: one by one.
 */
#include <errno.h>
#include <stdbool.h>

#include "net/dgram_io.h"

int
dgram_io_receive(int fd, struct msghdr *msgs, size_t *lens, size_t n)
{
	size_t got = 0;
	ssize_t len;
	bool failed = false;

	while (got < n) {
		len = recvmsg(fd, &msgs[got], MSG_DONTWAIT);
		if (len == -1 && got == 0)
			return -1;
		if (len == -1 && (errno == EAGAIN || failed))
			break;
		/* The first error in a row is over with its report (pending
		 * ICMP), and more may wait behind it. */
		failed = len == -1;
		if (!failed)
			lens[got++] = (size_t)len;
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
