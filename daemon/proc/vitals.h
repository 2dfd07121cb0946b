/*
 * Which workers are well, and what follows for new clients.
 *
 * A slot is sick while its worker fails to stay up, while its heartbeat is
 * overdue, or while it says that it has no room.  Sick slots get no new
 * clients as long as any other is well; those already in their queues wait
 * for whoever fills the slot next.
 */
#ifndef MUXD_PROC_VITALS_H
#define MUXD_PROC_VITALS_H

#include "proc/supervisor.h"

/* How often heartbeats are looked at; how old one may be before the worker
 * gets no new clients; before it is killed. */
#define VITALS_INTERVAL_MS 500
#define VITALS_SILENT_MS   3000
#define VITALS_KILL_MS     10000

/* Begin to look at the heartbeats. */
void vitals_start(struct supervisor *sup);

/* Something about a worker has changed: steer around those that are sick
 * now. */
void vitals_steer(struct supervisor *sup);

/* How many of the workers that muxd is to have are there, and beat. */
unsigned vitals_beating(const struct supervisor *sup);

/* Whether all of them do, and the monitor is there.  A child that was given up
 * is not waited for, since starting anew would not mend it; nor is, while muxd
 * stops, one that has ended. */
bool vitals_all_well(const struct supervisor *sup);

#endif
