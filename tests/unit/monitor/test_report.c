/*
 * What reports say of a state in which known things have happened.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report_fixture.h"

static int
setup(void **state)
{
	static struct report_fixture f;

	report_fixture_open(&f);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	report_fixture_close(*state);
	return 0;
}

static struct state_server *
place(struct report_fixture *f, unsigned server)
{
	return &f->state->servers[f->places[server]];
}

static bool
says(const json_t *array, const char *part)
{
	const json_t *value;
	size_t i;

	json_array_foreach(array, i, value)
	{
		if (strstr(json_string_value(value), part) != NULL)
			return true;
	}
	return false;
}

/* ---- status ---- */

static void
status_of_a_daemon_that_is_well(void **state)
{
	struct report_fixture *f = *state;
	json_t *status = report_status(&f->source, REPORT_NOW_MS);

	assert_non_null(status);
	assert_string_equal(report_str(status, "version"), "1.2.3");
	assert_int_equal(report_int(status, "pid"), 999);
	assert_int_equal(report_int(status, "uptime_ms"), 5000);
	assert_true(json_is_true(report_at(status, "healthy")));
	assert_int_equal(json_array_size(report_at(status, "problems")), 0);
	assert_int_equal(report_int(status, "workers.configured"), 2);
	assert_int_equal(report_int(status, "workers.well"), 2);
	assert_int_equal(report_int(status, "servers.configured"), 3);
	/* The name has no address yet. */
	assert_int_equal(report_int(status, "servers.usable"), 2);
	assert_int_equal(report_int(status, "connections.max"), 1000);
	assert_int_equal(report_int(status, "connections.held"), 0);
	assert_true(
	    says(report_at(status, "warnings"), "1 of 3 servers cannot"));
	json_decref(status);
}

static void
worker_without_heartbeat_is_not_well(void **state)
{
	struct report_fixture *f = *state;
	json_t *status;

	atomic_store(&f->state->workers[0].heartbeat_ms,
	    REPORT_NOW_MS - REPORT_SILENT_MS);
	status = report_status(&f->source, REPORT_NOW_MS);
	assert_int_equal(report_int(status, "workers.well"), 1);
	assert_true(json_is_true(report_at(status, "healthy")));
	assert_true(
	    says(report_at(status, "warnings"), "1 of 2 workers do not"));
	json_decref(status);
	atomic_store(&f->state->workers[1].phase, WORKER_NONE);
	status = report_status(&f->source, REPORT_NOW_MS);
	assert_true(json_is_false(report_at(status, "healthy")));
	assert_true(says(report_at(status, "problems"), "no worker serves"));
	json_decref(status);
}

static void
draining_daemon_wants_no_new_clients(void **state)
{
	struct report_fixture *f = *state;
	json_t *problems;
	unsigned i;

	for (i = 0; i < REPORT_WORKERS; i++)
		atomic_store(&f->state->workers[i].phase, WORKER_DRAINING);
	problems = report_problems(&f->source, REPORT_NOW_MS);
	assert_true(says(problems, "drains"));
	json_decref(problems);
}

static void
pool_without_a_usable_server_is_warned_of(void **state)
{
	struct report_fixture *f = *state;
	json_t *status;

	atomic_store(&place(f, 0)->checked, SERVER_DOWN);
	atomic_store(&place(f, 1)->ejected_until_ms, REPORT_NOW_MS + 1);
	status = report_status(&f->source, REPORT_NOW_MS);
	assert_true(says(report_at(status, "warnings"),
	    "pool \"web\" has no server that could be used"));
	assert_true(json_is_true(report_at(status, "healthy")));
	json_decref(status);
}

/* ---- services ---- */

