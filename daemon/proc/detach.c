/*
 * Detaching: the parent stays until the child serves, so that a script that
 * starts muxd -d can go on to use it.
 */
#include "proc/detach.h"

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/compat.h"

static int
detach_wait(int fd)
{
	unsigned char status;
	ssize_t n;

	do {
		n = read(fd, &status, 1);
	} while (n == -1 && errno == EINTR);
	/* The end without a word: it died. */
	return n == 1 ? status : 2;
}

int
detach_begin(int *ready_fd, int *status)
{
	int fds[2], flags;
	pid_t pid;

	if (compat_pipe(fds) == -1)
		return -1;
	flags = fcntl(fds[0], F_GETFL);
	if (flags == -1 || fcntl(fds[0], F_SETFL, flags & ~O_NONBLOCK) == -1)
		goto fail;
	pid = fork();
	if (pid == -1)
		goto fail;
	if (pid > 0) {
		(void)close(fds[1]);
		*status = detach_wait(fds[0]);
		(void)close(fds[0]);
		return 1;
	}
	(void)close(fds[0]);
	*ready_fd = fds[1];
	return setsid() == -1 ? -1 : 0;
fail:
	(void)close(fds[0]);
	(void)close(fds[1]);
	return -1;
}

void
detach_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1)
		return;
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	if (isatty(STDERR_FILENO))
		(void)dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		(void)close(null);
}

void
detach_ready(int *ready_fd, int status)
{
	unsigned char byte = (unsigned char)status;
	int left;

	if (*ready_fd == -1)
		return;
	/* A parent that is gone need not be told. */
	if (write(*ready_fd, &byte, 1) == -1 && errno != EPIPE)
		return;
	(void)close(*ready_fd);
	*ready_fd = -1;
	detach_terminal();
	/* Nothing that a relative path names is opened from here on; staying
	 * where it was is no harm but to whoever wants to unmount it. */
	left = chdir("/");
	(void)left;
}
