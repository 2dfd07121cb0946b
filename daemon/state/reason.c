/*
 * The table of reasons: one row a code, in the order of the codes.  Names
 * are an interface (records, metrics, dashboards) and never change; a code
 * that is no longer used keeps its row.
 */
#include "state/reason.h"

#include <stddef.h>
#include <string.h>

#define ENDED(code, name, who, text) [code] = { code, name, who, false, text }

#define REFUSED(code, name, text)    [code] = { code, name, WHO_MUXD, true, text }

static const struct reason_info reasons[REASON_COUNT] = {
	ENDED(REASON_NONE, "none", WHO_NOBODY, "the session lives"),
	ENDED(REASON_CLIENT_CLOSED, "client_closed", WHO_CLIENT,
	    "the client closed the connection"),
	ENDED(REASON_CLIENT_RESET, "client_reset", WHO_CLIENT,
	    "the client reset the connection"),
	ENDED(REASON_CLIENT_LOST, "client_lost", WHO_CLIENT,
	    "the client could no longer be reached"),
	ENDED(REASON_SERVED, "served", WHO_MUXD,
	    "the service had sent all it had to send"),
	ENDED(REASON_PROTOCOL_ERROR, "protocol_error", WHO_MUXD,
	    "the client broke the protocol"),
	ENDED(REASON_IDLE_TIMEOUT, "idle_timeout", WHO_MUXD,
	    "nothing was sent either way for the idle timeout"),
	ENDED(REASON_FIRST_BYTE_TIMEOUT, "first_byte_timeout", WHO_MUXD,
	    "the client said nothing for the first-byte timeout"),
	ENDED(REASON_REQUEST_TIMEOUT, "request_timeout", WHO_MUXD,
	    "the client's request did not arrive in time"),
	ENDED(REASON_LIFETIME, "lifetime", WHO_MUXD,
	    "the session reached the longest lifetime"),
	ENDED(REASON_DRAINED, "drained", WHO_ADMIN,
	    "the daemon stops, and the session had nothing to lose"),
	ENDED(REASON_DRAIN_DEADLINE, "drain_deadline", WHO_ADMIN,
	    "the session outlived the drain timeout"),
	ENDED(REASON_STOPPED, "stopped", WHO_ADMIN,
	    "the daemon was told to stop at once"),
	ENDED(REASON_ADMIN, "admin", WHO_ADMIN,
	    "the administrator ended the session"),
	ENDED(REASON_REMOVED, "removed", WHO_ADMIN,
	    "a reload removed the address that datagrams came in by"),
	ENDED(REASON_WORKER_DIED, "worker_died", WHO_MUXD,
	    "the worker that served the session died"),
	ENDED(REASON_SERVER_CLOSED, "server_closed", WHO_SERVER,
	    "the server closed the connection"),
	ENDED(REASON_SERVER_RESET, "server_reset", WHO_SERVER,
	    "the server reset the connection"),
	ENDED(REASON_SERVER_LOST, "server_lost", WHO_SERVER,
	    "the server could no longer be reached"),
	ENDED(REASON_HALF_CLOSE_TIMEOUT, "half_close_timeout", WHO_MUXD,
	    "one side had ended, and the other was silent for the half-close "
	    "timeout"),
	ENDED(REASON_CONNECT_REFUSED, "connect_refused", WHO_SERVER,
	    "the server refused the connection"),
	ENDED(REASON_CONNECT_UNREACHABLE, "connect_unreachable", WHO_SERVER,
	    "the server is unreachable"),
	ENDED(REASON_CONNECT_TIMEOUT, "connect_timeout", WHO_SERVER,
	    "the server did not take the connection in time"),
	ENDED(REASON_CONNECT_FAILED, "connect_failed", WHO_MUXD,
	    "the connection to the server could not be made"),
	ENDED(REASON_NO_LOCAL_PORT, "no_local_port", WHO_MUXD,
	    "no local port was left to connect to the server from"),
	ENDED(REASON_NO_DESCRIPTOR, "no_descriptor", WHO_MUXD,
	    "no descriptor was left for the connection to the server"),
	ENDED(REASON_NO_SERVER, "no_server", WHO_MUXD,
	    "no server of the pool is left that could be used"),
	ENDED(REASON_SERVER_LOOP, "server_loop", WHO_MUXD,
	    "the server is a listener of muxd itself that leads back here"),
	ENDED(REASON_QUEUE_FULL, "queue_full", WHO_MUXD,
	    "all servers are full, and so is the pool's queue"),
	ENDED(REASON_QUEUE_TIMEOUT, "queue_timeout", WHO_MUXD,
	    "all servers were full for the queue timeout"),
	ENDED(REASON_RESPONDED, "responded", WHO_SERVER,
	    "the server has sent all responses that were expected"),
	ENDED(REASON_EVICTED, "evicted", WHO_MUXD,
	    "the longest idle session made room for a new one"),
	ENDED(REASON_NO_MEMORY, "no_memory", WHO_MUXD,
	    "there was no memory to go on"),
	ENDED(REASON_INTERNAL, "internal", WHO_MUXD,
	    "an error that should not occur ended the session"),
	REFUSED(REASON_DENIED, "denied",
	    "the client's address is denied, or not allowed"),
	[REASON_BANNED] = { REASON_BANNED, "banned", WHO_ADMIN, true,
	    "the administrator has banned the client's address" },
	REFUSED(REASON_DAEMON_FULL, "daemon_full",
	    "the daemon holds as many connections as it may"),
	REFUSED(REASON_SERVICE_FULL, "service_full",
	    "the service holds as many connections as it may"),
	REFUSED(REASON_SERVICE_RATE, "service_rate",
	    "the service gets more new connections than it may"),
	REFUSED(REASON_SOURCE_FULL, "source_full",
	    "the client's source holds as many connections as it may"),
	REFUSED(REASON_SOURCE_RATE, "source_rate",
	    "the client's source opens connections faster than it may"),
	REFUSED(REASON_SOURCES_FULL, "sources_full",
	    "there is no place left to count another source"),
	REFUSED(REASON_WORKER_FULL, "worker_full",
	    "the worker has no descriptor, place or memory left"),
	REFUSED(REASON_PROXY_MISSING, "proxy_missing",
	    "a PROXY header must come first, and none did, or a bad one"),
	REFUSED(REASON_PROXY_UNTRUSTED, "proxy_untrusted",
	    "a PROXY header came from a source that is not trusted"),
	REFUSED(REASON_PROXY_TIMEOUT, "proxy_timeout",
	    "the PROXY header did not arrive in time"),
	REFUSED(REASON_DRAINING, "draining",
	    "the daemon stops or is drained, and lets nobody in any more"),
};

