/*
 * Telling the service manager (sd_notify(3)): does nothing where there is
 * none, and waits two seconds at most for one that does not read.  What is
 * said of descriptors does not wait at all for one that is deaf.
 */
#ifndef MUXD_PROC_NOTIFY_H
#define MUXD_PROC_NOTIFY_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/* Whether there is one that listens. */
bool notify_is_heard(void);

/* Whether it has let something wait in vain in the last ten seconds. */
bool notify_is_deaf(void);

/* RELOADING=1 with the time that it takes (MONOTONIC_USEC): notify_ready()
 * must follow, however it ends. */
void notify_reloading(void);

/* READY=1 and a STATUS=. */
void notify_ready(const char *status);

/* MAINPID= and a STATUS=: another process is the daemon from now on.  The
 * manager believes only the one that was so far. */
void notify_successor(pid_t pid, const char *status);

/* STATUS= alone, unless that would have to wait. */
void notify_status(const char *status);

/* STOPPING=1 and a STATUS=. */
void notify_stopping(const char *status);

/* Have the manager keep a descriptor under a name (proc/inherit.h), to hand it
 * over when muxd starts again (FDSTORE=1); one that it has already is left
 * under its name.  False if it was not to be told.  And drop all that are kept
 * under a name. */
bool notify_keep(int fd, const char *name);
void notify_forget(const char *name);

/* Wait until the manager has dealt with all that it was told; not for
 * long. */
void notify_settle(void);

/* How long the service manager waits, in microseconds, from one notify_alive()
 * to the next before it kills the daemon (sd_watchdog_enabled(3)); 0: it waits
 * for none. */
uint64_t notify_watchdog_us(void);

/* WATCHDOG=1, unless that would have to wait. */
void notify_alive(void);

#endif
