/*
 * There is no service manager to tell.
 */
#include "proc/notify.h"

bool
notify_is_heard(void)
{
	return false;
}

bool
notify_is_deaf(void)
{
	return false;
}

void
notify_reloading(void)
{
}

void
notify_ready(const char *status)
{
	(void)status;
}

void
notify_successor(pid_t pid, const char *status)
{
	(void)pid;
	(void)status;
}

void
notify_status(const char *status)
{
	(void)status;
}

void
notify_stopping(const char *status)
{
	(void)status;
}

bool
notify_keep(int fd, const char *name)
{
	(void)fd;
	(void)name;
	return false;
}

void
notify_forget(const char *name)
{
	(void)name;
}

void
notify_settle(void)
{
}

uint64_t
notify_watchdog_us(void)
{
	return 0;
}

void
notify_alive(void)
{
}
