/*
 * The report on live sessions, and on the sources that they come from: what
 * the ledgers of all workers say, entry by entry, while these go on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/report_common.h"
#include "state/ledger.h"
#include "state/sources.h"

#define ROWS_DEFAULT 100

static unsigned
report_rows(unsigned max)
{
	if (max == 0)
		return ROWS_DEFAULT;
	return max < REPORT_ROWS_MAX ? max : REPORT_ROWS_MAX;
}

/* Entries of the worker's table that were ever used. */
static uint32_t
report_top(const struct state *state, unsigned worker)
{
	uint32_t top = atomic_load(&state->workers[worker].ledger_top);

	return top < state->shape.sessions ? top : state->shape.sessions;
}

/* ---- sessions ---- */

static const char *
report_session_phase(const struct ledger_entry *entry)
{
	uint32_t holds = atomic_load(&entry->holds);

	if ((holds & HOLD_QUEUE) != 0)
		return "queued";
	if ((holds & HOLD_SERVER) != 0)
		return "relayed";
	return (holds & HOLD_TOTAL) != 0 ? "open" : "arriving";
}

static const struct state_server *
report_session_server(
    const struct state *state, const struct ledger_entry *entry)
{
	return entry->server < state->shape.servers
	    ? &state->servers[entry->server]
	    : NULL;
}

/* Whether a place, "pool/server" or "pool/server/0", is of that pool and
 * server; either may be NULL. */
static bool
report_place_is(
    const struct state_server *place, const char *pool, const char *server)
{
	const char *name = place->name;
	size_t len;

	if (pool != NULL) {
		len = strlen(pool);
		if (strncmp(name, pool, len) != 0 || name[len] != '/')
			return false;
	}
	if (server == NULL)
		return true;
	name = strchr(name, '/');
	len = strlen(server);
	return name != NULL && strncmp(name + 1, server, len) == 0 &&
	    (name[1 + len] == '\0' || name[1 + len] == '/');
}

static bool
report_session_wanted(const struct state *state,
    const struct report_filter *filter, const struct ledger_entry *entry)
{
	const struct state_server *place = report_session_server(state, entry);

	if (entry->service >= state->shape.services)
		return false;
	if (filter->service != NULL &&
	    strcmp(filter->service, state->services[entry->service].name) != 0)
		return false;
	if ((filter->pool != NULL || filter->server != NULL) &&
	    (place == NULL ||
		!report_place_is(place, filter->pool, filter->server)))
		return false;
	return filter->client.family == ADDR_NONE ||
	    prefix_match(&filter->client, &entry->client);
}

static json_t *
report_make_session(
    struct report *report, unsigned worker, const struct ledger_entry *entry)
{
	const struct state *state = report->source->state;
	const struct state_server *place = report_session_server(state, entry);
	json_t *row = report_object(report);
	char text[ADDR_STRLEN];

	report_set_uint(report, row, "id", atomic_load(&entry->id));
	report_set_uint(report, row, "worker", state_slot(state, worker));
	report_set_text(
	    report, row, "service", state->services[entry->service].name);
	report_set_text(report, row, "client",
	    addr_format(&entry->client, text, sizeof(text)));
	report_set_text(
	    report, row, "server", place != NULL ? place->name : NULL);
	report_set_text(report, row, "phase", report_session_phase(entry));
	report_set_uint(report, row, "start_us", (uint64_t)entry->start_us);
	report_set_uint(report, row, "bytes_in", atomic_load(&entry->bytes_in));
	report_set_uint(
	    report, row, "bytes_out", atomic_load(&entry->bytes_out));
	return row;
}

/* Where a walk through the ledgers is: a worker and a place in its table,
 * which together are what "next" says. */
struct walk {
	unsigned worker;
	uint32_t place;
	uint32_t examined;
};

