/*
 * Lines to many connections.
 *
 * Nobody knows when all answers to a line have come.  After the end of
 * standard input each connection is finished when it has got as many lines
 * back as went out, or when nothing has come from anywhere for QUIET_MS: then
 * it is half-closed, and stays until the server has ended it too, at most for
 * --timeout.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "base/str.h"
#include "event/signals.h"
#include "load_input.h"
#include "load_lines.h"
#include "load_net.h"
#include "load_show.h"
#include "net/connect.h"
#include "net/stream.h"

enum { TICK_MS = 50, QUIET_MS = 500, LINE_MAX_BYTES = 65000 };

struct lines;

struct line_conn {
	struct lines *lines;
	struct stream stream; /* TCP, UNIX */
	struct io io;         /* UDP */
	struct load_show show;
	uint64_t back; /* lines, or datagrams, that came */
	bool is_open;
	bool made; /* it was connected */
	bool full;
};

struct lines {
	const struct load_options *options;
	struct loop *loop;
	struct net net;
	struct load_input input;
	struct signals signals;
	struct timer tick;
	struct timer end;
	struct line_conn *conns;
	struct strbuf line; /* what is typed */
	uint64_t out;       /* lines that went out */
	uint64_t heard_ms;  /* when something came, or the input ended */
	unsigned waited;    /* connections that are being made */
	unsigned open;
	unsigned full;
	bool input_open;
	bool input_ended;
	bool finished; /* half-closed */
	bool good;
};

/* Show what came, and count it. */
static void
show(struct line_conn *conn, const char *data, size_t len)
{
	conn->lines->heard_ms = loop_now(conn->lines->loop);
	conn->back += load_show_data(&conn->show, data, len);
}

/* ---- connections ---------------------------------------------------------*/

static void
check_all_over(struct lines *lines)
{
	if (lines->open == 0 && lines->waited == 0)
		loop_stop(lines->loop);
}

/* No connection is full any more, or one is. */
static void
set_full(struct line_conn *conn, bool full)
{
	struct lines *lines = conn->lines;

	if (conn->full == full)
		return;
	conn->full = full;
	lines->full += full ? 1 : -1U;
	if (lines->input_open)
		load_input_pause(&lines->input, lines->full != 0);
}

static void
line_conn_close(struct line_conn *conn)
{
	if (!conn->is_open)
		return;
	conn->is_open = false;
	load_show_flush(&conn->show);
	if (conn->show.endpoint->transport == TRANSPORT_UDP)
		io_close(&conn->io);
	else
		stream_close(&conn->stream);
	set_full(conn, false);
}

static void input_came(struct load_input *input, const char *data, size_t len);

/* A connection is made, or is not.  When all are, the input is read. */
static void
line_conn_settled(struct line_conn *conn, bool made)
{
	struct lines *lines = conn->lines;

	lines->waited--;
	conn->made = made;
	if (made) {
		lines->open++;
		load_show_event(&conn->show, "connected", 0);
	}
	if (lines->waited != 0 || lines->open == 0 || lines->input_open)
		return;
	lines->input_open = load_input_open(&lines->input, lines->loop,
				input_came, lines) != -1;
	if (!lines->input_open)
		lines->input_ended = true;
}

static void
line_conn_over(struct line_conn *conn, const char *what, int error)
{
	struct lines *lines = conn->lines;
	line_conn_close(conn);
	load_show_event(&conn->show, what, error);
	if (error != 0)
		lines->good = false;
	if (!conn->made)
		line_conn_settled(conn, false);
	else
		lines->open--;
	check_all_over(lines);
}

static void
line_connected(struct stream *stream)
{
	line_conn_settled(container_of(stream, struct line_conn, stream), true);
}

static void
line_data(struct stream *stream, const unsigned char *data, size_t len)
{
	show(container_of(stream, struct line_conn, stream), (const char *)data,
	    len);
}

static void
line_ended(struct stream *stream)
{
	line_conn_over(
	    container_of(stream, struct line_conn, stream), "ended", 0);
}

static void
line_writable(struct stream *stream)
{
	set_full(container_of(stream, struct line_conn, stream), false);
}

static void
line_failed(struct stream *stream, int error)
{
	line_conn_over(
	    container_of(stream, struct line_conn, stream), "failed", error);
}

