/*
 * The side of the new master in an upgrade (proc/upgrade.h): it has got the
 * sockets, the lock and the shared state of another one, and takes its place.
 *
 *   NONE    there was no other one, or it is gone
 *   HELD ──all are ready──► READY ──TAKE──► TAKING ──SERVING──► SERVING ──LEFT──► ALONE
 *
 * HELD, READY: until it is told, nobody notices it: it writes nothing into the
 *   shared state that the other one relies on, and changes no file.
 * TAKING: what its configuration says of the servers is written, the monitor
 *   begins to look after them; then the workers let clients in.
 * ALONE: the other one has only sessions left.  When all its processes are
 *   gone, however they ended, what they held is given back.
 *
 * Should the other master die meanwhile, this one takes over as soon as it is
 * ready, without a word; from SERVING on also if the other one hangs.
 */
#ifndef MUXD_PROC_SUCCESSOR_H
#define MUXD_PROC_SUCCESSOR_H

#include <stdbool.h>

#include "conf/conf.h"
#include "event/loop.h"
#include "proc/child.h"
#include "proc/handover.h"
#include "proc/message.h"

/* What the other master may take to leave, and its workers to end without
 * it. */
#define SUCCESSOR_PATIENCE_MS 10000

struct master;

enum successor_phase {
	SUCCESSOR_NONE,
	SUCCESSOR_HELD,
	SUCCESSOR_READY,
	SUCCESSOR_TAKING,
	SUCCESSOR_SERVING,
	SUCCESSOR_ALONE
};

struct successor {
	enum successor_phase phase;
	struct master *master;
	struct handover *handover; /* while it is held */
	struct conf *before;       /* the configuration of the other one */
	bool shares;               /* the state is the other one's */
	const char *apart;         /* why it is not */
	bool orphaned;             /* the other master is gone */
	bool terminate;            /* told to, while the other one leaves */
	struct channel *channel;   /* to it; NULL: closed */
	struct io presence;        /* fd -1: all its processes are gone */
	struct timer patience;     /* with a master that does not leave, or with
				    * workers whose master is gone */
};

/*
 * What was handed over to this process, whose environment forgets it, with all
 * descriptors close-on-exec; NULL: nothing was, or with *broken why it cannot
 * be understood.  It becomes the successor's (successor_begin()).
 */
struct handover *successor_find(const char **broken);

/* Begin, before anything else of the master; handover may be NULL. */
void successor_begin(struct master *master, struct handover *handover);

/* Whether this master must not be noticed yet. */
bool successor_is_held(const struct successor *successor);

/* Whether processes of the other master are left. */
bool successor_waits(const struct successor *successor);

/* The steps of master_open() where it is held; -1, and it is logged why. */
int successor_lock(struct master *master);
int successor_bind(struct master *master, struct conf_errors *errors);
int successor_make_state(struct master *master);
int successor_open_control(struct master *master);
int successor_watch(struct master *master);
void successor_prepare_supervisor(struct master *master);

/* From the supervisor: all children are ready; the monitor has taken what is
 * its; the monitor was started again. */
void successor_ready(struct master *master);
void successor_monitor_took(struct master *master);
void successor_monitor_up(struct master *master);

/* Pass an order on to the other master, if it is there. */
void successor_tell(const struct successor *successor, enum message_type type);

/* Wait for the other one no longer. */
void successor_abandon(struct successor *successor);

/* Release what there is, also of zeroed memory. */
void successor_close(struct successor *successor);

#endif
