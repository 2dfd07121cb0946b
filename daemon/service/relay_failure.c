/*
 * Servers that cannot be reached: why, and that it is logged.
 */
#include "service/relay_failure.h"

#include <errno.h>
#include <string.h>

enum reason
relay_reason_of_connect(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
	case ENOENT:
	case EAGAIN:
		return REASON_CONNECT_REFUSED;
	case ETIMEDOUT:
		return REASON_CONNECT_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
		return REASON_CONNECT_UNREACHABLE;
	case EADDRNOTAVAIL:
		return REASON_NO_LOCAL_PORT;
	case EMFILE:
	case ENFILE:
		return REASON_NO_DESCRIPTOR;
	case ENOMEM:
	case ENOBUFS:
		return REASON_NO_MEMORY;
	case ELOOP:
		return REASON_SERVER_LOOP;
	default:
		return REASON_CONNECT_FAILED;
	}
}

bool
relay_may_retry(enum reason reason)
{
	return reason != REASON_NO_DESCRIPTOR && reason != REASON_NO_MEMORY;
}

void
relay_log_failure(struct door *door, const struct server *server,
    const struct addr *addr, int error, const char *option, unsigned attempt)
{
	struct services *set = door->service->set;
	struct log_record record;
	uint64_t left_out;

	if (!log_limit_pass(&door->errors, loop_now(set->loop), &left_out))
		return;
	log_record_begin(
	    &record, LOG_LEVEL_WARNING, "cannot connect to a server");
	log_record_str(&record, "service", door->service->conf->name);
	log_record_str(&record, "server", server->shared->name);
	if (addr->family != ADDR_UNIX)
		log_record_addr(&record, "address", addr);
	if (option != NULL)
		log_record_str(&record, "option", option);
	log_record_str(&record, "error", strerror(error));
	log_record_uint(&record, "attempt", attempt);
	if (left_out > 0)
		log_record_uint(&record, "left_out", left_out);
	log_emit(set->log, &record);
}
