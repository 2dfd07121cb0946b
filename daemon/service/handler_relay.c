/*
 * relay: stands between a client and a server of a pool, and carries bytes
 * both ways.
 *
 * The two directions know nothing of each other.  What one side sends goes
 * to the other at once; above the high-water mark of the one the other is
 * not read.  A FIN travels after the bytes before it, and the session ends
 * when both have arrived.  A reset travels as a reset.
 *
 * Datagrams are carried by flows: see flow.h and flows.h.
 */
#include <errno.h>

#include "base/compat.h"
#include "base/mem.h"
#include "service/flows.h"
#include "service/handler.h"
#include "service/record.h"
#include "service/relay.h"

/* Bytes that moved so short a time ago were not the last ones. */
#define RELAY_BUSY_MS 1000

static struct relay *
relay_of_stream(struct stream *stream)
{
	return container_of(stream, struct relay, server);
}

static void
relay_finish(struct relay *relay)
{
	session_end(relay->session,
	    relay->server_first ? REASON_SERVER_CLOSED : REASON_CLIENT_CLOSED,
	    0);
}

/* Both FINs were seen, and nothing waits: closing passes on what is left to
 * be passed on. */
static bool
relay_is_over(const struct relay *relay)
{
	const struct stream *client = &relay->session->client;

	return client->ended && relay->server.ended &&
	    stream_is_flushed(client) && stream_is_flushed(&relay->server);
}

static void
relay_check_over(struct relay *relay)
{
	if (relay_is_over(relay))
		relay_finish(relay);
}

void
relay_half_close(struct relay *relay, enum relay_direction direction)
{
	struct session *session = relay->session;

	/* The half-close time-out counts from now. */
	stream_moved(&session->client);
	if (direction == TO_CLIENT)
		relay->server_first = !session->client.ended;
	if (relay_is_over(relay)) {
		relay_finish(relay);
		return;
	}
	stream_finish(relay_target(relay, direction));
	if (session->phase == SESSION_OPEN)
		session_set_phase(session, SESSION_HALF_CLOSED);
	relay_check_over(relay);
}

/* ---- the server's side ---- */

static void
relay_server_data(struct stream *stream, const unsigned char *data, size_t len)
{
	struct relay *relay = relay_of_stream(stream);
	struct stream *client = &relay->session->client;

	session_write(relay->session, data, len);
	if (stream_is_full(client))
		stream_pause(stream);
	if (len == NET_SCRATCH_SIZE)
		relay_bulk_note(relay, TO_CLIENT);
	else
		relay->full_reads[TO_CLIENT] = 0;
}

static void
relay_server_readable(struct stream *stream)
{
	relay_bulk_readable(relay_of_stream(stream), TO_CLIENT);
}

static void
relay_server_end(struct stream *stream)
{
	relay_half_close(relay_of_stream(stream), TO_CLIENT);
}

/* The target of a direction takes output again. */
static void
relay_target_writable(struct relay *relay, enum relay_direction direction)
{
	if (relay_bulk_writable(relay, direction))
		return;
	if (!stream_is_full(relay_target(relay, direction)))
		stream_resume(relay_source(relay, direction));
	relay_check_over(relay);
}

static void
relay_server_writable(struct stream *stream)
{
	relay_target_writable(relay_of_stream(stream), TO_SERVER);
}

static enum reason
relay_reason_of(const struct relay *relay, int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
		return relay->server.ended ? REASON_SERVER_CLOSED
					   : REASON_SERVER_RESET;
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
		return REASON_SERVER_LOST;
	case ENOMEM:
	case ENOBUFS:
		return REASON_NO_MEMORY;
	default:
		return REASON_INTERNAL;
	}
}

static void
relay_server_failed(struct stream *stream, int error)
{
	struct relay *relay = relay_of_stream(stream);

	if (!relay->joined)
		relay_connect_failed(relay, error);
	else
		session_abort(
		    relay->session, relay_reason_of(relay, error), error);
}

const struct stream_ops relay_server_ops = {
	.connected = relay_connected,
	.data = relay_server_data,
	.readable = relay_server_readable,
	.end = relay_server_end,
	.writable = relay_server_writable,
	.failed = relay_server_failed,
};

void
relay_joined(struct relay *relay)
{
	struct session *session = relay->session;

	stream_moved(&session->client);
	session_set_phase(session, SESSION_OPEN);
	session_set_deadline(session,
	    session->door->service->timeouts.first_byte,
	    REASON_FIRST_BYTE_TIMEOUT);
	relay_send_header(relay);
	stream_resume(&session->client);
	if (relay->picked->pool->conf->splice == SPLICE_ON)
		relay_bulk_always(relay);
}

