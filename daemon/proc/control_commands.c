/*
 * The commands that change something, and the table of all of them.
 *
 * What they change lies in the shared state, so that all workers have it at
 * once and a worker that is started later as well; the master only has to
 * wake who waits.  Each leaves a record of who ordered what.
 */
#include "proc/control_commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proc/child.h"
#include "proc/control_upgrade.h"
#include "state/bans.h"
#include "state/ledger.h"
#include "state/servers.h"

#define WAIT_MS    100 /* between two looks whether somebody is drained */
#define WEIGHT_MAX 256 /* as for the option of the configuration */

/* ---- for all ---- */

/* Log the order, and tell who watches; then it has worked. */
static void
order_done(struct control_client *client, const char *what, json_t *answer)
{
	struct control *control = client->control;
	struct log_record record;

	log_record_begin(&record, LOG_LEVEL_NOTICE, "ordered by hand");
	log_record_str(&record, "command", what);
	log_record_uint(&record, "uid", client->uid);
	log_emit(control->sup->log, &record);
	control_watch_tell(control, "order", what,
	    json_pack("{s:I}", "uid", (json_int_t)client->uid));
	control_client_succeed(client, answer);
}

/* The order as it was given, into buf. */
static const char *
order_text(const struct request *request, char *buf, size_t size)
{
	const char *first = request->arguments[0];
	const char *second = request->arguments[1];

	(void)snprintf(buf, size, "%s%s%s%s%s", request->command->name,
	    first != NULL ? " " : "", first != NULL ? first : "",
	    second != NULL ? " " : "", second != NULL ? second : "");
	return buf;
}

/* ---- servers ---- */

/* A server of the configuration, and its places. */
struct found_server {
	const struct conf_pool *conf_pool;
	const struct conf_server *conf;
	unsigned pool;
	unsigned first;
};

static bool
is_named(const char *text, const char *pool, const char *server)
{
	size_t len = strlen(pool);

	return strncmp(text, pool, len) == 0 && text[len] == '/' &&
	    strcmp(text + len + 1, server) == 0;
}

/* The server POOL/SERVER; false, and it is said that there is none. */
static bool
find_server(
    struct control_client *client, const char *name, struct found_server *found)
{
	const struct supervisor *sup = client->control->sup;
	const struct conf *conf = sup->conf;
	const unsigned *place = sup->slots->places;
	size_t i, j;

	for (i = 0; i < conf->npools; i++) {
		for (j = 0; j < conf->pools[i].nservers; j++, place++) {
			if (!is_named(name, conf->pools[i].name,
				conf->pools[i].servers[j].name))
				continue;
			found->conf_pool = &conf->pools[i];
			found->conf = &conf->pools[i].servers[j];
			found->pool = sup->slots->pools[i];
			found->first = *place;
			return true;
		}
	}
	control_client_fail(client, "there is no server \"%s\"", name);
	return false;
}

/* An order to a server has worked: what of it is new, which takes the
 * reference. */
static void
server_done(struct control_client *client, const char *key, json_t *value)
{
	const struct request *request = &client->job.request;
	char text[256];

	order_done(client, order_text(request, text, sizeof(text)),
	    json_pack(
		"{s:s,s:o}", "server", request->arguments[0], key, value));
}

static void
set_admin(struct control_client *client, enum server_admin admin)
{
	const struct request *request = &client->job.request;
	struct state *state = client->control->sup->state;
	struct found_server found;
	size_t i;

	if (!find_server(client, request->arguments[0], &found))
		return;
	for (i = 0; i < found.conf->nplaces; i++)
		atomic_store(
		    &state->servers[found.first + i].admin, (uint32_t)admin);
	/* Somebody may wait for a server. */
	if (admin == SERVER_ADMIN_ENABLED)
		state_wake_workers(state);
	server_done(client, "admin", json_string(state_admin_name(admin)));
}

/* The whole of muxd. */
static void
set_node(struct control_client *client, enum node_order order, const char *what)
{
	struct control *control = client->control;

	atomic_store(&control->sup->state->node->order, (uint32_t)order);
	control->ops->node_ordered(control);
	order_done(
	    client, what, json_pack("{s:s}", "node", state_node_name(order)));
}

static void
run_drain(struct control_client *client)
{
	const struct request *request = &client->job.request;

	if ((request->options & OPTION_REFUSE) != 0)
		set_node(client, NODE_REFUSING, "drain --refuse");
	else if (request->arguments[0] == NULL)
		set_node(client, NODE_DRAINING, "drain");
	else
		set_admin(client, SERVER_ADMIN_DRAINING);
}

static void
run_disable(struct control_client *client)
{
	set_admin(client, SERVER_ADMIN_DISABLED);
}

static void
run_enable(struct control_client *client)
{
	if (client->job.request.arguments[0] == NULL)
		set_node(client, NODE_ENABLED, "enable");
	else
		set_admin(client, SERVER_ADMIN_ENABLED);
}

