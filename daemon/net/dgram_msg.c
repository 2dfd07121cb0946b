/*
 * Batches of datagrams where the system has no call for them: one by one.
 */
#include <errno.h>
#include <stdbool.h>

#include "net/dgram_io.h"

int
dgram_io_receive(int fd, struct dgram_slot *slots, size_t n)
{
	size_t got = 0;
	ssize_t len;
	bool failed = false;

	while (got < n) {
		len = recvmsg(fd, &slots[got].msg, MSG_DONTWAIT);
		if (len == -1 && got == 0)
			return -1;
		if (len == -1 && (errno == EAGAIN || failed))
			break;
		/* The first error in a row is over with its report (pending
		 * ICMP), and more may wait behind it. */
		failed = len == -1;
		if (!failed)
			slots[got++].len = (unsigned)len;
	}
	return (int)got;
}

int
dgram_io_send(int fd, struct dgram_slot *slots, size_t n)
{
	ssize_t len;
	size_t i;

	for (i = 0; i < n; i++) {
		len = sendmsg(fd, &slots[i].msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (len == -1)
			return i > 0 ? (int)i : -1;
		slots[i].len = (unsigned)len;
	}
	return (int)n;
}
