/*
 * The engine of a check.  It reads until EAGAIN, but for a server that sends
 * without end: then the loop goes on with others, and the turn after it comes
 * back here.
 */
#include "monitor/check.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "net/proxy.h"
#include "net/socket.h"

#define CHECK_READS     4     /* reads in one call */
#define CHECK_DRAIN_MAX 65536 /* bytes read after the verdict */

const struct check_type *const check_types[CHECK_TYPES] = {
	[CHECK_TCP] = &check_type_tcp,
	[CHECK_HTTP] = &check_type_http,
	[CHECK_SEND] = &check_type_send,
};

int
check_setup_open(
    struct check_setup *setup, const struct conf_pool *pool, bool datagram)
{
	const struct conf_check *conf = &pool->check;

	memset(setup, 0, sizeof(*setup));
	setup->pool = pool;
	setup->type = check_types[conf->type];
	setup->datagram = datagram && conf->type == CHECK_SEND;
	setup->connect = (struct connect_options){
		.source = pool->socket.source,
		.mark = (uint32_t)pool->socket.mark,
		.dscp = (uint8_t)pool->socket.dscp,
	};
	if (conf->type != CHECK_SEND)
		return 0;
	return match_open(&setup->expect, conf->expect, conf->expect_len);
}

void
check_setup_close(struct check_setup *setup)
{
	match_close(&setup->expect);
}

/* The check is over. */
static void
check_finish(struct check *check)
{
	check_abort(check);
	check->ops->over(check);
}

static void
check_conclude(struct check *check, const struct check_result *result)
{
	bool drain = check->setup->type->drains &&
	    check->phase == CHECK_TALKING && result->status != 0;

	if (drain) {
		check->phase = CHECK_CLOSING;
		check->received = 0;
		io_want(&check->io, IO_READ);
		check->ops->done(check, result);
		return;
	}
	check_abort(check);
	check->ops->done(check, result);
	check->ops->over(check);
}

/* It has failed with an errno value. */
static void
check_fail(struct check *check, int error)
{
	struct check_result result = { .verdict = CHECK_BAD, .error = error };

	switch (error) {
	case EADDRINUSE:
	case EADDRNOTAVAIL:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		result.verdict = CHECK_VOID;
		break;
	default:
		break;
	}
	check_conclude(check, &result);
}

static void
check_data(struct check *check, const unsigned char *data, size_t len)
{
	struct check_result result = { .verdict = CHECK_BAD };
	size_t left = CHECK_ANSWER_MAX - check->received;

	if (len > left)
		len = left;
	check->received += len;
	if (check->setup->type->data(check, data, len, &result)) {
		check_conclude(check, &result);
	} else if (check->received == CHECK_ANSWER_MAX) {
		result.verdict = CHECK_BAD;
		result.text = "unexpected answer";
		check_conclude(check, &result);
	}
}

/* The server has closed, or the connection is broken (error). */
static void
check_ended(struct check *check, int error)
{
	struct check_result result = { .verdict = CHECK_BAD };

	if (check->phase == CHECK_CLOSING) {
		check_finish(check);
	} else if (error != 0 || check->error != 0) {
		check_fail(check, error != 0 ? error : check->error);
	} else {
		check->setup->type->end(check, &result);
		check_conclude(check, &result);
	}
}

/* True: there may be more to be read. */
static bool
check_read(struct check *check)
{
	unsigned char buf[CHECK_ANSWER_MAX];
	ssize_t n = recv(check->io.fd, buf, sizeof(buf), 0);

	if (n == -1 && errno == EINTR)
		return true;
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		io_drained(&check->io, IO_READ);
		return false;
	}
	if (n == -1 || (n == 0 && !check->datagram))
		check_ended(check, n == -1 ? errno : 0);
	else if (check->phase == CHECK_TALKING)
		check_data(check, buf, (size_t)n);
	else if ((check->received += (size_t)n) > CHECK_DRAIN_MAX)
		check_finish(check);
	return check_is_under_way(check);
}

static void
check_receive(struct check *check)
{
	for (unsigned i = 0; i < CHECK_READS && check_read(check); i++)
		continue;
}

/* A server that wants no more may have answered all the same, so an error is
 * kept until the answer was looked at. */
