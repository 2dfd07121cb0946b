/*
 * The names of the counters, which records and metrics use; like those of
 * the reasons they never change.
 */
#include "state/counters.h"

#include <stddef.h>

static const char *const names[COUNTER_EVENTS] = {
	[COUNTER_ACCEPTED] = "accepted",
	[COUNTER_SESSIONS] = "sessions",
	[COUNTER_WAITED] = "waited",
	[COUNTER_BYTES_IN] = "bytes_in",
	[COUNTER_BYTES_OUT] = "bytes_out",
	[COUNTER_DATAGRAMS_IN] = "datagrams_in",
	[COUNTER_DATAGRAMS_OUT] = "datagrams_out",
	[COUNTER_DATAGRAMS_TRUNCATED] = "datagrams_truncated",
	[COUNTER_DATAGRAMS_GUARDED] = "datagrams_guarded",
	[COUNTER_DATAGRAMS_DENIED] = "datagrams_denied",
	[COUNTER_DATAGRAMS_LIMITED] = "datagrams_limited",
	[COUNTER_DATAGRAMS_EMPTY] = "datagrams_empty",
	[COUNTER_DATAGRAMS_UNSENT] = "datagrams_unsent",
	[COUNTER_REQUESTS] = "requests",
};

const char *
counter_name(enum counter counter)
{
	if ((unsigned)counter >= COUNTER_EVENTS)
		return "unknown";
	return names[counter];
}