static void
run_set_weight(struct control_client *client)
{
	const struct request *request = &client->job.request;
	struct state *state = client->control->sup->state;
	struct found_server found;
	size_t i;

	if (!find_server(client, request->arguments[0], &found))
		return;
	if (request->number < 1 || request->number > WEIGHT_MAX) {
		control_client_fail(
		    client, "a weight is from 1 to %d", WEIGHT_MAX);
		return;
	}
	for (i = 0; i < found.conf->nplaces; i++)
		atomic_store(&state->servers[found.first + i].manual_weight,
		    (uint32_t)request->number);
	state_pool_changed(&state->pools[found.pool]);
	server_done(
	    client, "weight", json_integer((json_int_t)request->number));
}

static void
run_set_max_connections(struct control_client *client)
{
	const struct request *request = &client->job.request;
	struct state *state = client->control->sup->state;
	struct found_server found;
	size_t i;

	if (!find_server(client, request->arguments[0], &found))
		return;
	if (request->number > TALLY_MAX) {
		control_client_fail(client, "max-connections is at most %llu",
		    (unsigned long long)TALLY_MAX);
		return;
	}
	for (i = 0; i < found.conf->nplaces; i++)
		atomic_store(&state->servers[found.first + i].manual_max,
		    request->number + 1);
	state_wake_workers(state);
	server_done(client, "max_connections",
	    json_integer((json_int_t)request->number));
}

/* ---- clients ---- */

static uint32_t
ledger_top(const struct state *state, unsigned worker)
{
	uint32_t top = atomic_load(&state->workers[worker].ledger_top);

	return top < state->shape.sessions ? top : state->shape.sessions;
}

static bool
is_meant(const struct request *request, const struct ledger_entry *entry)
{
	if ((request->options & OPTION_SOURCE) != 0)
		return prefix_match(&request->prefix, &entry->client);
	return atomic_load(&entry->id) == request->session;
}

/* One that is about to end takes its sessions with it. */
static void
kill_tell(struct control *control, unsigned number)
{
	const struct supervisor *sup = control->sup;
	unsigned slot = number - sup->first;

	if (number < sup->first || slot >= sup->plan->slots)
		control->ops->end_elsewhere(control);
	else if (sup->workers[slot].channel != NULL)
		(void)channel_send(sup->workers[slot].channel, MESSAGE_END, 0);
}

/* Mark the sessions of a worker that are to end, and tell it; how many. */
static uint64_t
kill_of_worker(struct control_client *client, unsigned number)
{
	const struct request *request = &client->job.request;
	struct supervisor *sup = client->control->sup;
	uint32_t i, top = ledger_top(sup->state, number);
	struct ledger_entry copy;
	uint64_t n = 0;

	for (i = 0; i < top; i++) {
		if (!ledger_read(sup->state, number, i, &copy) ||
		    !is_meant(request, &copy))
			continue;
		ledger_condemn(sup->state, number, i, atomic_load(&copy.id));
		n++;
	}
	if (n > 0)
		kill_tell(client->control, number);
	return n;
}

static void
run_kill(struct control_client *client)
{
	const struct request *request = &client->job.request;
	const struct supervisor *sup = client->control->sup;
	bool by_source = (request->options & OPTION_SOURCE) != 0;
	char text[128], prefix[PREFIX_STRLEN];
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < sup->state->shape.workers; i++)
		if (by_source || i == ledger_worker_of(request->session))
			n += kill_of_worker(client, i);
	if (n == 0 && !by_source) {
		control_client_fail(
		    client, "there is no session %s", request->arguments[0]);
		return;
	}
	if (by_source)
		(void)snprintf(text, sizeof(text), "kill --source %s",
		    prefix_format(&request->prefix, prefix, sizeof(prefix)));
	else
		(void)snprintf(
		    text, sizeof(text), "kill %s", request->arguments[0]);
	order_done(client, text, json_pack("{s:I}", "sessions", (json_int_t)n));
}

static void
run_ban(struct control_client *client)
{
	const struct request *request = &client->job.request;
	struct supervisor *sup = client->control->sup;
	uint64_t now = loop_now(sup->loop);
	bool for_ever = (request->options & OPTION_FOR) == 0 ||
	    request->duration_ms >= BAN_FOR_EVER - now;
	uint64_t until = for_ever ? BAN_FOR_EVER : now + request->duration_ms;
	char prefix[PREFIX_STRLEN], text[160], duration[UNITS_STRLEN];

	if (bans_add(sup->state, &request->prefix, until, now) == -1) {
		control_client_fail(client,
		    "there are %d bans already, which is as many as can be",
		    BANS_MAX);
		return;
	}
	(void)prefix_format(&request->prefix, prefix, sizeof(prefix));
	(void)snprintf(text, sizeof(text), "ban %s%s%s", prefix,
	    for_ever ? "" : " --for ",
	    for_ever ? ""
		     : units_format_duration(
			   request->duration_ms, duration, sizeof(duration)));
	order_done(client, text, json_pack("{s:s}", "prefix", prefix));
}

