/*
 * Reload: see reload.h for its phases.
 */
#include "proc/reload.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "proc/heir.h"
#include "proc/notify.h"
#include "proc/reload_bequest.h"
#include "proc/reload_log.h"
#include "proc/reload_prepare.h"
#include "state/servers.h"

static void reload_go_on(struct reload *reload);

static void
reload_set_phase(struct reload *reload, enum reload_phase phase)
{
	struct loop *loop = reload->sup->loop;

	reload->phase = phase;
	if (phase == RELOAD_IDLE)
		loop_timer_cancel(loop, &reload->patience);
	else
		loop_timer_set(loop, &reload->patience, RELOAD_PATIENCE_MS);
}

/* ---- the end ---- */

static void
forget_child(void *arg, struct child *child)
{
	(void)arg;
	child->reload = CHILD_RELOAD_NONE;
}

/* Release what was prepared and is nobody's now. */
static void
reload_drop(struct reload *reload)
{
	conf_free(reload->conf);
	reload->conf = NULL;
	slots_free(&reload->new_slots);
	if (reload->brief_fd != -1)
		(void)close(reload->brief_fd);
	reload->brief_fd = -1;
}

static void
reload_finish(struct reload *reload, bool applied)
{
	const struct reload_result result = {
		.applied = applied,
		.errors = &reload->errors,
	};
	struct reload_request *request;
	struct list *link;

	reload_set_phase(reload, RELOAD_IDLE);
	supervisor_each(reload->sup, forget_child, NULL);
	/* Of one that was cut short by a stop: the workers empty and close
	 * all they have. */
	sockets_close_leftover(reload->sup->sockets);
	reload_drop(reload);
	reload_log_result(reload, applied);
	reload->ops->over(reload, &result);
	while ((link = list_shift(&reload->served)) != NULL) {
		request = container_of(link, struct reload_request, link);
		list_init(&request->link);
		request->done(request, &result);
	}
	conf_errors_free(&reload->errors);
	if (!list_empty(&reload->waiting))
		loop_timer_set(reload->sup->loop, &reload->next, 0);
}

static void
abort_child(void *arg, struct child *child)
{
	(void)arg;
	if (child->reload != CHILD_RELOAD_NONE && child->phase != CHILD_DOWN)
		(void)channel_send(child->channel, MESSAGE_ABORT, 0);
}

/* Before the decision: undo all, for reasons in reload->errors. */
static void
reload_refuse(struct reload *reload)
{
	supervisor_each(reload->sup, abort_child, NULL);
	sockets_abandon(&reload->change);
	/* Names that it alone has. */
	state_forget(reload->sup->state, reload->number, reload->number);
	reload_finish(reload, false);
}

/* ---- asking the children ---- */

static bool
reload_wants(const struct reload *reload, const struct child *child)
{
	return reload->sup->sockets->wanted[child->slot];
}

/* One that is retired, or about to be, has sessions of datagrams to go on
 * with, for which the new configuration holds as well; but no new address. */
static int
send_sockets(struct reload *reload, const struct child *child)
{
	const struct sockets_change *change = &reload->change;
	int fds[COMPAT_FDS_MAX];
	size_t i, n = 0;

	if (!reload_wants(reload, child))
		return channel_send(child->channel, MESSAGE_SOCKETS, 1);
	for (i = 0; i < change->n; i++) {
		if (!sockets_change_is_fresh(change, i))
			continue;
		fds[n++] =
		    sockets_fd(sockets_change_owned(change, i), child->slot);
		if (n < COMPAT_FDS_MAX)
			continue;
		if (channel_send_fds(
			child->channel, MESSAGE_SOCKETS, 0, fds, n) == -1)
			return -1;
		n = 0;
	}
	return n == 0
	    ? 0
	    : channel_send_fds(child->channel, MESSAGE_SOCKETS, 0, fds, n);
}

/* One that was retired ends when it likes. */
static bool
may_be_gone(const struct child *child)
{
	return child->kind == CHILD_WORKER && !child->wanted;
}

static void
ask_child(void *arg, struct child *child)
{
	struct reload *reload = arg;
	char label[CHILD_LABEL_MAX];

	if (child->phase != CHILD_RUNNING)
		return;
	child->reload = CHILD_RELOAD_ASKED;
	if ((child->kind == CHILD_MONITOR ||
		send_sockets(reload, child) == 0) &&
	    channel_send_fds(child->channel, MESSAGE_PREPARE, reload->number,
		&reload->brief_fd, 1) == 0)
		return;
	if (may_be_gone(child))
		child->reload = CHILD_RELOAD_NONE;
	else
		reload_blame(reload, "%s cannot be told: %s",
		    child_label(child, label), strerror(errno));
}

