/*
 * The report on pools, their servers, and the places of these.
 */
#include "conf/words.h"
#include "monitor/report_common.h"

static json_t *
report_make_by_worker(struct report *report, unsigned place)
{
	const struct state *state = report->source->state;
	json_t *rows = report_array(report), *row;
	unsigned i;
	int j;

	for (i = 0; i < state_slots(state); i++) {
		if (!report_slot_counts(report->source, i))
			continue;
		row = report_object(report);
		report_set_uint(report, row, "slot", i);
		for (j = 0; j < SERVER_COUNTERS; j++)
			report_set_uint(report, row,
			    server_counter_name((enum server_counter)j),
			    report_slot_server_counter(
				state, i, place, (enum server_counter)j));
		report_push(report, rows, row);
	}
	return rows;
}

static void
report_set_address(
    struct report *report, json_t *row, const struct state_server *place)
{
	char text[ADDR_STRLEN];
	struct addr addr;
	uint32_t weight;

	if (!state_server_get(place, &addr, &weight)) {
		report_set(report, row, "address", json_null());
		return;
	}
	report_set_text(
	    report, row, "address", addr_format(&addr, text, sizeof(text)));
	report_set_uint(
	    report, row, "weight", state_server_weight(place, weight));
}

static const char *
report_checked_name(uint32_t checked)
{
	switch (checked) {
	case SERVER_UP:
		return "up";
	case SERVER_DOWN:
		return "down";
	default:
		return "unchecked";
	}
}

static const char *
report_admin_name(uint32_t admin)
{
	return admin <= SERVER_ADMIN_DISABLED ? conf_word_server_state(admin)
					      : "unknown";
}

static void
report_set_health(struct report *report, json_t *row,
    const struct conf_pool *pool, const struct state_server *place)
{
	uint64_t until = atomic_load(&place->ejected_until_ms);

	report_set_text(report, row, "status",
	    report_place_status_name(
		report_place_status(pool, place, report->now_ms)));
	report_set_bool(
	    report, row, "usable", state_server_usable(place, report->now_ms));
	report_set_text(report, row, "checked",
	    report_checked_name(atomic_load(&place->checked)));
	report_set_text(report, row, "admin",
	    report_admin_name(atomic_load(&place->admin)));
	report_set_uint(
	    report, row, "failures_in_a_row", atomic_load(&place->failures));
	report_set_uint(report, row, "ejected_for_ms",
	    until > report->now_ms ? until - report->now_ms : 0);
	report_set_uint(report, row, "slow_start_for_ms",
	    report_slow_start_ms(pool, place, report->now_ms));
}

static json_t *
report_make_place(
    struct report *report, const struct report_server *found, unsigned number)
{
	const struct state *state = report->source->state;
	const struct state_server *place = &state->servers[number];
	json_t *row = report_object(report), *load = report_object(report);
	int i;

	report_set_text(report, row, "name", place->name);
	report_set_uint(report, row, "place", number);
	report_set_address(report, row, place);
	report_set_health(report, row, found->pool, place);
	report_set_load(report, load, tally_read(&place->connections.tally),
	    state_server_max(place, found->server->max_connections));
	report_set(report, row, "connections", load);
	for (i = 0; i < SERVER_COUNTERS; i++)
		report_set_uint(report, row,
		    server_counter_name((enum server_counter)i),
		    state_server_sum(state, number, (enum server_counter)i));
	if (report->by_worker)
		report_set(report, row, "workers",
		    report_make_by_worker(report, number));
	return row;
}

/* Of all places. */
static void
report_set_sums(
    struct report *report, json_t *row, const struct report_server *found)
{
	const struct state *state = report->source->state;
	uint64_t connections = 0, n;
	unsigned i;
	int counter;

	for (i = 0; i < found->server->nplaces; i++)
		connections += tally_read(
		    &state->servers[found->first + i].connections.tally);
	report_set_uint(report, row, "connections", connections);
	for (counter = 0; counter < SERVER_COUNTERS; counter++) {
		for (i = 0, n = 0; i < found->server->nplaces; i++)
			n += state_server_sum(state, found->first + i,
			    (enum server_counter)counter);
		report_set_uint(report, row,
		    server_counter_name((enum server_counter)counter), n);
	}
}

/* The best that can be said of any of its places. */
static const char *
report_server_status(
    const struct report *report, const struct report_server *found)
{
	enum report_place_status best = REPORT_PLACE_DISABLED, status;
	unsigned i;

	for (i = 0; i < found->server->nplaces; i++) {
		status = report_place_status(found->pool,
		    &report->source->state->servers[found->first + i],
		    report->now_ms);
		if (status < best)
			best = status;
	}
	return report_place_status_name(best);
}