static void
counters_are_those_of_all_workers(void **state)
{
	struct report_fixture *f = *state;
	json_t *services;

	report_fixture_count(f, 0, 0, COUNTER_ACCEPTED, 3);
	report_fixture_count(f, 1, 0, COUNTER_ACCEPTED, 4);
	report_fixture_count(f, 1, 1, COUNTER_BYTES_IN, 1000);
	report_fixture_ended(f, 0, 0, REASON_IDLE_TIMEOUT, 2);
	report_fixture_ended(f, 1, 0, REASON_IDLE_TIMEOUT, 5);
	services = report_services(&f->source, REPORT_NOW_MS, false);
	assert_int_equal(json_array_size(services), 2);
	assert_string_equal(report_str(services, "0.name"), "echo");
	assert_string_equal(report_str(services, "0.handler"), "echo");
	assert_string_equal(
	    report_str(services, "0.listen.0"), "127.0.0.1:7007");
	assert_string_equal(report_str(services, "0.file"), "test.conf");
	assert_int_equal(report_int(services, "0.line"), 1);
	assert_int_equal(report_int(services, "0.accepted"), 7);
	assert_int_equal(report_int(services, "0.bytes_in"), 0);
	assert_int_equal(report_int(services, "0.ended.idle_timeout"), 7);
	assert_int_equal(report_int(services, "0.limits.connections.max"), 10);
	assert_string_equal(report_str(services, "0.limits.rate.max"), "100/s");
	assert_string_equal(report_str(services, "1.name"), "www");
	assert_string_equal(report_str(services, "1.pool"), "web");
	assert_int_equal(report_int(services, "1.bytes_in"), 1000);
	assert_null(json_object_get(json_array_get(services, 0), "workers"));
	json_decref(services);
}

static void
by_worker_the_parts_are_told(void **state)
{
	struct report_fixture *f = *state;
	json_t *services;

	report_fixture_count(f, 0, 0, COUNTER_ACCEPTED, 3);
	report_fixture_count(f, 1, 0, COUNTER_ACCEPTED, 4);
	services = report_services(&f->source, REPORT_NOW_MS, true);
	assert_int_equal(report_int(services, "0.accepted"), 7);
	assert_int_equal(report_int(services, "0.workers.0.accepted"), 3);
	assert_int_equal(report_int(services, "0.workers.1.accepted"), 4);
	assert_int_equal(report_int(services, "0.workers.1.slot"), 1);
	json_decref(services);
}

/* There is room for more workers than there are; one has been retired. */
static void
slots_without_a_worker_are_not_told_of(void **state)
{
	struct report_fixture *f = *state;
	json_t *report;
	char *text;

	atomic_store(&f->state->workers[0].wanted, 0);
	atomic_store(&f->state->workers[0].phase, WORKER_DRAINING);
	report = report_workers(&f->source, REPORT_NOW_MS);
	assert_int_equal(json_array_size(report), 2);
	json_decref(report);
	atomic_store(&f->state->workers[0].pid, 0);
	atomic_store(&f->state->workers[0].phase, WORKER_NONE);
	report = report_workers(&f->source, REPORT_NOW_MS);
	assert_int_equal(json_array_size(report), 1);
	assert_int_equal(report_int(report, "0.slot"), 1);
	json_decref(report);
	report = report_status(&f->source, REPORT_NOW_MS);
	assert_int_equal(report_int(report, "workers.configured"), 1);
	assert_int_equal(report_int(report, "workers.well"), 1);
	text = json_dumps(json_object_get(report, "warnings"), 0);
	assert_null(strstr(text, "workers do not serve"));
	free(text);
	json_decref(report);
	/* What it has counted is still told; what was never filled is not. */
	report = report_services(&f->source, REPORT_NOW_MS, true);
	assert_int_equal(json_array_size(report_at(report, "0.workers")), 2);
	json_decref(report);
	atomic_store(&f->state->workers[0].starts, 0);
	report = report_services(&f->source, REPORT_NOW_MS, true);
	assert_int_equal(json_array_size(report_at(report, "0.workers")), 1);
	json_decref(report);
}