/* What the reload waits for. */
struct awaited {
	enum child_reload state;
	unsigned n;
	const struct child *first;
};

static void
count_awaited(void *arg, struct child *child)
{
	struct awaited *awaited = arg;

	/* One that starts was made from what is in force: it is asked when it
	 * is ready, and nothing is decided before. */
	if (child->reload != awaited->state &&
	    !(awaited->state == CHILD_RELOAD_ASKED &&
		child->phase == CHILD_STARTING))
		return;
	if (awaited->n++ == 0)
		awaited->first = child;
}

static struct awaited
reload_awaited(struct reload *reload)
{
	struct awaited awaited = { .state = CHILD_RELOAD_COMMITTING };

	if (reload->phase == RELOAD_PREPARING)
		awaited.state = CHILD_RELOAD_ASKED;
	else if (reload->phase == RELOAD_RELEASING)
		awaited.state = CHILD_RELOAD_RELEASING;
	supervisor_each(reload->sup, count_awaited, &awaited);
	return awaited;
}

static void
reload_begin(struct reload *reload)
{
	loop_update_clock(reload->sup->loop);
	reload->started_ms = loop_now(reload->sup->loop);
	reload->number = ++reload->numbers;
	reload->before = reload->sup->conf;
	list_splice(&reload->served, &reload->waiting);
	notify_reloading();
	reload_set_phase(reload, RELOAD_PREPARING);
	if (reload_prepare(reload) == -1) {
		reload_refuse(reload);
		return;
	}
	supervisor_each(reload->sup, ask_child, reload);
	reload_go_on(reload);
}

/* ---- the decision ---- */

static void
listen_child(void *arg, struct child *child)
{
	struct reload *reload = arg;

	if (child->kind == CHILD_WORKER && child->phase == CHILD_RUNNING &&
	    reload_wants(reload, child) && reload->errors.nerrors == 0)
		(void)sockets_listen_fresh(
		    &reload->change, child->slot, &reload->errors);
}

/* From here on it is in force. */
static void
reload_decide(struct reload *reload)
{
	struct supervisor *sup = reload->sup;

	supervisor_each(sup, listen_child, reload);
	if (reload->errors.nerrors > 0 ||
	    sockets_steer_wanted(&reload->change, sup->sick, &reload->errors) ==
		-1) {
		reload_refuse(reload);
		return;
	}
	reload_log_fresh(reload);
	sockets_commit(&reload->change, &reload->errors);
	reload_log_leftover(reload);
	slots_use(&reload->new_slots, reload->conf, sup->state, reload->number);
	slots_free(reload->slots);
	*reload->slots = reload->new_slots;
	memset(&reload->new_slots, 0, sizeof(reload->new_slots));
	*reload->plan = reload->new_plan;
	conf_free(reload->previous);
	reload->previous = reload->owned;
	reload->owned = reload->conf;
	sup->conf = reload->conf;
	sup->generation = reload->number;
	reload->conf = NULL;
	sup->log->level = sup->conf->log.level;
	reload->ops->decided(reload);
	reload_set_phase(reload, RELOAD_MONITOR);
}

/* A child that was told is expected to answer; one that cannot be is replaced
 * by one that knows. */
static void
commit_child(
    struct child *child, enum message_type type, enum child_reload state)
{
	if (child->phase != CHILD_RUNNING)
		return;
	child->reload = state;
	if (channel_send(child->channel, type, 0) == -1)
		(void)kill(child->pid, SIGKILL);
}

static void
commit_worker(void *arg, struct child *child)
{
	(void)arg;
	/* One that was started since the decision began with it. */
	if (child->kind == CHILD_WORKER &&
	    child->reload == CHILD_RELOAD_PREPARED)
		commit_child(child, MESSAGE_COMMIT, CHILD_RELOAD_COMMITTING);
}

static void
release_child(void *arg, struct child *child)
{
	(void)arg;
	if (child->kind == CHILD_WORKER)
		commit_child(child, MESSAGE_RELEASE, CHILD_RELOAD_RELEASING);
}