static const struct stream_ops line_ops = {
	.connected = line_connected,
	.data = line_data,
	.end = line_ended,
	.writable = line_writable,
	.failed = line_failed,
};

static void
datagrams_came(struct io *io)
{
	struct line_conn *conn = container_of(io, struct line_conn, io);
	struct lines *lines = conn->lines;
	ssize_t n;

	for (;;) {
		n = recv(io->fd, lines->net.scratch, NET_SCRATCH_SIZE, 0);
		if (n == -1 && errno == EAGAIN) {
			io_drained(io, IO_READ);
			return;
		}
		if (n == -1 && errno != EINTR) {
			line_conn_over(conn, "failed", errno);
			return;
		}
		if (n == -1)
			continue;
		show(conn, (const char *)lines->net.scratch, (size_t)n);
		if (conn->show.part.len != 0 || n == 0) {
			load_show_flush(&conn->show);
			conn->back++;
		}
	}
}

/* ---- standard input ------------------------------------------------------*/

static void
send_line(struct lines *lines, const char *text, size_t len)
{
	struct line_conn *conn;
	unsigned i;

	lines->out++;
	for (i = 0; i < lines->options->connections; i++) {
		conn = &lines->conns[i];
		if (!conn->is_open)
			continue;
		if (conn->show.endpoint->transport == TRANSPORT_UDP) {
			if (send(conn->io.fd, text, len, MSG_NOSIGNAL) == -1 &&
			    errno != EAGAIN)
				line_conn_over(conn, "failed", errno);
			continue;
		}
		/* What goes wrong is told in the next turn. */
		(void)stream_write(&conn->stream, text, len);
		if (stream_is_full(&conn->stream))
			set_full(conn, true);
	}
}

static void
input_came(struct load_input *input, const char *data, size_t len)
{
	struct lines *lines = input->owner;
	const char *end;
	size_t n;

	if (len == 0) {
		if (lines->line.len != 0)
			send_line(lines, lines->line.text, lines->line.len);
		strbuf_free(&lines->line);
		lines->input_ended = true;
		lines->heard_ms = loop_now(lines->loop);
		return;
	}
	while (len > 0) {
		end = memchr(data, '\n', len);
		n = end != NULL ? (size_t)(end - data) + 1 : len;
		if (n > LINE_MAX_BYTES - lines->line.len) {
			n = LINE_MAX_BYTES - lines->line.len;
			end = NULL;
		}
		strbuf_append(&lines->line, data, n);
		if (end != NULL || lines->line.len == LINE_MAX_BYTES) {
			send_line(lines, lines->line.text, lines->line.len);
			lines->line.len = 0;
		}
		data += n;
		len -= n;
	}
}

/* ---- the end -------------------------------------------------------------*/

/* Whether each connection has got as many lines as went out. */
static bool
all_answered(const struct lines *lines)
{
	const struct line_conn *conn;
	unsigned i;

	for (i = 0; i < lines->options->connections; i++) {
		conn = &lines->conns[i];
		if (conn->is_open &&
		    conn->back + (conn->show.part.len != 0) < lines->out)
			return false;
	}
	return true;
}

static void
finish_all(struct lines *lines)
{
	struct line_conn *conn;
	unsigned i;

	lines->finished = true;
	lines->heard_ms = loop_now(lines->loop);
	for (i = 0; i < lines->options->connections; i++) {
		conn = &lines->conns[i];
		if (conn->is_open && !lines->options->udp)
			stream_finish(&conn->stream);
	}
	if (lines->options->udp)
		loop_stop(lines->loop);
}

static void
lines_tick(struct timer *timer)
{
	struct lines *lines = container_of(timer, struct lines, tick);
	uint64_t silence_ms = loop_now(lines->loop) - lines->heard_ms;
	unsigned i;

	for (i = 0; i < lines->options->connections; i++) {
		load_show_tick(&lines->conns[i].show);
	}
	(void)fflush(stdout);
	if (lines->finished) {
		if (silence_ms >= lines->options->timeout_ms)
			loop_stop(lines->loop);
	} else if (lines->input_ended &&
	    (all_answered(lines) || silence_ms >= QUIET_MS)) {
		finish_all(lines);
	}
}

static void
lines_time_over(struct timer *timer)
{
	loop_stop(container_of(timer, struct lines, end)->loop);
}

