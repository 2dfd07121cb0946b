/*
 * The report on what went wrong: bad ends, refusals, failed connects.
 */
#include "monitor/report_common.h"

/* How often it was so in each worker. */
static json_t *
report_make_close_workers(
    struct report *report, unsigned service, enum reason reason)
{
	const struct state *state = report->source->state;
	json_t *rows = report_array(report), *row;
	unsigned slot, i;
	uint64_t sum;

	for (slot = 0; slot < state_slots(state); slot++) {
		if (!report_slot_counts(report->source, slot))
			continue;
		for (i = slot, sum = 0; i < state->shape.workers;
		     i += state_slots(state))
			sum += counter_read(
			    &state_counters(state, i, service)->ended[reason]);
		row = report_object(report);
		report_set_uint(report, row, "slot", slot);
		report_set_uint(report, row, "count", sum);
		report_push(report, rows, row);
	}
	return rows;
}

static void
report_push_closes(
    struct report *report, json_t *rows, size_t service, bool all)
{
	const struct report_source *source = report->source;
	const struct reason_info *info;
	json_t *row;
	uint64_t n;
	int i;

	for (i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		info = reason_info((enum reason)i);
		n = state_sum_ended(
		    source->state, source->services[service], info->code);
		if (n == 0 || (!all && reason_is_benign(info->code)))
			continue;
		row = report_object(report);
		report_set_text(report, row, "service",
		    source->conf->services[service].name);
		report_set_text(report, row, "reason", info->name);
		report_set_text(report, row, "who", reason_who_name(info->who));
		report_set_bool(report, row, "refused", info->refused);
		report_set_text(report, row, "text", info->text);
		report_set_uint(report, row, "count", n);
		if (report->by_worker)
			report_set(report, row, "workers",
			    report_make_close_workers(
				report, source->services[service], info->code));
		report_push(report, rows, row);
	}
}

static json_t *
report_make_closes(struct report *report, bool all)
{
	json_t *rows = report_array(report);
	size_t i;

	for (i = 0; i < report->source->conf->nservices; i++)
		report_push_closes(report, rows, i, all);
	return rows;
}

json_t *
report_closes(const struct report_source *source)
{
	struct report report = { .source = source };

	return report_finish(&report, report_make_closes(&report, true));
}

/* Over all places of a server. */
static uint64_t
report_server_total(const struct report_source *source,
    const struct report_server *found, enum server_counter counter)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < found->server->nplaces; i++)
		n += state_server_sum(source->state, found->first + i, counter);
	return n;
}

static json_t *
report_make_failure_workers(struct report *report,
    const struct report_server *found, const enum server_counter *told,
    size_t n)
{
	const struct state *state = report->source->state;
	json_t *rows = report_array(report), *row;
	unsigned slot, place;
	uint64_t sum;
	size_t i;

	for (slot = 0; slot < state_slots(state); slot++) {
		if (!report_slot_counts(report->source, slot))
			continue;
		row = report_object(report);
		report_set_uint(report, row, "slot", slot);
		for (i = 0; i < n; i++) {
			for (place = 0, sum = 0; place < found->server->nplaces;
			     place++)
				sum += report_slot_server_counter(
				    state, slot, found->first + place, told[i]);
			report_set_uint(
			    report, row, server_counter_name(told[i]), sum);
		}
		report_push(report, rows, row);
	}
	return rows;
}

static json_t *
report_make_failures(struct report *report)
{
	static const enum server_counter told[] = { SERVER_COUNTER_FAILED,
		SERVER_COUNTER_EJECTED, SERVER_COUNTER_ERRORS };
	json_t *rows = report_array(report), *row;
	struct report_server found = { 0 };
	uint64_t counts[3], sum;
	size_t at = 0, i;

	while (report_next_server(report->source, &at, &found)) {
		for (i = 0, sum = 0; i < 3; i++) {
			counts[i] = report_server_total(
			    report->source, &found, told[i]);
			sum += counts[i];
		}
		if (sum == 0)
			continue;
		row = report_object(report);
		report_set_text(report, row, "pool", found.pool->name);
		report_set_text(report, row, "server", found.server->name);
		for (i = 0; i < 3; i++)
			report_set_uint(report, row,
			    server_counter_name(told[i]), counts[i]);
		if (report->by_worker)
			report_set(report, row, "workers",
			    report_make_failure_workers(
				report, &found, told, 3));
		report_push(report, rows, row);
	}
	return rows;
}

json_t *
report_errors(const struct report_source *source, bool by_worker)
{
	struct report report = { .source = source, .by_worker = by_worker };
	json_t *errors = report_object(&report);

	report_set(
	    &report, errors, "closes", report_make_closes(&report, false));
	report_set(&report, errors, "servers", report_make_failures(&report));
	report_set_uint(
	    &report, errors, "log_dropped", report_dropped(source->state));
	report_set_uint(&report, errors, "log_lost",
	    atomic_load(&source->state->monitor->log_lost));
	return report_finish(&report, errors);
}
