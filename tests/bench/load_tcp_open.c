/*
 * Connecting streams.  To a server on this host a connect is through when
 * connect(2) returns, though it says that it is in progress; so no turn of
 * the loop is spent on waiting before that was tried.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "load_tcp_common.h"

enum through { NOT_YET, THROUGH, FAILED };

/* Whether a connect that was in progress is through, as one to this host
 * nearly always is: then a wait is spared.  Where a request is to be sent at
 * once, that is how it is found out.  FAILED: errno. */
static enum through
tcp_try(struct tcp_conn *conn, int fd)
{
	struct pollfd ask = { .fd = fd, .events = POLLOUT };
	const void *message;
	size_t size;
	ssize_t n;

	if (!conn->base.run->options->one_shot)
		return poll(&ask, 1, 0) == 1 && ask.revents == POLLOUT
		    ? THROUGH
		    : NOT_YET;
	message = tcp_message(conn, &size);
	n = send(fd, message, size, MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == ENOTCONN ? NOT_YET : FAILED;
	conn->written = (size_t)n;
	if (conn->written == size) {
		conn->written = 0;
		conn->sent++;
	}
	return THROUGH;
}

/* Go on with a socket that is connected, or being so.  -1 with errno, and
 * *what has failed. */
static int
tcp_start(struct tcp_conn *conn, enum connect_result result, int fd,
    uint64_t now_ns, const char **what)
{
	enum through through = THROUGH;
	struct net *net = &conn->base.run->net;
	int opened;

	*what = "connect";
	if (result == CONNECT_PROGRESS)
		through = tcp_try(conn, fd);
	if (through == FAILED)
		return -1;
	*what = "event loop";
	if (through == THROUGH)
		opened = stream_open(
		    &conn->stream, net, fd, &tcp_ops, NET_SCRATCH_SIZE);
	else
		opened = stream_connect(
		    &conn->stream, net, fd, &tcp_ops, NET_SCRATCH_SIZE);
	if (opened == -1)
		return -1;
	conn->is_open = true;
	if (through == THROUGH)
		tcp_ready(conn, now_ns);
	return 0;
}

void
tcp_open(struct load_conn *base, uint64_t now_ns)
{
	struct tcp_conn *conn = tcp_conn(base);
	struct tcp *tcp = tcp_of(base);
	struct connect_options options = tcp->connect;
	const struct endpoint *endpoint;
	enum connect_result result;
	const char *option, *what;
	int fd;

	endpoint = load_next_endpoint(base, &options.source);
	base->state = LOAD_CONNECTING;
	if (!base->waits)
		conn->waiting_ns = now_ns;
	/* A request may have been begun on a connection before this one. */
	conn->sent = conn->answered;
	conn->written = conn->read = 0;
	conn->producing = false;
	if (conn->http != NULL)
		memset(conn->http, 0, sizeof(*conn->http));
	if (base->run->options->one_shot && !base->waits)
		*tcp_start_of(conn, conn->taken++) = base->start_ns;
	result = connect_stream(
	    &endpoint->addr, endpoint->path, &options, &fd, &option);
	base->waits = false;
	if (result == CONNECT_FAILED && errno == EAGAIN &&
	    endpoint->transport == TRANSPORT_UNIX) {
		/* The accept queue is full: others would sleep here. */
		load_wait(base);
		return;
	}
	if (result == CONNECT_FAILED) {
		tcp_break(conn, "connect", errno);
		return;
	}
	if (tcp_start(conn, result, fd, now_ns, &what) == -1) {
		tcp_break(conn, what, errno);
		(void)close(fd);
	}
}
