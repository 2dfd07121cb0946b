/*
 * The lock of the instance.  The file stays when muxd ends: removing it
 * would let two successors lock two different files of the same name.
 */
#include "proc/lock.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

static pid_t
lock_read_holder(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return (pid_t)strtol(text, NULL, 10);
}

void
lock_sign(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	/* The number is for people; the lock holds without it. */
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)n, 0) == -1)
		return;
}

int
lock_take(const char *path, pid_t *holder)
{
	char *name = mem_printf("%s.lock", path);
	int fd, error;

	*holder = 0;
	if (name == NULL)
		return -1;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	mem_free(name);
	if (fd == -1)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		error = errno;
		*holder = lock_read_holder(fd);
		(void)close(fd);
		errno = error;
		return -1;
	}
	lock_sign(fd);
	return fd;
}
