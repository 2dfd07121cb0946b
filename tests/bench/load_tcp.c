/*
 * Streams.  A round trip costs one recv(2), one send(2), one look at the
 * clock and no more: the answer's moment is also that at which the next
 * request begins.
 *
 * Answers come in the order of the requests.  Three numbers tell where a
 * connection is, and what lies between two of them is
 *
 *   answered ──── under way ──── sent ──── begun, not written ──── taken
 *
 * Nothing is queued: what the kernel does not take is made again when it
 * takes more.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "load_tcp.h"
#include "load_tcp_common.h"

/* Longer messages leave in several segments, the last of which must not wait
 * for the acknowledgement of the others (RFC 9293, 3.7.4). */
enum { ONE_SEGMENT = 512 };

/* ---- the end of a connection ---------------------------------------------*/

static void
tcp_shut(struct tcp_conn *conn)
{
	if (!conn->is_open)
		return;
	conn->is_open = false;
	/* One whose answers are not wanted any more must not linger. */
	if (conn->answered != conn->taken)
		stream_reset(&conn->stream);
	else
		stream_close(&conn->stream);
}

/* It ends before its time. */
void
tcp_break(struct tcp_conn *conn, const char *what, int error)
{
	unsigned requests = conn->taken - conn->answered;

	tcp_shut(conn);
	conn->answered = conn->taken;
	load_broken(&conn->base, requests, what, error);
}

/* The server ends connections after a number of requests, as it may; those
 * that are under way are sent again. */
static void
tcp_change(struct tcp_conn *conn)
{
	stream_close(&conn->stream);
	conn->is_open = false;
	load_reopen(&conn->base);
}

/* ---- sending -------------------------------------------------------------*/

const void *
tcp_message(struct tcp_conn *conn, size_t *size)
{
	struct load_run *run = conn->base.run;
	const struct tcp *tcp = run->sockets;

	if (conn->http != NULL) {
		*size = strlen(tcp->requests[conn->base.endpoint]);
		return tcp->requests[conn->base.endpoint];
	}
	*size = run->message.size;
	return load_message_make(&run->message, conn->base.index, conn->sent);
}

static void
tcp_produce(struct tcp_conn *conn, bool on)
{
	if (conn->producing == on)
		return;
	conn->producing = on;
	stream_produce(&conn->stream, on);
}

/* Have another request to send, if one may begin. */
static bool
tcp_take(struct tcp_conn *conn, uint64_t now_ns)
{
	uint64_t start_ns;

	if (conn->taken - conn->answered == conn->base.run->options->depth ||
	    !load_take(&conn->base, now_ns, &start_ns))
		return false;
	if (conn->taken == conn->answered)
		conn->waiting_ns = now_ns;
	*tcp_start_of(conn, conn->taken++) = start_ns;
	return true;
}

static void
tcp_pump(struct load_conn *base, uint64_t now_ns)
{
	struct tcp_conn *conn = tcp_conn(base);
	const unsigned char *message;
	size_t size;
	ssize_t n;

	while (conn->sent != conn->taken || tcp_take(conn, now_ns)) {
		message = tcp_message(conn, &size);
		n = stream_write_some(&conn->stream, message + conn->written,
		    size - conn->written);
		/* What has happened is told in the next turn. */
		if (n == -1)
			return;
		conn->written += (size_t)n;
		if (conn->written < size) {
			tcp_produce(conn, true);
			return;
		}
		conn->written = 0;
		conn->sent++;
	}
	tcp_produce(conn, false);
}

/* ---- receiving -----------------------------------------------------------*/

/* Take what belongs to the first answer that is missing; how many bytes, or 0
 * if they are wrong, which has been told then. */
static size_t
tcp_check(struct tcp_conn *conn, const unsigned char *data, size_t len,
    bool *complete)
{
	struct load_run *run = conn->base.run;
	struct tcp *tcp = run->sockets;
	enum load_http_result result;
	const char *why = "bytes that nobody asked for";
	size_t n = 0;

	*complete = false;
	if (conn->answered == conn->taken)
		goto wrong;
	if (conn->http != NULL) {
		result =
		    load_http_feed(conn->http, &tcp->head, data, len, &n, &why);
		if (result == LOAD_HTTP_BAD)
			goto wrong;
		*complete = result == LOAD_HTTP_DONE;
		return n;
	}
	n = run->message.size - conn->read;
	if (n > len)
		n = len;
	if (!load_message_fits(&run->message, conn->base.index, conn->answered,
		conn->read, data, n)) {
		why = "other bytes came back";
		goto wrong;
	}
	conn->read += n;
	*complete = conn->read == run->message.size;
	return n;
wrong:
	load_mismatch(&conn->base, why);
	return 0;
}

/* An answer is complete.  False if the connection is over. */
static bool
tcp_answered(struct tcp_conn *conn, uint64_t now_ns)
{
	struct load_run *run = conn->base.run;
	uint64_t start_ns = *tcp_start_of(conn, conn->answered++);

	conn->read = 0;
	conn->waiting_ns = now_ns;
	load_answered(&conn->base, start_ns, now_ns);
	if (run->options->one_shot) {
		tcp_change(conn);
		return false;
	}
	if (conn->http != NULL && conn->http->closes) {
		tcp_change(conn);
		return false;
	}
	return true;
}

