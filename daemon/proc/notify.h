/*
 * Telling the service manager (sd_notify(3)): does nothing where there is
 * none.
 */
#ifndef MUXD_PROC_NOTIFY_H
#define MUXD_PROC_NOTIFY_H

#include <stdbool.h>

/* RELOADING=1 with the time that it takes (MONOTONIC_USEC): notify_ready()
 * must follow, however it ends. */
void notify_reloading(void);

/* READY=1 and a STATUS=. */
void notify_ready(const char *status);

/* STOPPING=1 and a STATUS=. */
void notify_stopping(const char *status);

/* Have the manager keep a descriptor under a name (proc/inherit.h), to hand it
 * over when muxd starts again (FDSTORE=1); one that it has already is left
 * under its name.  And drop all that are kept under a name. */
void notify_keep(int fd, const char *name);
void notify_forget(const char *name);

/* Wait until the manager has dealt with all that it was told; not for
 * long. */
void notify_settle(void);

/* Whether there is a manager that can be told. */
bool notify_is_heard(void);

#endif
