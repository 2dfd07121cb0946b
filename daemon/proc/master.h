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
#include "proc/privileges.h"
#include "proc/pulse.h"
#include "proc/reload.h"
#include "proc/slots.h"
#include "proc/sockets.h"
#include "proc/sockets_inherit.h"
#include "proc/status_sockets.h"
#include "proc/store.h"
#include "proc/supervisor.h"
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
	struct reload_request hang_up; /* by SIGHUP */
	bool hung_up;                  /* and under way */
	bool hang_up_again;            /* another one is to follow */
	struct timer deadline;         /* of a stop */
	int lock_fd;
	int ready_fd;   /* told when the daemon is up, or -1: see detach.h */
	bool served;    /* it has been up */
	bool concluded; /* the summary is written */
};

/* What the command line says. */
struct master_options {
	const struct conf *conf;
	const char *conf_path;
	const char *event_backend;
	struct inherit *inherit; /* what was handed over, to be taken from */
	int ready_fd;
};

/* As SIGTERM: drain and stop; a second time, stop at once. */
void master_terminate(struct master *master);

/* It is drained by order, or enabled again: tell the service manager. */
void master_node_ordered(struct master *master);

/* Run the daemon to its end; the exit status. */
int master_run(const struct master_options *options);

#endif
