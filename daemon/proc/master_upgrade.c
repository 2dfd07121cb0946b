/*
 * What an upgrade means for the masters of both sides: see proc/upgrade.h and
 * proc/successor.h.
 */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "proc/lock.h"
#include "proc/master.h"
#include "proc/notify.h"

/* ---- the new one ---- */

void
master_take_over(struct master *master)
{
	struct log_record record;
	int left;

	lock_sign(master->lock_fd);
	log_record_begin(&record, LOG_LEVEL_NOTICE, "has taken over");
	log_record_str(&record, "version", PACKAGE_VERSION);
	log_record_str(&record, "state",
	    master->successor.shares ? "shared" : "of its own");
	log_emit(&master->log, &record);
	if (!master->successor.shares)
		log_printf(&master->log, LOG_LEVEL_WARNING,
		    "the shared memory of the muxd before cannot be shared,"
		    " since %s: counters and what was ordered of servers begin"
		    " anew, and limits are counted apart until its sessions"
		    " have ended",
		    master->successor.apart);
	if (control_begin(&master->control) == -1)
		log_errno(&master->log, LOG_LEVEL_ERROR, errno,
		    "cannot serve the control socket");
	if (!master->successor.shares)
		store_keep_state(&master->store, master->state->fd);
	master_serve_on(master);
	if (!master->sup.detached)
		return;
	/* As one that detaches itself; until now names were to be found. */
	left = chdir("/");
	(void)left;
}

void
master_predecessor_gone(struct master *master)
{
	if (master->phase > MASTER_SERVING)
		master_stop_goes_on(master);
}

/* ---- the old one ---- */

static bool
is_forgone(const struct upgrade *upgrade, const struct owned *owned)
{
	size_t i;

	for (i = 0; i < upgrade->nforgone; i++)
		if (owned->id == upgrade->forgone[i])
			return true;
	return false;
}

/* At addresses that the new one does not have nobody else may have a socket
 * when the workers close theirs. */
static void
leave_addresses(struct master *master)
{
	struct owned *owned;
	size_t i, n = 0;

	for (i = 0; i < master->sockets.n; i++) {
		owned = &master->sockets.items[i];
		if (!is_forgone(&master->upgrade, owned)) {
			master->sockets.items[n++] = *owned;
			continue;
		}
		if (owned->endpoint.transport == TRANSPORT_UNIX &&
		    !owned->activated)
			(void)unlink(owned->endpoint.path);
		owned_close_all(owned, master->sockets.slots);
	}
	master->sockets.n = n;
	if (i != n)
		store_update(&master->store, &master->sockets);
}

static void
leave_tell(struct master *master, uint64_t timeout)
{
	struct log_record record;
	char status[96];

	log_record_begin(
	    &record, LOG_LEVEL_NOTICE, "another muxd has taken over");
	log_record_int(&record, "by", master->upgrade.pid);
	log_record_uint(&record, "sessions_have_ms", timeout);
	log_emit(&master->log, &record);
	(void)snprintf(status, sizeof(status),
	    "process %ld has taken over, sessions here end",
	    (long)master->upgrade.pid);
	notify_successor(master->upgrade.pid, status);
}

void
master_leave(struct master *master)
{
	uint64_t timeout = master->conf->drain_timeout;
	size_t i;

	master->phase = MASTER_DRAINING;
	master->replaced = true;
	/* While the service manager listens to this process. */
	leave_addresses(master);
	leave_tell(master, timeout);
	pulse_close(&master->pulse);
	reload_cancel(&master->reload);
	control_hand_over(&master->control);
	for (i = 0; i < master->upgrade.nforgone; i++)
		supervisor_tell_workers(
		    &master->sup, MESSAGE_FORGO, master->upgrade.forgone[i]);
	supervisor_leave(&master->sup, timeout);
	status_sockets_close(&master->status_sockets);
	(void)close(master->lock_fd);
	master->lock_fd = -1;
	/* It has read its configuration before that. */
	if (master->hang_up_again)
		(void)kill(master->upgrade.pid, SIGHUP);
	master->hang_up_again = false;
	master_wait_for_end(master, timeout);
}

void
master_upgrade_failed(struct master *master)
{
	if (master->phase == MASTER_SERVING && master->hang_up_again)
		master_hang_up(master);
}
