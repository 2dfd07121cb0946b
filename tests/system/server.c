/*
 * See server.h.
 */
#include "server.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "support.h"

int
server_listen_backlog(const char *address, int backlog)
{
	struct sockaddr_storage ss;
	int type, fd, on = 1;
	socklen_t len = address_parse(address, &ss, &type);

	fd = socket(ss.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		test_fail("socket: %s", strerror(errno));
	client_adopt(fd);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, len) == -1 ||
	    (ss.ss_family == AF_UNIX && chmod(address + 5, 0666) == -1) ||
	    (type == SOCK_STREAM && listen(fd, backlog) == -1))
		test_fail("listen on %s: %s", address, strerror(errno));
	return fd;
}

int
server_listen(const char *address)
{
	return server_listen_backlog(address, 4096);
}

int
server_accept(int listener)
{
	struct pollfd pollfd = { .fd = listener, .events = POLLIN };
	int fd;

	if (poll(&pollfd, 1, test_deadline_ms()) != 1)
		test_fail("nobody connects to %s", address_of(listener));
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		test_fail("accept: %s", strerror(errno));
	client_adopt(fd);
	return fd;
}

bool
server_stays_alone(int listener, int timeout_ms)
{
	struct pollfd pollfd = { .fd = listener, .events = POLLIN };

	return poll(&pollfd, 1, timeout_ms) == 0;
}

void
server_expect_shares(
    const char *relay, unsigned n, const int listeners[2], unsigned first)
{
	unsigned i;

	for (i = 0; i < n; i++)
		(void)client_connect(relay);
	for (i = 0; i < n; i++)
		(void)server_accept(listeners[i < first ? 0 : 1]);
	assert_true(server_stays_alone(listeners[0], 0));
	assert_true(server_stays_alone(listeners[1], 0));
}

const char *
server_absent(void)
{
	int fd = server_listen("127.0.0.1:0");
	const char *address = address_of(fd);

	client_close(fd);
	return address;
}
