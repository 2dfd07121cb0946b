/*
 * See manager.h.  A thread listens, since muxd may wait for an answer at any
 * time (BARRIER=1), and the test itself waits for muxd.
 */
#include "manager.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEPT_MAX      256
#define NAME_MAX_KEPT 256

struct kept {
	int fd;
	char name[NAME_MAX_KEPT];
};

static struct {
	pthread_mutex_t lock;
	pthread_t thread;
	bool open;
	int fd;      /* NOTIFY_SOCKET */
	int stop[2]; /* a pipe: ends the thread */
	char path[108];
	struct kept kept[KEPT_MAX];
	size_t n;
	size_t removals;
} manager = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- what is kept; called with the lock ---- */

static bool
same_file(int one, int other)
{
	struct stat a, b;

	return fstat(one, &a) == 0 && fstat(other, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* As systemd, which keeps one that it has under the name it has. */
static void
keep(int fd, const char *name)
{
	size_t i;

	for (i = 0; i < manager.n; i++)
		if (same_file(manager.kept[i].fd, fd)) {
			close(fd);
			return;
		}
	if (manager.n == KEPT_MAX)
		abort();
	manager.kept[manager.n].fd = fd;
	snprintf(manager.kept[manager.n++].name, NAME_MAX_KEPT, "%s", name);
}

static void
forget(const char *name, bool prefix)
{
	size_t i, n = 0, len = strlen(name);

	for (i = 0; i < manager.n; i++) {
		if (prefix ? strncmp(manager.kept[i].name, name, len) == 0
			   : strcmp(manager.kept[i].name, name) == 0)
			close(manager.kept[i].fd);
		else
			manager.kept[n++] = manager.kept[i];
	}
	manager.n = n;
}

/* ---- what muxd says ---- */

/* The value of a line of the message, into value; false: it has none. */
static bool
line_of(const char *text, const char *key, char *value, size_t size)
{
	size_t len = strlen(key), n;

	while (text != NULL && *text != '\0') {
		if (strncmp(text, key, len) == 0 && text[len] == '=') {
			n = strcspn(text + len + 1, "\n");
			if (n >= size)
				abort();
			memcpy(value, text + len + 1, n);
			value[n] = '\0';
			return true;
		}
		text = strchr(text, '\n');
		if (text != NULL)
			text++;
	}
	return false;
}

static void
obey(const char *text, int fd)
{
	char name[NAME_MAX_KEPT] = "stored", value[32];

	(void)line_of(text, "FDNAME", name, sizeof(name));
	if (line_of(text, "FDSTORE", value, sizeof(value)) && fd != -1) {
		keep(fd, name);
		fd = -1;
	}
	if (line_of(text, "FDSTOREREMOVE", value, sizeof(value))) {
		forget(name, false);
		manager.removals++;
	}
	/* To close it is the answer to BARRIER=1. */
	if (fd != -1)
		close(fd);
}

static void
receive(void)
{
	char text[4096];
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *cmsg;
	ssize_t n = recvmsg(manager.fd, &msg, MSG_CMSG_CLOEXEC);
	int fd = -1;

	if (n == -1)
		return;
	text[n] = '\0';
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg != NULL && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	pthread_mutex_lock(&manager.lock);
	obey(text, fd);
	pthread_mutex_unlock(&manager.lock);
}

static void *
listen_to_muxd(void *arg)
{
	struct pollfd fds[2] = { { .fd = manager.fd, .events = POLLIN },
		{ .fd = manager.stop[0], .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) == -1)
			continue;
		if (fds[0].revents != 0)
			receive();
		else if (fds[1].revents != 0)
			return arg;
	}
}

/* ---- what the test says ---- */

void
manager_open(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(un);

	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager.fd == -1 ||
	    /* The kernel chooses a name that leaves no file behind. */
	    bind(manager.fd, (struct sockaddr *)&un, sizeof(sa_family_t)) ==
		-1 ||
	    getsockname(manager.fd, (struct sockaddr *)&un, &len) == -1 ||
	    pipe2(manager.stop, O_CLOEXEC) == -1 ||
	    pthread_create(&manager.thread, NULL, listen_to_muxd, NULL) != 0)
		test_fail("cannot make a service manager");
	snprintf(manager.path, sizeof(manager.path), "@%.*s",
	    (int)(len - offsetof(struct sockaddr_un, sun_path) - 1),
	    un.sun_path + 1);
	manager.open = true;
}

int
manager_teardown(void **state)
{
	int result = muxd_teardown(state);

	if (!manager.open)
		return result;
	close(manager.stop[1]);
	pthread_join(manager.thread, NULL);
	close(manager.stop[0]);
	close(manager.fd);
	forget("", true);
	manager.open = false;
	return result;
}

/* In the process that becomes muxd: put them at 3 and on. */
static void
hand_over(void)
{
	char names[KEPT_MAX * NAME_MAX_KEPT] = "", text[32];
	int moved[KEPT_MAX];
	size_t i, len = 0;

	setenv("NOTIFY_SOCKET", manager.path, 1);
	if (manager.n == 0)
		return;
	for (i = 0; i < manager.n; i++)
		moved[i] = fcntl(manager.kept[i].fd, F_DUPFD_CLOEXEC, 1000);
	for (i = 0; i < manager.n; i++) {
		if (moved[i] == -1 || dup2(moved[i], 3 + (int)i) == -1)
			_exit(126);
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%s%s", i > 0 ? ":" : "", manager.kept[i].name);
	}
	snprintf(text, sizeof(text), "%ld", (long)getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof(text), "%zu", manager.n);
	setenv("LISTEN_FDS", text, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

void
manager_launch(struct muxd *muxd)
{
	muxd->prepare = hand_over;
	/* The copy of it in the new process must not be half changed. */
	pthread_mutex_lock(&manager.lock);
	muxd_launch(muxd);
	pthread_mutex_unlock(&manager.lock);
}

void
manager_keep(int fd, const char *name)
{
	pthread_mutex_lock(&manager.lock);
	keep(fd, name);
	pthread_mutex_unlock(&manager.lock);
}

size_t
manager_count(const char *prefix)
{
	size_t i, n = 0, len = strlen(prefix);

	pthread_mutex_lock(&manager.lock);
	for (i = 0; i < manager.n; i++)
		n += strncmp(manager.kept[i].name, prefix, len) == 0;
	pthread_mutex_unlock(&manager.lock);
	return n;
}

size_t
manager_removals(void)
{
	size_t n;

	pthread_mutex_lock(&manager.lock);
	n = manager.removals;
	pthread_mutex_unlock(&manager.lock);
	return n;
}

void
manager_drop(const char *prefix)
{
	pthread_mutex_lock(&manager.lock);
	forget(prefix, true);
	pthread_mutex_unlock(&manager.lock);
}

const char *
manager_name(const char *prefix)
{
	const char *name = NULL;
	size_t i, len = strlen(prefix);

	pthread_mutex_lock(&manager.lock);
	for (i = 0; i < manager.n && name == NULL; i++)
		if (strncmp(manager.kept[i].name, prefix, len) == 0)
			name = test_format("%s", manager.kept[i].name);
	pthread_mutex_unlock(&manager.lock);
	return name;
}

void
manager_wait_count(const char *prefix, size_t n)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();

	while (manager_count(prefix) != n) {
		if (test_now_ms() > deadline)
			test_fail("the service manager keeps %zu of \"%s\","
				  " not %zu",
			    manager_count(prefix), prefix, n);
		poll(NULL, 0, 2);
	}
}
