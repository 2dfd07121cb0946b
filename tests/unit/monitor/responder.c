/*
 * The servers of the test; see responder.h.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/socket.h"

#include "responder.h"

struct conn {
	struct io io;
	struct responder *responder;
	struct list link;
	size_t sent;
	bool asked;
	struct retired retired;
};

static void
conn_free(struct retired *retired)
{
	free(container_of(retired, struct conn, retired));
}

static void
conn_close(struct conn *conn, bool reset)
{
	if (reset)
		socket_close_resets(conn->io.fd);
	io_close(&conn->io);
	list_remove(&conn->link);
	conn->responder->open--;
	loop_retire(conn->responder->f->loop, &conn->retired, conn_free);
}

static size_t
answer_len(const struct behaviour *how)
{
	if (how->answer == NULL)
		return 0;
	return how->answer_len != 0 ? how->answer_len : strlen(how->answer);
}

/* False: the connection is gone. */
static bool
conn_answer(struct conn *conn)
{
	const struct behaviour *how = &conn->responder->how;
	size_t len = answer_len(how);
	ssize_t n;

	while (conn->sent < len) {
		n = send(conn->io.fd, how->answer + conn->sent,
		    how->by_bytes ? 1 : len - conn->sent, MSG_NOSIGNAL);
		if (n == -1)
			break;
		conn->sent += (size_t)n;
		if (how->by_bytes && conn->sent < len)
			return true;
	}
	if (how->breaks || how->hangs_up) {
		conn_close(conn, how->breaks);
		return false;
	}
	io_want(&conn->io, IO_READ);
	return true;
}

static bool
conn_read(struct conn *conn)
{
	struct responder *responder = conn->responder;
	ssize_t n = recv(
	    conn->io.fd, responder->request, sizeof(responder->request) - 1, 0);

	if (n == -1 && errno == EAGAIN) {
		io_drained(&conn->io, IO_READ);
		return true;
	}
	if (n > 0) {
		responder->request[n] = '\0';
		responder->request_len = (size_t)n;
		conn->asked = true;
		if (responder->how.answer != NULL)
			io_want(&conn->io, IO_BOTH);
		return true;
	}
	if (n == 0)
		responder->ends++;
	else
		responder->resets++;
	conn_close(conn, false);
	return false;
}

static void
conn_call(struct io *io)
{
	struct conn *conn = container_of(io, struct conn, io);

	if ((io->wanted & io->ready & IO_READ) != 0 && !conn_read(conn))
		return;
	if ((io->wanted & io->ready & IO_WRITE) != 0)
		(void)conn_answer(conn);
}

static void
responder_accept(struct io *io)
{
	struct responder *responder = container_of(io, struct responder, io);
	struct conn *conn;
	int fd = compat_accept(io->fd, NULL, NULL);

	if (fd == -1) {
		io_drained(io, IO_READ);
		return;
	}
	if (responder->accepted < COUNT(responder->times))
		responder->times[responder->accepted] = fixture_now();
	responder->accepted++;
	responder->open++;
	if (responder->open > responder->most)
		responder->most = responder->open;
	conn = calloc(1, sizeof(*conn));
	assert_non_null(conn);
	conn->responder = responder;
	list_append(&responder->conns, &conn->link);
	io_init(&conn->io, fd, conn_call, 0);
	assert_int_equal(io_add(responder->f->loop, &conn->io,
			     responder->how.talks ? IO_BOTH : IO_READ),
	    0);
	if (responder->how.closes || responder->how.resets)
		conn_close(conn, responder->how.resets);
}

static void
responder_datagram(struct io *io)
{
	struct responder *responder = container_of(io, struct responder, io);
	const struct behaviour *how = &responder->how;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	ssize_t n = recvfrom(io->fd, responder->request,
	    sizeof(responder->request) - 1, 0, (struct sockaddr *)&peer, &len);

	if (n == -1) {
		io_drained(io, IO_READ);
		return;
	}
	responder->accepted++;
	responder->request[n] = '\0';
	responder->request_len = (size_t)n;
	if (how->answer == NULL)
		return;
	if (how->by_bytes)
		for (size_t i = 0; i < answer_len(how); i++)
			(void)sendto(io->fd, how->answer + i, 1, 0,
			    (struct sockaddr *)&peer, len);
	else
		(void)sendto(io->fd, how->answer, answer_len(how), 0,
		    (struct sockaddr *)&peer, len);
}

