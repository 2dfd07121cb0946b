/*
 * Starting the process of a child.
 */
#ifndef MUXD_PROC_SPAWN_H
#define MUXD_PROC_SPAWN_H

#include "proc/supervisor.h"

/* Fork the child, which runs its part and never returns.  The parent gets
 * its process id and its end of the channel, or -1 with errno. */
pid_t spawn_child(
    struct supervisor *sup, const struct child *child, int *channel_fd);

#endif