static bool
report_walk(const struct state *state, struct walk *walk, int only,
    struct ledger_entry *entry)
{
	while (walk->worker < state->shape.workers) {
		if ((only > 0 &&
			state_slot(state, walk->worker) !=
			    (unsigned)only - 1) ||
		    walk->place >= report_top(state, walk->worker)) {
			walk->worker++;
			walk->place = 0;
			continue;
		}
		if (walk->examined == REPORT_EXAMINED)
			return false;
		walk->examined++;
		if (ledger_read(state, walk->worker, walk->place++, entry))
			return true;
	}
	walk->worker = state->shape.workers;
	return false;
}

json_t *
report_sessions(
    const struct report_source *source, const struct report_filter *filter)
{
	struct report report = { .source = source };
	const struct state *state = source->state;
	json_t *result = report_object(&report);
	json_t *rows = report_array(&report);
	struct walk walk = { .worker = (unsigned)(filter->from >> 32),
		.place = (uint32_t)filter->from };
	unsigned max = report_rows(filter->max), n = 0;
	struct ledger_entry entry;

	while (n < max && report_walk(state, &walk, filter->worker, &entry)) {
		if (!report_session_wanted(state, filter, &entry))
			continue;
		report_push(&report, rows,
		    report_make_session(&report, walk.worker, &entry));
		n++;
	}
	report_set_uint(&report, result, "live", report_live(source));
	report_set(&report, result, "sessions", rows);
	report_set(&report, result, "next",
	    walk.worker < state->shape.workers
		? json_integer(
		      (json_int_t)((uint64_t)walk.worker << 32 | walk.place))
		: json_null());
	return report_finish(&report, result);
}

/* ---- sources ---- */

struct source_row {
	struct prefix prefix;
	uint32_t sessions;
};

static int
compare_prefixes(const void *a, const void *b)
{
	return memcmp(&((const struct source_row *)a)->prefix,
	    &((const struct source_row *)b)->prefix, sizeof(struct prefix));
}

static int
compare_sessions(const void *a, const void *b)
{
	const struct source_row *x = a, *y = b;

	if (x->sessions != y->sessions)
		return x->sessions < y->sessions ? 1 : -1;
	return compare_prefixes(a, b);
}

/* Each source once, with how many sessions it has; returns their number. */
static size_t
report_fold(struct source_row *rows, size_t n)
{
	size_t i, out = 0;

	qsort(rows, n, sizeof(*rows), compare_prefixes);
	for (i = 0; i < n; i++) {
		if (out > 0 && compare_prefixes(&rows[out - 1], &rows[i]) == 0)
			rows[out - 1].sessions++;
		else
			rows[out++] = rows[i];
	}
	qsort(rows, out, sizeof(*rows), compare_sessions);
	return out;
}

static json_t *
report_make_source(struct report *report, const struct source_row *source)
{
	json_t *row = report_object(report);
	char text[PREFIX_STRLEN];

	report_set_text(report, row, "source",
	    source->prefix.family == ADDR_NONE
		? "unix"
		: prefix_format(&source->prefix, text, sizeof(text)));
	report_set_uint(report, row, "sessions", source->sessions);
	return row;
}

json_t *
report_sources(const struct report_source *source, unsigned max)
{
	struct report report = { .source = source };
	const struct state *state = source->state;
	struct source_row *all = mem_array(REPORT_EXAMINED, sizeof(*all));
	json_t *result = report_object(&report);
	json_t *rows = report_array(&report);
	struct walk walk = { 0 };
	struct ledger_entry entry;
	size_t n = 0, i;

	report.failed |= all == NULL;
	while (all != NULL && report_walk(state, &walk, 0, &entry)) {
		all[n].prefix =
		    prefix_of(&entry.client, SOURCE_BITS4, SOURCE_BITS6);
		all[n++].sessions = 1;
	}
	n = all != NULL ? report_fold(all, n) : 0;
	for (i = 0; i < n && i < report_rows(max); i++)
		report_push(
		    &report, rows, report_make_source(&report, &all[i]));
	mem_free(all);
	report_set_bool(
	    &report, result, "complete", walk.worker >= state->shape.workers);
	report_set_uint(&report, result, "distinct", n);
	report_set(&report, result, "sources", rows);
	return report_finish(&report, result);
}
