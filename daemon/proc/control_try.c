/*
 * The command that tells what would happen to a client now: it asks what a
 * worker asks when a client comes, in the same order and by the same functions,
 * but takes nothing.
 *
 * What only a worker knows is not in it: its descriptors, and who waits at its
 * doors or in its part of a pool's queue.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "conf/effect.h"
#include "monitor/explain.h"
#include "proc/control_commands.h"
#include "service/admission.h"
#include "service/balance.h"
#include "service/pool.h"
#include "service/quota.h"

/* One trial. */
struct trial {
	struct control_client *client;
	struct report_source source;
	struct report report;
	const struct conf_service *service;
	unsigned slot; /* of the service */
	const struct addr *addr;
	json_t *answer;
	json_t *notes;
	const char *verdict; /* NULL: nothing is in the way yet */
	enum reason reason;  /* of one that is refused, or would be */
	char text[256];
};

static void
trial_note(struct trial *trial, const char *text)
{
	report_push(&trial->report, trial->notes, json_string(text));
}

/* It goes no further. */
__attribute__((format(printf, 4, 5))) static void
trial_end(struct trial *trial, const char *verdict, enum reason reason,
    const char *fmt, ...)
{
	va_list args;

	if (trial->verdict != NULL)
		return;
	trial->verdict = verdict;
	trial->reason = reason;
	va_start(args, fmt);
	(void)vsnprintf(trial->text, sizeof(trial->text), fmt, args);
	va_end(args);
}

/* ---- the lists ---- */

static void
trial_lists(struct trial *trial)
{
	struct memo_rule rule;
	enum reason reason = admission_judge(trial->source.state,
	    trial->service, trial->addr, trial->report.now_ms, &rule);

	if (admission_must_tell(trial->service, trial->addr))
		trial_note(trial,
		    "a connection from there must tell in a PROXY header who"
		    " the client is, and is asked for that address");
	if (reason == REASON_NONE)
		return;
	if (rule.kind != MEMO_RULE_NONE)
		report_set(&trial->report, trial->answer, "rule",
		    explain_rule(&trial->report, &rule, trial->service));
	trial_end(trial, "refused", reason, "%s", reason_info(reason)->text);
}

/* ---- the limits ---- */

static void
trial_full(struct trial *trial, enum reason reason)
{
	char text[UNITS_STRLEN];

	if (admission_waits(trial->service, reason))
		trial_end(trial, "waits", reason,
		    "it waits for %s at most, and is refused then: %s",
		    units_format_duration(
			trial->service->limit.wait_timeout, text, sizeof(text)),
		    reason_info(reason)->text);
	else
		trial_end(
		    trial, "refused", reason, "%s", reason_info(reason)->text);
}

static void
trial_limits(struct trial *trial)
{
	const struct quota_scope scope = {
		.state = trial->source.state,
		.conf = trial->source.conf,
		.service = trial->service,
		.slot = trial->slot,
		.connections_max = trial->source.connections_max,
	};
	json_t *rows = report_array(&trial->report), *row;
	const enum memo_limit_kind *kind;
	struct quota_sight sight;
	char max[UNITS_STRLEN];

	for (kind = quota_order; *kind != MEMO_LIMIT_NONE; kind++) {
		sight = quota_look(
		    &scope, *kind, trial->addr, trial->report.now_ms);
		if (sight.limit.max == 0)
			continue;
		row = report_object(&trial->report);
		explain_set_limit(&trial->report, row, *kind, trial->service);
		report_set_uint(&trial->report, row, "held", sight.held);
		report_set_text(&trial->report, row, "max",
		    explain_max(&sight.limit, max, sizeof(max)));
		report_set_bool(
		    &trial->report, row, "full", sight.reason != REASON_NONE);
		report_push(&trial->report, rows, row);
		if (sight.reason != REASON_NONE)
			trial_full(trial, sight.reason);
	}
	report_set(&trial->report, trial->answer, "limits", rows);
}

/* ---- the pool ---- */

static json_t *
trial_server(struct trial *trial, const struct server *server, bool picked)
{
	struct report *report = &trial->report;
	const struct state_server *shared = server->shared;
	json_t *row = report_object(report);
	char text[REPORT_TARGET_STRLEN];

	report_set_text(report, row, "name", shared->name);
	report_set_text(report, row, "address",
	    server->addr.family == ADDR_NONE || server->addr.family == ADDR_UNIX
		? report_target(&server->conf->target, text, sizeof(text))
		: addr_format(&server->addr, text, sizeof(text)));
	report_set_text(report, row, "status",
	    report_place_status_name(report_place_status(
		server->pool->conf, shared, report->now_ms)));
	report_set_uint(report, row, "weight", server->weight);
	report_set_uint(report, row, "sessions", server_sessions(server));
	report_set_uint(report, row, "max", server_max(server));
	report_set_bool(report, row, "backup", server->conf->backup);
	report_set_bool(report, row, "picked", picked);
	if (server->conf->file != NULL) {
		report_set_text(report, row, "file", server->conf->file);
		report_set_uint(
		    report, row, "line", (uint64_t)server->conf->line);
	}
	return row;
}

/* All of them are full. */
static void
trial_queue(struct trial *trial, const struct pool *pool, uint64_t held)
{
	char text[UNITS_STRLEN];

	if (held < pool->conf->queue)
		trial_end(trial, "queued", REASON_QUEUE_TIMEOUT,
		    "all usable servers are full: it waits in the queue for %s"
		    " at most, behind %llu others",
		    units_format_duration(
			pool->conf->queue_timeout, text, sizeof(text)),
		    (unsigned long long)held);
	else
		trial_end(trial, "refused", REASON_QUEUE_FULL, "%s",
		    reason_info(REASON_QUEUE_FULL)->text);
}

