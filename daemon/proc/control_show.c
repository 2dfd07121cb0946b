/*
 * The commands that only look: they put what monitor/report.c tells into an
 * answer.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "monitor/metrics.h"
#include "monitor/report.h"
#include "proc/control_commands.h"
#include "state/bans.h"

/* Sessions told of in one turn. */
#define SESSIONS_STEP 200

struct report_source
control_source(const struct control_client *client)
{
	const struct control *control = client->control;
	const struct supervisor *sup = control->sup;

	return (struct report_source){
		.state = sup->state,
		.conf = sup->conf,
		.services = sup->slots->services,
		.pools = sup->slots->pools,
		.places = sup->slots->places,
		.first = sup->first,
		.connections_max = sup->plan->connections,
		.started_ms = sup->started_ms,
		.pid = (int32_t)getpid(),
		.version = PACKAGE_VERSION,
	};
}

static uint64_t
show_now(const struct control_client *client)
{
	return loop_now(client->control->sup->loop);
}

static bool
show_by_worker(const struct control_client *client)
{
	return (client->job.request.options & OPTION_BY_WORKER) != 0;
}

/* Answer with a report under a name; takes the reference. */
static void
show(struct control_client *client, const char *name, json_t *report)
{
	json_t *answer = json_object();

	if (report == NULL ||
	    json_object_set_new(answer, name, json_incref(report)) == -1) {
		json_decref(answer);
		answer = NULL;
	}
	json_decref(report);
	control_client_succeed(client, answer);
}

void
control_show_status(struct control_client *client)
{
	const struct control *control = client->control;
	struct report_source source = control_source(client);
	json_t *status = report_status(&source, show_now(client));

	if (status != NULL)
		(void)json_object_set_new(
		    status, "configuration", json_string(control->conf_path));
	show(client, "status", status);
}

void
control_show_services(struct control_client *client)
{
	struct report_source source = control_source(client);

	show(client, "services",
	    report_services(&source, show_now(client), show_by_worker(client)));
}

void
control_show_pools(struct control_client *client)
{
	struct report_source source = control_source(client);

	show(client, "pools",
	    report_pools(&source, show_now(client), show_by_worker(client)));
}

/* A server that is no name has one place, and the counters of its workers. */
static void
show_server_workers(json_t *server)
{
	const json_t *places = json_object_get(server, "places");
	json_t *place = json_array_get(places, 0);

	if (json_array_size(places) == 1 &&
	    json_object_get(place, "workers") != NULL)
		(void)json_object_set(
		    server, "workers", json_object_get(place, "workers"));
}

/* Those of all pools in one list, each with its pool. */
void
control_show_servers(struct control_client *client)
{
	struct report_source source = control_source(client);
	json_t *pools =
	    report_pools(&source, show_now(client), show_by_worker(client));
	json_t *all = json_array(), *pool, *server;
	size_t i, j;

	json_array_foreach(pools, i, pool)
	{
		json_array_foreach(json_object_get(pool, "servers"), j, server)
		{
			(void)json_object_set(
			    server, "pool", json_object_get(pool, "name"));
			show_server_workers(server);
			(void)json_array_append(all, server);
		}
	}
	if (pools == NULL) {
		json_decref(all);
		all = NULL;
	}
	json_decref(pools);
	show(client, "servers", all);
}

void
control_show_sources(struct control_client *client)
{
	struct report_source source = control_source(client);
	json_t *sources = report_sources(&source, 0);

	control_client_succeed(client, sources);
}

void
control_show_limits(struct control_client *client)
{
	struct report_source source = control_source(client);

	show(client, "limits", report_limits(&source, show_now(client)));
}

void
control_show_workers(struct control_client *client)
{
	struct report_source source = control_source(client);

	show(client, "workers", report_workers(&source, show_now(client)));
}

void
control_show_errors(struct control_client *client)
{
	struct report_source source = control_source(client);

	show(client, "errors", report_errors(&source, show_by_worker(client)));
}

void
control_show_bans(struct control_client *client)
{
	json_t *bans = json_array();
	uint64_t now = show_now(client), until_ms;
	char text[PREFIX_STRLEN];
	struct prefix prefix;
	json_t *row;
	unsigned i;

	for (i = 0; i < BANS_MAX; i++) {
		if (!bans_get(client->control->sup->state, i, now, &prefix,
			&until_ms))
			continue;
		row = json_pack("{s:s}", "prefix",
		    prefix_format(&prefix, text, sizeof(text)));
		/* Without an end there is none to tell. */
		if (until_ms != BAN_FOR_EVER)
			(void)json_object_set_new(row, "left_ms",
			    json_integer((json_int_t)(until_ms - now)));
		(void)json_array_append_new(bans, row);
	}
	show(client, "bans", bans);
}

void
control_show_config(struct control_client *client)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int result = -1;

	if (out != NULL) {
		result = conf_dump(client->control->sup->conf, out, true);
		if (fclose(out) == EOF)
			result = -1;
	}
	show(client, "config", result == 0 ? json_stringn(text, len) : NULL);
	free(text);
}

/* One text, as the status page has it. */
void
control_show_metrics(struct control_client *client)
{
	struct report_source source = control_source(client);
	struct strbuf out = { 0 };
	json_t *text = NULL;

	metrics_write(&out, &source, show_now(client), clock_wall_us());
	if (!out.failed && out.text != NULL)
		text = json_stringn(out.text, out.len);
	strbuf_free(&out);
	show(client, "metrics", text);
}

/* ---- sessions ---- */

/* As records have it, which is not how a number of 64 bits survives all
 * readers of JSON. */
void
control_set_session(json_t *row)
{
	json_int_t id = json_integer_value(json_object_get(row, "id"));
	char text[24];

	(void)snprintf(text, sizeof(text), "%016" PRIx64, (uint64_t)id);
	(void)json_object_del(row, "id");
	(void)json_object_set_new(row, "session", json_string(text));
}

static void
show_more_sessions(struct control_client *client)
{
	struct report_source source = control_source(client);
	const struct report_filter filter = {
		.client = client->job.request.prefix,
		.max = SESSIONS_STEP,
		.from = client->job.from,
	};
	json_t *report = report_sessions(&source, &filter), *next, *row;
	size_t i;

	if (report == NULL) {
		control_client_succeed(client, NULL);
		return;
	}
	json_array_foreach(json_object_get(report, "sessions"), i, row)
	{
		control_set_session(row);
		control_client_send(client, json_incref(row));
	}
	next = json_object_get(report, "next");
	if (json_is_integer(next)) {
		client->job.from = (uint64_t)json_integer_value(next);
		control_client_work(client, show_more_sessions, 0);
	} else {
		control_client_succeed(client, json_object());
	}
	json_decref(report);
}

void
control_show_sessions(struct control_client *client)
{
	show_more_sessions(client);
}
