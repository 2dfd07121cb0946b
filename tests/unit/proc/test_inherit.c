/*
 * Descriptors that are handed over: each case in a process of its own, since
 * it changes the environment and descriptors 3 and on.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"
#include "base/mem.h"
#include "proc/inherit.h"

#define ENOUGH 300

static void
in_a_process(int (*body)(const void *arg), const void *arg)
{
	int status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(body(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
hand_over(const char *pid, const char *fds, const char *names)
{
	char own[32];

	(void)snprintf(own, sizeof(own), "%ld", (long)getpid());
	(void)setenv("LISTEN_PID", pid != NULL ? pid : own, 1);
	(void)setenv("LISTEN_FDS", fds, 1);
	if (names != NULL)
		(void)setenv("LISTEN_FDNAMES", names, 1);
	else
		(void)unsetenv("LISTEN_FDNAMES");
}

static void
open_some(int n)
{
	int fd;

	compat_closefrom(INHERIT_FIRST);
	for (fd = INHERIT_FIRST; fd < INHERIT_FIRST + n; fd++)
		if (open("/dev/null", O_RDONLY) != fd)
			_exit(99);
}

static bool
is_cloexec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static bool
environment_is_clean(void)
{
	return getenv("LISTEN_PID") == NULL && getenv("LISTEN_FDS") == NULL &&
	    getenv("LISTEN_FDNAMES") == NULL;
}

static int
take_two(const void *arg)
{
	struct inherit inherit;
	char *why;

	(void)arg;
	open_some(3);
	hand_over(NULL, "2", "echo:muxd-state");
	if (inherit_read(&inherit, &why) == -1 || inherit.n != 2 ||
	    !environment_is_clean())
		return 1;
	if (strcmp(inherit.items[0].name, "echo") != 0 || !is_cloexec(3) ||
	    !is_cloexec(4) || is_cloexec(5))
		return 2;
	if (inherit_take(&inherit, "muxd-state") != 4)
		return 3;
	/* Once. */
	if (inherit_take(&inherit, "muxd-state") != -1)
		return 3;
	inherit_close(&inherit);
	/* The one that was taken stays open. */
	return fcntl(3, F_GETFD) == -1 && fcntl(4, F_GETFD) != -1 ? 0 : 4;
}

static void
descriptors_come_with_their_names(void **state)
{
	(void)state;
	in_a_process(take_two, NULL);
}

static int
take_unnamed(const void *arg)
{
	struct inherit inherit;
	char *why;

	(void)arg;
	open_some(1);
	hand_over(NULL, "1", NULL);
	return inherit_read(&inherit, &why) == 0 && inherit.n == 1 &&
		strcmp(inherit.items[0].name, "unknown") == 0
	    ? 0
	    : 1;
}

static void
without_names_they_are_unknown(void **state)
{
	(void)state;
	in_a_process(take_unnamed, NULL);
}

static int
leave_others(const void *arg)
{
	struct inherit inherit;
	char *why;

	(void)arg;
	open_some(1);
	hand_over("1", "1", "echo");
	if (inherit_read(&inherit, &why) == -1 || inherit.n != 0)
		return 1;
	return environment_is_clean() && !is_cloexec(3) ? 0 : 2;
}

static void
what_is_meant_for_another_process_is_left_alone(void **state)
{
	(void)state;
	in_a_process(leave_others, NULL);
}

struct nonsense {
	const char *pid, *fds, *names, *why;
};

static int
refuse_nonsense(const void *arg)
{
	const struct nonsense *nonsense = arg;
	struct inherit inherit;
	char *why;

	open_some(2);
	hand_over(nonsense->pid, nonsense->fds, nonsense->names);
	if (inherit_read(&inherit, &why) != -1)
		return 1;
	if (why == NULL || strstr(why, nonsense->why) == NULL) {
		fprintf(stderr, "%s\n", why != NULL ? why : "(none)");
		return 2;
	}
	mem_free(why);
	return environment_is_clean() && inherit.n == 0 ? 0 : 3;
}

static void
nonsense_is_refused(void **state)
{
	static const struct nonsense all[] = {
		{ "", "1", NULL, "LISTEN_PID" },
		{ "abc", "1", NULL, "LISTEN_PID" },
		{ "-1", "1", NULL, "LISTEN_PID" },
		{ "0", "1", NULL, "LISTEN_PID" },
		{ "99999999999999999999", "1", NULL, "LISTEN_PID" },
		{ NULL, "", NULL, "LISTEN_FDS" },
		{ NULL, "x", NULL, "LISTEN_FDS" },
		{ NULL, "-1", NULL, "LISTEN_FDS" },
		{ NULL, " 1", NULL, "LISTEN_FDS" },
		{ NULL, "1 ", NULL, "LISTEN_FDS" },
		{ NULL, "2147483647", NULL, "LISTEN_FDS" },
		{ NULL, "99999999999999999999", NULL, "LISTEN_FDS" },
		{ NULL, "3", NULL, "descriptor 5 is not open" },
		{ NULL, "2", "one", "LISTEN_FDNAMES has 1" },
		{ NULL, "1", "one:two", "LISTEN_FDNAMES has 2" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		in_a_process(refuse_nonsense, &all[i]);
}

static void
names_have_bounds(void **state)
{
	char name[ENOUGH];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[INHERIT_NAME_MAX - 1] = '\0';
	assert_true(inherit_name_valid(name));
	name[INHERIT_NAME_MAX - 1] = 'x';
	name[INHERIT_NAME_MAX] = '\0';
	assert_false(inherit_name_valid(name));
	assert_false(inherit_name_valid(""));
	assert_false(inherit_name_valid("a:b"));
	assert_false(inherit_name_valid("a\nb"));
	assert_false(inherit_name_valid("\xc3\xa9"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_come_with_their_names),
		cmocka_unit_test(without_names_they_are_unknown),
		cmocka_unit_test(
		    what_is_meant_for_another_process_is_left_alone),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(names_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
