/*
 * Records for syslog(3).
 */
#ifndef MUXD_MONITOR_LOG_SYSLOG_H
#define MUXD_MONITOR_LOG_SYSLOG_H

#include <syslog.h>

#include "base/log_format.h"

#define LOG_SYSLOG_SOCKET _PATH_LOG

/* A descriptor for log_syslog_send(), which log_syslog_close() closes; -1
 * and errno.  There is one connection to syslog in a process. */
int log_syslog_open(void);
void log_syslog_close(int fd);

/*
 * Hand one record to syslog, which listens at path, with facility daemon: as
 * JSON, or as the message and its fields in logfmt, since syslog keeps time
 * and level itself.  Waits at most *budget_ms, as log_gate_wait().  Returns
 * 0, or -1 with errno, EAGAIN when syslog does not keep up.  What happens
 * behind that nobody tells.
 */
int log_syslog_send(int fd, const char *path, const struct log_view *view,
    enum log_format format, unsigned *budget_ms);

#endif