static void
trial_pick(struct trial *trial, struct pool *pool, json_t *about)
{
	uint64_t held = tally_read(&pool->shared->queue.tally);
	json_t *rows = report_array(&trial->report);
	struct server *picked;
	enum pool_verdict verdict = pool_preview(pool, trial->addr, &picked);
	enum reason reason =
	    verdict == POOL_LOOP ? REASON_SERVER_LOOP : REASON_NO_SERVER;
	size_t i;

	for (i = 0; i < pool->nservers; i++)
		report_push(&trial->report, rows,
		    trial_server(
			trial, &pool->servers[i], &pool->servers[i] == picked));
	report_set(&trial->report, about, "servers", rows);
	report_set_uint(&trial->report, about, "waiting", held);
	report_set_uint(&trial->report, about, "queue", pool->conf->queue);
	if (pool->choice.balance != 0)
		report_set(&trial->report, about, "choice",
		    explain_choice(&trial->report, &pool->choice));
	if (held > 0 && verdict == POOL_PICKED)
		trial_note(trial,
		    "others wait for a server: in a worker where they do, it"
		    " comes after them");
	if (verdict == POOL_PICKED)
		trial_end(trial, "served", REASON_NONE, "it is sent to %s",
		    picked->shared->name);
	else if (verdict == POOL_FULL)
		trial_queue(trial, pool, held);
	else
		trial_end(
		    trial, "refused", reason, "%s", reason_info(reason)->text);
}

/* The first place of each server of the pool. */
static const unsigned *
trial_places(const struct trial *trial, const struct conf_pool *pool)
{
	const unsigned *places = trial->source.places;
	const struct conf_pool *before;

	for (before = trial->source.conf->pools; before < pool; before++)
		places += before->nservers;
	return places;
}

/* With a pool such as each worker has, for this one question. */
static void
trial_pool(struct trial *trial, const struct conf_pool *conf)
{
	struct supervisor *sup = trial->client->control->sup;
	struct services *set = mem_zalloc(sizeof(*set));
	json_t *about = report_object(&trial->report);
	size_t i = (size_t)(conf - trial->source.conf->pools);
	struct pool *pool = NULL;

	report_set_text(&trial->report, about, "name", conf->name);
	if (set != NULL) {
		set->loop = sup->loop;
		set->log = sup->log;
		set->state = sup->state;
		set->conf = sup->conf;
		pool = pool_open_alone(set, conf, trial->source.pools[i],
		    trial_places(trial, conf));
	}
	if (pool != NULL)
		trial_pick(trial, pool, about);
	trial->report.failed |= pool == NULL;
	pools_close(pool, 1);
	mem_free(set);
	report_set(&trial->report, trial->answer, "pool", about);
}

/* ---- the whole ---- */

static void
trial_run(struct trial *trial)
{
	const struct conf_service *service = trial->service;

	if (json_array_size(trial->notes) == 0 &&
	    conf_service_transports(service) == TRANSPORT_UDP)
		trial_note(trial,
		    "the service speaks UDP: where a limit is full, another"
		    " session may make room, and nobody waits");
	trial_lists(trial);
	trial_limits(trial);
	/* What follows is told all the same: it is what comes next. */
	if (service->pool != NULL)
		trial_pool(trial, service->pool);
	trial_end(trial, "served", REASON_NONE, "it is served by \"%s\"",
	    conf_handlers[service->handler].name);
}

static void
trial_begin(struct trial *trial)
{
	struct report *report = &trial->report;
	char text[ADDR_STRLEN];
	json_t *problems;

	trial->report.source = &trial->source;
	trial->report.now_ms = loop_now(trial->client->control->sup->loop);
	trial->answer = report_object(report);
	trial->notes = report_array(report);
	report_set_text(report, trial->answer, "client",
	    addr_format_ip(trial->addr, text, sizeof(text)));
	report_set_text(report, trial->answer, "service", trial->service->name);
	problems = report_problems(&trial->source, report->now_ms);
	if (json_array_size(problems) > 0)
		(void)json_array_extend(trial->notes, problems);
	json_decref(problems);
}

void
control_try(struct control_client *client)
{
	const struct request *request = &client->job.request;
	struct trial trial = {
		.client = client,
		.source = control_source(client),
		.addr = &request->client,
	};

	/* The words of the request are still there: nothing was put off. */
	trial.service = explain_service(
	    trial.source.conf, request->service, strlen(request->service));
	if (trial.service == NULL) {
		control_client_fail(
		    client, "there is no service \"%s\"", request->service);
		return;
	}
	trial.slot =
	    trial.source.services[trial.service - trial.source.conf->services];
	trial_begin(&trial);
	trial_run(&trial);
	report_set_text(&trial.report, trial.answer, "verdict", trial.verdict);
	report_set_text(&trial.report, trial.answer, "text", trial.text);
	report_set_text(&trial.report, trial.answer, "reason",
	    trial.reason != REASON_NONE ? reason_info(trial.reason)->name
					: NULL);
	report_set(&trial.report, trial.answer, "notes", trial.notes);
	control_client_succeed(
	    client, report_finish(&trial.report, trial.answer));
}
