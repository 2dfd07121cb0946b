/*
 * The numbers of a start.
 */
#include <sys/resource.h>
#include <sys/select.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proc/plan.h"

static struct conf_service service = { .nlisten = 3 };

static struct conf
conf_of(unsigned workers, uint64_t connections)
{
	const struct conf conf = { .workers = workers,
		.connections = connections,
		.services = &service,
		.nservices = 1 };

	return conf;
}

/* Lower the limits of open files, hard and soft, to be told apart. */
static void
limit_files(rlim_t soft, rlim_t hard)
{
	struct rlimit limit = { .rlim_cur = soft, .rlim_max = hard };

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void
connections_follow_from_the_hard_limit_of_files(void **state)
{
	struct conf conf = conf_of(4, 0);
	struct plan plan;

	(void)state;
	limit_files(256, 3000);
	assert_int_equal(plan_make(&plan, &conf, "auto"), 0);
	assert_int_equal(plan.nofile, 3000);
	assert_int_equal(plan.workers, 4);
	/* All that the daemon needs for itself leaves room for the most. */
	assert_in_range(plan.per_worker, 2900, 3000 - 3 - 4);
	assert_int_equal(plan.connections, plan.per_worker * 4);
	assert_false(plan.connections_set);
	assert_true(plan.shape.sessions >= plan.per_worker);
	assert_true(plan.shape.sources >= plan.connections);
}

static void
what_is_configured_is_kept_even_if_it_cannot_be_held(void **state)
{
	struct conf conf = conf_of(2, 1000000);
	struct plan plan;

	(void)state;
	limit_files(1000, 2000);
	assert_int_equal(plan_make(&plan, &conf, "auto"), 0);
	assert_int_equal(plan.connections, 1000000);
	assert_true(plan.connections_set);
	assert_true(plan.holdable < 4000);
}

static void
select_holds_no_more_than_its_set(void **state)
{
	struct conf conf = conf_of(1, 0);
	struct plan plan;

	(void)state;
	limit_files(1900, 1900);
	assert_int_equal(plan_make(&plan, &conf, "select"), 0);
	assert_in_range(plan.connections, 1, FD_SETSIZE);
	assert_int_equal(plan_make(&plan, &conf, "poll"), 0);
	assert_true(plan.connections > FD_SETSIZE);
}

static void
one_worker_for_each_cpu_is_pinned(void **state)
{
	struct conf conf = conf_of(0, 0);
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(&plan, &conf, "auto"), 0);
	assert_in_range(plan.workers, 1, plan.ncpus);
	assert_int_equal(plan.pin, plan.workers == plan.ncpus);
	conf = conf_of((unsigned)plan.ncpus + 1, 0);
	assert_int_equal(plan_make(&plan, &conf, "auto"), 0);
	assert_false(plan.pin);
}

static void
checks_of_servers_leave_the_monitor_descriptors(void **state)
{
	struct conf conf = conf_of(4, 0);
	struct plan plan;

	(void)state;
	limit_files(1800, 1800);
	assert_int_equal(plan_make(&plan, &conf, "auto"), 0);
	assert_in_range(plan.checks, 800, 900);
	limit_files(200, 200);
	assert_int_equal(plan_make(&plan, &conf, "auto"), 0);
	assert_in_range(plan.checks, 1, 100);
	conf = conf_of(1, 0);
	limit_files(46, 46);
	assert_int_equal(plan_make(&plan, &conf, "auto"), 0);
	assert_in_range(plan.checks, 1, 4);
}

/* Last: there is no way back up. */
static void
too_few_files_for_a_single_connection_is_an_error(void **state)
{
	struct conf conf = conf_of(1, 0);
	struct plan plan;

	(void)state;
	limit_files(30, 30);
	assert_int_equal(plan_make(&plan, &conf, "auto"), -1);
	assert_int_equal(errno, EMFILE);
}

/* valgrind keeps descriptors for itself and does not let the limit be
 * lowered. */
static bool
is_under_valgrind(void)
{
	const char *wrapper = getenv("MUXD_WRAPPER");

	return wrapper != NULL && *wrapper != '\0';
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    connections_follow_from_the_hard_limit_of_files),
		cmocka_unit_test(
		    what_is_configured_is_kept_even_if_it_cannot_be_held),
		cmocka_unit_test(select_holds_no_more_than_its_set),
		cmocka_unit_test(one_worker_for_each_cpu_is_pinned),
		cmocka_unit_test(
		    checks_of_servers_leave_the_monitor_descriptors),
		cmocka_unit_test(
		    too_few_files_for_a_single_connection_is_an_error),
	};

	if (is_under_valgrind())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
