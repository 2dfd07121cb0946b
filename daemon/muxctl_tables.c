/*
 * Which columns the answers of muxd are shown with.
 */
#include "muxctl_table.h"

#define TABLE(columns)                                          \
	{                                                       \
		columns, sizeof(columns) / sizeof((columns)[0]) \
	}

static const struct column service_columns[] = {
	{ "SERVICE", "name", CELL_TEXT },
	{ "HANDLER", "handler", CELL_TEXT },
	{ "POOL", "pool", CELL_TEXT },
	{ "NOW", "connections", CELL_COUNT },
	{ "MAX", "limits.connections.max", CELL_MAX },
	{ "ACCEPTED", "accepted", CELL_COUNT },
	{ "SESSIONS", "sessions", CELL_COUNT },
	{ "IN", "bytes_in", CELL_BYTES },
	{ "OUT", "bytes_out", CELL_BYTES },
	{ "LISTENS ON", "listen", CELL_LIST },
};

static const struct column pool_columns[] = {
	{ "POOL", "name", CELL_TEXT },
	{ "BALANCE", "balance", CELL_TEXT },
	{ "USABLE", "servers", CELL_USABLE },
	{ "NOW", "connections", CELL_COUNT },
	{ "SESSIONS", "sessions", CELL_COUNT },
	{ "FAILED", "failed", CELL_COUNT },
	{ "TO", "bytes_to", CELL_BYTES },
	{ "FROM", "bytes_from", CELL_BYTES },
	{ "QUEUE", "queue.held", CELL_COUNT },
	{ "MAX", "queue.max", CELL_MAX },
	{ "DEFINED AT", "", CELL_PLACE },
};

static const struct column server_columns[] = {
	{ "SERVER", "", CELL_SERVER },
	{ "ADDRESS", "address", CELL_TEXT },
	{ "STATUS", "status", CELL_TEXT },
	{ "WEIGHT", "places.0.weight", CELL_COUNT },
	{ "NOW", "connections", CELL_COUNT },
	{ "MAX", "places.0.connections.max", CELL_MAX },
	{ "SESSIONS", "sessions", CELL_COUNT },
	{ "FAILED", "failed", CELL_COUNT },
	{ "EJECTED", "ejected", CELL_COUNT },
	{ "TO", "bytes_to", CELL_BYTES },
	{ "FROM", "bytes_from", CELL_BYTES },
};

static const struct column session_columns[] = {
	{ "SESSION", "session", CELL_TEXT },
	{ "SERVICE", "service", CELL_TEXT },
	{ "CLIENT", "client", CELL_TEXT },
	{ "SERVER", "server", CELL_TEXT },
	{ "PHASE", "phase", CELL_TEXT },
	{ "WORKER", "worker", CELL_COUNT },
	{ "AGE", "start_us", CELL_AGE },
	{ "IN", "bytes_in", CELL_BYTES },
	{ "OUT", "bytes_out", CELL_BYTES },
};

static const struct column source_columns[] = {
	{ "SOURCE", "source", CELL_TEXT },
	{ "SESSIONS", "sessions", CELL_COUNT },
};

static const struct column limit_columns[] = {
	{ "LIMIT", "name", CELL_TEXT },
	{ "OF", "", CELL_OWNER },
	{ "HELD", "held", CELL_LIMIT },
	{ "MAX", "max", CELL_LIMIT },
	{ "LOAD", "load", CELL_PERCENT },
	{ "DEFINED AT", "", CELL_PLACE },
};

static const struct column worker_columns[] = {
	{ "WORKER", "slot", CELL_TEXT },
	{ "PHASE", "phase", CELL_TEXT },
	{ "PID", "pid", CELL_TEXT },
	{ "STARTS", "starts", CELL_COUNT },
	{ "BEAT", "heartbeat_age_ms", CELL_MS },
	{ "NOW", "sessions", CELL_COUNT },
	{ "SHARE", "session_share", CELL_PERCENT },
	{ "ACCEPTED", "accepted", CELL_COUNT },
	{ "SHARE", "accepted_share", CELL_PERCENT },
	{ "IN", "bytes_in", CELL_BYTES },
	{ "OUT", "bytes_out", CELL_BYTES },
	{ "MEMORY", "memory", CELL_BYTES },
};

static const struct column close_columns[] = {
	{ "REASON", "reason", CELL_TEXT },
	{ "SERVICE", "service", CELL_TEXT },
	{ "BY", "who", CELL_TEXT },
	{ "COUNT", "count", CELL_COUNT },
	{ "MEANS", "text", CELL_TEXT },
};

static const struct column failure_columns[] = {
	{ "SERVER", "", CELL_SERVER },
	{ "FAILED", "failed", CELL_COUNT },
	{ "EJECTED", "ejected", CELL_COUNT },
	{ "ERRORS", "errors", CELL_COUNT },
};

static const struct column ban_columns[] = {
	{ "PREFIX", "prefix", CELL_TEXT },
	{ "LEFT", "left_ms", CELL_MS },
};

static const struct {
	enum command_id id;
	const char *rows;
	struct table table;
} tables[] = {
	{ COMMAND_SHOW_SERVICES, "services", TABLE(service_columns) },
	{ COMMAND_SHOW_POOLS, "pools", TABLE(pool_columns) },
	{ COMMAND_SHOW_SERVERS, "servers", TABLE(server_columns) },
	{ COMMAND_SHOW_SESSIONS, "", TABLE(session_columns) },
	{ COMMAND_SHOW_SOURCES, "sources", TABLE(source_columns) },
	{ COMMAND_SHOW_LIMITS, "limits", TABLE(limit_columns) },
	{ COMMAND_SHOW_WORKERS, "workers", TABLE(worker_columns) },
	{ COMMAND_SHOW_ERRORS, "errors.closes", TABLE(close_columns) },
	{ COMMAND_SHOW_ERRORS, "errors.servers", TABLE(failure_columns) },
	{ COMMAND_SHOW_BANS, "bans", TABLE(ban_columns) },
};

const struct table *
table_of(enum command_id id, size_t nth, const char **rows)
{
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (tables[i].id != id || nth-- > 0)
			continue;
		*rows = tables[i].rows;
		return &tables[i].table;
	}
	return NULL;
}