static void
reload_commit_monitor(struct reload *reload)
{
	struct supervisor *sup = reload->sup;

	if (sup->monitor.reload == CHILD_RELOAD_PREPARED)
		commit_child(
		    &sup->monitor, MESSAGE_COMMIT, CHILD_RELOAD_COMMITTING);
	else
		slots_apply(
		    reload->slots, sup->conf, reload->before, sup->state);
}

/* Slots that get a worker, and those that lose theirs. */
static void
reload_change_workers(struct supervisor *sup)
{
	const struct sockets *sockets = sup->sockets;
	bool changed = false;
	unsigned slot;

	for (slot = 0; slot < sockets->slots; slot++) {
		if (sup->workers[slot].wanted == sockets->used[slot])
			continue;
		changed = true;
		if (sockets->used[slot])
			supervisor_add_worker(sup, slot);
		else
			supervisor_retire_worker(sup, slot);
	}
	if (changed)
		heir_tell(sup);
}

static void
reload_commit_workers(struct reload *reload)
{
	reload_set_phase(reload, RELOAD_WORKERS);
	supervisor_each(reload->sup, commit_worker, NULL);
	reload_change_workers(reload->sup);
	supervisor_steer_again(reload->sup);
}

/* All workers have taken whoever waited at addresses that are gone. */
static void
reload_release(struct reload *reload)
{
	bool any = reload->sup->sockets->nleftover > 0;

	reload_set_phase(reload, RELOAD_RELEASING);
	reload_bequeath(reload->sup);
	/* A copy that is kept elsewhere would let clients wait for nobody. */
	store_update(reload->sup->store, reload->sup->sockets);
	sockets_close_leftover(reload->sup->sockets);
	if (any)
		supervisor_each(reload->sup, release_child, NULL);
}

/* Go to the next phase while nobody is waited for. */
static void
reload_go_on(struct reload *reload)
{
	if (reload->phase == RELOAD_PREPARING && reload->errors.nerrors > 0) {
		reload_refuse(reload);
		return;
	}
	while (reload->phase != RELOAD_IDLE && reload_awaited(reload).n == 0) {
		switch (reload->phase) {
		case RELOAD_PREPARING:
			reload_decide(reload);
			if (reload->phase == RELOAD_MONITOR)
				reload_commit_monitor(reload);
			break;
		case RELOAD_MONITOR:
			reload_commit_workers(reload);
			break;
		case RELOAD_WORKERS:
			reload_release(reload);
			break;
		case RELOAD_RELEASING:
		default:
			reload_finish(reload, true);
		}
	}
}

static void
kill_silent(void *arg, struct child *child)
{
	struct reload *reload = arg;
	char label[CHILD_LABEL_MAX];

	if (child->reload != CHILD_RELOAD_COMMITTING &&
	    child->reload != CHILD_RELOAD_RELEASING)
		return;
	log_printf(reload->sup->log, LOG_LEVEL_ERROR,
	    "%s does not take the new configuration: killing it",
	    child_label(child, label));
	(void)kill(child->pid, SIGKILL);
}

static void
reload_impatient(struct timer *timer)
{
	struct reload *reload = container_of(timer, struct reload, patience);
	struct awaited awaited = reload_awaited(reload);
	char label[CHILD_LABEL_MAX];

	if (reload->phase != RELOAD_PREPARING) {
		/* Its end is told by reload_child_down(). */
		supervisor_each(reload->sup, kill_silent, reload);
		return;
	}
	if (awaited.first != NULL)
		reload_blame(reload, "%s does not answer",
		    child_label(awaited.first, label));
	reload_go_on(reload);
}

static void
reload_next(struct timer *timer)
{
	struct reload *reload = container_of(timer, struct reload, next);

	if (reload->phase == RELOAD_IDLE && !list_empty(&reload->waiting))
		reload_begin(reload);
}

/* ---- what children say ---- */

/* The name of the server of that number does not exist. */
static void
reload_blame_name(struct reload *reload, size_t number)
{
	const struct conf *conf = reload->conf;
	const struct conf_server *server;
	size_t i;

	for (i = 0; i < conf->npools; number -= conf->pools[i++].nservers) {
		if (number >= conf->pools[i].nservers)
			continue;
		server = &conf->pools[i].servers[number];
		conf_error_add(&reload->errors, false, server->file,
		    server->line,
		    "pool \"%s\": server \"%s\": there is no name \"%s\"",
		    conf->pools[i].name, server->name, server->target.host);
		return;
	}
	reload_blame(reload, "a name of a server does not exist");
}

