/*
 * The shared memory of a start: that of the muxd before, or a new one.
 */
#ifndef MUXD_PROC_MASTER_STATE_H
#define MUXD_PROC_MASTER_STATE_H

#include "proc/master.h"

/* Have the shared memory, and in it the places of the names of the
 * configuration.  -1 with errno. */
int master_make_state(struct master *master);

#endif
