/*
 * The end of a master, orderly or not: see master.h.
 */
#include "proc/master.h"
#include "proc/pulse.h"
#include "proc/successor.h"
#include "proc/summary.h"
#include "proc/supervisor.h"
#include "proc/upgrade.h"

/* After a deadline for sessions, what a worker may take to end. */
#define MASTER_GRACE_MS 2000

static void
master_set_deadline(struct master *master, uint64_t delay_ms)
{
	loop_timer_set(master->loop, &master->deadline, delay_ms);
}

/* The workers are gone: say what they did, then let the monitor go too. */
static void
master_conclude(struct master *master)
{
	master->concluded = true;
	if (!supervisor_need_monitor(&master->sup))
		log_open_stderr(&master->log, master->conf->log.level);
	supervisor_stop(&master->sup);
	if (master->served && !master->replaced)
		summary_write(&master->log, master->state);
	log_printf(&master->log, LOG_LEVEL_NOTICE,
	    master->replaced ? "replaced, and without sessions: this muxd ends"
			     : "stopped");
	log_flush(&master->log);
	supervisor_tell_monitor(&master->sup, MESSAGE_STOP);
	master_set_deadline(master, MASTER_GRACE_MS);
}

void
master_stop_goes_on(struct master *master)
{
	if (supervisor_workers_left(&master->sup) > 0 ||
	    successor_waits(&master->successor))
		return;
	if (!master->concluded)
		master_conclude(master);
	if (!supervisor_monitor_alive(&master->sup))
		loop_stop(master->loop);
}

void
master_wait_for_end(struct master *master, uint64_t timeout_ms)
{
	master_set_deadline(master, timeout_ms + MASTER_GRACE_MS);
	master_stop_goes_on(master);
}

/* The workers had all the time they were promised. */
void
master_deadline(struct timer *timer)
{
	struct master *master = container_of(timer, struct master, deadline);
	unsigned left = supervisor_workers_left(&master->sup);

	if (left == 0 && successor_waits(&master->successor)) {
		successor_abandon(&master->successor);
		master_stop_goes_on(master);
		return;
	}
	if (left == 0) {
		log_printf(&master->log, LOG_LEVEL_ERROR,
		    "the monitor does not end: killing it");
		supervisor_kill_monitor(&master->sup);
		return;
	}
	log_printf(&master->log, LOG_LEVEL_ERROR,
	    "%u workers do not end: killing them", left);
	supervisor_stop(&master->sup);
	supervisor_kill_workers(&master->sup);
	master_stop_goes_on(master);
}

/* Whether the service manager is told by another process. */
static bool
master_is_silent(const struct master *master)
{
	return master->replaced || successor_is_held(&master->successor);
}

static void
master_drain(struct master *master)
{
	uint64_t timeout;

	master->phase = MASTER_DRAINING;
	upgrade_cancel(&master->upgrade);
	reload_cancel(&master->reload);
	timeout = master->conf->drain_timeout;
	pulse_stopping(&master->pulse, "draining");
	log_printf(&master->log, LOG_LEVEL_NOTICE,
	    "stopping: sessions have %llu ms to end",
	    (unsigned long long)timeout);
	sockets_remove_files(&master->sockets);
	supervisor_drain(&master->sup, timeout);
	master_wait_for_end(master, timeout);
}

static void
master_stop_now(struct master *master)
{
	if (master->phase != MASTER_STOPPING && !master_is_silent(master))
		pulse_stopping(&master->pulse, "stopping");
	if (master->upgrade.master != NULL)
		upgrade_cancel(&master->upgrade);
	if (master->reload.sup != NULL)
		reload_cancel(&master->reload);
	successor_tell(&master->successor, MESSAGE_STOP);
	supervisor_stop(&master->sup);
	/* Whoever comes now is refused rather than left waiting. */
	sockets_remove_files(&master->sockets);
	sockets_close(&master->sockets);
	supervisor_tell_workers(&master->sup, MESSAGE_STOP, 0);
	master_wait_for_end(master, 0);
}

/* The daemon cannot start, or not go on, for a reason that was logged. */
void
master_fail(struct supervisor *sup)
{
	struct master *master = container_of(sup, struct master, sup);

	if (master->phase > MASTER_SERVING)
		return;
	log_printf(&master->log, LOG_LEVEL_ERROR,
	    master->served ? "no worker is left: giving up"
			   : "muxd cannot start");
	master->phase = MASTER_FAILED;
	master_stop_now(master);
}

void
master_cannot_start(struct master *master)
{
	master_fail(&master->sup);
}

void
master_terminate(struct master *master)
{
	if (master->successor.phase == SUCCESSOR_SERVING) {
		master->successor.terminate = true;
	} else if (successor_is_held(&master->successor)) {
		/* Nobody has noticed it yet. */
		master_cannot_start(master);
	} else if (master->phase < MASTER_DRAINING) {
		master_drain(master);
	} else if (master->replaced && !master->told) {
		/* A terminal tells both: its sessions end as they do. */
		master->told = true;
	} else if (master->phase == MASTER_DRAINING) {
		master->phase = MASTER_STOPPING;
		log_printf(&master->log, LOG_LEVEL_NOTICE,
		    "told to stop again: stopping at once");
		master_stop_now(master);
	}
}
