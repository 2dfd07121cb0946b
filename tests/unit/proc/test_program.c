/*
 * The program that runs is found again.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/program.h"

/* Where a program of that name is found; lives until the next call. */
static const char *
find(const char *name)
{
	static char found[PATH_MAX];
	char *argv[] = { (char *)(uintptr_t)name, NULL };
	struct program program;

	found[0] = '\0';
	if (program_remember(&program, argv) == -1) {
		assert_null(program.path);
		return found;
	}
	snprintf(found, sizeof(found), "%s", program.path);
	assert_ptr_equal(program.argv, argv);
	program_forget(&program);
	return found;
}

static void
path_stays_as_it_is(void **state)
{
	(void)state;
	assert_string_equal(
	    find("/usr/sbin/../sbin/muxd"), "/usr/sbin/../sbin/muxd");
}

static void
relative_path_is_of_the_folder(void **state)
{
	(void)state;
	assert_int_equal(chdir("/usr"), 0);
	assert_string_equal(find("sbin/muxd"), "/usr/sbin/muxd");
	assert_string_equal(find("./muxd"), "/usr/./muxd");
}

static void
name_is_searched_for(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(setenv("PATH", "/nowhere::/bin:/usr/bin", 1), 0);
	assert_string_equal(find("sh"), "/bin/sh");
	assert_int_equal(setenv("PATH", "bin", 1), 0);
	assert_string_equal(find("sh"), "//bin/sh");
}

static void
what_is_nowhere_is_not_found(void **state)
{
	char *none[] = { NULL };
	struct program program;

	(void)state;
	assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
	assert_string_equal(find("sh"), "");
	assert_int_equal(unsetenv("PATH"), 0);
	assert_string_equal(find("sh"), "");
	assert_int_equal(program_remember(&program, none), -1);
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_stays_as_it_is),
		cmocka_unit_test(relative_path_is_of_the_folder),
		cmocka_unit_test(name_is_searched_for),
		cmocka_unit_test(what_is_nowhere_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
