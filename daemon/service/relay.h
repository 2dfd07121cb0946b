/*
 * One relayed session: the client's stream is the session's, the server's is
 * here.
 *
 *   relay_start.c     finds a server and connects to it: QUEUED, CONNECTING
 *   relay_header.c    tells the server who the client is (PROXY protocol)
 *   handler_relay.c   carries bytes and ends either way: OPEN, HALF_CLOSED
 *   relay_bulk.c      splices a direction that turns out to be bulk
 *
 * Until the server's stream is open, nothing is read from the client: its
 * bytes wait in the kernel, and so another server can be tried.
 */
#ifndef MUXD_SERVICE_RELAY_H
#define MUXD_SERVICE_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "net/stream.h"
#include "service/pool.h"
#include "service/session.h"

struct relay_bulk;
struct relay_start;

enum relay_direction { TO_SERVER, TO_CLIENT };

/* Behind each session of the handler. */
struct relay {
	struct stream server;
	struct session *session;
	struct server *picked; /* the last one that was tried, or NULL */
	union {
		struct relay_start *start; /* until it is joined */
		struct relay_bulk *bulk;   /* then, or NULL */
	};
	struct addr addr;          /* of the server, when it was tried */
	uint32_t connect_ms;       /* until the server was reached */
	uint32_t queued_ms;        /* of these, waiting for a server */
	struct memo_choice choice; /* why it is the server that was picked */
	char *failures;            /* of earlier attempts, or NULL */
	uint8_t attempts;          /* to connect */
	uint8_t full_reads[2];     /* in a row, by direction */
	bool opened : 1;           /* server is open, or was */
	bool joined : 1;           /* it was reached */
	bool server_first : 1;     /* the server ended first */
};

static inline struct relay *
relay_of_session(const struct session *session)
{
	return session->data;
}

/* Begin to look for a server.  relay_joined() follows, or the session ends. */
void relay_start(struct relay *relay);

/* The time set for a phase before OPEN is over. */
void relay_start_deadline(struct relay *relay);

/* How long it has waited in the pool's queue, while it does. */
uint32_t relay_queued_ms(const struct relay *relay);

/* Release what the start needed, whatever has become of it. */
void relay_start_over(struct relay *relay);

/* The server is reached; from relay_start.c. */
void relay_joined(struct relay *relay);

/* Send the PROXY header that the pool asks for; from relay_header.c. */
void relay_send_header(struct relay *relay);

/* A direction has ended: pass the FIN on, and see whether all is over. */
void relay_half_close(struct relay *relay, enum relay_direction direction);

/* The streams of a direction. */
static inline struct stream *
relay_source(struct relay *relay, enum relay_direction direction)
{
	return direction == TO_SERVER ? &relay->session->client
				      : &relay->server;
}

static inline struct stream *
relay_target(struct relay *relay, enum relay_direction direction)
{
	return direction == TO_SERVER ? &relay->server
				      : &relay->session->client;
}

/* A read has filled the whole buffer and was passed on: that makes bulk of the
 * direction, if it recurs. */
void relay_bulk_note(struct relay *relay, enum relay_direction direction);

/* pool.splice is on: splice from the first byte on. */
void relay_bulk_always(struct relay *relay);

/* The source of a spliced direction can be read. */
void relay_bulk_readable(struct relay *relay, enum relay_direction direction);

/* The target takes output again.  True if the direction is spliced and that
 * was all there was to do. */
bool relay_bulk_writable(struct relay *relay, enum relay_direction direction);

/* Give back what it holds; lost tells by direction whether bytes were lost
 * with it. */
void relay_bulk_over(struct relay *relay, bool lost[2]);

extern const struct stream_ops relay_server_ops;

/* The ops->connected and, before that, ops->failed of the server's stream. */
void relay_connected(struct stream *stream);
void relay_connect_failed(struct relay *relay, int error);

#endif
