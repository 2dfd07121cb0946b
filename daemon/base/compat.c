/*
 * What POSIX can do; see compat.h.  Descriptors that are non-blocking and
 * close-on-exec from the start came into POSIX in 2024; macOS still lacks
 * them and sets the flags afterwards.
 */
#include "base/compat.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Room for the largest datagram that muxd sends over a pair of its own, many
 * times over; some systems start with 2 KiB. */
#define PAIR_BUFFER (256 * 1024)

#ifdef SOCK_CLOEXEC

static int
accept_flagged(int fd, struct sockaddr *sa, socklen_t *len)
{
	return accept4(fd, sa, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int
socket_flagged(int domain, int type, int protocol)
{
	return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int
socketpair_flagged(int type, int fds[2])
{
	return socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
}

static int
pipe_flagged(int fds[2])
{
	return pipe2(fds, O_NONBLOCK | O_CLOEXEC);
}

#else

/* Returns fd, or -1 with the descriptor closed. */
static int
flag(int fd)
{
	int saved, flags;

	flags = fcntl(fd, F_GETFL);
	if (flags != -1 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != -1 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != -1)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

static int
flag_both(int fds[2])
{
	int saved;

	if (flag(fds[0]) == -1) {
		saved = errno;
		(void)close(fds[1]);
		errno = saved;
		return -1;
	}
	if (flag(fds[1]) == -1) {
		saved = errno;
		(void)close(fds[0]);
		errno = saved;
		return -1;
	}
	return 0;
}

static int
accept_flagged(int fd, struct sockaddr *sa, socklen_t *len)
{
	int conn = accept(fd, sa, len);

	return conn == -1 ? -1 : flag(conn);
}

static int
socket_flagged(int domain, int type, int protocol)
{
	int fd = socket(domain, type, protocol);

	return fd == -1 ? -1 : flag(fd);
}

static int
socketpair_flagged(int type, int fds[2])
{
	return socketpair(AF_UNIX, type, 0, fds) == -1 ? -1 : flag_both(fds);
}

static int
pipe_flagged(int fds[2])
{
	return pipe(fds) == -1 ? -1 : flag_both(fds);
}

#endif

int
compat_accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	return accept_flagged(fd, sa, len);
}

int
compat_socket(int domain, int type, int protocol)
{
	return socket_flagged(domain, type, protocol);
}

int
compat_socketpair(int type, int fds[2])
{
	int size = PAIR_BUFFER, i;

	if (socketpair_flagged(type, fds) == -1)
		return -1;
	/* What the system refuses leaves its default, which works too. */
	for (i = 0; i < 2 && type == SOCK_DGRAM; i++) {
		(void)setsockopt(
		    fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		(void)setsockopt(
		    fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	}
	return 0;
}

int
compat_pipe(int fds[2])
{
	return pipe_flagged(fds);
}

size_t
compat_strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size > 0) {
		size_t n = len < size ? len : size - 1;

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}
