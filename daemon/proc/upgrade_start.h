/*
 * Starting the process that is to take over: what it is given.
 */
#ifndef MUXD_PROC_UPGRADE_START_H
#define MUXD_PROC_UPGRADE_START_H

#include <sys/types.h>

struct master;

/* What the starter keeps. */
struct upgrade_ends {
	int channel_fd;
	int said_fd; /* what it writes to stderr */
};

/* Start it: the same path, arguments and folder as this one, and a handover
 * (proc/handover.h).  Returns its process id; -1 with errno, then there are no
 * ends. */
pid_t upgrade_start(const struct master *master, struct upgrade_ends *ends);

#endif
