/*
 * The service manager is systemd.
 *
 * sd_notify(3) waits for as long as nobody reads, which is for ever when PID 1
 * has crashed and is frozen.  The master must not: what it sends here waits
 * for a moment, and what is told again and again does not wait at all.  Nor,
 * for a while after one that waited in vain, does what is told of each socket:
 * there are thousands of them.
 */
#include "proc/notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"

#define NOTIFY_TEXT_MAX 512
#define NOTIFY_WAIT_S   2 /* what the manager may take to read, or to answer */
#define NOTIFY_DEAF_MS  10000

/* Until when the manager counts as deaf. */
static uint64_t deaf_until_ms;

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

bool
notify_is_deaf(void)
{
	return clock_mono_ms() < deaf_until_ms;
}

static void
notify_went_unheard(void)
{
	deaf_until_ms = clock_mono_ms() + NOTIFY_DEAF_MS;
}

/* For what may come in thousands. */
static int
notify_patience(void)
{
	return notify_is_deaf() ? MSG_DONTWAIT : 0;
}

/* A descriptor goes along with the message. */
union notify_control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

static void
notify_attach(struct msghdr *msg, union notify_control *control, int fd)
{
	struct cmsghdr *cmsg;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control->room;
	msg->msg_controllen = sizeof(control->room);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
}

/* fd: -1 for none.  False if the manager has not got it. */
static bool
notify_send_fd(const char *text, int fd, int flags)
{
	const struct timeval patience = { .tv_sec = NOTIFY_WAIT_S };
	struct sockaddr_un addr;
	union notify_control control;
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr msg = {
		.msg_name = &addr,
		.msg_namelen = notify_address(&addr),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t sent;
	int s;

	if (msg.msg_namelen == 0)
		return false;
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s == -1)
		return false;
	if (fd != -1)
		notify_attach(&msg, &control, fd);
	(void)setsockopt(
	    s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	sent = sendmsg(s, &msg, flags | MSG_NOSIGNAL);
	if (sent == -1 && errno == EAGAIN && (flags & MSG_DONTWAIT) == 0)
		notify_went_unheard();
	(void)close(s);
	return sent != -1;
}

static void
notify_send(const char *text, int flags)
{
	(void)notify_send_fd(text, -1, flags);
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
	char what[32];

	(void)snprintf(what, sizeof(what), "MAINPID=%ld\n", (long)pid);
	notify_send_status(what, status, 0);
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

bool
notify_keep(int fd, const char *name)
{
	char text[NOTIFY_TEXT_MAX];

	/* FDPOLL=0: a socket that does not listen yet reports a hang-up, for
	 * which it would be dropped. */
	(void)snprintf(
	    text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	return notify_send_fd(text, fd, notify_patience());
}

void
notify_forget(const char *name)
{
	char text[NOTIFY_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	notify_send(text, notify_patience());
}

/* As sd_notify_barrier(3): the manager closes its end of the pipe when it has
 * come to the message. */
void
notify_settle(void)
{
	struct pollfd end = { .events = 0 };
	int ends[2];
	bool sent;

	if (notify_is_deaf() || pipe2(ends, O_CLOEXEC) == -1)
		return;
	sent = notify_send_fd("BARRIER=1", ends[1], 0);
	(void)close(ends[1]);
	end.fd = ends[0];
	if (sent && poll(&end, 1, NOTIFY_WAIT_S * 1000) == 0)
		notify_went_unheard();
	(void)close(ends[0]);
}
