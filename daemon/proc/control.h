/*
 * The control socket: a UNIX stream socket of the master, by which muxctl
 * asks and orders.
 *
 *   control.c           the socket: who may connect, and how many
 *   control_client.c    a connection: its request, its answer, their bounds
 *   control_commands.c  what a command does
 *   control_show.c      what is asked of monitor/report.c
 *   control_reload.c    the order to reload
 *   control_upgrade.c   the order to upgrade
 *   control_diff.c      what that would change
 *   control_explain.c   what has become of a client
 *   control_try.c       what would become of one
 *   control_watch.c     events for those who subscribe
 *
 * A request is a line of words (proc/request.h).  Its answer is made of lines
 * of JSON, one object each; the last one has a member "ok":
 *
 *   {"ok":true,…}
 *   {"ok":false,"error":"there is no server \"web/x\""}
 *
 * Those before it are the items of a list, or events.
 *
 * Only the master's own user and root may speak.  Nothing a client does or
 * leaves undone makes the master wait: whatever it sends, it gets a bounded
 * buffer and a bounded time.
 */
#ifndef MUXD_PROC_CONTROL_H
#define MUXD_PROC_CONTROL_H

#include <sys/types.h>

#include <stdbool.h>

#include "base/list.h"
#include "base/log.h"
#include "event/io.h"
#include "proc/control_watch.h"
#include "proc/supervisor.h"

#define CONTROL_CLIENTS    16
#define CONTROL_REQUEST_MS 5000  /* for a request to come in */
#define CONTROL_OUTPUT_MS  30000 /* for a client to take any of the answer */
#define CONTROL_OUTPUT_MAX (UINT32_C(8) << 20) /* bytes that it has not taken */

struct control;
struct control_client;
struct question;
struct reload;
struct upgrade;

/* A question that the monitor was asked.  There is one at a time, so that a
 * monitor that does not answer is not sent more and more of them. */
struct control_question {
	struct question *question;    /* NULL: none */
	struct control_client *owner; /* NULL: nobody waits for it any more */
	pid_t monitor;                /* who was asked */
};

/* What the owner does. */
struct control_ops {
	/* As SIGTERM: drain and stop, or stop at once. */
	void (*stop)(struct control *control);
	/* state->node has changed. */
	void (*node_ordered)(struct control *control);
	/* Sessions are condemned that are not this daemon's workers': tell
	 * the one who has them. */
	void (*end_elsewhere)(struct control *control);
};

struct control {
	/* The owner's, set before control_open(). */
	struct supervisor *sup;
	struct reload *reload;
	struct upgrade *upgrade;
	const char *conf_path;
	const struct control_ops *ops;
	/* Its own. */
	struct io io;
	const char *path; /* NULL: not open */
	bool inherited;   /* another process has made it, and serves it */
	bool serves;
	struct timer resume;
	struct list clients;
	unsigned nclients;
	uid_t uid; /* who may speak, beside root */
	struct log_limit refusals;
	struct control_watch watch;
	struct control_question question; /* the one under way */
};

/* Listen at the path, which the lock says is nobody else's; the string must
 * outlive the control.  -1 with errno: EADDRINUSE if somebody answers there,
 * EEXIST if it is no socket. */
int control_bind(struct control *control, const char *path);

/* Instead: fd listens there already, for another process. */
void control_adopt(struct control *control, const char *path, int fd);

/* Begin to serve.  -1 with errno. */
int control_begin(struct control *control);

/* Another process serves the same socket: end with all clients, and leave the
 * file to that one. */
void control_hand_over(struct control *control);

/* A reload is over: tell who watches. */
void control_tell_reload(struct control *control, bool applied);

/* Answer who waits for the end, close all, and remove the file.  Zeroed memory
 * is allowed. */
void control_close(struct control *control);

#endif