/* Worker 0 was there before an upgrade, worker 1 fills the same slot now. */
static void
both_sides_of_an_upgrade_are_told(void **state)
{
	struct report_fixture *f = *state;
	json_t *report;

	f->state->shape.slots = 1;
	f->source.first = 1;
	report_fixture_count(f, 0, 0, COUNTER_ACCEPTED, 3);
	report_fixture_count(f, 1, 0, COUNTER_ACCEPTED, 4);
	(void)report_fixture_session(f, 0, 0, "192.0.2.1:5");
	atomic_store(&f->state->workers[0].phase, WORKER_DRAINING);
	report = report_services(&f->source, REPORT_NOW_MS, true);
	assert_int_equal(report_int(report, "0.workers.0.accepted"), 7);
	assert_int_equal(json_array_size(json_object_get(
			     json_array_get(report, 0), "workers")),
	    1);
	json_decref(report);
	report = report_workers(&f->source, REPORT_NOW_MS);
	assert_int_equal(json_array_size(report), 2);
	assert_int_equal(report_int(report, "0.slot"), 0);
	assert_string_equal(report_str(report, "0.phase"), "serving");
	assert_int_equal(report_int(report, "0.accepted"), 4);
	assert_int_equal(report_int(report, "1.slot"), 0);
	assert_string_equal(report_str(report, "1.phase"), "draining");
	assert_int_equal(report_int(report, "1.sessions"), 1);
	assert_int_equal(report_int(report, "1.accepted"), 3);
	json_decref(report);
	/* When it is gone, nothing tells of it but the counters. */
	atomic_store(&f->state->workers[0].pid, 0);
	report = report_workers(&f->source, REPORT_NOW_MS);
	assert_int_equal(json_array_size(report), 1);
	assert_int_equal(report_int(report, "0.accepted"), 7);
	json_decref(report);
}

/* ---- pools ---- */

static void
server_with_many_connections_is_full(void **state)
{
	struct report_fixture *f = *state;
	struct ledger_entry *entry =
	    report_fixture_session(f, 0, 1, "192.0.2.1:5");
	json_t *pools, *limits;
	size_t i;
	bool found = false;

	assert_true(
	    ledger_take_server(&f->ledgers[0], entry, f->places[0], 4, false));
	pools = report_pools(&f->source, REPORT_NOW_MS, false);
	assert_string_equal(report_str(pools, "0.name"), "web");
	assert_string_equal(report_str(pools, "0.balance"), "round_robin");
	assert_string_equal(
	    report_str(pools, "0.servers.0.address"), "127.0.0.1:81");
	assert_string_equal(
	    report_str(pools, "0.servers.1.address"), "unix:/run/b.sock");
	assert_string_equal(
	    report_str(pools, "0.servers.2.address"), "c.example:80");
	assert_int_equal(report_int(pools, "0.servers.0.connections"), 1);
	assert_int_equal(
	    report_int(pools, "0.servers.0.places.0.connections.held"), 1);
	assert_true(report_real(pools,
			"0.servers.0.places.0.connections.load") == 0.25);
	json_decref(pools);
	limits = report_limits(&f->source, REPORT_NOW_MS);
	for (i = 0; i < json_array_size(limits); i++) {
		const json_t *row = json_array_get(limits, i);

		if (strcmp(report_str(row, "name"), "max_connections") != 0)
			continue;
		found = true;
		assert_string_equal(report_str(row, "server"), "a");
		assert_string_equal(report_str(row, "pool"), "web");
		assert_int_equal(report_int(row, "line"), 14);
		assert_true(report_real(row, "load") == 0.25);
	}
	assert_true(found);
	json_decref(limits);
	ledger_end(&f->ledgers[0], entry);
}

/* The row of max_connections of a place of the server, or NULL. */
static const json_t *
find_max(const json_t *limits, const char *server)
{
	const json_t *row;
	size_t i;

	json_array_foreach(limits, i, row)
	{
		if (strcmp(report_str(row, "name"), "max_connections") == 0 &&
		    strcmp(report_str(row, "server"), server) == 0)
			return row;
	}
	return NULL;
}

/* As "muxctl set max-connections" leaves it. */
static void
limit_of_a_server_is_the_one_that_holds(void **state)
{
	struct report_fixture *f = *state;
	json_t *limits;

	atomic_store(&place(f, 0)->manual_max, 8 + 1);
	atomic_store(&place(f, 1)->manual_max, 3 + 1);
	limits = report_limits(&f->source, REPORT_NOW_MS);
	assert_int_equal(report_int(find_max(limits, "a"), "max"), 8);
	assert_int_equal(report_int(find_max(limits, "b"), "max"), 3);
	json_decref(limits);
	atomic_store(&place(f, 0)->manual_max, 0 + 1);
	limits = report_limits(&f->source, REPORT_NOW_MS);
	assert_null(find_max(limits, "a"));
	json_decref(limits);
}

