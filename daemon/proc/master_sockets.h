/*
 * The listening sockets of a start: handed over, or bound.
 */
#ifndef MUXD_PROC_MASTER_SOCKETS_H
#define MUXD_PROC_MASTER_SOCKETS_H

#include "proc/master.h"

/* Find out what was handed over.  -1 if a service manager has bound what fits
 * nothing here: the two of them are to be brought together, and to start again
 * does not help. */
int master_sort_inherited(struct master *master);

/* Have all listening sockets.  -1, and all that is wrong was told. */
int master_bind(struct master *master);

#endif