/* ---- the client's side ---- */

static void
relay_open(struct session *session)
{
	struct relay *relay = relay_of_session(session);

	relay->session = session;
	relay_start(relay);
}

static void
relay_data(struct session *session, const unsigned char *data, size_t len)
{
	struct relay *relay = relay_of_session(session);

	(void)stream_write(&relay->server, data, len);
	if (stream_is_full(&relay->server))
		stream_pause(&session->client);
	if (len == NET_SCRATCH_SIZE)
		relay_bulk_note(relay, TO_SERVER);
	else
		relay->full_reads[TO_SERVER] = 0;
}

static void
relay_readable(struct session *session)
{
	relay_bulk_readable(relay_of_session(session), TO_SERVER);
}

static void
relay_end(struct session *session)
{
	relay_half_close(relay_of_session(session), TO_SERVER);
}

static void
relay_writable(struct session *session)
{
	relay_target_writable(relay_of_session(session), TO_CLIENT);
}

/* Before it is joined, the start's; then the client has not spoken in time. */
static void
relay_deadline(struct session *session)
{
	struct relay *relay = relay_of_session(session);

	if (!relay->joined)
		relay_start_deadline(relay);
	else if (counter_read(&session->entry->bytes_in) == 0)
		session_end(session, REASON_FIRST_BYTE_TIMEOUT, 0);
}

static uint64_t
relay_active(const struct session *session)
{
	const struct relay *relay = relay_of_session(session);

	return session->client.active_ms > relay->server.active_ms
	    ? session->client.active_ms
	    : relay->server.active_ms;
}

/* ---- the end ---- */

static void
relay_count_bytes(const struct relay *relay)
{
	struct server_counters *counters = relay->picked->counters;
	const struct ledger_entry *entry = relay->session->entry;

	counter_add(&counters->events[SERVER_COUNTER_BYTES_TO],
	    counter_read(&entry->bytes_in));
	counter_add(&counters->events[SERVER_COUNTER_BYTES_FROM],
	    counter_read(&entry->bytes_out));
}

/* Whether the client is cut off in the middle of what the server has to say,
 * lost telling of what was in a pipe to it. */
static bool
relay_cuts_off(const struct relay *relay, bool lost)
{
	const struct session *session = relay->session;
	uint64_t now = loop_now(session->door->service->set->loop);

	return lost || !stream_is_flushed(&session->client) ||
	    (!relay->server.ended && !session->client.ended &&
		now - session->client.active_ms < RELAY_BUSY_MS);
}

/* Both sides learn of bytes that they will never get by a reset, and the
 * server of a reset; of any other end by a FIN. */
static void
relay_close(struct session *session)
{
	struct relay *relay = relay_of_session(session);
	bool lost[2];

	mem_free(relay->failures);
	relay->failures = NULL;
	if (!relay->joined) {
		relay_start_over(relay);
		if (relay->opened)
			stream_close(&relay->server);
		return;
	}
	relay_bulk_over(relay, lost);
	relay_count_bytes(relay);
	session->cut_off = relay_cuts_off(relay, lost[TO_CLIENT]);
	if (session->client.failed || lost[TO_SERVER] ||
	    !stream_is_flushed(&relay->server))
		stream_reset(&relay->server);
	else
		stream_close(&relay->server);
}

static void
relay_describe(const struct session *session, struct record_end *end)
{
	const struct relay *relay = relay_of_session(session);

	end->queued_ms = session->phase == SESSION_QUEUED
	    ? relay_queued_ms(relay)
	    : relay->queued_ms;
	if (relay->failures != NULL)
		(void)compat_strlcpy(
		    end->failures, relay->failures, sizeof(end->failures));
	if (relay->picked == NULL)
		return;
	end->server = relay->picked->shared->name;
	end->server_addr = relay->addr;
	end->attempts = relay->attempts;
	end->connect_ms = relay->connect_ms;
	end->choice = relay->choice;
	if (relay->opened && relay->addr.family != ADDR_UNIX &&
	    record_asks_kernel(
		&session->door->service->set->conf->log, end->reason))
		end->server_told =
		    tcp_stats_read(relay->server.io.fd, &end->server_stats);
}

const struct handler handler_relay = {
	.kind = HANDLER_RELAY,
	.size = sizeof(struct relay),
	.full_duplex = true,
	.setup = flows_setup,
	.teardown = flows_teardown,
	.open = relay_open,
	.data = relay_data,
	.readable = relay_readable,
	.end = relay_end,
	.writable = relay_writable,
	.deadline = relay_deadline,
	.active = relay_active,
	.close = relay_close,
	.describe = relay_describe,
	.datagrams = flows_datagrams,
};
