/*
 * The master: see master.h for its phases.
 *
 * What it takes at the start it gives back in the reverse order in
 * master_close(), whichever step failed.
 */
#include <config.h>

#include "proc/master.h"

#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "event/wake.h"
#include "net/net.h"
#include "proc/announce.h"
#include "proc/caps.h"
#include "proc/detach.h"
#include "proc/lock.h"
#include "proc/master_control.h"
#include "proc/master_sockets.h"
#include "proc/master_state.h"
#include "proc/pulse.h"
#include "proc/successor.h"
#include "proc/supervisor.h"
#include "proc/upgrade.h"

static const int master_signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2,
	SIGCHLD };

/* ---- signals ---- */

/* ---- reload ---- */

void
master_node_ordered(struct master *master)
{
	if (master->phase == MASTER_SERVING)
		pulse_tell(&master->pulse);
}

static void
master_decided(struct reload *reload)
{
	struct master *master = container_of(reload, struct master, reload);

	master->conf = master->sup.conf;
	announce_limits(&master->log, master->conf, &master->plan);
}

static void
master_reload_over(struct reload *reload, const struct reload_result *result)
{
	struct master *master = container_of(reload, struct master, reload);

	control_tell_reload(&master->control, result->applied);
	if (master->phase == MASTER_SERVING)
		pulse_ready(&master->pulse,
		    result->applied ? ""
				    : "; the last reload was refused, see the"
				      " log");
}

static const struct reload_ops master_reload_ops = {
	.decided = master_decided,
	.over = master_reload_over,
};

/* What came of it is in the log. */
static void
master_hang_up_done(
    struct reload_request *request, const struct reload_result *result)
{
	struct master *master = container_of(request, struct master, hang_up);

	(void)result;
	master->hung_up = false;
	if (master->hang_up_again)
		master_hang_up(master);
}

/* Another signal may mean what was written since the files were read, so it is
 * another reload, after the one under way. */
void
master_hang_up(struct master *master)
{
	master->hang_up_again = master->phase == MASTER_STARTING ||
	    master->hung_up || upgrade_is_under_way(&master->upgrade);
	if (master->hang_up_again || master->phase > MASTER_SERVING)
		return;
	master->hung_up = true;
	master->hang_up.done = master_hang_up_done;
	reload_ask(&master->reload, &master->hang_up);
}

/* What comes of it is in the log. */
static void
master_ask_upgrade(struct master *master)
{
	const char *refusal = upgrade_ask(&master->upgrade, NULL);

	if (refusal != NULL)
		log_printf(&master->log, LOG_LEVEL_WARNING,
		    "SIGUSR2 is ignored: %s", refusal);
}

static void
master_signal(struct signals *signals, int signo)
{
	struct master *master = signals->owner;

	switch (signo) {
	case SIGTERM:
	case SIGINT:
		master_terminate(master);
		break;
	case SIGCHLD:
		supervisor_reap(&master->sup);
		break;
	case SIGUSR1:
		supervisor_tell_monitor(&master->sup, MESSAGE_REOPEN);
		successor_tell(&master->successor, MESSAGE_REOPEN);
		break;
	case SIGHUP:
		master_hang_up(master);
		break;
	default:
		master_ask_upgrade(master);
	}
}

/* ---- starting ---- */

void
master_serve_on(struct master *master)
{
	struct log_record record;

	master->phase = MASTER_SERVING;
	master->served = true;
	master->sockets.served = true;
	store_update(&master->store, &master->sockets);
	announce_start(
	    &master->log, master->conf, &master->plan, &master->sockets);
	status_sockets_log(&master->status_sockets, &master->log);
	log_record_begin(&record, LOG_LEVEL_NOTICE, "ready");
	log_record_str(&record, "configuration", master->conf_path);
	log_record_str(&record, "version", PACKAGE_VERSION);
	log_emit(&master->log, &record);
	pulse_ready(&master->pulse, "");
	if (master->hang_up_again)
		master_hang_up(master);
	detach_ready(&master->ready_fd, MUXD_EXIT_OK);
}

static void
master_serving(struct supervisor *sup)
{
	struct master *master = container_of(sup, struct master, sup);

	if (successor_is_held(&master->successor))
		successor_ready(master);
	else
		master_serve_on(master);
}

static void
master_child_ended(struct supervisor *sup)
{
	master_stop_goes_on(container_of(sup, struct master, sup));
}

static void
master_child_up(struct supervisor *sup, struct child *child)
{
	struct master *master = container_of(sup, struct master, sup);

	reload_child_up(&master->reload, child);
	/* Its sockets may have begun to listen. */
	if (master->phase == MASTER_SERVING && child->kind == CHILD_WORKER)
		store_update(&master->store, &master->sockets);
	if (child->kind == CHILD_MONITOR)
		successor_monitor_up(master);
}

static void
master_child_down(struct supervisor *sup, struct child *child)
{
	struct master *master = container_of(sup, struct master, sup);

	reload_child_down(&master->reload, child);
	if (child->kind == CHILD_MONITOR)
		upgrade_monitor_yielded(&master->upgrade);
}

