/*
 * Making sockets.  What has to be set before bind(2) or listen(2) is set
 * here, in that order; a descriptor that is returned is complete.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/pktinfo.h"
#include "net/socket.h"
#include "net/socket_options.h"

static int
socket_close_failed(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

/* A socket of the endpoint's kind. */
static int
socket_new(const struct endpoint *endpoint)
{
	switch (endpoint->addr.family) {
	case ADDR_UNIX:
		return compat_socket(AF_UNIX, SOCK_STREAM, 0);
	case ADDR_INET4:
	case ADDR_INET6:
		return compat_socket(
		    endpoint->addr.family == ADDR_INET4 ? AF_INET : AF_INET6,
		    endpoint->transport == TRANSPORT_UDP ? SOCK_DGRAM
							 : SOCK_STREAM,
		    0);
	default:
		errno = EAFNOSUPPORT;
		return -1;
	}
}

static int
socket_bind_to(int fd, const struct addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(addr, &ss);

	return bind(fd, (struct sockaddr *)&ss, len);
}

int
socket_bind(const struct endpoint *endpoint,
    const struct socket_options *options, const char **option)
{
	const char *name = NULL;
	int fd, result;

	if (option == NULL)
		option = &name;
	*option = NULL;
	fd = socket_new(endpoint);
	if (fd == -1)
		return -1;
	if (socket_options_prepare(fd, endpoint, option) == -1 ||
	    socket_options_share(fd, option) == -1)
		return socket_close_failed(fd);
	if (endpoint->transport == TRANSPORT_UDP)
		result = pktinfo_enable(fd, endpoint->addr.family, option);
	else
		result = socket_options_apply(fd, options, option);
	if (result == -1)
		return socket_close_failed(fd);
	*option = NULL;
	if (socket_bind_to(fd, &endpoint->addr) == -1)
		return socket_close_failed(fd);
	return fd;
}

static void
socket_path(const struct endpoint *endpoint, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	compat_strlcpy(sun->sun_path, endpoint->path, sizeof(sun->sun_path));
}

/*
 * What stands at the path: 0 if nothing does, 1 if a socket that nobody
 * listens on; -1 with EADDRINUSE if somebody does, EEXIST if it is no
 * socket, or why it cannot be told.
 */
static int
socket_examine(const struct endpoint *endpoint)
{
	struct sockaddr_un sun;
	struct stat st;
	int fd, result, error;

	if (lstat(endpoint->path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	fd = socket_new(endpoint);
	if (fd == -1)
		return -1;
	socket_path(endpoint, &sun);
	result = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	error = errno;
	close(fd);
	if (result == -1 && error == ECONNREFUSED)
		return 1;
	if (result == -1 && error == ENOENT)
		return 0;
	/* EAGAIN: its backlog is full; EPROTOTYPE: it is none for streams.
	 * Both are alive. */
	errno = result == -1 && error != EAGAIN && error != EPROTOTYPE
	    ? error
	    : EADDRINUSE;
	return -1;
}

int
socket_set_file(const struct endpoint *endpoint, const struct socket_file *file)
{
	/* By path and not by descriptor, which fchown(2) would take for the
	 * socket's own inode.  The owner first: the mode may grant the group
	 * something, and it must be the right group then. */
	if (fchownat(AT_FDCWD, endpoint->path, file->uid, file->gid,
		AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	return chmod(endpoint->path, file->mode);
}

/* Bind so that at first nobody but the owner can connect, then give the file
 * the owner and mode it shall have. */
static int
socket_bind_path(
    int fd, const struct endpoint *endpoint, const struct socket_file *file)
{
	struct sockaddr_un sun;
	mode_t mask;
	int result, error;

	socket_path(endpoint, &sun);
	/* The mask is the process's, and the master has one thread. */
	mask = umask(077);
	result = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	error = errno;
	umask(mask);
	errno = error;
	if (result == -1)
		return -1;
	if (socket_set_file(endpoint, file) == -1) {
		error = errno;
		unlink(sun.sun_path);
		errno = error;
		return -1;
	}
	return 0;
}

int
socket_bind_unix(const struct endpoint *endpoint,
    const struct socket_options *options, const struct socket_file *file)
{
	int fd, stale, error;

	stale = socket_examine(endpoint);
	if (stale == -1)
		return -1;
	if (stale == 1 && unlink(endpoint->path) == -1 && errno != ENOENT)
		return -1;
	fd = socket_new(endpoint);
	if (fd == -1)
		return -1;
	if (socket_bind_path(fd, endpoint, file) == -1)
		return socket_close_failed(fd);
	if (socket_listen(fd, options->backlog) == -1) {
		error = errno;
		unlink(endpoint->path);
		errno = error;
		return socket_close_failed(fd);
	}
	return fd;
}

int
socket_probe(const struct endpoint *endpoint)
{
	const char *option;
	int fd;

	if (endpoint->addr.family == ADDR_UNIX)
		return socket_examine(endpoint) == -1 ? -1 : 0;
	fd = socket_new(endpoint);
	if (fd == -1)
		return -1;
	/* SO_REUSEADDR, so that connections in TIME_WAIT are no hindrance;
	 * a listening socket is one all the same. */
	if (socket_options_prepare(fd, endpoint, &option) == -1 ||
	    socket_bind_to(fd, &endpoint->addr) == -1)
		return socket_close_failed(fd);
	close(fd);
	return 0;
}

int
socket_listen(int fd, int backlog)
{
	return listen(fd, backlog > 0 ? backlog : SOMAXCONN);
}

int
socket_local(int fd, struct addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return -1;
	addr_from_sockaddr(addr, (struct sockaddr *)&ss, len);
	return 0;
}

void
socket_close_resets(int fd)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	/* Where it fails the connection is gone already. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void
socket_reset(int fd)
{
	socket_close_resets(fd);
	close(fd);
}
