/*
 * The service manager is systemd.
 */
#include "proc/notify.h"

#include <stdio.h>
#include <stdlib.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"

/* What the manager may take to answer. */
#define SETTLE_USEC (2 * UINT64_C(1000000))

void
notify_reloading(void)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)(clock_mono_ns() / 1000));
}

void
notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
notify_stopping(const char *status)
{
	(void)sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}

void
notify_keep(int fd, const char *name)
{
	char text[512];

	/* FDPOLL=0: a socket that does not listen yet reports a hang-up, for
	 * which it would be dropped. */
	(void)snprintf(
	    text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	(void)sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

void
notify_forget(const char *name)
{
	(void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void
notify_settle(void)
{
	(void)sd_notify_barrier(0, SETTLE_USEC);
}

bool
notify_is_heard(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}