/* Bound to the address, beside others of this process. */
static int
responder_bind(int type, const struct sockaddr *sa, socklen_t len)
{
	int fd = compat_socket(sa->sa_family, type, 0), on = 1;

	assert_int_not_equal(fd, -1);
	if (sa->sa_family != AF_UNIX)
		assert_int_equal(
		    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)),
		    0);
	assert_int_equal(bind(fd, sa, len), 0);
	return fd;
}

static void
responder_watch(struct responder *responder, int fd, void (*call)(struct io *))
{
	io_init(&responder->io, fd, call, 0);
	assert_int_equal(
	    io_add(responder->f->loop, &responder->io, IO_READ), 0);
}

void
responder_reopen(struct responder *responder)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&responder->addr, &ss);
	int fd = responder_bind(SOCK_STREAM, (struct sockaddr *)&ss, len);

	assert_int_equal(listen(fd, 256), 0);
	responder_watch(responder, fd, responder_accept);
}

static void
responder_listen(
    struct responder *responder, const struct sockaddr *sa, socklen_t len)
{
	responder->keeper = responder_bind(SOCK_STREAM, sa, len);
	assert_int_equal(socket_local(responder->keeper, &responder->addr), 0);
	responder_reopen(responder);
}

static void
responder_init(
    struct responder *responder, struct fixture *f, const struct behaviour *how)
{
	memset(responder, 0, sizeof(*responder));
	responder->f = f;
	responder->how = *how;
	responder->keeper = -1;
	list_init(&responder->conns);
}

void
responder_open(
    struct responder *responder, struct fixture *f, const struct behaviour *how)
{
	const struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	responder_init(responder, f, how);
	responder_listen(responder, (const struct sockaddr *)&sin, sizeof(sin));
}

void
responder_open6(
    struct responder *responder, struct fixture *f, const struct behaviour *how)
{
	const struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	responder_init(responder, f, how);
	responder_listen(
	    responder, (const struct sockaddr *)&sin6, sizeof(sin6));
}

void
responder_open_udp(
    struct responder *responder, struct fixture *f, const struct behaviour *how)
{
	const struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = responder_bind(
	    SOCK_DGRAM, (const struct sockaddr *)&sin, sizeof(sin));

	responder_init(responder, f, how);
	assert_int_equal(socket_local(fd, &responder->addr), 0);
	responder_watch(responder, fd, responder_datagram);
}

void
responder_open_unix(
    struct responder *responder, struct fixture *f, const struct behaviour *how)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	responder_init(responder, f, how);
	(void)snprintf(responder->path, sizeof(responder->path),
	    "/tmp/muxd-check.%ld.sock", (long)getpid());
	memcpy(sun.sun_path, responder->path, sizeof(responder->path));
	(void)unlink(sun.sun_path);
	fd = responder_bind(
	    SOCK_STREAM, (const struct sockaddr *)&sun, sizeof(sun));
	assert_int_equal(listen(fd, 256), 0);
	responder->addr = (struct addr){ .family = ADDR_UNIX };
	responder_watch(responder, fd, responder_accept);
}

void
responder_hang_up(struct responder *responder)
{
	while (!list_empty(&responder->conns))
		conn_close(
		    container_of(responder->conns.next, struct conn, link),
		    false);
}

void
responder_shut(struct responder *responder)
{
	responder_hang_up(responder);
	io_close(&responder->io);
}

void
responder_close(struct responder *responder)
{
	responder_shut(responder);
	if (responder->keeper != -1)
		(void)close(responder->keeper);
	if (responder->path[0] != '\0')
		(void)unlink(responder->path);
}

void
responder_send(struct responder *responder, const char *text)
{
	struct list *link;

	for (link = responder->conns.next; link != &responder->conns;
	     link = link->next)
		(void)send(container_of(link, struct conn, link)->io.fd, text,
		    strlen(text), MSG_NOSIGNAL);
}
