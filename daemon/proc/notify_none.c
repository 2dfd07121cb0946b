/*
 * There is no service manager to tell.
 */
#include "proc/notify.h"

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
notify_stopping(const char *status)
{
	(void)status;
}
