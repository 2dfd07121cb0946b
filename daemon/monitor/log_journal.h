/*
 * Records for systemd's journal, each field of its own.  There are two
 * implementations: log_journal.c with libsystemd, and log_journal_none.c,
 * whose functions fail with ENOSYS.
 */
#ifndef MUXD_MONITOR_LOG_JOURNAL_H
#define MUXD_MONITOR_LOG_JOURNAL_H

#include <stdbool.h>

#include "base/log.h"

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Whether this build can. */
bool log_journal_supported(void);

/* A descriptor for log_journal_send(), which the caller closes; -1 and
 * errno. */
int log_journal_open(void);

/*
 * Hand one record to the journal that listens at path: MESSAGE (the message
 * and its fields in logfmt), PRIORITY, SYSLOG_IDENTIFIER, SYSLOG_PID,
 * PROCESS, WORKER, and each field under its name in capitals.  A name that
 * the journal reserves or does not take gets "MUXD_" before it.  Waits at most
 * *budget_ms, as log_gate_wait().  Returns 0, or -1 with errno, EAGAIN when
 * the journal does not keep up.
 */
int log_journal_send(
    int fd, const char *path, const struct log_view *view, unsigned *budget_ms);

#endif