static void
status_of_a(struct report_fixture *f, const char *expected)
{
	json_t *pools = report_pools(&f->source, REPORT_NOW_MS, false);

	assert_string_equal(
	    report_str(pools, "0.servers.0.places.0.status"), expected);
	assert_string_equal(report_str(pools, "0.servers.0.status"), expected);
	json_decref(pools);
}

static void
strongest_reason_against_a_server_is_its_status(void **state)
{
	struct report_fixture *f = *state;
	struct state_server *a = place(f, 0);
	json_t *pools;

	status_of_a(f, "unchecked");
	atomic_store(&a->checked, SERVER_UP);
	status_of_a(f, "up");
	atomic_store(&a->since_ms, REPORT_NOW_MS - 4000);
	status_of_a(f, "slow_start");
	atomic_store(&a->ejected_until_ms, REPORT_NOW_MS + 700);
	status_of_a(f, "ejected");
	pools = report_pools(&f->source, REPORT_NOW_MS, false);
	assert_int_equal(
	    report_int(pools, "0.servers.0.places.0.ejected_for_ms"), 700);
	assert_int_equal(
	    report_int(pools, "0.servers.0.places.0.slow_start_for_ms"), 6000);
	assert_true(json_is_false(report_at(pools, "0.servers.0.usable")));
	json_decref(pools);
	atomic_store(&a->checked, SERVER_DOWN);
	status_of_a(f, "down");
	atomic_store(&a->loops, 1);
	status_of_a(f, "loop");
	atomic_store(&a->admin, SERVER_ADMIN_DRAINING);
	status_of_a(f, "draining");
	atomic_store(&a->admin, SERVER_ADMIN_DISABLED);
	status_of_a(f, "disabled");
}

static void
name_has_the_places_that_it_stands_for(void **state)
{
	struct report_fixture *f = *state;
	struct addr addr;
	const char *why;
	json_t *pools = report_pools(&f->source, REPORT_NOW_MS, false);

	assert_int_equal(
	    json_array_size(report_at(pools, "0.servers.2.places")), 0);
	assert_string_equal(
	    report_str(pools, "0.servers.2.status"), "no_address");
	json_decref(pools);
	assert_int_equal(addr_parse("198.51.100.7:80", &addr, &why), 0);
	state_server_set(&f->state->servers[f->places[2] + 1], &addr, 3);
	pools = report_pools(&f->source, REPORT_NOW_MS, false);
	assert_int_equal(
	    json_array_size(report_at(pools, "0.servers.2.places")), 1);
	assert_string_equal(
	    report_str(pools, "0.servers.2.places.0.name"), "web/c/1");
	assert_string_equal(report_str(pools, "0.servers.2.places.0.address"),
	    "198.51.100.7:80");
	assert_int_equal(report_int(pools, "0.servers.2.places.0.weight"), 3);
	json_decref(pools);
}

/* ---- workers ---- */

static void
workers_have_their_share(void **state)
{
	struct report_fixture *f = *state;
	json_t *workers;

	report_fixture_count(f, 0, 0, COUNTER_ACCEPTED, 30);
	report_fixture_count(f, 1, 1, COUNTER_ACCEPTED, 10);
	atomic_store(&f->state->workers[0].sessions, 1);
	atomic_store(&f->state->workers[1].sessions, 3);
	atomic_store(&f->state->workers[1].memory_held, 2);
	workers = report_workers(&f->source, REPORT_NOW_MS);
	assert_int_equal(json_array_size(workers), 2);
	assert_string_equal(report_str(workers, "0.phase"), "serving");
	assert_int_equal(report_int(workers, "0.pid"), 1000);
	assert_int_equal(report_int(workers, "0.heartbeat_age_ms"), 10);
	assert_true(report_real(workers, "0.accepted_share") == 0.75);
	assert_true(report_real(workers, "1.session_share") == 0.75);
	assert_int_equal(report_int(workers, "1.memory"), 8192);
	json_decref(workers);
}

