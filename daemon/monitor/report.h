/*
 * What muxd is doing, as JSON: built from the shared state and the
 * configuration alone, without asking any process and without a socket, so
 * that the status page and the control socket say the same.
 *
 * Every function returns a new object that the caller releases with
 * json_decref(), or NULL with ENOMEM.  Times are milliseconds (*_ms), sizes
 * bytes; counts are those of all workers together, and since the shared
 * memory was made, so they never go back.  What the configuration names is
 * in its order.  Nothing here waits for a lock, and what it looks at is
 * bounded: the whole of the configuration, and of the sessions as many as
 * REPORT_EXAMINED.
 *
 * now_ms is the monotonic clock.
 */
#ifndef MUXD_MONITOR_REPORT_H
#define MUXD_MONITOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "state/state.h"

/* Entries of the ledger that one report looks at. */
#define REPORT_EXAMINED 65536

/* Sessions, or sources, that one report tells of at most. */
#define REPORT_ROWS_MAX 1000

/* A worker whose heartbeat is older than this is not well: from then on the
 * master steers clients around it. */
#define REPORT_SILENT_MS 3000

/* What a report is about.  All of it stays the caller's. */
struct report_source {
	const struct state *state;
	const struct conf *conf;
	/* Where the things of conf are in the state, by the order of
	 * conf->services and of conf->pools; and the first place of each
	 * server, pool by pool. */
	const unsigned *services;
	const unsigned *pools;
	const unsigned *places;
	unsigned first;           /* the worker of slot 0 in the state */
	uint64_t connections_max; /* of the whole daemon */
	uint64_t started_ms;      /* when muxd started, monotonic */
	int32_t pid;              /* the master's */
	const char *version;
};

/* The few figures that stand for the whole. */
struct report_counts {
	uint64_t sessions; /* live ones */
	unsigned servers;  /* of all pools */
	unsigned usable;   /* of these: new sessions can be sent there */
};

/* Of a source, whose state, conf, pools and places suffice. */
void report_count(const struct report_source *source, uint64_t now_ms,
    struct report_counts *counts);

/* One object: version, pid, uptime, workers, sessions, how full the daemon's
 * own limits are, how many servers are usable, "healthy" and "problems" as
 * report_problems() has them, and "warnings": what is wrong but no reason to
 * send clients elsewhere. */
json_t *report_status(const struct report_source *source, uint64_t now_ms);

/*
 * An array of English sentences: why new clients had better go to another
 * node.  Empty while at least one worker serves and muxd is not drained by
 * order.
 */
json_t *report_problems(const struct report_source *source, uint64_t now_ms);

/* An array of services: addresses, limits and how full they are, counters,
 * and by reason how sessions ended; with by_worker also all counters of each
 * slot. */
json_t *report_services(
    const struct report_source *source, uint64_t now_ms, bool by_worker);

/* An array of pools, each with the sums of its servers, and with by_worker
 * also those of each slot, and an array of servers, each with an array of
 * places: the addresses that clients are sent to. */
json_t *report_pools(
    const struct report_source *source, uint64_t now_ms, bool by_worker);

/* An array of workers by slot: phase, heartbeat, memory, and what part of all
 * connections so far and of the sessions now they have had; behind them those
 * of the muxd that this one has taken over from, while they last ("leaving"). */
json_t *report_workers(const struct report_source *source, uint64_t now_ms);

/* An array of everything that has a bound, with how much of it is taken. */
json_t *report_limits(const struct report_source *source, uint64_t now_ms);

/* An array of all reasons that occurred: who ended it, how often, for which
 * service. */
json_t *report_closes(const struct report_source *source);

/* An object of what went wrong, counted: closes that nobody wished for,
 * servers that failed, records that were dropped; with by_worker the first two
 * also for each slot. */
json_t *report_errors(const struct report_source *source, bool by_worker);

/* Which sessions to tell of; zeroed memory means all of them. */
struct report_filter {
	const char *service;  /* a name, or NULL */
	const char *pool;     /* of the server */
	const char *server;   /* its name in the pool */
	struct prefix client; /* family ADDR_NONE: any */
	int worker;           /* a slot + 1; 0: any */
	unsigned max;         /* 0: 100; at most REPORT_ROWS_MAX */
	uint64_t from; /* where to go on: "next" of the report before, or 0 */
};

/* An object: "sessions", an array in the order of the ledger; "next", from
 * which to go on, null at the end; "live", how many there are in all. */
json_t *report_sessions(
    const struct report_source *source, const struct report_filter *filter);

/* An object: "sources", those with the most sessions (max 0: 100), an IPv6
 * source being a /64; "complete": whether all sessions were looked at, or as
 * many as REPORT_EXAMINED allows. */
json_t *report_sources(const struct report_source *source, unsigned max);

#endif
