/*
 * Who takes the clients of slots that have no worker any more.
 *
 * New clients are steered around the sockets of such a slot, but handshakes
 * that had begun there end there, a minute later if the client is slow.  The
 * heir accepts them, a worker that is not retired itself: it adopts the slot's
 * queues beside its own, until the slot has a worker again.  When it dies it
 * leaves them to the next one that runs.
 */
#ifndef MUXD_PROC_HEIR_H
#define MUXD_PROC_HEIR_H

#include "proc/supervisor.h"

/* Other slots are without a worker than before: tell the heir which queues are
 * its affair. */
void heir_tell(struct supervisor *sup);

/* A worker is ready to serve: it may be the heir.  That one also serves whoever
 * waits at sockets that were handed over and have no place here. */
void heir_ready(struct supervisor *sup, const struct child *worker);

/* Tell it the rest, which it had no room for, or another one if it does not
 * run. */
void heir_tell_rest(struct supervisor *sup);

#endif
