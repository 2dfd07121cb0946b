/*
 * Between supervisor.c, which has the children's lives, supervisor_open.c,
 * which has what they share, and supervisor_orders.c, which does what the
 * master wants.
 */
#ifndef MUXD_PROC_SUPERVISOR_COMMON_H
#define MUXD_PROC_SUPERVISOR_COMMON_H

#include "proc/supervisor.h"

/* Whether the slot is to have a worker; also for all to see. */
void supervisor_want(struct supervisor *sup, unsigned slot, bool wanted);

/* Fork the process of a child that has none; what cannot be forked now is
 * tried again later, or fails the start. */
void supervisor_spawn(struct child *child);

/* The timer of a child that is to be forked again. */
void supervisor_respawn(struct timer *timer);

/* Have a worker empty its queues. */
void supervisor_tell_drain(struct supervisor *sup, struct child *worker);

/* Draining: the master needs the slot's sockets no longer, and with the last
 * slot not those that all share. */
void supervisor_let_go(struct supervisor *sup, struct child *worker);

/* A worker that was retired is gone. */
void supervisor_end_linger(struct supervisor *sup, struct child *worker);

#endif
