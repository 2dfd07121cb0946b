/*
 * The master process: owns the sockets, the shared state and the children,
 * and hears the signals.  It parses nothing that came from the network.
 *
 *   STARTING ──all ready──► SERVING ──TERM, INT──► DRAINING ──second──► STOPPING
 *      │                                              │                    │
 *      └── a child cannot start: exit 2               └──── all ended ─────┴──► exit
 */
#ifndef MUXD_PROC_MASTER_H
#define MUXD_PROC_MASTER_H

#include <stdbool.h>

#include "base/log.h"
#include "conf/conf.h"
#include "event/loop.h"
#include "event/signals.h"
#include "proc/control.h"
#include "proc/plan.h"
#include "proc/program.h"
#include "proc/privileges.h"
#include "proc/pulse.h"
#include "proc/reload.h"
#include "proc/slots.h"
#include "proc/sockets.h"
#include "proc/sockets_inherit.h"
#include "proc/status_sockets.h"
#include "proc/store.h"
#include "proc/successor.h"
#include "proc/supervisor.h"
#include "proc/upgrade.h"
#include "state/state.h"

/* Exit statuses, as the manual has them. */
enum {
	MUXD_EXIT_OK = 0,
	MUXD_EXIT_INVALID = 1,    /* the configuration or the usage is */
	MUXD_EXIT_ENVIRONMENT = 2 /* the system refuses something */
};

enum master_phase {
	MASTER_STARTING,
	MASTER_SERVING,
	MASTER_DRAINING,
	MASTER_STOPPING,
	MASTER_FAILED /* stopping, because it could not start or go on */
};

struct master {
	enum master_phase phase;
	const struct conf *conf;
	const char *conf_path;
	char *reload_path; /* the same, wherever muxd is by then */
	const char *event_backend;
	struct identity identity;
	struct plan plan;
	struct inherit *inherit;
	struct inherited_sockets inherited;
	struct sockets sockets;
	struct status_sockets status_sockets;
	struct store store;
	struct state *state;
	bool adopted;        /* it is that of a muxd before, which has ended */
	uint32_t generation; /* the number of the first configuration */
	struct slots slots;
	struct loop *loop;
	struct signals signals;
	struct log log;
	struct loop_hook turn_end;
	struct supervisor sup;
	struct control control;
	struct pulse pulse; /* what the service manager is told */
	struct reload reload;
	const struct program *program;
	struct upgrade upgrade;        /* another process takes over */
	struct successor successor;    /* this one does */
	struct reload_request hang_up; /* by SIGHUP */
	bool hung_up;                  /* and under way */
	bool hang_up_again;            /* another one is to follow */
	struct timer deadline;         /* of a stop */
	int lock_fd;
	int ready_fd;   /* told when the daemon is up, or -1: see detach.h */
	bool served;    /* it has been up */
	bool concluded; /* the summary is written */
	bool told;      /* to stop, when another one had taken over */
	bool
	    replaced; /* another process is the daemon: only sessions are left */
};

/* What the command line says. */
struct master_options {
	const struct conf *conf;
	const char *conf_path;
	const char *event_backend;
	struct inherit *inherit; /* what was handed over, to be taken from */
	const struct program *program;
	struct handover *handover; /* from another muxd, or NULL */
	int ready_fd;
};

/* As SIGTERM: drain and stop; a second time, stop at once. */
void master_terminate(struct master *master);

/* It is drained by order, or enabled again: tell the service manager. */
void master_node_ordered(struct master *master);

/*
 * Called from within: successor*.c, upgrade.c.
 *
 * A step of the start; -1, and it is logged why.
 */
int master_lock(struct master *master);

/* All children serve, for the first time; SIGHUP has come; the rest is waited
 * for, timeout_ms and what an orderly end takes. */
void master_serve_on(struct master *master);
void master_hang_up(struct master *master);
void master_wait_for_end(struct master *master, uint64_t timeout_ms);
void master_stop_goes_on(struct master *master);

/* What was held serves: the daemon is this process from now on; or it cannot
 * be, for a reason that was logged. */
void master_take_over(struct master *master);
void master_cannot_start(struct master *master);

/* The daemon cannot start, or not go on, for a reason that was logged; the
 * timer of the deadline of a stop. */
void master_fail(struct supervisor *sup);
void master_deadline(struct timer *timer);

/* Another process is the daemon from now on; or it could not become that. */
void master_leave(struct master *master);
void master_upgrade_failed(struct master *master);

/* The process that was the daemon before is gone, and those that it had. */
void master_predecessor_gone(struct master *master);

/* Run the daemon to its end; the exit status. */
int master_run(const struct master_options *options);

#endif