static void
master_child_answered(
    struct supervisor *sup, struct child *child, const struct message *message)
{
	struct master *master = container_of(sup, struct master, sup);

	reload_child_answered(&master->reload, child, message);
	if (child->kind != CHILD_MONITOR || message->type != MESSAGE_COMMITTED)
		return;
	upgrade_monitor_yielded(&master->upgrade);
	successor_monitor_took(master);
}

static void
master_stranger(struct supervisor *sup, pid_t pid, int status)
{
	upgrade_stranger(
	    &container_of(sup, struct master, sup)->upgrade, pid, status);
}

static const struct supervisor_ops master_supervisor_ops = {
	.ready = master_serving,
	.failed = master_fail,
	.ended = master_child_ended,
	.up = master_child_up,
	.down = master_child_down,
	.answered = master_child_answered,
	.stranger = master_stranger,
};

static void
master_turn_end(struct loop_hook *hook)
{
	struct master *master = container_of(hook, struct master, turn_end);

	log_flush(&master->log);
}

int
master_lock(struct master *master)
{
	const char *control = master->conf->control;
	pid_t holder;

	master->lock_fd = lock_take(control, &holder);
	if (master->lock_fd != -1)
		return 0;
	if (errno == EWOULDBLOCK)
		log_printf(&master->log, LOG_LEVEL_ERROR,
		    "another muxd (process %ld) runs with control = \"%s\"",
		    (long)holder, control);
	else
		log_errno(&master->log, LOG_LEVEL_ERROR, errno,
		    "cannot make the lock \"%s.lock\"", control);
	return -1;
}

/* Each worker keeps a reserve of queue memory, or it could not read. */
static int
master_check_memory(struct master *master)
{
	uint64_t needed =
	    (uint64_t)master->plan.workers * NET_RESERVE * CHUNK_SIZE;

	if (master->conf->memory >= needed)
		return 0;
	log_printf(&master->log, LOG_LEVEL_ERROR,
	    "limits.memory is %llu, but %u workers need %llu bytes",
	    (unsigned long long)master->conf->memory, master->plan.workers,
	    (unsigned long long)needed);
	return -1;
}

/* A mark on the connections to servers takes a capability, which then the
 * workers and the monitor keep. */
static int
master_check_marks(struct master *master)
{
	const struct conf *conf = master->conf;
	size_t i;

	for (i = 0; i < conf->npools && conf->pools[i].socket.mark == 0; i++)
		continue;
	if (i == conf->npools)
		return 0;
	master->identity.marks = true;
	if (caps_can_mark())
		return 0;
	log_printf(&master->log, LOG_LEVEL_ERROR,
	    "pool \"%s\" has a socket.mark, which takes CAP_NET_ADMIN, and this"
	    " process does not have it",
	    conf->pools[i].name);
	return -1;
}

static int
master_identify(struct master *master)
{
	const struct conf *conf = master->conf;
	const char *why;

	if (privileges_find(conf->user, conf->group, &master->identity, &why) ==
	    0)
		return master_check_marks(master);
	log_printf(&master->log, LOG_LEVEL_ERROR,
	    "cannot run as user \"%s\"%s%s%s: %s", conf->user,
	    conf->group != NULL ? ", group \"" : "",
	    conf->group != NULL ? conf->group : "",
	    conf->group != NULL ? "\"" : "", why);
	return -1;
}

/* Always on the best backend: event_backend is about the data path, and the
 * master may hold more descriptors than select can. */
static int
master_open_loop(struct master *master)
{
	master->loop = loop_open("auto");
	if (master->loop == NULL)
		return -1;
	loop_expect_forks(master->loop);
	timer_init(&master->deadline, master_deadline);
	loop_add_hook(master->loop, &master->turn_end, master_turn_end);
	master->signals.owner = master;
	return signals_open(&master->signals, master->loop, master_signals,
	    sizeof(master_signals) / sizeof(master_signals[0]), master_signal);
}

static int
master_open_supervisor(struct master *master)
{
	struct supervisor *sup = &master->sup;

	sup->loop = master->loop;
	sup->log = &master->log;
	sup->conf = master->conf;
	sup->generation = master->generation;
	sup->adopted = master->adopted;
	sup->store = &master->store;
	sup->plan = &master->plan;
	sup->sockets = &master->sockets;
	sup->strays = &master->inherited;
	sup->status_sockets = &master->status_sockets;
	sup->state = master->state;
	sup->slots = &master->slots;
	sup->identity = &master->identity;
	sup->event_backend = master->event_backend;
	sup->detached = master->ready_fd != -1;
	sup->ops = &master_supervisor_ops;
	if (successor_is_held(&master->successor))
		successor_prepare_supervisor(master);
	if (supervisor_open(sup) == -1)
		return -1;
	master->pulse.sup = sup;
	master->reload.sup = sup;
	master->reload.path = master->reload_path;
	master->reload.plan = &master->plan;
	master->reload.slots = &master->slots;
	master->reload.identity = &master->identity;
	master->reload.ops = &master_reload_ops;
	reload_open(&master->reload);
	master->upgrade.master = master;
	upgrade_open(&master->upgrade);
	return 0;
}

