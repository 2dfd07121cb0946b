/*
 * Asking before writing; see log_gate.h.
 */
#include "monitor/log_gate.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/compat.h"

int
log_gate_wait(int fd, unsigned *budget_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	uint64_t start, spent;
	int rc;

	/* An error counts as writable: the write will tell which. */
	rc = poll(&pfd, 1, 0);
	if (rc == 0 && *budget_ms > 0) {
		start = clock_mono_ms();
		rc = poll(&pfd, 1, (int)*budget_ms);
		spent = clock_mono_ms() - start;
		*budget_ms =
		    spent < *budget_ms ? *budget_ms - (unsigned)spent : 0;
	}
	if (rc > 0)
		return 0;
	errno = EAGAIN;
	return -1;
}

int
log_gate_open(void)
{
	return compat_socket(AF_UNIX, SOCK_DGRAM, 0);
}

int
log_gate_check(int gate, const char *path, unsigned *budget_ms)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (compat_strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* Again each time, as another socket may have taken the path. */
	if (connect(gate, (const struct sockaddr *)&sun, sizeof(sun)) == -1)
		return errno == EPROTOTYPE ? 0 : -1;
	return log_gate_wait(gate, budget_ms);
}