static void
run_unban(struct control_client *client)
{
	const struct request *request = &client->job.request;
	struct supervisor *sup = client->control->sup;
	char prefix[PREFIX_STRLEN], text[80];

	(void)prefix_format(&request->prefix, prefix, sizeof(prefix));
	if (!bans_remove(sup->state, &request->prefix, loop_now(sup->loop))) {
		control_client_fail(client, "%s is not banned", prefix);
		return;
	}
	(void)snprintf(text, sizeof(text), "unban %s", prefix);
	order_done(client, text, json_pack("{s:s}", "prefix", prefix));
}

/* ---- the daemon ---- */

static void
run_events(struct control_client *client)
{
	if (control_watch_join(client->control) == -1) {
		control_client_succeed(client, NULL);
		return;
	}
	control_client_succeed(client, json_object());
	client->phase = CONTROL_SUBSCRIBED;
}

static uint64_t
wait_count(const struct control_client *client)
{
	const struct state *state = client->control->sup->state;
	uint64_t n = 0;
	unsigned i;

	if (client->job.all)
		return tally_read(&state->total->tally);
	for (i = 0; i < client->job.nplaces; i++)
		n += tally_read(
		    &state->servers[client->job.place + i].connections.tally);
	return n;
}

static void
wait_on(struct control_client *client)
{
	uint64_t now = loop_now(client->control->sup->loop);
	uint64_t n = wait_count(client);

	if (n == 0)
		control_client_succeed(
		    client, json_pack("{s:i}", "sessions", 0));
	else if (client->job.deadline_ms != 0 && client->job.deadline_ms <= now)
		control_client_fail(
		    client, "%llu sessions are left", (unsigned long long)n);
	else
		control_client_work(client, wait_on, WAIT_MS);
}

static void
run_wait_drained(struct control_client *client)
{
	const struct request *request = &client->job.request;
	struct found_server found;

	if ((request->options & OPTION_FOR) != 0)
		client->job.deadline_ms =
		    loop_now(client->control->sup->loop) + request->duration_ms;
	if (request->arguments[0] == NULL) {
		client->job.all = true;
	} else {
		if (!find_server(client, request->arguments[0], &found))
			return;
		client->job.place = found.first;
		client->job.nplaces = (unsigned)found.conf->nplaces;
	}
	wait_on(client);
}

static void
run_stop(struct control_client *client)
{
	struct control *control = client->control;

	order_done(client, "stop", json_pack("{s:b}", "stopping", 1));
	/* It may be the last thing that is heard. */
	control_client_flush(client);
	control->ops->stop(control);
}

/* By id; NULL for muxctl's own. */
static void (*const functions[COMMANDS])(struct control_client *) = {
	[COMMAND_STATUS] = control_show_status,
	[COMMAND_SHOW_SERVICES] = control_show_services,
	[COMMAND_SHOW_POOLS] = control_show_pools,
	[COMMAND_SHOW_SERVERS] = control_show_servers,
	[COMMAND_SHOW_SESSIONS] = control_show_sessions,
	[COMMAND_SHOW_SOURCES] = control_show_sources,
	[COMMAND_SHOW_LIMITS] = control_show_limits,
	[COMMAND_SHOW_WORKERS] = control_show_workers,
	[COMMAND_SHOW_ERRORS] = control_show_errors,
	[COMMAND_SHOW_BANS] = control_show_bans,
	[COMMAND_SHOW_CONFIG] = control_show_config,
	[COMMAND_TRY] = control_try,
	[COMMAND_EXPLAIN] = control_explain,
	[COMMAND_EVENTS] = run_events,
	[COMMAND_METRICS] = control_show_metrics,
	[COMMAND_DRAIN] = run_drain,
	[COMMAND_DISABLE] = run_disable,
	[COMMAND_ENABLE] = run_enable,
	[COMMAND_SET_WEIGHT] = run_set_weight,
	[COMMAND_SET_MAX_CONNECTIONS] = run_set_max_connections,
	[COMMAND_KILL] = run_kill,
	[COMMAND_BAN] = run_ban,
	[COMMAND_UNBAN] = run_unban,
	[COMMAND_DIFF] = control_diff,
	[COMMAND_RELOAD] = control_reload,
	[COMMAND_UPGRADE] = control_upgrade,
	[COMMAND_WAIT_DRAINED] = run_wait_drained,
	[COMMAND_STOP] = run_stop,
};

void
control_commands_run(struct control_client *client)
{
	const struct command *command = client->job.request.command;

	if (functions[command->id] == NULL) {
		control_client_fail(client,
		    "\"%s\" is a command of muxctl, not of muxd",
		    command->name);
		return;
	}
	functions[command->id](client);
}
