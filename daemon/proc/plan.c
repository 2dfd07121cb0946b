/*
 * The numbers of a start.
 */
#include "proc/plan.h"

#include <sys/resource.h>
#include <sys/select.h>

#include <errno.h>
#include <string.h>

#include "base/compat.h"
#include "monitor/status.h"
#include "net/splice.h"
#include "proc/slots.h"

/* Descriptors of a worker beside its connections, its listening sockets and
 * the bells of the others: stdio, channel, log, poll descriptor, and some to
 * spare for libraries. */
#define PLAN_SPARE 32

/* Daemons that can share the state while one takes over from the other. */
#define PLAN_SIDES 2

/* Slots for workers that a reload may add: so many times what there could be
 * at the start; but their channels take no more than this part of the
 * descriptors. */
#define PLAN_SLOTS_FACTOR 4
#define PLAN_SLOTS_PART   64

/* The table of sources: room for two of each connection (the daemon's and the
 * service's) and three times that, so that a place is always near, between
 * bounds that cost little untouched. */
#define PLAN_SOURCES_FACTOR 8
#define PLAN_SOURCES_MIN    65536
#define PLAN_SOURCES_MAX    (1U << 24)

/* Checks of servers that are under way at once, each with a descriptor. */
#define PLAN_CHECKS_MAX 1024

/* What can be there at once, with what reloads add.  Memory that is never
 * touched costs nothing. */
#define PLAN_SERVICES_SPARE 64
#define PLAN_POOLS_SPARE    64
#define PLAN_SERVERS_SPARE  2048
#define PLAN_SERVERS_MAX    UINT16_MAX /* of the shared state */

static uint64_t
plan_raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
			(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur > INT32_MAX ? INT32_MAX : limit.rlim_cur;
}

static uint64_t
plan_listeners(const struct conf *conf)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < conf->nservices; i++)
		n += conf->services[i].nlisten;
	return n;
}

/* Workers of both sides, if there are numbers for so many: else the other side
 * begins with memory of its own. */
static uint64_t
plan_bells(const struct plan *plan)
{
	uint64_t workers = PLAN_SIDES * (uint64_t)plan->slots;

	return workers <= TALLY_WORKERS ? workers : plan->slots;
}

/* What the master holds: a socket of each listener for each slot that has them,
 * a channel to each worker, the ends of a channel of records for each slot, and
 * those of the bells of both sides.  A worker inherits some of the highest of
 * them. */
static uint64_t
plan_masters(const struct plan *plan, const struct conf *conf)
{
	return PLAN_SPARE + plan->bound * plan_listeners(conf) + plan->workers +
	    2 * (uint64_t)plan->slots + 2 * plan_bells(plan) +
	    conf->status.nlisten;
}

static bool
plan_relays(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->nservices; i++)
		if (conf->services[i].handler == HANDLER_RELAY)
			return true;
	return false;
}

/* Half of what the channels of records, the bells of the workers and the
 * status page leave the monitor, which has other work. */
static unsigned
plan_checks(const struct plan *plan, const struct conf *conf)
{
	uint64_t used = PLAN_SPARE + 2 + plan->slots + plan_bells(plan);
	uint64_t checks;

	if (conf->status.nlisten > 0)
		used += conf->status.nlisten + STATUS_DESCRIPTORS;
	checks = plan->nofile > used ? (plan->nofile - used) / 2 : 0;
	if (checks > PLAN_CHECKS_MAX)
		checks = PLAN_CHECKS_MAX;
	return checks > 0 ? (unsigned)checks : 1;
}

void
plan_shape(struct plan *plan, const struct conf *conf)
{
	uint64_t sources = plan->per_worker * plan->slots * PLAN_SOURCES_FACTOR;
	uint64_t servers = slots_places(conf) + PLAN_SERVERS_SPARE;

	/* A reload may raise limits.connections to all that can be held, by as
	 * many workers as there is room for. */
	if (sources < PLAN_SOURCES_MIN)
		sources = PLAN_SOURCES_MIN;
	if (sources > PLAN_SOURCES_MAX)
		sources = PLAN_SOURCES_MAX;
	plan->shape.workers = (uint32_t)plan_bells(plan);
	plan->shape.slots = plan->slots;
	plan->shape.services = (uint32_t)conf->nservices + PLAN_SERVICES_SPARE;
	/* One more: who asks to come in has an entry too. */
	plan->shape.sessions = (uint32_t)plan->per_worker + 1;
	plan->shape.sources = (uint32_t)sources;
	plan->shape.pools = (uint32_t)conf->npools + PLAN_POOLS_SPARE;
	plan->shape.servers =
	    servers < PLAN_SERVERS_MAX ? (uint32_t)servers : PLAN_SERVERS_MAX;
}

/* select(2) cannot hold higher ones, however many there may be. */
static uint64_t
plan_watchable(uint64_t nofile, const char *event_backend)
{
	if (strcmp(event_backend, "select") == 0 && nofile > FD_SETSIZE)
		return FD_SETSIZE;
	return nofile;
}

int
plan_update(struct plan *plan, const struct conf *conf)
{
	/* A relayed connection has two ends. */
	uint64_t ends = plan_relays(conf) ? 2 : 1;
	uint64_t used;

	/* One worker looks after the sockets of slots that have none. */
	used = PLAN_SPARE + plan_bells(plan) +
	    plan_listeners(conf) * (1 + plan->bound - plan->workers);
	if (ends == 2)
		used += 2 * PIPES_MAX;
	if (plan->nofile < used + ends ||
	    plan->nofile <= plan_masters(plan, conf)) {
		errno = EMFILE;
		return -1;
	}
	plan->per_worker = (plan->nofile - used) / ends;
	plan->holdable = plan->per_worker * plan->workers;
	if (plan->holdable > TALLY_MAX)
		plan->holdable = TALLY_MAX;
	plan->pin = plan->workers == plan->ncpus;
	plan->connections_set = conf->connections != 0;
	plan->connections =
	    plan->connections_set ? conf->connections : plan->holdable;
	return 0;
}

unsigned
plan_workers(const struct plan *plan, const struct conf *conf)
{
	unsigned workers = conf->workers != 0 ? conf->workers : plan->usable;

	return workers < TALLY_WORKERS ? workers : TALLY_WORKERS;
}

/* A slot costs descriptors and memory that is not touched. */
static unsigned
plan_slots(const struct plan *plan)
{
	uint64_t slots =
	    plan->workers > plan->usable ? plan->workers : plan->usable;
	uint64_t most = plan->workers + plan->nofile / PLAN_SLOTS_PART;

	slots *= PLAN_SLOTS_FACTOR;
	if (slots > most)
		slots = most;
	/* Rather room for two sides than for more workers than asked for. */
	if (slots > TALLY_WORKERS / PLAN_SIDES)
		slots = plan->workers > TALLY_WORKERS / PLAN_SIDES
		    ? plan->workers
		    : TALLY_WORKERS / PLAN_SIDES;
	return (unsigned)slots;
}

int
plan_make(struct plan *plan, const struct conf *conf, const char *event_backend)
{
	memset(plan, 0, sizeof(*plan));
	plan->usable = compat_usable_cpus(plan->cpus, PLAN_CPUS, &plan->ncpus);
	plan->workers = plan->bound = plan_workers(plan, conf);
	plan->nofile = plan_watchable(plan_raise_nofile(), event_backend);
	plan->slots = plan_slots(plan);
	if (plan_update(plan, conf) == -1)
		return -1;
	plan->checks = plan_checks(plan, conf);
	plan_shape(plan, conf);
	return 0;
}
