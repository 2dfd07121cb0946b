/*
 * Telling the service manager (sd_notify(3)): does nothing where there is
 * none.
 */
#ifndef MUXD_PROC_NOTIFY_H
#define MUXD_PROC_NOTIFY_H

/* RELOADING=1 with the time that it takes (MONOTONIC_USEC): notify_ready()
 * must follow, however it ends. */
void notify_reloading(void);

/* READY=1 and a STATUS=. */
void notify_ready(const char *status);

/* STOPPING=1 and a STATUS=. */
void notify_stopping(const char *status);

#endif
