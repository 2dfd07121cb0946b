/*
 * The conformance suite over ev_kqueue.c, compiled against the stand-in of
 * kqueue(2): for systems that lack the real one.
 */
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "conformance.h"

/* A child does not inherit a kqueue, so in it the number is free for others:
 * none of them may be closed with the loop.  The exit status tells. */
static int
close_in_a_child(struct loop *loop)
{
	enum { FIRST = 3, LAST = 63 };
	int fd;

	compat_closefrom(FIRST);
	for (fd = FIRST; fd <= LAST; fd++)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) != fd)
			return 2;
	loop_close(loop);
	for (fd = FIRST; fd <= LAST; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			return 1;
	return 0;
}

static void
child_that_closes_the_loop_closes_nothing_else(void **state)
{
	struct loop *loop;
	pid_t child;
	int status;

	(void)state;
	loop = loop_open_with(&event_backend_kqueue, clock_mono_ms);
	assert_non_null(loop);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0)
		_exit(close_in_a_child(loop));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	loop_close(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    child_that_closes_the_loop_closes_nothing_else),
	};

	if (cmocka_run_group_tests(tests, NULL, NULL) != 0)
		return 1;
	return conformance_run(&event_backend_kqueue) == 0 ? 0 : 1;
}
