/*
 * The lock against a second instance.
 */
#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/lock.h"

struct place {
	char folder[64];
	char control[128];
	char lock[128];
};

static int
setup(void **state)
{
	static struct place place;

	(void)strcpy(place.folder, "/tmp/muxd-lock-XXXXXX");
	if (mkdtemp(place.folder) == NULL)
		return -1;
	(void)snprintf(
	    place.control, sizeof(place.control), "%s/control", place.folder);
	(void)snprintf(
	    place.lock, sizeof(place.lock), "%s/control.lock", place.folder);
	*state = &place;
	return 0;
}

static int
teardown(void **state)
{
	struct place *place = *state;

	(void)unlink(place->lock);
	return rmdir(place->folder);
}

/* Try to take the lock in another process: 0 taken, else errno; *holder as
 * that process saw it. */
static int
take_elsewhere(const char *path, pid_t *holder)
{
	struct {
		int error;
		pid_t holder;
	} answer;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		answer.error =
		    lock_take(path, &answer.holder) == -1 ? errno : 0;
		_exit(write(fds[1], &answer, sizeof(answer)) !=
		    (ssize_t)sizeof(answer));
	}
	assert_int_equal(read(fds[0], &answer, sizeof(answer)), sizeof(answer));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(fds[0]);
	(void)close(fds[1]);
	*holder = answer.holder;
	return answer.error;
}

/* fault 12 */
static void
a_second_one_is_refused_and_told_who_has_it(void **state)
{
	struct place *place = *state;
	pid_t holder;
	int fd = lock_take(place->control, &holder);

	assert_int_not_equal(fd, -1);
	assert_int_equal(take_elsewhere(place->control, &holder), EWOULDBLOCK);
	assert_int_equal(holder, getpid());
	(void)close(fd);
	assert_int_equal(take_elsewhere(place->control, &holder), 0);
}

static void
a_lock_left_behind_by_a_dead_process_is_free(void **state)
{
	struct place *place = *state;
	pid_t holder;
	int fd;

	assert_int_equal(take_elsewhere(place->control, &holder), 0);
	fd = lock_take(place->control, &holder);
	assert_int_not_equal(fd, -1);
	(void)close(fd);
}

/* fault 49 */
static void
a_folder_that_is_missing_is_an_error(void **state)
{
	pid_t holder;

	(void)state;
	assert_int_equal(
	    lock_take("/nonexistent/muxd/control.sock", &holder), -1);
	assert_int_equal(errno, ENOENT);
}

static void
a_symbolic_link_in_its_place_is_not_followed(void **state)
{
	struct place *place = *state;
	pid_t holder;

	assert_int_equal(symlink("/etc/passwd", place->lock), 0);
	assert_int_equal(lock_take(place->control, &holder), -1);
	assert_int_equal(errno, ELOOP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_second_one_is_refused_and_told_who_has_it, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_lock_left_behind_by_a_dead_process_is_free, setup,
		    teardown),
		cmocka_unit_test(a_folder_that_is_missing_is_an_error),
		cmocka_unit_test_setup_teardown(
		    a_symbolic_link_in_its_place_is_not_followed, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