/* ---- ends ---- */

static void
only_ends_that_nobody_wished_for_are_errors(void **state)
{
	struct report_fixture *f = *state;
	json_t *errors, *closes;

	report_fixture_ended(f, 0, 0, REASON_CLIENT_CLOSED, 9);
	report_fixture_ended(f, 0, 0, REASON_DAEMON_FULL, 2);
	counter_add(&state_server_counters(f->state, 1, f->places[1])
			 ->events[SERVER_COUNTER_FAILED],
	    6);
	closes = report_closes(&f->source);
	assert_int_equal(json_array_size(closes), 2);
	assert_string_equal(report_str(closes, "0.reason"), "client_closed");
	assert_string_equal(report_str(closes, "0.who"), "client");
	assert_int_equal(report_int(closes, "0.count"), 9);
	json_decref(closes);
	errors = report_errors(&f->source, true);
	assert_int_equal(json_array_size(report_at(errors, "closes")), 1);
	assert_string_equal(
	    report_str(errors, "closes.0.reason"), "daemon_full");
	assert_true(json_is_true(report_at(errors, "closes.0.refused")));
	assert_int_equal(json_array_size(report_at(errors, "servers")), 1);
	assert_string_equal(report_str(errors, "servers.0.server"), "b");
	assert_int_equal(report_int(errors, "servers.0.failed"), 6);
	assert_int_equal(report_int(errors, "closes.0.workers.0.count"), 2);
	assert_int_equal(report_int(errors, "closes.0.workers.1.count"), 0);
	assert_int_equal(report_int(errors, "servers.0.workers.0.failed"), 0);
	assert_int_equal(report_int(errors, "servers.0.workers.1.failed"), 6);
	json_decref(errors);
}

static void
pool_sums_up_its_servers_also_by_worker(void **state)
{
	struct report_fixture *f = *state;
	json_t *pools;

	counter_add(&state_server_counters(f->state, 0, f->places[0])
			 ->events[SERVER_COUNTER_FAILED],
	    1);
	counter_add(&state_server_counters(f->state, 1, f->places[1])
			 ->events[SERVER_COUNTER_FAILED],
	    6);
	pools = report_pools(&f->source, REPORT_NOW_MS, true);
	assert_int_equal(report_int(pools, "0.failed"), 7);
	assert_int_equal(report_int(pools, "0.workers.0.failed"), 1);
	assert_int_equal(report_int(pools, "0.workers.1.failed"), 6);
	json_decref(pools);
	pools = report_pools(&f->source, REPORT_NOW_MS, false);
	assert_int_equal(report_int(pools, "0.failed"), 7);
	assert_null(json_object_get(json_array_get(pools, 0), "workers"));
	json_decref(pools);
}

static void
order_to_drain_is_a_problem(void **state)
{
	struct report_fixture *f = *state;
	json_t *status;

	atomic_store(&f->state->node->order, NODE_REFUSING);
	status = report_status(&f->source, REPORT_NOW_MS);
	assert_true(json_is_false(report_at(status, "healthy")));
	assert_string_equal(report_str(status, "node"), "refusing");
	assert_string_equal(report_str(status, "problems.0"),
	    "muxd is drained by order, and refuses new clients");
	json_decref(status);
}

/* ---- sessions ---- */

