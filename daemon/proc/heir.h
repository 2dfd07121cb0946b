/*
 * Who takes the clients of slots that have no worker any more.
 *
 * New clients are steered around the sockets of such a slot, but handshakes
 * that had begun there end there, a minute later if the client is slow.  The
 * worker of the first slot, which is never retired, accepts them: it adopts the
 * slot's queues beside its own, until the slot has a worker again.
 */
#ifndef MUXD_PROC_HEIR_H
#define MUXD_PROC_HEIR_H

#include "proc/supervisor.h"

#define HEIR_SLOT 0

/* The heir is ready, or other slots are without a worker than before: tell it
 * which queues are its affair. */
void heir_tell(struct supervisor *sup);

/* Tell it the rest, which it had no room for. */
void heir_tell_rest(struct supervisor *sup);

#endif
