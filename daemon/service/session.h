/*
 * A session: one client's stay, from its admission to its end.
 *
 *   QUEUED ─► CONNECTING ─► OPEN ─► HALF_CLOSED
 *      └───────────┴──────────┼────────┘
 *                      session_finish()
 *                             ▼
 *                          CLOSING ──queue empty──► LINGERING ──► end
 *   any ─────────────── session_end(reason) ────────────────────► end
 *
 * Sessions begin OPEN; the other phases of the first line are for handlers
 * that relay: QUEUED waits for a server that is full, CONNECTING for the
 * connection to it, and in HALF_CLOSED one direction has ended.
 *
 * OPEN: bytes go to the handler.  CLOSING: what is queued goes out, then the
 * sending direction is shut down; what comes in is read and dropped.
 * LINGERING: muxd waits for the client's FIN, for SESSION_LINGER_MS at most,
 * because closing a socket with unread input makes the kernel send a reset
 * that can overtake the answer.
 *
 * Every session ends in session_end(), with a reason: it closes the socket,
 * releases every limit taken, counts, writes the access record.
 */
#ifndef MUXD_SERVICE_SESSION_H
#define MUXD_SERVICE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/loop.h"
#include "net/proxy.h"
#include "net/stream.h"
#include "service/service.h"
#include "state/ledger.h"

#define SESSION_LINGER_MS 2000

struct proxied;

enum session_phase {
	SESSION_QUEUED,
	SESSION_CONNECTING,
	SESSION_OPEN,
	SESSION_HALF_CLOSED,
	SESSION_CLOSING,
	SESSION_LINGERING
};

struct session {
	struct stream client;
	struct timer timer; /* the nearest of all its time-outs */
	union {
		struct list link;       /* among the worker's sessions */
		struct retired retired; /* when it is over */
	};
	struct door *door; /* how it came in; its service is door->service */
	struct ledger_entry *entry;
	struct proxied *proxied; /* what a PROXY header told; NULL: none came */
	uint64_t started_ms;     /* loop_now() */
	uint64_t deadline_ms;    /* the handler's; 0: none */
	uint32_t waited_ms;      /* for a limit, before it came in */
	union {                  /* the handler's own */
		void *data;
		size_t offset;
	};
	uint8_t phase;           /* enum session_phase */
	uint8_t deadline_reason; /* enum reason, if handler->deadline is NULL */
	uint8_t finish_reason;   /* enum reason, from session_finish() */
	bool over;
	bool cut_off; /* ends with a reset, for want of what was to come */
	bool guarded; /* see service/guard.h */
	struct proxy_sniff sniff; /* of these; what is held back of them */
};

/* Whether its handler may still do something. */
static inline bool
session_is_live(const struct session *session)
{
	return session->phase < SESSION_CLOSING;
}

/*
 * Begin a session on an admitted connection: entry holds what was taken for
 * it, and proxied is what its PROXY header told, or NULL if it has sent none.
 * All are the session's from here on, unless it returns -1 with errno: then
 * they are still the caller's.  waited_ms is how long it has waited for a
 * limit.
 *
 * A client that has sent none to a service with accept_proxy is not trusted to
 * send one: see service/guard.h.
 */
int session_begin(struct door *door, int fd, struct ledger_entry *entry,
    struct proxied *proxied, uint32_t waited_ms);

/* Send to the client.  The session may be over after a failed write only in
 * a later turn, so handlers need not check. */
void session_write(struct session *session, const void *data, size_t len);

/* Two parts, the second lent: valid as long as the service is. */
void session_write_lent(struct session *session, const void *head,
    size_t head_len, const void *body, size_t body_len);

/* Producer: as much as the client takes now; the number of bytes taken. */
size_t session_write_some(
    struct session *session, const void *data, size_t len);

/* Set the handler's own time-out, delay_ms from now; reason is how the
 * session ends if the handler has no deadline function.  0 takes it away. */
void session_set_deadline(
    struct session *session, uint64_t delay_ms, enum reason reason);

/* Go to another phase before CLOSING; its time-outs hold from now on. */
void session_set_phase(struct session *session, enum session_phase phase);

/* Count bytes that went to the client, or came from it, by another way than
 * session_write() and handler->data. */
void session_count_in(struct session *session, size_t len);
void session_count_out(struct session *session, size_t len);

/* End in order: flush, shut down, wait for the client's FIN, end. */
void session_finish(struct session *session, enum reason reason);

/* End at once.  Does nothing if it is over.  error is the errno value behind
 * the reason, or 0. */
void session_end(struct session *session, enum reason reason, int error);

/* The same with a reset instead of a FIN. */
void session_abort(struct session *session, enum reason reason, int error);

#endif
