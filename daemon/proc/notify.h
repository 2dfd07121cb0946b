/*
 * Telling the service manager (sd_notify(3)): does nothing where there is
 * none.
 */
#ifndef MUXD_PROC_NOTIFY_H
#define MUXD_PROC_NOTIFY_H

/* READY=1 and a STATUS=. */
void notify_ready(const char *status);

/* STOPPING=1 and a STATUS=. */
void notify_stopping(const char *status);

#endif