static void
reload_refused(struct reload *reload, const struct child *child, uint32_t value)
{
	static const char *const steps[] = {
		[REFUSAL_BRIEF] = "read what it was told",
		[REFUSAL_SETUP] = "set up the services",
		[REFUSAL_SOCKETS] = "take the sockets",
		[REFUSAL_LOG] = "open the log",
	};
	size_t step = MESSAGE_REFUSAL_STEP(value);
	char label[CHILD_LABEL_MAX];
	const char *what = step > 0 && step < sizeof(steps) / sizeof(steps[0])
	    ? steps[step]
	    : "go on";

	reload_blame(reload, "%s cannot %s: %s", child_label(child, label),
	    what, strerror((int)MESSAGE_REFUSAL_ERROR(value)));
}

void
reload_child_answered(
    struct reload *reload, struct child *child, const struct message *message)
{
	/* An answer to a reload that was given up is none. */
	if (message->type == MESSAGE_PREPARED) {
		if (child->reload != CHILD_RELOAD_ASKED ||
		    message->value != reload->number)
			return;
		child->reload = CHILD_RELOAD_PREPARED;
	} else if (message->type == MESSAGE_REFUSED) {
		if (child->reload != CHILD_RELOAD_ASKED ||
		    !MESSAGE_REFUSAL_IS_TO(reload->number, message->value))
			return;
		if (MESSAGE_REFUSAL_STEP(message->value) == REFUSAL_NAME)
			reload_blame_name(
			    reload, MESSAGE_REFUSAL_ERROR(message->value));
		else
			reload_refused(reload, child, message->value);
	} else {
		if (child->reload != CHILD_RELOAD_COMMITTING &&
		    child->reload != CHILD_RELOAD_RELEASING)
			return;
		child->reload = CHILD_RELOAD_COMMITTED;
	}
	reload_go_on(reload);
}

void
reload_child_up(struct reload *reload, struct child *child)
{
	if (reload->phase != RELOAD_PREPARING)
		return;
	ask_child(reload, child);
	reload_go_on(reload);
}

void
reload_child_down(struct reload *reload, struct child *child)
{
	bool took_part =
	    child->reload != CHILD_RELOAD_NONE && !may_be_gone(child);
	char label[CHILD_LABEL_MAX];

	child->reload = CHILD_RELOAD_NONE;
	if (reload->phase == RELOAD_IDLE)
		return;
	if (reload->phase == RELOAD_PREPARING && took_part)
		reload_blame(reload, "%s has ended meanwhile",
		    child_label(child, label));
	/* What it was to write nobody has written, or not all of it. */
	if (reload->phase == RELOAD_MONITOR && child->kind == CHILD_MONITOR)
		slots_apply(reload->slots, reload->sup->conf, reload->before,
		    reload->sup->state);
	reload_go_on(reload);
}

/* ---- life ---- */

void
reload_open(struct reload *reload)
{
	reload->brief_fd = -1;
	reload->numbers = reload->sup->generation;
	list_init(&reload->waiting);
	list_init(&reload->served);
	timer_init(&reload->patience, reload_impatient);
	timer_init(&reload->next, reload_next);
}

void
reload_ask(struct reload *reload, struct reload_request *request)
{
	list_append(&reload->waiting, &request->link);
	if (reload->phase == RELOAD_IDLE)
		loop_timer_set(reload->sup->loop, &reload->next, 0);
}

void
reload_cancel(struct reload *reload)
{
	loop_timer_cancel(reload->sup->loop, &reload->next);
	/* What waits is answered with what is under way. */
	list_splice(&reload->served, &reload->waiting);
	switch (reload->phase) {
	case RELOAD_PREPARING:
		reload_blame(reload, "the daemon stops");
		reload_refuse(reload);
		break;
	case RELOAD_MONITOR:
		reload_commit_workers(reload);
		reload_finish(reload, true);
		break;
	case RELOAD_WORKERS:
	case RELOAD_RELEASING:
		reload_finish(reload, true);
		break;
	case RELOAD_IDLE:
	default:
		if (list_empty(&reload->served))
			break;
		reload_blame(reload, "the daemon stops");
		reload_finish(reload, false);
	}
}

void
reload_close(struct reload *reload)
{
	if (reload->sup == NULL)
		return;
	sockets_abandon(&reload->change);
	reload_drop(reload);
	conf_errors_free(&reload->errors);
	conf_free(reload->previous);
	conf_free(reload->owned);
}
