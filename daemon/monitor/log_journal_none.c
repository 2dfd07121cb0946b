/*
 * No journal, in a build without libsystemd; see log_journal.h.
 */
#include "monitor/log_journal.h"

#include <errno.h>

bool
log_journal_supported(void)
{
	return false;
}

int
log_journal_open(void)
{
	errno = ENOSYS;
	return -1;
}

int
log_journal_send(
    int fd, const char *path, const struct log_view *view, unsigned *budget_ms)
{
	(void)fd;
	(void)path;
	(void)view;
	(void)budget_ms;
	errno = ENOSYS;
	return -1;
}
