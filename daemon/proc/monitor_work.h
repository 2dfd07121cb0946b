/*
 * What the monitor does for the servers of a configuration: health checks and
 * names.  A reload gives it another one.
 */
#ifndef MUXD_PROC_MONITOR_WORK_H
#define MUXD_PROC_MONITOR_WORK_H

#include <stdbool.h>

#include "base/log.h"
#include "proc/brief.h"
#include "proc/monitor.h"

struct monitor_work {
	const struct monitor_task *task;
	struct loop *loop;
	struct log *log;
	/* In force; owned if it came by a reload. */
	const struct conf *conf;
	const struct slots *places;
	struct conf *owned;
	struct slots owned_places;
	struct checks *checks;
	struct names *names;
};

/* The configuration of the task, for which nothing is done yet. */
void monitor_work_init(
    struct monitor_work *work, const struct monitor_task *task);

/* Begin; the struct stays where it is.  -1 with errno, and *what tells what
 * cannot be done. */
int monitor_work_open(struct monitor_work *work, struct loop *loop,
    struct log *log, const char **what);

/*
 * Go on with the configuration of a brief, which is taken out of it: write the
 * addresses of its servers, and begin checks and rounds of names anew.  Servers
 * that keep their names keep what is known of them, since that is in the shared
 * state.  -1 with errno: then nothing is done any more.
 */
int monitor_work_change(struct monitor_work *work, struct brief *brief);

/* Leave all that to another monitor, until monitor_work_open(). */
void monitor_work_yield(struct monitor_work *work);

/* Whether all names were heard of. */
bool monitor_work_settled(const struct monitor_work *work);

void monitor_work_close(struct monitor_work *work);

#endif
