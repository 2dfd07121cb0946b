/*
 * The service manager is systemd.
 *
 * sd_notify(3) waits for as long as nobody reads, which is for ever when PID 1
 * has crashed and is frozen.  The master must not: what it sends here waits
 * for a moment, and what is told again and again does not wait at all.
 */
#include "proc/notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"

/* What the manager may take to answer. */
#define SETTLE_USEC     (2 * UINT64_C(1000000))
#define NOTIFY_TEXT_MAX 512
#define NOTIFY_WAIT_S   2

static const char *
notify_path(void)
{
	return getenv("NOTIFY_SOCKET");
}

/* The address in the manner of sd_notify(3): "@" stands for the abstract
 * namespace.  0 if it is none. */
static socklen_t
notify_address(struct sockaddr_un *addr)
{
	const char *path = notify_path();
	size_t len = path != NULL ? strlen(path) : 0;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (len == 0 || len >= sizeof(addr->sun_path))
		return 0;
	memcpy(addr->sun_path, path, len);
	if (addr->sun_path[0] == '@')
		addr->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static void
notify_send(const char *text, int flags)
{
	const struct timeval patience = { .tv_sec = NOTIFY_WAIT_S };
	struct sockaddr_un addr;
	socklen_t len = notify_address(&addr);
	int fd;

	if (len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	(void)sendto(fd, text, strlen(text), flags | MSG_NOSIGNAL,
	    (const struct sockaddr *)&addr, len);
	(void)close(fd);
}

static void
notify_send_status(const char *what, const char *status, int flags)
{
	char text[NOTIFY_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%sSTATUS=%s", what, status);
	notify_send(text, flags);
}

bool
notify_is_heard(void)
{
	return notify_path() != NULL;
}

void
notify_reloading(void)
{
	char text[NOTIFY_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
	    "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_mono_ns() / 1000);
	notify_send(text, 0);
}

void
notify_ready(const char *status)
{
	notify_send_status("READY=1\n", status, 0);
}

void
notify_status(const char *status)
{
	notify_send_status("", status, MSG_DONTWAIT);
}

void
notify_successor(pid_t pid, const char *status)
{
	(void)sd_notifyf(0, "MAINPID=%ld\nSTATUS=%s", (long)pid, status);
}

void
notify_stopping(const char *status)
{
	notify_send_status("STOPPING=1\n", status, 0);
}

uint64_t
notify_watchdog_us(void)
{
	uint64_t us;

	return sd_watchdog_enabled(0, &us) > 0 ? us : 0;
}

void
notify_alive(void)
{
	notify_send("WATCHDOG=1", MSG_DONTWAIT);
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