static void
session_tells_who_and_where(void **state)
{
	struct report_fixture *f = *state;
	struct ledger_entry *entry =
	    report_fixture_session(f, 1, 1, "192.0.2.1:5");
	const struct report_filter all = { 0 };
	json_t *report;

	assert_true(
	    ledger_take_server(&f->ledgers[1], entry, f->places[0], 4, false));
	counter_add(&entry->bytes_in, 77);
	report = report_sessions(&f->source, &all);
	assert_int_equal(report_int(report, "live"), 1);
	assert_int_equal(json_array_size(report_at(report, "sessions")), 1);
	assert_string_equal(report_str(report, "sessions.0.service"), "www");
	assert_string_equal(
	    report_str(report, "sessions.0.client"), "192.0.2.1:5");
	assert_string_equal(report_str(report, "sessions.0.server"), "web/a");
	assert_string_equal(report_str(report, "sessions.0.phase"), "relayed");
	assert_int_equal(report_int(report, "sessions.0.worker"), 1);
	assert_int_equal(report_int(report, "sessions.0.bytes_in"), 77);
	assert_int_equal(
	    report_int(report, "sessions.0.start_us"), 1700000000000000);
	assert_true(json_is_null(report_at(report, "next")));
	json_decref(report);
}

static size_t
count_sessions(struct report_fixture *f, const struct report_filter *filter)
{
	json_t *report = report_sessions(&f->source, filter);
	size_t n = json_array_size(report_at(report, "sessions"));

	json_decref(report);
	return n;
}

static void
filters_leave_sessions_out(void **state)
{
	struct report_fixture *f = *state;
	struct report_filter filter = { .service = "echo" };
	struct ledger_entry *entry;
	const char *why;

	(void)report_fixture_session(f, 0, 0, "192.0.2.1:5");
	(void)report_fixture_session(f, 1, 0, "[2001:db8::1]:5");
	entry = report_fixture_session(f, 1, 1, "192.0.2.2:6");
	assert_true(
	    ledger_take_server(&f->ledgers[1], entry, f->places[1], 0, false));
	assert_int_equal(count_sessions(f, &filter), 2);
	filter = (struct report_filter){ .service = "ech" };
	assert_int_equal(count_sessions(f, &filter), 0);
	filter = (struct report_filter){ .pool = "web" };
	assert_int_equal(count_sessions(f, &filter), 1);
	filter = (struct report_filter){ .pool = "we" };
	assert_int_equal(count_sessions(f, &filter), 0);
	filter = (struct report_filter){ .server = "b" };
	assert_int_equal(count_sessions(f, &filter), 1);
	filter = (struct report_filter){ .server = "a" };
	assert_int_equal(count_sessions(f, &filter), 0);
	filter = (struct report_filter){ .worker = 2 };
	assert_int_equal(count_sessions(f, &filter), 2);
	filter = (struct report_filter){ .worker = 1 };
	assert_int_equal(count_sessions(f, &filter), 1);
	filter = (struct report_filter){ 0 };
	assert_int_equal(prefix_parse("192.0.2.0/24", &filter.client, &why), 0);
	assert_int_equal(count_sessions(f, &filter), 2);
}

static void
pages_of_sessions_leave_none_out(void **state)
{
	struct report_fixture *f = *state;
	struct report_filter filter = { .max = 100 };
	size_t total = 0, pages = 0;
	char client[32];
	json_t *report;
	const json_t *next;
	unsigned i;

	for (i = 0; i < 300; i++) {
		(void)snprintf(client, sizeof(client), "192.0.2.1:%u", i + 1);
		(void)report_fixture_session(f, i % 2, 0, client);
	}
	do {
		report = report_sessions(&f->source, &filter);
		total += json_array_size(report_at(report, "sessions"));
		next = report_at(report, "next");
		filter.from = (uint64_t)json_integer_value(next);
		pages++;
		if (json_is_null(next))
			filter.from = 0;
		json_decref(report);
	} while (filter.from != 0);
	assert_int_equal(total, 300);
	assert_true(pages >= 3 && pages <= 4);
	filter = (struct report_filter){ .from = UINT64_MAX };
	assert_int_equal(count_sessions(f, &filter), 0);
}

static void
busiest_source_comes_first(void **state)
{
	struct report_fixture *f = *state;
	json_t *report;

	(void)report_fixture_session(f, 0, 0, "192.0.2.1:5");
	(void)report_fixture_session(f, 0, 0, "[2001:db8::1]:5");
	(void)report_fixture_session(f, 1, 1, "[2001:db8::2]:9");
	report = report_sources(&f->source, 0);
	assert_true(json_is_true(report_at(report, "complete")));
	assert_int_equal(report_int(report, "distinct"), 2);
	assert_string_equal(
	    report_str(report, "sources.0.source"), "2001:db8::/64");
	assert_int_equal(report_int(report, "sources.0.sessions"), 2);
	assert_string_equal(
	    report_str(report, "sources.1.source"), "192.0.2.1/32");
	json_decref(report);
	report = report_sources(&f->source, 1);
	assert_int_equal(json_array_size(report_at(report, "sources")), 1);
	json_decref(report);
}