/* A step that says only errno. */
static int
master_step(struct master *master, int result, const char *what)
{
	if (result == -1)
		log_errno(&master->log, LOG_LEVEL_ERROR, errno, "%s", what);
	return result;
}

static int
master_take_lock(struct master *master)
{
	return successor_is_held(&master->successor) ? successor_lock(master)
						     : master_lock(master);
}

static int
master_get_state(struct master *master)
{
	return successor_is_held(&master->successor)
	    ? successor_make_state(master)
	    : master_make_state(master);
}

static int
master_watch_predecessor(struct master *master)
{
	return successor_is_held(&master->successor) ? successor_watch(master)
						     : 0;
}

/* An exit status. */
static int
master_open(struct master *master)
{
	if (master_step(master,
		plan_make(&master->plan, master->conf, master->event_backend),
		"too many workers and listeners for the open files that are "
		"allowed (RLIMIT_NOFILE; with select, FD_SETSIZE)") == -1 ||
	    master_check_memory(master) == -1 ||
	    master_identify(master) == -1 || master_take_lock(master) == -1 ||
	    master_step(master,
		store_open(
		    &master->store, master->inherit, &master->status_sockets),
		"cannot note what was handed over") == -1 ||
	    master_step(master, master_get_state(master),
		"cannot make the shared memory") == -1)
		return MUXD_EXIT_ENVIRONMENT;
	if (master_sort_inherited(master) == -1)
		return MUXD_EXIT_INVALID;
	if (master_bind(master) == -1 ||
	    master_step(master, master_open_loop(master),
		"cannot open the event loop") == -1 ||
	    master_step(master, master_open_supervisor(master),
		"cannot make the channels") == -1 ||
	    master_open_control(master) == -1 ||
	    master_watch_predecessor(master) == -1)
		return MUXD_EXIT_ENVIRONMENT;
	return MUXD_EXIT_OK;
}

static void
master_close(struct master *master)
{
	pulse_close(&master->pulse);
	control_close(&master->control);
	upgrade_close(&master->upgrade);
	reload_close(&master->reload);
	successor_close(&master->successor);
	supervisor_close(&master->sup);
	if (master->loop != NULL) {
		signals_close(&master->signals);
		loop_remove_hook(&master->turn_end);
		loop_close(master->loop);
	}
	slots_free(&master->slots);
	if (master->state != NULL)
		state_close(master->state);
	sockets_remove_files(&master->sockets);
	sockets_close(&master->sockets);
	inherited_sockets_free(&master->inherited);
	store_close(&master->store);
	status_sockets_close(&master->status_sockets);
	if (master->lock_fd != -1)
		(void)close(master->lock_fd);
}

static int
master_serve(struct master *master)
{
	int status = master_open(master);

	if (status != MUXD_EXIT_OK)
		return status;
	if (master_step(master, supervisor_start(&master->sup),
		"cannot start the monitor") == -1)
		return MUXD_EXIT_ENVIRONMENT;
	if (master_step(master, loop_run(master->loop),
		"the event loop failed") == -1) {
		supervisor_kill_workers(&master->sup);
		supervisor_kill_monitor(&master->sup);
		return MUXD_EXIT_ENVIRONMENT;
	}
	/* Who waits for muxd -d wants to know whether it serves. */
	if (master->phase == MASTER_FAILED ||
	    (master->sup.detached && !master->served))
		return MUXD_EXIT_ENVIRONMENT;
	return MUXD_EXIT_OK;
}

/* The path by which the file is found after muxd has detached, and left the
 * folder it was started in.  NULL without memory. */
static char *
master_find_again(const struct master_options *options)
{
	char folder[PATH_MAX];

	bool detached = options->ready_fd != -1 ||
	    (options->handover != NULL && options->handover->detached);

	if (!detached || options->conf_path[0] == '/' ||
	    getcwd(folder, sizeof(folder)) == NULL)
		return mem_strdup(options->conf_path);
	return mem_printf("%s/%s", folder, options->conf_path);
}

int
master_run(const struct master_options *options)
{
	struct master *master = mem_zalloc(sizeof(*master));
	int status;

	if (master == NULL)
		return MUXD_EXIT_ENVIRONMENT;
	master->conf = options->conf;
	master->conf_path = options->conf_path;
	master->reload_path = master_find_again(options);
	if (master->reload_path == NULL) {
		mem_free(master);
		return MUXD_EXIT_ENVIRONMENT;
	}
	master->event_backend = options->event_backend;
	master->inherit = options->inherit;
	master->ready_fd = options->ready_fd;
	master->lock_fd = -1;
	master->program = options->program;
	successor_begin(master, options->handover);
	compat_title_set("muxd: master");
	log_open_stderr(&master->log, options->conf->log.level);
	master->log.process = "master";
	status = master_serve(master);
	master_close(master);
	detach_ready(&master->ready_fd, status);
	mem_free(master->reload_path);
	mem_free(master);
	return status;
}
