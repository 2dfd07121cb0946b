/*
 * The report on services, and on all that is bounded.
 */
#include <string.h>

#include "monitor/report_common.h"
#include "net/bufpool.h"

static void
report_set_counters(
    struct report *report, json_t *row, const struct counters *counters)
{
	int i;

	for (i = 0; i < COUNTER_EVENTS; i++)
		report_set_uint(report, row, counter_name((enum counter)i),
		    counter_read(&counters->events[i]));
}

static json_t *
report_make_ended(struct report *report, const struct counters *counters)
{
	json_t *ended = report_object(report);
	uint64_t n;
	int i;

	for (i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		n = counter_read(&counters->ended[i]);
		if (n > 0)
			report_set_uint(report, ended,
			    reason_info((enum reason)i)->name, n);
	}
	return ended;
}

/* Of all workers together. */
static void
report_add_up(const struct state *state, unsigned slot, struct counters *total)
{
	int i;

	for (i = 0; i < COUNTER_EVENTS; i++)
		atomic_init(&total->events[i],
		    state_sum_events(state, slot, (enum counter)i));
	for (i = 0; i < REASON_COUNT; i++)
		atomic_init(&total->ended[i],
		    state_sum_ended(state, slot, (enum reason)i));
}

/* Of the workers of a slot, on all sides. */
static void
report_add_up_slot(const struct state *state, unsigned slot, unsigned service,
    struct counters *total)
{
	const struct counters *counters;
	unsigned i;
	int j;

	memset(total, 0, sizeof(*total));
	for (i = slot; i < state->shape.workers; i += state_slots(state)) {
		counters = state_counters(state, i, service);
		for (j = 0; j < COUNTER_EVENTS; j++)
			counter_add(&total->events[j],
			    counter_read(&counters->events[j]));
		for (j = 0; j < REASON_COUNT; j++)
			counter_add(&total->ended[j],
			    counter_read(&counters->ended[j]));
	}
}

static json_t *
report_make_by_worker(struct report *report, unsigned slot)
{
	const struct state *state = report->source->state;
	json_t *rows = report_array(report), *row;
	struct counters counters;
	unsigned i;

	for (i = 0; i < state_slots(state); i++) {
		if (!report_slot_counts(report->source, i))
			continue;
		report_add_up_slot(state, i, slot, &counters);
		row = report_object(report);
		report_set_uint(report, row, "slot", i);
		report_set_counters(report, row, &counters);
		report_set(
		    report, row, "ended", report_make_ended(report, &counters));
		report_push(report, rows, row);
	}
	return rows;
}

static json_t *
report_make_listen(struct report *report, const struct conf_service *service)
{
	json_t *listen = report_array(report);
	char text[ENDPOINT_STRLEN];
	size_t i;

	for (i = 0; i < service->nlisten; i++)
		report_push(report, listen,
		    json_string(endpoint_format(
			&service->listen[i], text, sizeof(text))));
	return listen;
}

static json_t *
report_make_rate(
    struct report *report, const struct bucket *bucket, struct rate rate)
{
	json_t *row = report_object(report);
	char text[UNITS_STRLEN];

	report_set_text(
	    report, row, "max", units_format_rate(rate, text, sizeof(text)));
	report_set_real(report, row, "load",
	    report_rate_load(bucket, rate, report->now_ms));
	return row;
}

static json_t *
report_make_service_limits(struct report *report,
    const struct conf_service *service, const struct state_service *shared)
{
	json_t *limits = report_object(report), *row = report_object(report);

	report_set_load(report, row, tally_read(&shared->connections.tally),
	    service->limit.connections);
	report_set(report, limits, "connections", row);
	if (service->limit.rate.count > 0)
		report_set(report, limits, "rate",
		    report_make_rate(
			report, &shared->rate, service->limit.rate));
	if (service->limit.per_source > 0)
		report_set_uint(
		    report, limits, "per_source", service->limit.per_source);
	return limits;
}

static json_t *
report_make_service(
    struct report *report, const struct conf_service *service, unsigned slot)
{
	const struct state *state = report->source->state;
	json_t *row = report_object(report);
	struct counters total;

	report_add_up(state, slot, &total);
	report_set_text(report, row, "name", service->name);
	report_set_text(report, row, "handler",
	    service->handler < HANDLER_COUNT
		? conf_handlers[service->handler].name
		: NULL);
	report_set_text(report, row, "pool", service->pool_name);
	report_set_text(report, row, "file", service->file);
	report_set_uint(report, row, "line", (uint64_t)service->line);
	report_set(report, row, "listen", report_make_listen(report, service));
	report_set_uint(report, row, "connections",
	    tally_read(&state->services[slot].connections.tally));
	report_set(report, row, "limits",
	    report_make_service_limits(
		report, service, &state->services[slot]));
	report_set_counters(report, row, &total);
	report_set(report, row, "ended", report_make_ended(report, &total));
	if (report->by_worker)
		report_set(report, row, "workers",
		    report_make_by_worker(report, slot));
	return row;
}