const struct reason_info *
reason_info(enum reason code)
{
	if ((unsigned)code >= REASON_COUNT)
		return &reasons[REASON_INTERNAL];
	return &reasons[code];
}

enum reason
reason_find(const char *name, size_t len)
{
	int i;

	for (i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (strlen(reasons[i].name) == len &&
		    memcmp(reasons[i].name, name, len) == 0)
			return (enum reason)i;
	return REASON_NONE;
}

bool
reason_is_benign(enum reason code)
{
	switch (code) {
	case REASON_NONE:
	case REASON_CLIENT_CLOSED:
	case REASON_SERVED:
	case REASON_IDLE_TIMEOUT:
	case REASON_LIFETIME:
	case REASON_DRAINED:
	case REASON_STOPPED:
	case REASON_REMOVED:
	case REASON_SERVER_CLOSED:
	case REASON_RESPONDED:
		return true;
	default:
		return false;
	}
}

const char *
reason_who_name(enum reason_who who)
{
	static const char *const names[] = {
		[WHO_NOBODY] = "nobody",
		[WHO_CLIENT] = "client",
		[WHO_SERVER] = "server",
		[WHO_MUXD] = "muxd",
		[WHO_ADMIN] = "admin",
	};

	if ((size_t)who >= sizeof(names) / sizeof(names[0]))
		return names[WHO_NOBODY];
	return names[who];
}
