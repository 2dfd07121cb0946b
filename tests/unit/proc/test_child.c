/*
 * A forked child owns what it was given and nothing else.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/child.h"

enum { OPENED = 40, HIGH = 700 };

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* What the child finds, as its exit status: 0 is as it should be. */
static int
inspect(const int *keep, const int *lost, size_t n, int channel_fd)
{
	struct stat null, in;
	size_t i;

	for (i = 0; i < n; i++)
		if (!is_open(keep[i]))
			return 1;
	for (i = 0; i < n; i++)
		if (is_open(lost[i]))
			return 2;
	if (!is_open(channel_fd))
		return 3;
	if (stat("/dev/null", &null) == -1 || fstat(0, &in) == -1 ||
	    null.st_rdev != in.st_rdev)
		return 4;
	if (signal(SIGINT, SIG_DFL) != SIG_IGN)
		return 5;
	return 0;
}

/* fault 50 */
static void
only_what_is_kept_stays_open(void **state)
{
	int keep[OPENED / 2 + 1], lost[OPENED / 2 + 1], channel_fd, fd;
	int status;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < OPENED; i++) {
		fd = open("/dev/null", O_RDONLY);
		assert_int_not_equal(fd, -1);
		if (i % 2 == 0)
			keep[i / 2] = fd;
		else
			lost[i / 2] = fd;
	}
	/* Far above the others, and not in order. */
	keep[OPENED / 2] = keep[0];
	keep[0] = dup2(keep[1], HIGH);
	lost[OPENED / 2] = dup2(keep[1], HIGH + 1);
	pid = child_fork(&channel_fd, keep, OPENED / 2 + 1);
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(inspect(keep, lost, OPENED / 2 + 1, channel_fd));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (i = 0; i <= OPENED / 2; i++) {
		(void)close(keep[i]);
		(void)close(lost[i]);
	}
	(void)close(channel_fd);
}

static void
each_side_of_the_channel_sees_the_other_go(void **state)
{
	int channel_fd, second_fd;
	pid_t pid, second;
	char byte;

	(void)state;
	pid = child_fork(&channel_fd, NULL, 0);
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		/* Until the parent closes its end. */
		struct pollfd pfd = { .fd = channel_fd, .events = POLLIN };

		while (poll(&pfd, 1, 60000) == -1 && errno == EINTR)
			continue;
		_exit(read(channel_fd, &byte, 1) == 0 ? 0 : 1);
	}
	/* A sibling must not hold the first one's lifeline. */
	second = child_fork(&second_fd, NULL, 0);
	assert_int_not_equal(second, -1);
	if (second == 0) {
		struct pollfd pfd = { .fd = second_fd, .events = POLLIN };

		while (poll(&pfd, 1, 60000) == -1 && errno == EINTR)
			continue;
		_exit(0);
	}
	(void)close(channel_fd);
	{
		int status;

		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	(void)close(second_fd);
	assert_int_equal(waitpid(second, NULL, 0), second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_kept_stays_open),
		cmocka_unit_test(each_side_of_the_channel_sees_the_other_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