/* A worker may write anything into its own parts. */
static void
nonsense_of_a_worker_is_survived(void **state)
{
	struct report_fixture *f = *state;
	struct ledger_entry *entry =
	    report_fixture_session(f, 0, 0, "192.0.2.1:5");
	const struct report_filter all = { 0 };
	json_t *report;

	entry->service = UINT16_MAX;
	entry->server = UINT16_MAX - 1;
	atomic_store(&f->state->workers[0].ledger_top, UINT32_MAX);
	atomic_store(&f->state->workers[0].phase, 4711);
	report = report_sessions(&f->source, &all);
	assert_non_null(report);
	assert_int_equal(json_array_size(report_at(report, "sessions")), 0);
	json_decref(report);
	report = report_workers(&f->source, REPORT_NOW_MS);
	assert_string_equal(report_str(report, "0.phase"), "unknown");
	json_decref(report);
	entry->service = 0;
}

/* ---- no memory ---- */

static int allocations;

static void *
scarce(size_t size)
{
	return allocations-- > 0 ? malloc(size) : NULL;
}

static json_t *
make(struct report_fixture *f, int which)
{
	const struct report_filter all = { 0 };

	switch (which) {
	case 0:
		return report_status(&f->source, REPORT_NOW_MS);
	case 1:
		return report_services(&f->source, REPORT_NOW_MS, true);
	case 2:
		return report_pools(&f->source, REPORT_NOW_MS, true);
	case 3:
		return report_workers(&f->source, REPORT_NOW_MS);
	case 4:
		return report_limits(&f->source, REPORT_NOW_MS);
	case 5:
		return report_errors(&f->source, false);
	default:
		return report_sessions(&f->source, &all);
	}
}

static void
report_without_memory_is_none_rather_than_a_part(void **state)
{
	struct report_fixture *f = *state;
	json_t *report;
	int which, n;

	(void)report_fixture_session(f, 0, 0, "192.0.2.1:5");
	report_fixture_ended(f, 0, 0, REASON_DAEMON_FULL, 2);
	json_set_alloc_funcs(scarce, free);
	for (which = 0; which < 7; which++) {
		for (n = 0;; n++) {
			allocations = n;
			errno = 0;
			report = make(f, which);
			if (report != NULL)
				break;
			assert_int_equal(errno, ENOMEM);
		}
		assert_true(n > 3);
		json_decref(report);
	}
	json_set_alloc_funcs(malloc, free);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_of_a_daemon_that_is_well),
		TEST(worker_without_heartbeat_is_not_well),
		TEST(draining_daemon_wants_no_new_clients),
		TEST(pool_without_a_usable_server_is_warned_of),
		TEST(counters_are_those_of_all_workers),
		TEST(by_worker_the_parts_are_told),
		TEST(slots_without_a_worker_are_not_told_of),
		TEST(both_sides_of_an_upgrade_are_told),
		TEST(server_with_many_connections_is_full),
		TEST(limit_of_a_server_is_the_one_that_holds),
		TEST(strongest_reason_against_a_server_is_its_status),
		TEST(name_has_the_places_that_it_stands_for),
		TEST(workers_have_their_share),
		TEST(only_ends_that_nobody_wished_for_are_errors),
		TEST(pool_sums_up_its_servers_also_by_worker),
		TEST(order_to_drain_is_a_problem),
		TEST(session_tells_who_and_where),
		TEST(filters_leave_sessions_out),
		TEST(pages_of_sessions_leave_none_out),
		TEST(busiest_source_comes_first),
		TEST(nonsense_of_a_worker_is_survived),
		TEST(report_without_memory_is_none_rather_than_a_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