static json_t *
report_make_server(struct report *report, const struct report_server *found)
{
	const struct conf_server *server = found->server;
	json_t *row = report_object(report), *places = report_array(report);
	char text[REPORT_TARGET_STRLEN];
	unsigned i;

	report_set_text(report, row, "name", server->name);
	report_set_text(report, row, "address",
	    report_target(&server->target, text, sizeof(text)));
	report_set_text(report, row, "file", server->file);
	report_set_uint(report, row, "line", (uint64_t)server->line);
	report_set_uint(report, row, "weight", server->weight);
	report_set_uint(
	    report, row, "max_connections", server->max_connections);
	report_set_bool(report, row, "backup", server->backup);
	report_set_text(
	    report, row, "status", report_server_status(report, found));
	report_set_bool(report, row, "usable",
	    report_server_usable(report->source->state, found, report->now_ms));
	report_set_sums(report, row, found);
	/* Of a name, those that it stands for. */
	for (i = 0; i < server->nplaces; i++) {
		const struct state_server *place =
		    &report->source->state->servers[found->first + i];
		struct addr addr;
		uint32_t weight;

		if (server->nplaces == 1 ||
		    state_server_get(place, &addr, &weight) ||
		    tally_read(&place->connections.tally) > 0)
			report_push(report, places,
			    report_make_place(report, found, found->first + i));
	}
	report_set(report, row, "places", places);
	return row;
}

static json_t *
report_make_pool(
    struct report *report, const struct conf_pool *pool, unsigned slot)
{
	json_t *row = report_object(report), *queue = report_object(report);

	report_set_text(report, row, "name", pool->name);
	report_set_text(report, row, "file", pool->file);
	report_set_uint(report, row, "line", (uint64_t)pool->line);
	report_set_text(
	    report, row, "balance", conf_word_balance(pool->balance));
	report_set_text(
	    report, row, "check", conf_word_check_type(pool->check.type));
	report_set_load(report, queue,
	    tally_read(&report->source->state->pools[slot].queue.tally),
	    pool->queue);
	report_set(report, row, "queue", queue);
	return row;
}

/* Add up what the servers of a pool have, or its workers have at them. */
static void
report_add_counters(struct report *report, json_t *sum, const json_t *row)
{
	const char *name;
	json_int_t n;
	int i;

	for (i = 0; i < SERVER_COUNTERS; i++) {
		name = server_counter_name((enum server_counter)i);
		n = json_integer_value(json_object_get(row, name)) +
		    json_integer_value(json_object_get(sum, name));
		report_set_uint(report, sum, name, (uint64_t)n);
	}
}

static void
report_add_workers(struct report *report, json_t *workers, const json_t *place)
{
	json_t *row, *sum;
	size_t i;

	json_array_foreach(json_object_get(place, "workers"), i, row)
	{
		sum = json_array_get(workers, i);
		if (sum == NULL) {
			sum = report_object(report);
			report_set(report, sum, "slot",
			    json_copy(json_object_get(row, "slot")));
			report_push(report, workers, sum);
		}
		report_add_counters(report, sum, row);
	}
}

static void
report_set_pool_sums(struct report *report, json_t *pool, const json_t *servers)
{
	json_t *workers = report_array(report), *server, *place;
	json_int_t connections = 0;
	size_t i, j;

	json_array_foreach((json_t *)(uintptr_t)servers, i, server)
	{
		report_add_counters(report, pool, server);
		connections +=
		    json_integer_value(json_object_get(server, "connections"));
		json_array_foreach(json_object_get(server, "places"), j, place)
		    report_add_workers(report, workers, place);
	}
	report_set_uint(report, pool, "connections", (uint64_t)connections);
	if (report->by_worker)
		report_set(report, pool, "workers", workers);
	else
		json_decref(workers);
}

json_t *
report_pools(
    const struct report_source *source, uint64_t now_ms, bool by_worker)
{
	struct report report = {
		.source = source, .now_ms = now_ms, .by_worker = by_worker
	};
	json_t *rows = report_array(&report), *row, *servers;
	struct report_server found = { 0 };
	size_t at = 0, i, j;

	for (i = 0; i < source->conf->npools; i++) {
		row = report_make_pool(
		    &report, &source->conf->pools[i], source->pools[i]);
		servers = report_array(&report);
		for (j = 0; j < source->conf->pools[i].nservers &&
		     report_next_server(source, &at, &found);
		     j++)
			report_push(&report, servers,
			    report_make_server(&report, &found));
		report_set_pool_sums(&report, row, servers);
		report_set(&report, row, "servers", servers);
		report_push(&report, rows, row);
	}
	return report_finish(&report, rows);
}
