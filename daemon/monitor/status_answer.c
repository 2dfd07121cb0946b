/*
 * The paths: one row each.
 */
#include "monitor/status_answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/units.h"
#include "monitor/metrics.h"
#include "monitor/status_page.h"

#define TYPE_HTML  "text/html; charset=utf-8"
#define TYPE_JSON  "application/json"
#define TYPE_TEXT  "text/plain; charset=utf-8"

#define NONCE_WORD "@NONCE@"

void
status_answer_text(
    struct status_answer *answer, unsigned code, const char *text)
{
	size_t len = strlen(text);

	*answer = (struct status_answer){ .code = code, .type = TYPE_TEXT };
	answer->body = malloc(len + 2);
	if (answer->body == NULL)
		return;
	memcpy(answer->body, text, len);
	memcpy(answer->body + len, "\n", 2);
	answer->len = len + 1;
}

/* From a buffer whose memory is the C library's. */
static void
answer_buffer(struct status_answer *answer, unsigned code, const char *type,
    struct strbuf *buffer)
{
	answer->code = buffer->failed ? 500 : code;
	answer->type = type;
	answer->len = buffer->len;
	answer->body = strbuf_steal(buffer);
}

/* The report is released; NULL: there was no memory for it. */
static void
answer_json(struct status_answer *answer, json_t *report)
{
	answer->code = 500;
	answer->type = TYPE_JSON;
	if (report == NULL)
		return;
	answer->body =
	    json_dumps(report, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(report);
	if (answer->body == NULL)
		return;
	answer->code = 200;
	answer->len = strlen(answer->body);
}

/* ---- parameters ---- */

static const char *
parameter(const struct status_request *request, const char *name)
{
	return request->parameter(request->arg, name);
}

/* A number up to max; without the parameter, 0.  False: it is none. */
static bool
number(const struct status_request *request, const char *name, uint64_t max,
    uint64_t *value)
{
	const char *text = parameter(request, name), *why;

	*value = 0;
	return text == NULL ||
	    (units_parse_uint(text, value, &why) == 0 && *value <= max);
}

static bool
flag(const struct status_request *request, const char *name)
{
	const char *text = parameter(request, name);

	return text != NULL && strcmp(text, "0") != 0;
}

/* ---- pages ---- */

static int
make_nonce(char nonce[STATUS_NONCE_SIZE])
{
	unsigned char bytes[(STATUS_NONCE_SIZE - 1) / 2];
	size_t i;

	if (getentropy(bytes, sizeof(bytes)) == -1)
		return -1;
	for (i = 0; i < sizeof(bytes); i++)
		(void)snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static void
answer_page(const struct status_request *request, struct status_answer *answer)
{
	const char *text = (const char *)status_page;
	const char *end = text + status_page_len;
	struct strbuf page = { 0 };
	const char *word;

	(void)request;
	if (make_nonce(answer->nonce) == -1) {
		status_answer_text(answer, 500, "no random numbers");
		return;
	}
	while ((word = memmem(text, (size_t)(end - text), NONCE_WORD,
		    strlen(NONCE_WORD))) != NULL) {
		strbuf_append(&page, text, (size_t)(word - text));
		strbuf_puts(&page, answer->nonce);
		text = word + strlen(NONCE_WORD);
	}
	strbuf_append(&page, text, (size_t)(end - text));
	answer_buffer(answer, 200, TYPE_HTML, &page);
}

static void
answer_metrics(
    const struct status_request *request, struct status_answer *answer)
{
	struct strbuf text = { 0 };

	metrics_write(&text, request->source, request->now_ms, request->now_us);
	answer_buffer(answer, 200, METRICS_CONTENT_TYPE, &text);
}

static void
answer_health(
    const struct status_request *request, struct status_answer *answer)
{
	json_t *problems = report_problems(request->source, request->now_ms);
	struct strbuf text = { 0 };
	size_t i;

	if (problems == NULL) {
		answer->code = 500;
		return;
	}
	if (json_array_size(problems) == 0)
		strbuf_puts(&text, "ok\n");
	for (i = 0; i < json_array_size(problems); i++)
		strbuf_printf(&text, "%s\n",
		    json_string_value(json_array_get(problems, i)));
	answer_buffer(answer, json_array_size(problems) == 0 ? 200 : 503,
	    TYPE_TEXT, &text);
	json_decref(problems);
}

/* ---- reports ---- */

static void
answer_status(
    const struct status_request *request, struct status_answer *answer)
{
	answer_json(answer, report_status(request->source, request->now_ms));
}

static void
answer_services(
    const struct status_request *request, struct status_answer *answer)
{
	answer_json(answer,
	    report_services(
		request->source, request->now_ms, flag(request, "by_worker")));
}

static void
answer_pools(const struct status_request *request, struct status_answer *answer)
{
	answer_json(answer,
	    report_pools(
		request->source, request->now_ms, flag(request, "by_worker")));
}

static void
answer_workers(
    const struct status_request *request, struct status_answer *answer)
{
	answer_json(answer, report_workers(request->source, request->now_ms));
}

static void
answer_limits(
    const struct status_request *request, struct status_answer *answer)
{
	answer_json(answer, report_limits(request->source, request->now_ms));
}

static void
answer_closes(
    const struct status_request *request, struct status_answer *answer)
{
	answer_json(answer, report_closes(request->source));
}

/* What the shared state counts, and what passed through the monitor. */
static json_t *
make_errors(const struct status_request *request)
{
	json_t *errors = report_errors(request->source, false);
	json_t *recent = recent_report(request->recent);

	if (errors == NULL || recent == NULL ||
	    json_object_set(errors, "recent", recent) == -1) {
		json_decref(errors);
		errors = NULL;
	}
	json_decref(recent);
	return errors;
}

static void
answer_errors(
    const struct status_request *request, struct status_answer *answer)
{
	answer_json(answer, make_errors(request));
}

static void
answer_history(
    const struct status_request *request, struct status_answer *answer)
{
	answer_json(answer, history_report(request->history, request->now_ms));
}

static void
answer_sessions(
    const struct status_request *request, struct status_answer *answer)
{
	struct report_filter filter = {
		.service = parameter(request, "service"),
		.pool = parameter(request, "pool"),
		.server = parameter(request, "server"),
	};
	const char *client = parameter(request, "client"), *why;
	const char *worker = parameter(request, "worker");
	uint64_t slot, max;

	if (!number(request, "max", REPORT_ROWS_MAX, &max) ||
	    !number(request, "from", INT64_MAX, &filter.from) ||
	    !number(request, "worker", TALLY_WORKERS - 1, &slot)) {
		status_answer_text(answer, 400,
		    "max, from or worker is not a number in its range");
		return;
	}
	if (client != NULL &&
	    prefix_parse(client, &filter.client, &why) == -1) {
		status_answer_text(answer, 400, why);
		return;
	}
	filter.max = (unsigned)max;
	filter.worker = worker != NULL ? (int)slot + 1 : 0;
	answer_json(answer, report_sessions(request->source, &filter));
}

static void
answer_sources(
    const struct status_request *request, struct status_answer *answer)
{
	uint64_t max;

	if (!number(request, "max", REPORT_ROWS_MAX, &max)) {
		status_answer_text(
		    answer, 400, "max is not a number in its range");
		return;
	}
	answer_json(answer, report_sources(request->source, (unsigned)max));
}

/* All that the page shows, in one answer. */
static void
answer_overview(
    const struct status_request *request, struct status_answer *answer)
{
	const struct report_source *source = request->source;
	uint64_t now = request->now_ms;
	json_t *all = json_object();
	int failed = 0;

	failed |=
	    json_object_set_new(all, "status", report_status(source, now));
	failed |= json_object_set_new(
	    all, "services", report_services(source, now, false));
	failed |=
	    json_object_set_new(all, "pools", report_pools(source, now, false));
	failed |=
	    json_object_set_new(all, "workers", report_workers(source, now));
	failed |=
	    json_object_set_new(all, "limits", report_limits(source, now));
	failed |= json_object_set_new(all, "errors", make_errors(request));
	failed |= json_object_set_new(
	    all, "history", history_report(request->history, now));
	if (failed != 0) {
		json_decref(all);
		all = NULL;
	}
	answer_json(answer, all);
}

/* A list of a thousand rows, looked for in much more memory, takes the time of
 * many other answers. */
#define COST_ROWS 20

static const struct path {
	const char *path;
	void (*answer)(
	    const struct status_request *request, struct status_answer *answer);
	struct status_cost cost;
} paths[] = {
	{ "/", answer_page, { STATUS_BUDGET_PAGE, 1 } },
	{ "/metrics", answer_metrics, { STATUS_BUDGET_METRICS, 1 } },
	{ "/healthz", answer_health, { STATUS_BUDGET_PAGE, 0 } },
	{ "/api/overview", answer_overview, { STATUS_BUDGET_PAGE, 1 } },
	{ "/api/status", answer_status, { STATUS_BUDGET_PAGE, 1 } },
	{ "/api/services", answer_services, { STATUS_BUDGET_PAGE, 1 } },
	{ "/api/pools", answer_pools, { STATUS_BUDGET_PAGE, 1 } },
	{ "/api/workers", answer_workers, { STATUS_BUDGET_PAGE, 1 } },
	{ "/api/sessions", answer_sessions, { STATUS_BUDGET_PAGE, COST_ROWS } },
	{ "/api/sources", answer_sources, { STATUS_BUDGET_PAGE, COST_ROWS } },
	{ "/api/limits", answer_limits, { STATUS_BUDGET_PAGE, 1 } },
	{ "/api/closes", answer_closes, { STATUS_BUDGET_PAGE, 1 } },
	{ "/api/errors", answer_errors, { STATUS_BUDGET_PAGE, 1 } },
	{ "/api/history", answer_history, { STATUS_BUDGET_PAGE, 1 } },
};

static const struct path *
find_path(const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strcmp(paths[i].path, path) == 0)
			return &paths[i];
	return NULL;
}

struct status_cost
status_answer_cost(const char *path)
{
	const struct path *found = find_path(path);

	return found != NULL ? found->cost
			     : (struct status_cost){ STATUS_BUDGET_PAGE, 1 };
}

void
status_answer(
    const struct status_request *request, struct status_answer *answer)
{
	const struct path *found = find_path(request->path);

	*answer = (struct status_answer){ .code = 500, .type = TYPE_TEXT };
	if (found != NULL)
		found->answer(request, answer);
	else
		status_answer_text(answer, 404, "there is no such page");
}