static void
tcp_data(struct stream *stream, const unsigned char *data, size_t len)
{
	struct tcp_conn *conn = container_of(stream, struct tcp_conn, stream);
	uint64_t now_ns = clock_mono_ns();
	bool complete;
	size_t n;

	while (len > 0) {
		n = tcp_check(conn, data, len, &complete);
		if (n == 0) {
			tcp_break(conn, NULL, 0);
			return;
		}
		data += n;
		len -= n;
		if (complete && !tcp_answered(conn, now_ns))
			return;
	}
	/* A long answer is not silence. */
	conn->waiting_ns = now_ns;
	tcp_pump(&conn->base, now_ns);
}

static void
tcp_ended(struct stream *stream)
{
	struct tcp_conn *conn = container_of(stream, struct tcp_conn, stream);

	if (conn->http != NULL && conn->answered == conn->taken)
		tcp_change(conn);
	else
		tcp_break(conn, "the server has ended the connection", 0);
}

static void
tcp_writable(struct stream *stream)
{
	struct tcp_conn *conn = container_of(stream, struct tcp_conn, stream);

	tcp_pump(&conn->base, clock_mono_ns());
}

static void
tcp_failed(struct stream *stream, int error)
{
	struct tcp_conn *conn = container_of(stream, struct tcp_conn, stream);

	tcp_break(conn,
	    conn->base.state == LOAD_CONNECTING ? "connect" : "connection",
	    error);
}

/* ---- being connected ----------------------------------------------------------*/

void
tcp_ready(struct tcp_conn *conn, uint64_t now_ns)
{
	conn->waiting_ns = now_ns;
	if (!conn->base.run->options->one_shot) {
		load_connected(&conn->base, now_ns);
		return;
	}
	conn->base.state = LOAD_UP;
	tcp_pump(&conn->base, now_ns);
}

static void
tcp_connected(struct stream *stream)
{
	tcp_ready(
	    container_of(stream, struct tcp_conn, stream), clock_mono_ns());
}

const struct stream_ops tcp_ops = {
	.connected = tcp_connected,
	.data = tcp_data,
	.end = tcp_ended,
	.writable = tcp_writable,
	.failed = tcp_failed,
};

static void
tcp_sweep(struct load_conn *base, uint64_t now_ns)
{
	struct tcp_conn *conn = tcp_conn(base);
	uint64_t timeout_ns = base->run->options->timeout_ms * 1000000;

	if ((!conn->is_open && !base->waits) ||
	    now_ns < conn->waiting_ns + timeout_ns)
		return;
	if (base->state == LOAD_CONNECTING)
		tcp_break(conn, "connect", ETIMEDOUT);
	else if (conn->answered != conn->taken)
		tcp_break(conn, "no answer in time", 0);
}

/* ---- memory --------------------------------------------------------------*/

static struct load_conn *
tcp_conn_at(struct load_run *run, unsigned index)
{
	const struct tcp *tcp = run->sockets;

	return &tcp->conns[index].base;
}

static void
tcp_release(struct load_run *run)
{
	struct tcp *tcp = run->sockets;
	size_t i;

	if (tcp == NULL)
		return;
	for (i = 0; tcp->requests != NULL && i < run->options->nendpoints; i++)
		mem_free(tcp->requests[i]);
	mem_free(tcp->requests);
	mem_free(tcp->responses);
	mem_free(tcp->starts);
	mem_free(tcp->conns);
	mem_free(tcp);
	run->sockets = NULL;
}

static int
tcp_prepare_http(struct load_run *run, struct tcp *tcp)
{
	const struct load_options *options = run->options;
	size_t i;

	tcp->requests = mem_array(options->nendpoints, sizeof(char *));
	tcp->responses =
	    mem_array(options->connections, sizeof(*tcp->responses));
	if (tcp->requests == NULL || tcp->responses == NULL)
		return -1;
	for (i = 0; i < options->nendpoints; i++) {
		tcp->requests[i] =
		    load_http_request(&options->endpoints[i], options->http);
		if (tcp->requests[i] == NULL)
			return -1;
	}
	for (i = 0; i < options->connections; i++)
		tcp->conns[i].http = &tcp->responses[i];
	return 0;
}

static int
tcp_prepare(struct load_run *run)
{
	const struct load_options *options = run->options;
	struct tcp *tcp;
	unsigned i;

	if ((tcp = mem_zalloc(sizeof(*tcp))) == NULL)
		return -1;
	run->sockets = tcp;
	for (tcp->ring = 1; tcp->ring < options->depth;)
		tcp->ring *= 2;
	tcp->connect.nodelay = !options->one_shot ||
	    (options->http == NULL && options->message > ONE_SEGMENT);
	tcp->conns = mem_array(options->connections, sizeof(*tcp->conns));
	tcp->starts =
	    mem_array(options->connections, tcp->ring * sizeof(*tcp->starts));
	if (tcp->conns == NULL || tcp->starts == NULL)
		goto fail;
	for (i = 0; i < options->connections; i++)
		tcp->conns[i].starts = tcp->starts + (size_t)i * tcp->ring;
	if (options->http != NULL && tcp_prepare_http(run, tcp) == -1)
		goto fail;
	return 0;
fail:
	tcp_release(run);
	errno = ENOMEM;
	return -1;
}

static void
tcp_close(struct load_conn *base)
{
	tcp_shut(tcp_conn(base));
}

const struct load_driver load_driver_tcp = {
	.prepare = tcp_prepare,
	.conn = tcp_conn_at,
	.open = tcp_open,
	.pump = tcp_pump,
	.sweep = tcp_sweep,
	.close = tcp_close,
	.release = tcp_release,
};
