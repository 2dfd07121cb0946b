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

/* Room for a control message of descriptors, aligned as one. */
union fds_control {
	struct cmsghdr header;
	unsigned char room[CMSG_SPACE(COMPAT_FDS_MAX * sizeof(int))];
};

ssize_t
compat_send_fds(int fd, const void *data, size_t len, const int *fds, size_t n)
{
	union fds_control control;
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (n > COMPAT_FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (n > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(header), fds, n * sizeof(int));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

/* Take the descriptors out of a message; those that there is no room for are
 * closed, and *more says so. */
static size_t
fds_take(struct msghdr *msg, int *fds, size_t max, bool *more)
{
	struct cmsghdr *header;
	size_t i, n, taken = 0;
	int fd;

	for (header = CMSG_FIRSTHDR(msg); header != NULL;
	     header = CMSG_NXTHDR(msg, header)) {
		if (header->cmsg_level != SOL_SOCKET ||
		    header->cmsg_type != SCM_RIGHTS)
			continue;
		n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int),
			    sizeof(fd));
			if (taken < max &&
			    fcntl(fd, F_SETFD, FD_CLOEXEC) != -1) {
				fds[taken++] = fd;
				continue;
			}
			(void)close(fd);
			*more = true;
		}
	}
	return taken;
}

/* Where the system can set it at once, no fork can come in between. */
#ifdef MSG_CMSG_CLOEXEC
#define RECEIVE_FLAGS MSG_CMSG_CLOEXEC
#else
#define RECEIVE_FLAGS 0
#endif

ssize_t
compat_receive_fds(int fd, void *data, size_t len, int *fds, size_t *n)
{
	union fds_control control;
	struct iovec iov = { data, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	bool more = false, fit;
	size_t max = *n;
	ssize_t result;

	*n = 0;
	result = recvmsg(fd, &msg, RECEIVE_FLAGS);
	if (result == -1)
		return -1;
	*n = fds_take(&msg, fds, max, &more);
	if (!more && (msg.msg_flags & MSG_CTRUNC) == 0)
		return result;
	fit = !more && *n < max;
	while (*n > 0)
		(void)close(fds[--*n]);
	if (fit)
		return result;
	errno = EMSGSIZE;
	return -1;
}