static void
check_write(struct check *check)
{
	ssize_t n;

	while (check->sent < check->out.len) {
		n = send(check->io.fd, check->out.text + check->sent,
		    check->out.len - check->sent, MSG_NOSIGNAL);
		if (n >= 0) {
			check->sent += (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			io_drained(&check->io, IO_WRITE);
			break;
		} else if (errno != EINTR) {
			check->error = errno;
			check->sent = check->out.len;
		}
	}
	io_want(&check->io, check->sent < check->out.len ? IO_BOTH : IO_READ);
}

static void
check_talk(struct check *check)
{
	if (check->phase == CHECK_TALKING && check->sent < check->out.len)
		check_write(check);
	if (io_is_ready(&check->io, IO_READ) || check->error != 0)
		check_receive(check);
	if (check->phase == CHECK_TALKING && check->error != 0)
		check_fail(check, check->error);
}

/* A server that demands a PROXY header gets one that names no client.  A port
 * or an address of its own for checks is taken to speak plainly. */
static void
check_add_proxy_header(struct check *check)
{
	const struct conf_pool *pool = check->setup->pool;
	const struct proxy_out out = { .local = true };
	unsigned char header[PROXY_V1_MAX];
	size_t len = 0;

	if (check->server->check_target.addr.family != ADDR_NONE ||
	    pool->check.port != 0)
		return;
	if (pool->proxy_protocol == PROXY_V1)
		len = proxy_write_v1(header, sizeof(header), &out);
	else if (pool->proxy_protocol == PROXY_V2)
		len = proxy_write_v2(header, sizeof(header), &out);
	strbuf_append(&check->out, (const char *)header, len);
}

static void
check_connected(struct check *check)
{
	static const struct check_result good = { .verdict = CHECK_GOOD };
	const struct check_type *type = check->setup->type;

	if (type->begin == NULL) {
		check_conclude(check, &good);
		return;
	}
	check_add_proxy_header(check);
	type->begin(check);
	if (check->out.failed) {
		check_fail(check, ENOMEM);
		return;
	}
	check->phase = CHECK_TALKING;
	/* An empty datagram is a question too. */
	if (check->datagram && check->out.len == 0 &&
	    send(check->io.fd, "", 0, 0) == -1)
		check->error = errno;
	io_want(&check->io, IO_READ);
	check_talk(check);
}

static void
check_connect_done(struct check *check)
{
	int error = connect_error(check->io.fd);

	if (error == 0 && connect_is_self(check->io.fd, &check->addr))
		error = ECONNREFUSED;
	/* A reset before the handshake is through would be ECONNREFUSED: this
	 * server has taken the connection. */
	if ((error == ECONNRESET || error == EPIPE) &&
	    check->setup->type->begin == NULL)
		error = 0;
	if (error != 0)
		check_fail(check, error);
	else
		check_connected(check);
}

static void
check_call(struct io *io)
{
	struct check *check = container_of(io, struct check, io);

	if (check->phase == CHECK_CONNECTING)
		check_connect_done(check);
	else
		check_talk(check);
}

void
check_init(struct check *check, struct loop *loop, const struct check_ops *ops,
    const struct check_setup *setup, const struct conf_server *server)
{
	memset(check, 0, sizeof(*check));
	check->loop = loop;
	check->ops = ops;
	check->setup = setup;
	check->server = server;
	io_init(&check->io, -1, check_call, 0);
}

const char *
check_target(const struct check_setup *setup, const struct conf_server *server,
    const struct addr *place, struct addr *addr)
{
	const struct conf_target *target = &server->check_target;

	if (target->addr.family != ADDR_NONE) {
		*addr = target->addr;
		return target->kind == TARGET_UNIX ? target->host : NULL;
	}
	*addr = *place;
	if (place->family == ADDR_UNIX)
		return server->target.host;
	if (setup->pool->check.port != 0)
		addr->port = (uint16_t)setup->pool->check.port;
	return NULL;
}

void
check_begin(struct check *check, const struct addr *place)
{
	enum connect_result result;
	int fd = -1;

	check->path =
	    check_target(check->setup, check->server, place, &check->addr);
	check->datagram = check->setup->datagram && check->path == NULL;
	check->phase = CHECK_CONNECTING;
	check->sent = check->received = 0;
	check->error = 0;
	result = check->datagram
	    ? connect_datagram(&check->addr, &check->setup->connect, &fd, NULL)
	    : connect_stream(
		  &check->addr, check->path, &check->setup->connect, &fd, NULL);
	if (result == CONNECT_FAILED) {
		check_fail(check, errno);
		return;
	}
	io_init(&check->io, fd, check_call, 0);
	if (io_add(check->loop, &check->io, IO_WRITE) == -1)
		check_fail(check, errno);
	else if (result == CONNECT_DONE)
		check_connected(check);
}

void
check_expire(struct check *check, bool late)
{
	struct check_result result = { .verdict = CHECK_BAD };

	/* What has happened by now counts: timers come first in a turn. */
	if ((check->io.wanted & check->io.ready) != 0)
		check_call(&check->io);
	if (check->phase == CHECK_CLOSING) {
		check_finish(check);
		return;
	}
	if (!check_is_under_way(check))
		return;
	if (late) {
		result.verdict = CHECK_VOID;
		result.text = "the monitor was held up";
	} else if (check->phase == CHECK_CONNECTING) {
		result.error = ETIMEDOUT;
	} else {
		result.text = check->received > 0
		    ? "the answer was not complete in time"
		    : "no answer in time";
	}
	check_conclude(check, &result);
}

void
check_abort(struct check *check)
{
	if (check->setup->type->resets && check->io.fd != -1)
		socket_close_resets(check->io.fd);
	io_close(&check->io);
	strbuf_free(&check->out);
	check->phase = CHECK_IDLE;
}
