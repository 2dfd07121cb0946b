/*
 * Why a session ended, or never began.  One table: the code is the index,
 * the counters have a cell for each, and the access record, the summary and
 * the metrics all use its name.
 */
#ifndef MUXD_STATE_REASON_H
#define MUXD_STATE_REASON_H

#include <stdbool.h>
#include <stddef.h>

enum reason {
	REASON_NONE, /* the session lives */
	/* A session ended. */
	REASON_CLIENT_CLOSED,
	REASON_CLIENT_RESET,
	REASON_CLIENT_LOST,    /* ETIMEDOUT, EHOSTUNREACH, … */
	REASON_SERVED,         /* the service had said all it had to say */
	REASON_PROTOCOL_ERROR, /* the client broke the protocol */
	REASON_IDLE_TIMEOUT,
	REASON_FIRST_BYTE_TIMEOUT,
	REASON_REQUEST_TIMEOUT, /* a head or body came too slowly */
	REASON_LIFETIME,
	REASON_DRAINED, /* the daemon stops, and the client was idle */
	REASON_DRAIN_DEADLINE,
	REASON_STOPPED, /* the daemon was told to stop at once */
	REASON_ADMIN,   /* the administrator ended it */
	REASON_REMOVED, /* UDP: a reload removed its address */
	REASON_WORKER_DIED,
	/* A relayed session ended. */
	REASON_SERVER_CLOSED,
	REASON_SERVER_RESET,
	REASON_SERVER_LOST,        /* ETIMEDOUT, EHOSTUNREACH, … */
	REASON_HALF_CLOSE_TIMEOUT, /* one side had ended, the other was still */
	REASON_CONNECT_REFUSED,    /* no attempt succeeded; the last one's */
	REASON_CONNECT_UNREACHABLE,
	REASON_CONNECT_TIMEOUT,
	REASON_CONNECT_FAILED, /* another error: see errno */
	REASON_NO_LOCAL_PORT,  /* EADDRNOTAVAIL */
	REASON_NO_DESCRIPTOR,  /* EMFILE, ENFILE: none for the server's side */
	REASON_NO_SERVER,      /* none is left that could be used */
	REASON_SERVER_LOOP,    /* the server is muxd's own listener */
	REASON_QUEUE_FULL,
	REASON_QUEUE_TIMEOUT,
	REASON_RESPONDED, /* UDP: pool.udp.responses came */
	REASON_EVICTED,   /* UDP: the longest idle makes room for a new one */
	REASON_NO_MEMORY,
	REASON_INTERNAL, /* an error that should not be: see errno */
	/* A client was turned away before it had a session. */
	REASON_DENIED,        /* deny, or not in allow */
	REASON_BANNED,        /* by the administrator */
	REASON_DAEMON_FULL,   /* limits.connections */
	REASON_SERVICE_FULL,  /* service.limit.connections */
	REASON_SERVICE_RATE,  /* service.limit.rate */
	REASON_SOURCE_FULL,   /* limits.per_source, service.limit.per_source */
	REASON_SOURCE_RATE,   /* service.limit.source_rate */
	REASON_SOURCES_FULL,  /* no place left to count another source */
	REASON_WORKER_FULL,   /* no descriptor, ledger place or memory */
	REASON_PROXY_MISSING, /* accept_proxy: none came from who must send it,
				 or a bad one */
	REASON_PROXY_UNTRUSTED, /* one came from who must not */
	REASON_PROXY_TIMEOUT,
	REASON_DRAINING, /* drained by order; UDP: the daemon stops, and new
			    sessions are too late */
	REASON_COUNT
};

enum reason_who { WHO_NOBODY, WHO_CLIENT, WHO_SERVER, WHO_MUXD, WHO_ADMIN };

struct reason_info {
	enum reason code;
	const char *name; /* "idle_timeout": for records and metrics */
	enum reason_who who;
	bool refused;     /* no session had begun */
	const char *text; /* an English sentence without a full stop */
};

/* The row of a code; codes out of range give that of REASON_INTERNAL. */
const struct reason_info *reason_info(enum reason code);

/* The reason of that name, of len bytes; REASON_NONE if there is none. */
enum reason reason_find(const char *name, size_t len);

/* Whether it is an end that nobody need worry about. */
bool reason_is_benign(enum reason code);

/* "client", "server", "muxd", "admin", "nobody". */
const char *reason_who_name(enum reason_who who);

#endif
