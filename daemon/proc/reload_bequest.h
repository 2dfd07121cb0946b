/*
 * A reload removes an address, and the worker of a slot is down: nobody takes
 * the clients that wait in the slot's queue, and its successor will not know
 * the address.
 */
#ifndef MUXD_PROC_RELOAD_BEQUEST_H
#define MUXD_PROC_RELOAD_BEQUEST_H

#include "proc/supervisor.h"

/* Have a worker that has committed take them, before sockets->leftover is
 * closed and it is told to let go of these addresses (MESSAGE_RELEASE).  If
 * there is none, they are reset. */
void reload_bequeath(struct supervisor *sup);

#endif
