/*
 * Batches of datagrams on their way out: see dgram_send.h.
 */
#include <errno.h>

#include "net/dgram_send.h"

bool
dgram_error_is_pending(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH ||
	    error == ENETUNREACH || error == EHOSTDOWN || error == ENETDOWN ||
	    error == ECONNRESET || error == EPROTO || error == ENOPROTOOPT ||
	    error == EMSGSIZE;
}

void
dgram_send(int fd, struct dgram_slot *slots, size_t n, struct dgram_sent *sent)
{
	size_t at = 0;
	bool again = false;
	int taken;

	while (at < n) {
		taken = dgram_io_send(fd, slots + at, n - at);
		if (taken == -1 && (errno == EAGAIN || errno == ENOBUFS))
			break;
		if (taken == -1) {
			if (errno != EINTR)
				sent->error = errno;
			/* An earlier datagram's error was reported in place
			 * of sending this one: once more, then leave it. */
			again = !again &&
			    (errno == EINTR || dgram_error_is_pending(errno));
			if (!again) {
				sent->left++;
				at++;
			}
			continue;
		}
		for (; taken > 0; taken--) {
			sent->bytes += slots[at++].len;
			sent->n++;
		}
		again = false;
	}
	sent->left += n - at;
}
