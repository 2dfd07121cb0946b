/*
 * A flow: the session of a client that speaks UDP, relayed to a server.
 *
 * Datagrams have no beginning and no end, so a flow begins with the first
 * datagram of a client that has none, and ends when both sides were silent
 * for pool.udp.idle_timeout, when pool.udp.responses datagrams have come back
 * for each that was sent, or when it must make room for another one.
 *
 *            ┌── an error before any answer: another server ──┐
 *            ▼                                                │
 *   begin ──► pick ──► UNANSWERED ───────────────────────────┘
 *                          │
 *                          └──the first answer──► ANSWERED
 *
 * It has a socket of its own, connected to its server: what comes in there is
 * for its client, and ICMP errors are the server's.  It holds the limits that
 * a connection holds, in a ledger entry.
 *
 * A server that has answered keeps its flows until it is no longer in use
 * (down or ejected) and an error comes.
 *
 *   flow.c         from the beginning to the end
 *   flow_server.c  the server, and what becomes of it
 *   flow_pass.c    the datagrams
 */
#ifndef MUXD_SERVICE_FLOW_H
#define MUXD_SERVICE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/loop.h"
#include "net/dgram_relay.h"
#include "service/flow_table.h"
#include "service/pool.h"
#include "service/service.h"

/* The order in which flows are given up: see service/flows.h. */
enum flow_rank { FLOW_UNANSWERED, FLOW_ANSWERED, FLOW_RANKS };

struct flow {
	struct io io; /* the socket to the server */
	struct flow_node node;
	union {
		struct list link;       /* in its service's list of its rank */
		struct retired retired; /* when it is over */
	};
	struct door *door; /* how it came in; it may lead to another now */
	struct ledger_entry *entry;
	struct server *server;
	struct addr addr;          /* of the server, when it was picked */
	uint64_t started_ms;       /* loop_now() */
	uint64_t active_ms;        /* when a datagram last passed, either way */
	uint64_t in;               /* datagrams that went to the server */
	uint64_t out;              /* that came back */
	uint32_t picked_ms;        /* when the server was, since started_ms */
	uint32_t connect_ms;       /* until the first answer */
	struct memo_choice choice; /* why it is this server */
	int error;                 /* the latest one since the latest answer */
	struct pool_tried tried;
	uint8_t attempts;
	uint8_t rank : 2; /* enum flow_rank */
	bool reached : 1; /* the server is taken to have been */
	bool over : 1;
};

static inline struct door *
flow_door(const struct flow *flow)
{
	return flow->door;
}

static inline struct pool *
flow_pool(const struct flow *flow)
{
	return flow_door(flow)->service->pool;
}

static inline uint64_t
flow_now(const struct flow *flow)
{
	return loop_now(flow_door(flow)->service->set->loop);
}

/*
 * Begin a flow for a client that has sent n datagrams to the door: lists, limits, a
 * server, a socket.  Where a limit is full, another flow makes room.  NULL:
 * it may not be; the datagrams are counted, and to be dropped.
 */
struct flow *flow_begin(
    struct door *door, const struct flow_key *key, uint32_t hash, size_t n);

/* Send n datagrams of its client to the server.  It may be over then. */
void flow_forward(
    struct flow *flow, const struct dgram_message *messages, size_t n);

/* End it.  Does nothing if it is over.  error is the errno value behind the
 * reason, or 0. */
void flow_end(struct flow *flow, enum reason reason, int error);

/* A record that it goes on. */
void flow_tell_progress(const struct flow *flow);

/* Called from within: flow_server.c. */

/* Find a server and connect to it, with as many attempts as are left.
 * REASON_NONE; or the reason, with the last error in flow->error, and the
 * entry holds no server. */
enum reason flow_connect(struct flow *flow);

/* The server has answered, again after an error; or it was silent for so long
 * that it is taken to have got what was sent: not all of them answer. */
void flow_reached(struct flow *flow);
bool flow_was_patient(const struct flow *flow);

/* An ICMP error has come for what was sent to the server.  The flow may be
 * over then, or have another server. */
void flow_failed(struct flow *flow, int error);

/* flow_pass.c: the socket to the server is ready. */
void flow_call(struct io *io);

#endif
