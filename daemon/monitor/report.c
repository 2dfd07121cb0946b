/*
 * The report on the whole: status, workers, ends.
 */
#include "monitor/report.h"

#include <stdio.h>

#include "monitor/report_common.h"
#include "net/bufpool.h"

/* ---- what is wrong ---- */

__attribute__((format(printf, 3, 4))) static void
report_say(struct report *report, json_t *array, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	report_push(report, array, json_vsprintf(fmt, args));
	va_end(args);
}

static unsigned
report_workers_wanted(const struct report_source *source)
{
	unsigned i, n = 0;

	for (i = 0; i < state_slots(source->state); i++)
		n += report_worker_wanted(source, i);
	return n;
}

/* Those that drain: because muxd does, or because they are retired. */
static unsigned
report_workers_draining(const struct report_source *source, bool wanted)
{
	unsigned i, n = 0;

	for (i = 0; i < state_slots(source->state); i++)
		n += report_worker_shown(source, i) &&
		    report_worker_wanted(source, i) == wanted &&
		    atomic_load(&report_worker(source, i)->phase) ==
			WORKER_DRAINING;
	return n;
}

static unsigned
report_workers_well(const struct report_source *source, uint64_t now_ms)
{
	unsigned i, n = 0;

	for (i = 0; i < state_slots(source->state); i++)
		n += report_worker_wanted(source, i) &&
		    report_worker_well(source, i, now_ms);
	return n;
}

static json_t *
report_make_problems(struct report *report)
{
	const struct report_source *source = report->source;
	json_t *problems = report_array(report);

	if (state_node_order(source->state) != NODE_ENABLED)
		report_say(report, problems, "muxd is drained by order%s",
		    state_node_order(source->state) == NODE_REFUSING
			? ", and refuses new clients"
			: "");
	if (report_workers_well(source, report->now_ms) > 0)
		return problems;
	if (report_workers_draining(source, true) > 0)
		report_say(report, problems, "muxd drains");
	else
		report_say(report, problems, "no worker serves");
	return problems;
}

static void
report_warn_pool(struct report *report, json_t *warnings,
    const struct conf_pool *pool, unsigned nusable, unsigned nenabled)
{
	if (nusable == 0)
		report_say(report, warnings,
		    "pool \"%s\" has no server that could be used", pool->name);
	else if (nusable < nenabled)
		report_say(report, warnings,
		    "pool \"%s\": %u of %u servers cannot be used", pool->name,
		    nenabled - nusable, nenabled);
}

static void
report_warn_pools(struct report *report, json_t *warnings)
{
	const struct report_source *source = report->source;
	const struct conf_pool *pool = NULL;
	struct report_server found = { 0 };
	unsigned usable = 0, enabled = 0;
	size_t at = 0;

	while (report_next_server(source, &at, &found)) {
		if (found.pool != pool) {
			if (pool != NULL)
				report_warn_pool(
				    report, warnings, pool, usable, enabled);
			pool = found.pool;
			usable = enabled = 0;
		}
		if (atomic_load(&source->state->servers[found.first].admin) ==
		    SERVER_ADMIN_ENABLED)
			enabled++;
		usable +=
		    report_server_usable(source->state, &found, report->now_ms);
	}
	if (pool != NULL)
		report_warn_pool(report, warnings, pool, usable, enabled);
}

static json_t *
report_make_warnings(struct report *report)
{
	const struct report_source *source = report->source;
	json_t *warnings = report_array(report);
	unsigned well = report_workers_well(source, report->now_ms);
	unsigned wanted = report_workers_wanted(source);

	if (well > 0 && well < wanted)
		report_say(report, warnings, "%u of %u workers do not serve",
		    wanted - well, wanted);
	report_warn_pools(report, warnings);
	if (source->connections_max > 0 &&
	    tally_read(&source->state->total->tally) >= source->connections_max)
		report_say(report, warnings,
		    "limits.connections is reached: %llu",
		    (unsigned long long)source->connections_max);
	return warnings;
}

json_t *
report_problems(const struct report_source *source, uint64_t now_ms)
{
	struct report report = { .source = source, .now_ms = now_ms };

	return report_finish(&report, report_make_problems(&report));
}

/* ---- status ---- */

static json_t *
report_make_workers_count(struct report *report)
{
	const struct report_source *source = report->source;
	json_t *count = report_object(report);

	report_set_uint(
	    report, count, "configured", report_workers_wanted(source));
	report_set_uint(
	    report, count, "well", report_workers_well(source, report->now_ms));
	report_set_uint(report, count, "draining",
	    report_workers_draining(source, true) +
		report_workers_draining(source, false));
	return count;
}

void
report_count(const struct report_source *source, uint64_t now_ms,
    struct report_counts *counts)
{
	struct report_server found = { 0 };
	size_t at = 0;

	*counts = (struct report_counts){ .sessions = report_live(source) };
	while (report_next_server(source, &at, &found)) {
		counts->servers++;
		counts->usable +=
		    report_server_usable(source->state, &found, now_ms);
	}
}

static json_t *
report_make_servers_count(struct report *report)
{
	json_t *count = report_object(report);
	struct report_counts counts;

	report_count(report->source, report->now_ms, &counts);
	report_set_uint(report, count, "configured", counts.servers);
	report_set_uint(report, count, "usable", counts.usable);
	return count;
}

static json_t *
report_make_load(struct report *report, uint64_t held, uint64_t max)
{
	json_t *load = report_object(report);

	report_set_load(report, load, held, max);
	return load;
}

uint64_t
report_dropped(const struct state *state)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < state->shape.workers; i++)
		n += atomic_load(&state->workers[i].log_dropped);
	return n;
}

