/*
 * Going on with a mapping that somebody else has made.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/adopt.h"
#include "state/servers.h"

static const struct state_shape shape = {
	.workers = 4,
	.services = 8,
	.sessions = 800,
	.sources = 1024,
	.pools = 2,
	.servers = 16,
};

/* A mapping in which a service has counted to three, as it is left. */
static int
leave(void)
{
	struct state *state = state_create(&shape);
	int slot, fd;

	assert_non_null(state);
	slot = state_service_slot(state, "echo");
	assert_int_not_equal(slot, -1);
	state->services[slot].used = 7;
	counter_add(
	    &state_counters(state, 1, (unsigned)slot)->events[COUNTER_ACCEPTED],
	    3);
	fd = fcntl(state->fd, F_DUPFD_CLOEXEC, 0);
	assert_int_not_equal(fd, -1);
	state_close(state);
	return fd;
}

static void
what_fits_goes_on(void **state)
{
	struct state_shape needed = shape;
	struct state *adopted;
	const char *why;
	int slot;

	(void)state;
	/* A listener more or less makes a difference of some. */
	needed.sessions += needed.sessions / 10;
	needed.workers = 2;
	adopted = state_adopt(leave(), &needed, &why);
	assert_non_null(adopted);
	assert_int_equal(state_latest_generation(adopted), 7);
	slot = state_service_slot(adopted, "echo");
	assert_int_equal(
	    state_sum_events(adopted, (unsigned)slot, COUNTER_ACCEPTED), 3);
	state_close(adopted);
}

static void
assert_refused(const struct state_shape *needed, const char *text)
{
	const char *why = NULL;
	int fd = leave();

	assert_null(state_adopt(fd, needed, &why));
	assert_non_null(strstr(why, text));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void
what_is_too_small_is_not_used(void **state)
{
	struct state_shape needed = shape;

	(void)state;
	needed.workers = 5;
	assert_refused(&needed, "workers");
	needed = shape;
	needed.services = 9;
	assert_refused(&needed, "services");
	needed = shape;
	needed.pools = 3;
	assert_refused(&needed, "pools");
	needed = shape;
	needed.servers = 17;
	assert_refused(&needed, "servers");
	needed = shape;
	needed.sessions *= 2;
	assert_refused(&needed, "connections");
	needed = shape;
	needed.sources *= 4;
	assert_refused(&needed, "addresses");
}

static void
what_is_no_mapping_of_this_version_is_not_used(void **state)
{
	const char *why = NULL;
	struct state_header *header, cut;
	int fd = leave();
	FILE *file;

	(void)state;
	header = mmap(
	    NULL, sizeof(*header), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(header, MAP_FAILED);
	header->version++;
	(void)munmap(header, sizeof(*header));
	assert_null(state_adopt(fd, &shape, &why));
	assert_non_null(strstr(why, "version"));
	/* One that was cut, too. */
	fd = leave();
	assert_int_equal(pread(fd, &cut, sizeof(cut), 0), sizeof(cut));
	(void)close(fd);
	file = tmpfile();
	assert_non_null(file);
	assert_int_equal(fwrite(&cut, sizeof(cut), 1, file), 1);
	assert_int_equal(fflush(file), 0);
	assert_int_equal(ftruncate(fileno(file), 4096), 0);
	assert_null(state_adopt(dup(fileno(file)), &shape, &why));
	fclose(file);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_null(state_adopt(fd, &shape, &why));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_goes_on),
		cmocka_unit_test(what_is_too_small_is_not_used),
		cmocka_unit_test(
		    what_is_no_mapping_of_this_version_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
