/*
 * Records for syslog(3); see log_syslog.h.
 *
 * syslog(3) waits while the queue of syslog's socket is full, and says
 * nothing when nobody listens there.  So the socket is asked first.
 */
#include "monitor/log_syslog.h"

#include <unistd.h>

#include "monitor/log_gate.h"

static const int priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARNING] = LOG_WARNING,
	[LOG_LEVEL_NOTICE] = LOG_NOTICE,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

int
log_syslog_open(void)
{
	openlog("muxd", LOG_PID, LOG_DAEMON);
	return log_gate_open();
}

void
log_syslog_close(int fd)
{
	closelog();
	(void)close(fd);
}

int
log_syslog_send(int fd, const char *path, const struct log_view *view,
    enum log_format format, unsigned *budget_ms)
{
	char line[LOG_LINE_MAX];
	size_t len;

	if (log_gate_check(fd, path, budget_ms) == -1)
		return -1;
	if (format == LOG_FORMAT_JSON) {
		len = log_format_line(view, format, line);
		line[len - 1] = '\0'; /* the newline */
	} else
		(void)log_format_message(view, line);
	syslog(priorities[view->level], "%s", line);
	return 0;
}
