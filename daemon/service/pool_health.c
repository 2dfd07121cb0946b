/*
 * Passive health: servers that cannot be connected to are ejected, and tried
 * by one client when their time is over.
 *
 *   in use ──max_failures in a row──► ejected ──its time is over──► overdue
 *     ▲                                  ▲                            │
 *     │                                  │                     one client picks it
 *     │                                  └──its connect fails──┐      │
 *     └──────────────its connect succeeds──────────────────── probing ◄┘
 *
 *   in use    ejected_until_ms is 0
 *   ejected   it is in the future, probing is 0
 *   overdue   it is in the past
 *   probing   it is in the future, probing is 1: until then the client has
 *             time, afterwards the server is overdue again
 *
 * All workers change these words at once; who changes ejected_until_ms by a
 * compare-and-swap has made the step, and tells of it.  What connects that
 * began before the ejection come to in the meantime changes nothing.
 */
#include <errno.h>
#include <string.h>

#include "event/loop.h"
#include "service/pool.h"
#include "service/service.h"

/* How much later than its time-out a connect may be heard of. */
#define PROBE_SLACK_MS 1000

/* Up to this part of the time is added by chance. */
#define JITTER_PART 4

bool
pool_try_ejected(struct server *server)
{
	const struct pool *pool = server->pool;
	struct state_server *shared = server->shared;
	uint64_t now = loop_now(pool->set->loop);
	uint64_t until = atomic_load(&shared->ejected_until_ms);
	uint64_t patience = pool->conf->connect_timeout != 0
	    ? pool->conf->connect_timeout
	    : pool->conf->fail_timeout;

	if (until == 0)
		return true;
	if (until > now ||
	    !atomic_compare_exchange_strong(&shared->ejected_until_ms, &until,
		now + patience + PROBE_SLACK_MS))
		return false;
	atomic_store(&shared->probing, 1);
	return true;
}

static bool
is_servers_fault(const struct server *server, int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case EACCES: /* a socket's file, or an ICMP error of a filter */
	case ENOENT: /* a socket's file */
	case ENOTDIR:
	case EPROTOTYPE:
		return true;
	case EAGAIN: /* the accept queue of a UNIX socket is full */
		return server->addr.family == ADDR_UNIX;
	default:
		return false;
	}
}

static bool
is_ejected(const struct server *server)
{
	return atomic_load(&server->shared->ejected_until_ms) != 0;
}

/* Whether the servers of its tier that are ejected, with this one, are not
 * too many. */
static bool
may_be_ejected(const struct server *server)
{
	const struct pool *pool = server->pool;
	const struct pool_members *members =
	    &pool->tiers[server->conf->backup ? POOL_BACKUP : POOL_PRIMARY];
	uint64_t allowed = members->n * pool->conf->max_ejected / 100;
	uint64_t ejected = 1;
	size_t i;

	if (members->n < 2 || pool->conf->max_ejected == 0)
		return false;
	for (i = 0; i < members->n; i++)
		if (&pool->servers[members->items[i]] != server &&
		    is_ejected(&pool->servers[members->items[i]]))
			ejected++;
	return ejected <= (allowed > 0 ? allowed : 1);
}

static void
record_server(struct log_record *record, const struct server *server)
{
	log_record_str(record, "pool", server->pool->conf->name);
	log_record_str(record, "server", server->conf->name);
	if (server->addr.family == ADDR_UNIX)
		log_record_str(record, "address", server->conf->target.host);
	else
		log_record_addr(record, "address", &server->addr);
}

static void
tell_ejected(struct server *server, int error, uint64_t for_ms)
{
	const struct services *set = server->pool->set;
	struct log_record record;
	uint64_t left_out;

	if (!log_limit_pass(&server->ejections, loop_now(set->loop), &left_out))
		return;
	log_record_begin(&record, LOG_LEVEL_WARNING,
	    "server ejected: connecting to it fails");
	record_server(&record, server);
	log_record_str(&record, "error", strerror(error));
	log_record_uint(&record, "for_ms", for_ms);
	if (left_out > 0)
		log_record_uint(&record, "left_out", left_out);
	log_emit(set->log, &record);
}

static void
tell_recovered(struct server *server)
{
	const struct services *set = server->pool->set;
	struct log_record record;
	uint64_t left_out;

	if (!log_limit_pass(
		&server->recoveries, loop_now(set->loop), &left_out))
		return;
	log_record_begin(&record, LOG_LEVEL_NOTICE,
	    "server in use again: a connect has succeeded");
	record_server(&record, server);
	if (left_out > 0)
		log_record_uint(&record, "left_out", left_out);
	log_emit(set->log, &record);
}

static uint64_t
ejection_ms(struct pool *pool)
{
	uint64_t ms = pool->conf->fail_timeout;

	return ms + pool_random(pool) % (ms / JITTER_PART + 1);
}

/* Several workers may eject at once, each one server too many together: so
 * look again, and take it back. */
static void
eject(struct server *server, int error)
{
	struct state_server *shared = server->shared;
	struct pool *pool = server->pool;
	uint64_t for_ms = ejection_ms(pool), none = 0;
	uint64_t until = loop_now(pool->set->loop) + for_ms;

	if (!may_be_ejected(server) ||
	    !atomic_compare_exchange_strong(
		&shared->ejected_until_ms, &none, until))
		return;
	if (!may_be_ejected(server)) {
		(void)atomic_compare_exchange_strong(
		    &shared->ejected_until_ms, &until, 0);
		return;
	}
	counter_add(&server->counters->events[SERVER_COUNTER_EJECTED], 1);
	/* Who waits for it may go elsewhere. */
	state_wake_workers(pool->set->state);
	tell_ejected(server, error, for_ms);
}

void
pool_failing(struct server *server, int error)
{
	struct state_server *shared = server->shared;
	struct pool *pool = server->pool;
	uint32_t failures;

	if (pool->conf->max_failures == 0 || !is_servers_fault(server, error))
		return;
	failures = atomic_fetch_add(&shared->failures, 1) + 1;
	if (!is_ejected(server)) {
		if (failures >= pool->conf->max_failures)
			eject(server, error);
	} else if (atomic_exchange(&shared->probing, 0) != 0) {
		atomic_store(&shared->ejected_until_ms,
		    loop_now(pool->set->loop) + ejection_ms(pool));
	}
}

void
pool_connect_failed(struct server *server, int error)
{
	counter_add(&server->counters->events[SERVER_COUNTER_FAILED], 1);
	pool_failing(server, error);
}

/* A connect has succeeded after an ejection. */
static void
recover(struct server *server)
{
	struct state_server *shared = server->shared;
	struct services *set = server->pool->set;

	if (atomic_exchange(&shared->probing, 0) == 0)
		return;
	atomic_store(&shared->failures, 0);
	/* Before it is in use, so that nobody takes it for one that has its
	 * full share. */
	atomic_store(&shared->recovered_ms, loop_now(set->loop));
	atomic_store(&shared->ejected_until_ms, 0);
	tell_recovered(server);
	state_wake_workers(set->state);
}

void
pool_working(struct server *server)
{
	struct state_server *shared = server->shared;

	if (is_ejected(server))
		recover(server);
	else if (atomic_load_explicit(
		     &shared->failures, memory_order_relaxed) != 0)
		atomic_store(&shared->failures, 0);
}

void
pool_connected(struct server *server)
{
	counter_add(&server->counters->events[SERVER_COUNTER_SESSIONS], 1);
	pool_working(server);
}
