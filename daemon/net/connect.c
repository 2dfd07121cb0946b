/*
 * Outgoing connections.  Each failure leaves no descriptor behind, and says
 * which step it was by errno alone.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/connect.h"
#include "net/socket.h"
#include "net/socket_options.h"

static int
connect_bind(int fd, const struct addr *addr, const struct addr *source)
{
	struct sockaddr_storage ss;
	socklen_t len;

	if (source->family != addr->family)
		return 0;
	len = addr_to_sockaddr(source, &ss);
	return bind(fd, (const struct sockaddr *)&ss, len);
}

/* A socket of that type with its options, bound if it is to be; -1 with
 * errno. */
static int
connect_socket(const struct addr *addr, int type,
    const struct connect_options *options, const char **option)
{
	int fd, saved;

	fd = compat_socket(
	    addr->family == ADDR_INET6 ? AF_INET6 : AF_INET, type, 0);
	if (fd == -1)
		return -1;
	if (socket_options_connect(
		fd, addr, type == SOCK_STREAM, options, option) == -1)
		goto fail;
	*option = NULL;
	if (connect_bind(fd, addr, &options->source) == -1)
		goto fail;
	return fd;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static enum connect_result
connect_fd(int fd, const struct sockaddr *sa, socklen_t len)
{
	int saved;

	if (connect(fd, sa, len) != -1)
		return CONNECT_DONE;
	if (errno == EINPROGRESS || errno == EINTR)
		return CONNECT_PROGRESS;
	saved = errno;
	close(fd);
	errno = saved;
	return CONNECT_FAILED;
}

static enum connect_result
connect_inet(const struct addr *addr, int type,
    const struct connect_options *options, int *fd, const char **option)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(addr, &ss);
	const char *name = NULL;

	*fd = connect_socket(addr, type, options, &name);
	if (option != NULL)
		*option = name;
	if (*fd == -1)
		return CONNECT_FAILED;
	return connect_fd(*fd, (const struct sockaddr *)&ss, len);
}

static enum connect_result
connect_unix(const char *path, int *fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (compat_strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return CONNECT_FAILED;
	}
	*fd = compat_socket(AF_UNIX, SOCK_STREAM, 0);
	if (*fd == -1)
		return CONNECT_FAILED;
	return connect_fd(*fd, (const struct sockaddr *)&sun, sizeof(sun));
}

enum connect_result
connect_stream(const struct addr *addr, const char *path,
    const struct connect_options *options, int *fd, const char **option)
{
	if (option != NULL)
		*option = NULL;
	if (addr->family == ADDR_UNIX)
		return connect_unix(path, fd);
	return connect_inet(addr, SOCK_STREAM, options, fd, option);
}

enum connect_result
connect_datagram(const struct addr *addr, const struct connect_options *options,
    int *fd, const char **option)
{
	return connect_inet(addr, SOCK_DGRAM, options, fd, option);
}

int
connect_error(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return errno;
	return error;
}

bool
connect_is_self(int fd, const struct addr *addr)
{
	struct addr local;

	return addr->family != ADDR_UNIX && socket_local(fd, &local) != -1 &&
	    addr_compare(&local, addr) == 0;
}
