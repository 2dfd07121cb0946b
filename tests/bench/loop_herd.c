/*
 * The connections that loopbench watches; see loop_herd.h.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "bench.h"
#include "loop_herd.h"

/* OTHERS: what a process needs besides the herd (a listener, pipes, epoll,
 * what Python opens while it starts). */
enum { FIRST = 3, OTHERS = 32, PATIENCE_MS = 10000 };

unsigned
herd_most(void)
{
	struct rlimit limit;
	rlim_t taken = FIRST + 3 * HERD_ACTIVE + OTHERS;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		bench_die("getrlimit");
	return limit.rlim_cur > taken ? (unsigned)(limit.rlim_cur - taken) : 0;
}

static void
close_all(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		bench_die("getrlimit");
	for (rlim_t fd = FIRST; fd < limit.rlim_cur; fd++)
		(void)close((int)fd);
}

/* Make the number of a descriptor at least what is said. */
static int
lift(int fd, int least, int command)
{
	int lifted = fcntl(fd, command, least);

	if (lifted == -1)
		bench_die("fcntl");
	(void)close(fd);
	return lifted;
}

/* The active ones.  Their far ends come first, while the numbers are free. */
static void
open_active(struct herd *herd)
{
	int pairs[HERD_ACTIVE][2], i;

	for (i = 0; i < HERD_ACTIVE; i++)
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			pairs[i]) == -1)
			bench_die("socketpair");
	for (i = 0; i < HERD_ACTIVE; i++)
		if (lift(pairs[i][1], herd->writers, F_DUPFD) !=
		    herd->writers + i) {
			errno = EBUSY;
			bench_die("descriptors");
		}
	for (i = 0; i < HERD_ACTIVE; i++)
		herd->readers[i] =
		    lift(pairs[i][0], herd->writers, F_DUPFD_CLOEXEC);
}

/* A listening socket at an address that the kernel has chosen. */
static int
listen_somewhere(struct sockaddr_un *address, socklen_t *length, int least)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*length = sizeof(*address);
	if (fd == -1)
		bench_die("socket");
	if (bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)) == -1 ||
	    listen(fd, 4096) == -1 ||
	    getsockname(fd, (struct sockaddr *)address, length) == -1)
		bench_die("listen");
	return lift(fd, least, F_DUPFD_CLOEXEC);
}

/* The process that has the far ends of the idle ones. */
_Noreturn static void
keep(unsigned idle, const struct sockaddr_un *address, socklen_t length,
    int control)
{
	char byte;

	for (; idle > 0; idle--) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (fd == -1 ||
		    connect(fd, (const struct sockaddr *)address, length) == -1)
			bench_die("an idle connection");
	}
	while (read(control, &byte, 1) == -1 && errno == EINTR)
		;
	_exit(0);
}

static void
accept_idle(const struct herd *herd, int listener)
{
	struct pollfd row = { .fd = listener, .events = POLLIN };

	for (unsigned i = 0; i < herd->idle + HERD_ACTIVE; i++) {
		int fd;

		if (poll(&row, 1, PATIENCE_MS) != 1)
			bench_die("waiting for an idle connection");
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd == -1)
			bench_die("accept4");
		if (fd != herd->first + (int)i) {
			errno = EBUSY;
			bench_die("descriptors");
		}
	}
}

void
herd_open(struct herd *herd, unsigned idle)
{
	struct sockaddr_un address;
	socklen_t length;
	int control[2], listener;

	close_all();
	*herd = (struct herd){ .first = FIRST, .idle = idle };
	herd->writers = FIRST + (int)(idle + HERD_ACTIVE);
	listener = listen_somewhere(
	    &address, &length, herd->writers + 2 * HERD_ACTIVE);
	if (pipe2(control, O_CLOEXEC) == -1)
		bench_die("pipe2");
	control[0] = lift(control[0], listener, F_DUPFD_CLOEXEC);
	control[1] = lift(control[1], listener, F_DUPFD_CLOEXEC);
	if ((herd->keeper = fork()) == -1)
		bench_die("fork");
	if (herd->keeper == 0) {
		(void)close(control[1]);
		(void)close(listener);
		keep(idle + HERD_ACTIVE, &address, length, control[0]);
	}
	(void)close(control[0]);
	herd->control = control[1];
	open_active(herd);
	accept_idle(herd, listener);
	(void)close(listener);
}

void
herd_seat(const struct herd *herd, unsigned idle)
{
	unsigned count = idle + HERD_ACTIVE;

	for (unsigned i = 0; i < HERD_ACTIVE; i++) {
		unsigned place = (2 * i + 1) * count / (2 * HERD_ACTIVE);

		if (dup2(herd->readers[i], herd->first + (int)place) == -1)
			bench_die("dup2");
		(void)close(herd->readers[i]);
	}
}

void
herd_ring(const struct herd *herd)
{
	for (int i = 0; i < HERD_ACTIVE; i++)
		if (write(herd->writers + i, "", 1) != 1)
			bench_die("write");
}

void
herd_close(struct herd *herd)
{
	(void)close(herd->control);
	for (int i = 0; i < HERD_ACTIVE; i++) {
		(void)close(herd->readers[i]);
		(void)close(herd->writers + i);
	}
	for (int fd = herd->first; fd < herd->writers; fd++)
		(void)close(fd);
	while (waitpid(herd->keeper, NULL, 0) == -1 && errno == EINTR)
		;
}