json_t *
report_status(const struct report_source *source, uint64_t now_ms)
{
	struct report report = { .source = source, .now_ms = now_ms };
	const struct state *state = source->state;
	json_t *status = report_object(&report);
	json_t *problems = report_make_problems(&report);

	report_set_text(&report, status, "version", source->version);
	report_set_uint(&report, status, "pid", (uint64_t)source->pid);
	report_set_uint(&report, status, "uptime_ms",
	    now_ms > source->started_ms ? now_ms - source->started_ms : 0);
	report_set_text(
	    &report, status, "node", state_node_name(state_node_order(state)));
	report_set_bool(
	    &report, status, "healthy", json_array_size(problems) == 0);
	report_set(&report, status, "problems", problems);
	report_set(&report, status, "warnings", report_make_warnings(&report));
	report_set(
	    &report, status, "workers", report_make_workers_count(&report));
	report_set(
	    &report, status, "servers", report_make_servers_count(&report));
	report_set_uint(&report, status, "services", source->conf->nservices);
	report_set_uint(&report, status, "pools", source->conf->npools);
	report_set_uint(&report, status, "sessions", report_live(source));
	report_set(&report, status, "connections",
	    report_make_load(&report, tally_read(&state->total->tally),
		source->connections_max));
	report_set(&report, status, "memory",
	    report_make_load(&report,
		(uint64_t)tally_read(&state->memory->tally) * CHUNK_SIZE,
		source->conf->memory));
	report_set_uint(&report, status, "log_dropped", report_dropped(state));
	report_set_uint(&report, status, "log_lost",
	    atomic_load(&state->monitor->log_lost));
	return report_finish(&report, status);
}

/* ---- workers ---- */

static bool
report_is_leaving(const struct report_source *source, unsigned number)
{
	return number < source->first ||
	    number >= source->first + state_slots(source->state);
}

static bool
report_worker_moves(const struct report *report, unsigned number)
{
	const struct report_source *source = report->source;

	return !report_is_leaving(source, number) &&
	    report_worker_well(source, number - source->first, report->now_ms);
}

/* A counter of the slot, but for what those that leave have a row for; of one of
 * them, what is its own. */
static uint64_t
report_worker_counter(
    const struct report_source *source, unsigned number, enum counter counter)
{
	const struct state *state = source->state;
	uint64_t n = state_worker_events(state, number, counter);
	unsigned i;

	if (report_is_leaving(source, number))
		return n;
	for (i = state_slot(state, number); i < state->shape.workers;
	     i += state_slots(state))
		if (i != number && atomic_load(&state->workers[i].pid) == 0)
			n += state_worker_events(state, i, counter);
	return n;
}

static json_t *
report_make_worker(
    struct report *report, unsigned number, uint64_t live, uint64_t accepted)
{
	const struct report_source *source = report->source;
	const struct state_worker *worker = &source->state->workers[number];
	uint64_t beat = atomic_load(&worker->heartbeat_ms);
	uint64_t sessions = atomic_load(&worker->sessions);
	uint64_t own = report_worker_counter(source, number, COUNTER_ACCEPTED);
	json_t *row = report_object(report);

	report_set_uint(report, row, "slot", state_slot(source->state, number));
	report_set_bool(
	    report, row, "leaving", report_is_leaving(source, number));
	report_set_text(report, row, "phase",
	    report_phase_name(atomic_load(&worker->phase)));
	report_set_bool(
	    report, row, "well", report_worker_moves(report, number));
	report_set_uint(
	    report, row, "pid", (uint64_t)atomic_load(&worker->pid));
	report_set_uint(report, row, "heartbeat_age_ms",
	    beat != 0 && report->now_ms > beat ? report->now_ms - beat : 0);
	report_set_uint(report, row, "starts", atomic_load(&worker->starts));
	report_set_uint(
	    report, row, "generation", atomic_load(&worker->generation));
	report_set_uint(report, row, "sessions", sessions);
	report_set_real(report, row, "session_share",
	    live > 0 ? (double)sessions / (double)live : 0);
	report_set_uint(report, row, "accepted", own);
	report_set_real(report, row, "accepted_share",
	    accepted > 0 ? (double)own / (double)accepted : 0);
	report_set_uint(report, row, "bytes_in",
	    report_worker_counter(source, number, COUNTER_BYTES_IN));
	report_set_uint(report, row, "bytes_out",
	    report_worker_counter(source, number, COUNTER_BYTES_OUT));
	report_set_uint(report, row, "memory",
	    (uint64_t)atomic_load(&worker->memory_held) * CHUNK_SIZE);
	report_set_uint(
	    report, row, "log_dropped", atomic_load(&worker->log_dropped));
	return row;
}

json_t *
report_workers(const struct report_source *source, uint64_t now_ms)
{
	struct report report = { .source = source, .now_ms = now_ms };
	json_t *workers = report_array(&report);
	uint64_t live = report_live(source), accepted = 0;
	unsigned i;

	for (i = 0; i < state_slots(source->state); i++)
		accepted +=
		    report_slot_counter(source->state, i, COUNTER_ACCEPTED);
	for (i = 0; i < state_slots(source->state); i++)
		if (report_worker_shown(source, i))
			report_push(&report, workers,
			    report_make_worker(
				&report, source->first + i, live, accepted));
	for (i = 0; i < source->state->shape.workers; i++)
		if (report_is_leaving(source, i) &&
		    atomic_load(&source->state->workers[i].pid) != 0)
			report_push(&report, workers,
			    report_make_worker(&report, i, live, accepted));
	return report_finish(&report, workers);
}