json_t *
report_services(
    const struct report_source *source, uint64_t now_ms, bool by_worker)
{
	struct report report = {
		.source = source, .now_ms = now_ms, .by_worker = by_worker
	};
	json_t *rows = report_array(&report);
	size_t i;

	for (i = 0; i < source->conf->nservices; i++)
		report_push(&report, rows,
		    report_make_service(&report, &source->conf->services[i],
			source->services[i]));
	return report_finish(&report, rows);
}

/* ---- limits ---- */

struct limit_row {
	const char *name;  /* of the option */
	const char *scope; /* "daemon", "service", "pool", "server" */
	const char *owner; /* its name, or NULL */
	const char *pool;  /* of a server */
	const char *file;
	int line;
};

static json_t *
report_make_limit(struct report *report, const struct limit_row *about)
{
	json_t *row = report_object(report);

	report_set_text(report, row, "name", about->name);
	report_set_text(report, row, "scope", about->scope);
	if (about->pool != NULL)
		report_set_text(report, row, "pool", about->pool);
	if (about->owner != NULL)
		report_set_text(report, row, about->scope, about->owner);
	if (about->file != NULL) {
		report_set_text(report, row, "file", about->file);
		report_set_uint(report, row, "line", (uint64_t)about->line);
	}
	return row;
}

static unsigned
report_waiters(const struct limit *limit)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < TALLY_WORKERS / 64; i++)
		n += (unsigned)__builtin_popcountll(
		    atomic_load(&limit->waiters[i]));
	return n;
}

static void
report_push_limit(struct report *report, json_t *rows,
    const struct limit_row *about, const struct limit *limit, uint64_t unit,
    uint64_t max)
{
	json_t *row;

	if (max == 0)
		return;
	row = report_make_limit(report, about);
	report_set_load(report, row, tally_read(&limit->tally) * unit, max);
	report_set_uint(report, row, "workers_waiting", report_waiters(limit));
	report_push(report, rows, row);
}

static void
report_push_service_limits(struct report *report, json_t *rows, size_t i)
{
	const struct report_source *source = report->source;
	const struct conf_service *service = &source->conf->services[i];
	const struct state_service *shared =
	    &source->state->services[source->services[i]];
	struct limit_row about = { "limit.connections", "service",
		service->name, NULL, service->file, service->line };
	char text[UNITS_STRLEN];
	json_t *row;

	report_push_limit(report, rows, &about, &shared->connections, 1,
	    service->limit.connections);
	if (service->limit.rate.count == 0)
		return;
	about.name = "limit.rate";
	row = report_make_limit(report, &about);
	report_set_text(report, row, "max",
	    units_format_rate(service->limit.rate, text, sizeof(text)));
	report_set_real(report, row, "load",
	    report_rate_load(
		&shared->rate, service->limit.rate, report->now_ms));
	report_push(report, rows, row);
}

static void
report_push_pool_limits(struct report *report, json_t *rows)
{
	const struct report_source *source = report->source;
	const struct conf_pool *pool;
	struct limit_row about;
	size_t i;

	for (i = 0; i < source->conf->npools; i++) {
		pool = &source->conf->pools[i];
		about = (struct limit_row){ "queue", "pool", pool->name, NULL,
			pool->file, pool->line };
		report_push_limit(report, rows, &about,
		    &source->state->pools[source->pools[i]].queue, 1,
		    pool->queue);
	}
}

/* Each place of a server has the limit for itself. */
static void
report_push_server_limits(struct report *report, json_t *rows)
{
	const struct report_source *source = report->source;
	struct report_server found = { 0 };
	const struct state_server *place;
	struct limit_row about;
	size_t at = 0;
	unsigned i;

	while (report_next_server(source, &at, &found)) {
		about = (struct limit_row){ "max_connections", "server",
			found.server->name, found.pool->name,
			found.server->file, found.server->line };
		for (i = 0; i < found.server->nplaces; i++) {
			place = &source->state->servers[found.first + i];
			report_push_limit(report, rows, &about,
			    &place->connections, 1,
			    state_server_max(
				place, found.server->max_connections));
		}
	}
}

json_t *
report_limits(const struct report_source *source, uint64_t now_ms)
{
	static const struct limit_row connections = {
		.name = "limits.connections", .scope = "daemon"
	};
	static const struct limit_row memory = { .name = "limits.memory",
		.scope = "daemon" };
	struct report report = { .source = source, .now_ms = now_ms };
	json_t *rows = report_array(&report);
	size_t i;

	report_push_limit(&report, rows, &connections, source->state->total, 1,
	    source->connections_max);
	report_push_limit(&report, rows, &memory, source->state->memory,
	    CHUNK_SIZE, source->conf->memory);
	for (i = 0; i < source->conf->nservices; i++)
		report_push_service_limits(&report, rows, i);
	report_push_pool_limits(&report, rows);
	report_push_server_limits(&report, rows);
	return report_finish(&report, rows);
}
