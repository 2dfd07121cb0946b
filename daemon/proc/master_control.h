/*
 * The master's control socket: what is ordered there.
 */
#ifndef MUXD_PROC_MASTER_CONTROL_H
#define MUXD_PROC_MASTER_CONTROL_H

#include "proc/master.h"

/* Open it; -1, and the log says why.  The supervisor and the reload must be
 * open. */
int master_open_control(struct master *master);

#endif