static void
lines_signal(struct signals *signals, int signo)
{
	struct lines *lines = signals->owner;

	(void)signo;
	loop_stop(lines->loop);
}

/* ---- beginning -----------------------------------------------------------*/

static int
open_datagram(struct line_conn *conn, const struct connect_options *options)
{
	const char *option;
	int fd;

	if (connect_datagram(&conn->show.endpoint->addr, options, &fd,
		&option) == CONNECT_FAILED)
		return -1;
	io_init(&conn->io, fd, datagrams_came, 0);
	if (io_add(conn->lines->loop, &conn->io, IO_READ) == -1) {
		(void)close(fd);
		return -1;
	}
	conn->is_open = true;
	line_conn_settled(conn, true);
	return 0;
}

static int
open_stream(struct line_conn *conn, const struct connect_options *options)
{
	struct net *net = &conn->lines->net;
	enum connect_result result;
	const char *option;
	int fd, opened;

	result = connect_stream(&conn->show.endpoint->addr,
	    conn->show.endpoint->path, options, &fd, &option);
	if (result == CONNECT_FAILED)
		return -1;
	if (result == CONNECT_PROGRESS)
		opened = stream_connect(
		    &conn->stream, net, fd, &line_ops, NET_SCRATCH_SIZE);
	else
		opened = stream_open(
		    &conn->stream, net, fd, &line_ops, NET_SCRATCH_SIZE);
	if (opened == -1) {
		(void)close(fd);
		return -1;
	}
	conn->is_open = true;
	if (result != CONNECT_PROGRESS)
		line_conn_settled(conn, true);
	return 0;
}

static void
open_all(struct lines *lines)
{
	const struct load_options *options = lines->options;
	struct connect_options connect = { .nodelay = true };
	struct line_conn *conn;
	unsigned i;

	lines->waited = options->connections;
	for (i = 0; i < options->connections; i++) {
		conn = &lines->conns[i];
		conn->lines = lines;
		conn->show.number = i + 1;
		conn->show.endpoint =
		    &options->endpoints[i % options->nendpoints];
		if (options->nsources != 0)
			connect.source = options->sources[i /
			    options->nendpoints % options->nsources];
		if ((options->udp ? open_datagram(conn, &connect)
				  : open_stream(conn, &connect)) == -1) {
			load_show_event(&conn->show, "failed", errno);
			lines->good = false;
			line_conn_settled(conn, false);
		}
	}
}

static int
lines_loop(struct lines *lines)
{
	uint64_t duration_ms = lines->options->duration_ms;
	int result = 0;
	unsigned i;

	loop_timer_repeat(lines->loop, &lines->tick, TICK_MS);
	if (duration_ms != 0)
		loop_timer_set(lines->loop, &lines->end, duration_ms);
	open_all(lines);
	if (lines->open != 0 || lines->waited != 0)
		result = loop_run(lines->loop);
	for (i = 0; i < lines->options->connections; i++)
		line_conn_close(&lines->conns[i]);
	if (lines->input_open)
		load_input_close(&lines->input);
	strbuf_free(&lines->line);
	(void)fflush(stdout);
	return result;
}

int
load_lines_run(const struct load_options *options, bool *good)
{
	static const int stop[] = { SIGINT, SIGTERM };
	struct lines lines = { .options = options, .good = true };
	int result = -1, error = 0;

	timer_init(&lines.tick, lines_tick);
	timer_init(&lines.end, lines_time_over);
	lines.signals.owner = &lines;
	lines.conns = mem_array(options->connections, sizeof(*lines.conns));
	if (lines.conns == NULL)
		return -1;
	if ((lines.loop = loop_open("auto")) == NULL)
		goto fail_loop;
	if (net_open(&lines.net, lines.loop, &load_grant) == -1)
		goto fail_net;
	if (signals_open(&lines.signals, lines.loop, stop, 2, lines_signal) ==
	    -1)
		goto fail_signals;
	result = lines_loop(&lines);
	*good = lines.good;
	signals_close(&lines.signals);
fail_signals:
	error = errno;
	net_close(&lines.net);
	errno = error;
fail_net:
	error = errno;
	loop_close(lines.loop);
	errno = error;
fail_loop:
	mem_free(lines.conns);
	return result;
}
