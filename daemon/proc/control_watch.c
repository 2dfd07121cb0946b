/*
 * Events: what has changed since the last look.
 */
#include "proc/control_watch.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proc/control_client.h"
#include "state/servers.h"

enum server_status {
	SERVER_STATUS_NONE, /* a free place, or one without an address */
	SERVER_STATUS_UP,
	SERVER_STATUS_DOWN,
	SERVER_STATUS_EJECTED,
	SERVER_STATUS_DRAINING,
	SERVER_STATUS_DISABLED
};

static const char *const status_names[] = {
	[SERVER_STATUS_NONE] = "without an address",
	[SERVER_STATUS_UP] = "up",
	[SERVER_STATUS_DOWN] = "down",
	[SERVER_STATUS_EJECTED] = "ejected",
	[SERVER_STATUS_DRAINING] = "draining",
	[SERVER_STATUS_DISABLED] = "disabled",
};

void
control_watch_tell(struct control *control, const char *event, const char *text,
    json_t *object)
{
	struct control_client *client;
	struct list *node, *next;

	if (object == NULL)
		object = json_object();
	(void)json_object_set_new(object, "event", json_string(event));
	(void)json_object_set_new(object, "text", json_string(text));
	(void)json_object_set_new(
	    object, "time_us", json_integer(clock_wall_us()));
	for (node = control->clients.next; node != &control->clients;
	     node = next) {
		next = node->next;
		client = container_of(node, struct control_client, link);
		if (client->phase == CONTROL_SUBSCRIBED)
			control_client_send(client, json_incref(object));
	}
	json_decref(object);
}

/* ---- workers ---- */

static pid_t
worker_now(const struct control *control, unsigned slot)
{
	const struct child *worker = &control->sup->workers[slot];

	return worker->phase == CHILD_RUNNING ? worker->pid : 0;
}

static void
tell_worker(struct control *control, unsigned slot, pid_t before, pid_t now)
{
	char text[80];

	if (before != 0) {
		(void)snprintf(text, sizeof(text),
		    "worker %u (process %ld) ended", slot, (long)before);
		control_watch_tell(control, "worker ended", text,
		    json_pack(
			"{s:i,s:i}", "worker", (int)slot, "pid", (int)before));
	}
	if (now != 0) {
		(void)snprintf(text, sizeof(text),
		    "worker %u (process %ld) serves", slot, (long)now);
		control_watch_tell(control, "worker started", text,
		    json_pack(
			"{s:i,s:i}", "worker", (int)slot, "pid", (int)now));
	}
}

/* Whoever is above what was known before has just been started. */
static void
look_at_workers(struct control *control)
{
	struct control_watch *watch = &control->watch;
	pid_t now, before;
	unsigned slot;

	for (slot = 0; slot < watch->nworkers; slot++) {
		now = worker_now(control, slot);
		before = watch->workers[slot];
		watch->workers[slot] = now;
		if (now != before)
			tell_worker(control, slot, before, now);
	}
}

/* ---- servers ---- */

static enum server_status
server_now(const struct state_server *server)
{
	struct addr addr;
	uint32_t weight;

	if (server->name[0] == '\0' ||
	    !state_server_get(server, &addr, &weight))
		return SERVER_STATUS_NONE;
	switch (atomic_load(&server->admin)) {
	case SERVER_ADMIN_DRAINING:
		return SERVER_STATUS_DRAINING;
	case SERVER_ADMIN_DISABLED:
		return SERVER_STATUS_DISABLED;
	default:
		break;
	}
	if (atomic_load(&server->checked) == SERVER_DOWN)
		return SERVER_STATUS_DOWN;
	if (atomic_load(&server->ejected_until_ms) != 0)
		return SERVER_STATUS_EJECTED;
	return SERVER_STATUS_UP;
}

static void
tell_server(struct control *control, const struct state_server *server,
    enum server_status before, enum server_status now)
{
	char text[STATE_SERVER_NAME_MAX + 64];

	(void)snprintf(text, sizeof(text), "server %s is %s, and was %s",
	    server->name, status_names[now], status_names[before]);
	control_watch_tell(control, "server", text,
	    json_pack("{s:s,s:s,s:s}", "server", server->name, "status",
		status_names[now], "before", status_names[before]));
}

static void
look_at_servers(struct control *control)
{
	struct control_watch *watch = &control->watch;
	const struct state_server *server;
	enum server_status now, before;
	unsigned i;

	for (i = 0; i < watch->nservers; i++) {
		server = &control->sup->state->servers[i];
		now = server_now(server);
		before = watch->servers[i];
		watch->servers[i] = (uint8_t)now;
		if (now != before && server->name[0] != '\0')
			tell_server(control, server, before, now);
	}
}

static void
control_watch_look(struct timer *timer)
{
	struct control *control =
	    container_of(timer, struct control, watch.timer);

	look_at_workers(control);
	look_at_servers(control);
}

/* ---- who subscribes ---- */

static void
watch_forget(struct control_watch *watch)
{
	mem_free(watch->workers);
	mem_free(watch->servers);
	watch->workers = NULL;
	watch->servers = NULL;
}

int
control_watch_join(struct control *control)
{
	struct control_watch *watch = &control->watch;
	const struct supervisor *sup = control->sup;
	unsigned i;

	if (watch->subscribers > 0) {
		watch->subscribers++;
		return 0;
	}
	watch->nworkers = sup->plan->slots;
	watch->nservers = sup->state->shape.servers;
	watch->workers = mem_array(watch->nworkers, sizeof(*watch->workers));
	watch->servers = mem_array(watch->nservers, sizeof(*watch->servers));
	if (watch->workers == NULL || watch->servers == NULL) {
		watch_forget(watch);
		return -1;
	}
	for (i = 0; i < watch->nworkers; i++)
		watch->workers[i] = worker_now(control, i);
	for (i = 0; i < watch->nservers; i++)
		watch->servers[i] =
		    (uint8_t)server_now(&sup->state->servers[i]);
	watch->subscribers = 1;
	loop_timer_repeat(sup->loop, &watch->timer, CONTROL_WATCH_MS);
	return 0;
}

void
control_watch_leave(struct control *control)
{
	struct control_watch *watch = &control->watch;

	if (--watch->subscribers > 0)
		return;
	loop_timer_cancel(control->sup->loop, &watch->timer);
	watch_forget(watch);
}

void
control_watch_init(struct control *control)
{
	timer_init(&control->watch.timer, control_watch_look);
}
