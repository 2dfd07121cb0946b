/*
 * Upgrade: another process, of the program as it is on the disk by now, takes
 * the place of this one.  This is the side of the one who leaves; the other
 * one is proc/successor.h.
 *
 *   IDLE ──a request──► STARTING ──READY──► YIELDING ──► TAKING ──SERVING──► LEFT
 *    ▲                     │                   │            │
 *    └────── FAILING ◄─────┴───────────────────┴────────────┘
 *
 * STARTING: the new master was started with all sockets, the shared state and
 *   one end of a channel.  It reads and checks its configuration, starts its
 *   monitor and workers on the other side of the state, and says READY: none
 *   of them lets anybody in yet.  Here everything goes on as ever.
 * YIELDING: the monitor here leaves servers and status page alone.
 * TAKING: the new master was told to take over.  Its monitor begins, and when
 *   the servers have addresses its workers let clients in, beside those that
 *   are here.  It says SERVING: that is the decision.
 * LEFT: the workers here close their listeners, which live on over there, and
 *   go on with the sessions that they have, until the last one has ended or
 *   the drain deadline.  Files and the lock belong to the new master.
 * FAILING: until then, whatever goes wrong ends the new one, all its processes,
 *   and what it has done is undone.
 */
#ifndef MUXD_PROC_UPGRADE_H
#define MUXD_PROC_UPGRADE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "event/loop.h"
#include "proc/child.h"
#include "proc/message.h"

/* What the new one may take to be ready, and to take over. */
#define UPGRADE_START_MS 60000
#define UPGRADE_TAKE_MS  15000

/* What it says on stderr, as far as it is kept. */
#define UPGRADE_TEXT_MAX 4096

struct master;

/* How an upgrade went. */
struct upgrade_result {
	bool done;
	pid_t pid;        /* of the new master */
	const char *text; /* why not, a line; or "" */
	const char *said; /* what it had to say itself, in lines; or "" */
};

/* Somebody who wants to be told. */
struct upgrade_request {
	struct list link;
	/* The request is the caller's again, who may free it. */
	void (*done)(struct upgrade_request *request,
	    const struct upgrade_result *result);
};

enum upgrade_phase {
	UPGRADE_IDLE,
	UPGRADE_STARTING,
	UPGRADE_YIELDING,
	UPGRADE_TAKING,
	UPGRADE_FAILING,
	UPGRADE_LEFT
};

struct upgrade {
	struct master *master; /* set before upgrade_open() */
	/* Its own. */
	enum upgrade_phase phase;
	struct list waiting; /* requests */
	struct timer patience;
	uint64_t started_ms;
	pid_t pid;               /* 0: it is reaped */
	struct channel *channel; /* NULL: closed */
	struct io presence;      /* fd -1: its processes are gone */
	struct io said;          /* its stderr; fd -1: closed */
	bool told;               /* to take over */
	bool killed;             /* workers that have outlived it */
	uint32_t number;         /* of the configuration that it has */
	uint32_t *forgone;       /* addresses that it has not */
	size_t nforgone;
	char why[256]; /* it fails */
	size_t len;    /* of text */
	char text[UPGRADE_TEXT_MAX];
};

void upgrade_open(struct upgrade *upgrade);

/* Whether one is under way: then there is no reload. */
bool upgrade_is_under_way(const struct upgrade *upgrade);

/* Begin; request is told when it is over, and may be NULL.  Returns NULL, or
 * why there is none now: a static text, and request is not told. */
const char *upgrade_ask(
    struct upgrade *upgrade, struct upgrade_request *request);

/* The daemon stops: end the one under way; whoever waits is told. */
void upgrade_cancel(struct upgrade *upgrade);

/* Release what there is, also of zeroed memory. */
void upgrade_close(struct upgrade *upgrade);

/* A process that is no child of the supervisor has ended. */
void upgrade_stranger(struct upgrade *upgrade, pid_t pid, int status);

/* The monitor has yielded, or is gone. */
void upgrade_monitor_yielded(struct upgrade *upgrade);

#endif
