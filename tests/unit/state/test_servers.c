/*
 * Servers in the shared state: their names and places, their addresses while
 * somebody writes them, and what is known of their health.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "state/counters.h"
#include "state/servers.h"
#include "state/state.h"
#include "step.h"
#include "support.h"

#define WORKERS 3
#define PLACES  8

static struct state *
state_with_places(void)
{
	const struct state_shape shape = {
		.workers = WORKERS,
		.services = 1,
		.sessions = 1,
		.sources = 1,
		.pools = 2,
		.servers = PLACES,
	};
	struct state *s = state_create(&shape);

	assert_non_null(s);
	return s;
}

/* ---- names ---- */

static void
pool_has_its_slot_by_name(void **state)
{
	struct state *s = state_with_places();
	char longest[STATE_NAME_MAX + 1];

	(void)state;
	assert_int_equal(state_pool_slot(s, "web"), 0);
	assert_int_equal(state_pool_slot(s, "db"), 1);
	assert_int_equal(state_pool_slot(s, "web"), 0);
	assert_string_equal(s->pools[1].name, "db");
	errno = 0;
	assert_int_equal(state_pool_slot(s, "mail"), -1);
	assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_int_equal(state_pool_slot(s, ""), -1);
	assert_int_equal(errno, EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[STATE_NAME_MAX] = '\0';
	errno = 0;
	assert_int_equal(state_pool_slot(s, longest), -1);
	assert_int_equal(errno, EINVAL);
	state_close(s);
}

static void
server_has_its_places_by_name(void **state)
{
	struct state *s = state_with_places();

	(void)state;
	assert_int_equal(state_server_places(s, "web", "a", 1), 0);
	assert_int_equal(state_server_places(s, "web", "b", 3), 1);
	assert_int_equal(state_server_places(s, "db", "a", 1), 4);
	assert_int_equal(state_server_places(s, "web", "b", 3), 1);
	assert_int_equal(state_server_places(s, "web", "a", 1), 0);
	assert_string_equal(s->servers[0].name, "web/a");
	assert_string_equal(s->servers[1].name, "web/b/0");
	assert_string_equal(s->servers[3].name, "web/b/2");
	assert_string_equal(s->servers[4].name, "db/a");
	assert_string_equal(s->servers[5].name, "");
	state_close(s);
}

static void
places_are_in_a_row_or_not_there(void **state)
{
	struct state *s = state_with_places();

	(void)state;
	assert_int_equal(state_server_places(s, "web", "a", PLACES - 1), 0);
	errno = 0;
	assert_int_equal(state_server_places(s, "web", "b", 2), -1);
	assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_int_equal(state_server_places(s, "web", "b", PLACES + 1), -1);
	assert_int_equal(errno, ENOSPC);
	assert_string_equal(s->servers[PLACES - 1].name, "");
	assert_int_equal(state_server_places(s, "web", "b", 1), PLACES - 1);
	errno = 0;
	assert_int_equal(state_server_places(s, "web", "c", 1), -1);
	assert_int_equal(errno, ENOSPC);
	state_close(s);
}

/* A server whose name begins like another one's, and one that has grown. */
static void
places_of_other_servers_are_left_alone(void **state)
{
	struct state *s = state_with_places();

	(void)state;
	assert_int_equal(state_server_places(s, "web", "a", 2), 0);
	assert_int_equal(state_server_places(s, "web", "a", 1), 2);
	assert_int_equal(state_server_places(s, "web", "aa", 1), 3);
	assert_int_equal(state_server_places(s, "web", "a", 3), 4);
	assert_int_equal(state_server_places(s, "web", "a", 1), 2);
	assert_string_equal(s->servers[0].name, "web/a/0");
	assert_string_equal(s->servers[2].name, "web/a");
	assert_string_equal(s->servers[6].name, "web/a/2");
	state_close(s);
}

static void
names_that_are_no_names_are_refused(void **state)
{
	struct state *s = state_with_places();
	char longest[STATE_SERVER_NAME_MAX + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[STATE_SERVER_NAME_MAX] = '\0';
	errno = 0;
	assert_int_equal(state_server_places(s, "", "a", 1), -1);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(state_server_places(s, "web", "", 1), -1);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(state_server_places(s, "web", "a", 0), -1);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(state_server_places(s, "web", longest, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(s->servers[0].name, "");

	/* The longest that fits: "web/" and the NUL around it. */
	longest[STATE_SERVER_NAME_MAX - 5] = '\0';
	assert_int_equal(state_server_places(s, "web", longest, 1), 0);
	assert_int_equal(strlen(s->servers[0].name), STATE_SERVER_NAME_MAX - 1);
	errno = 0;
	assert_int_equal(state_server_places(s, "web", longest, 2), -1);
	assert_int_equal(errno, EINVAL);
	state_close(s);
}

static void
every_counter_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SERVER_COUNTERS; i++) {
		assert_non_null(server_counter_name(i));
		assert_string_not_equal(server_counter_name(i), "unknown");
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(
			    server_counter_name(i), server_counter_name(k));
	}
	assert_string_equal(server_counter_name(SERVER_COUNTERS), "unknown");
}

static void
counters_add_up_over_workers_and_keep_places_apart(void **state)
{
	struct state *s = state_with_places();

	(void)state;
	for (unsigned i = 0; i < WORKERS; i++)
		for (unsigned k = 0; k < PLACES; k++)
			counter_add(&state_server_counters(s, i, k)
					 ->events[SERVER_COUNTER_CONNECTS],
			    100 * i + k);
	assert_int_equal(
	    state_server_sum(s, 0, SERVER_COUNTER_CONNECTS), 100 + 200);
	assert_int_equal(state_server_sum(s, 7, SERVER_COUNTER_CONNECTS),
	    100 + 200 + WORKERS * 7);
	assert_int_equal(state_server_sum(s, 7, SERVER_COUNTER_FAILED), 0);
	state_close(s);
}

/* ---- address and weight ---- */

static void
address_and_weight_are_read_as_they_were_written(void **state)
{
	struct state *s = state_with_places();
	struct addr addr, client = client_number(5), none = { 0 };
	uint32_t weight;

	(void)state;
	assert_false(state_server_get(&s->servers[0], &addr, &weight));
	assert_int_equal(addr.family, ADDR_NONE);
	state_server_set(&s->servers[0], &client, 65536);
	assert_true(state_server_get(&s->servers[0], &addr, &weight));
	assert_int_equal(addr_compare(&addr, &client), 0);
	assert_int_equal(weight, 65536);
	state_server_set(&s->servers[0], &none, 1);
	assert_false(state_server_get(&s->servers[0], &addr, &weight));
	assert_int_equal(addr.family, ADDR_NONE);
	state_close(s);
}

/* Weight n goes with client n, so that halves of two do not go together. */
static void
assert_one_piece(const struct state_server *server, unsigned a, unsigned b)
{
	struct addr addr, want;
	uint32_t weight;

	if (!state_server_get(server, &addr, &weight)) {
		assert_int_equal(addr.family, ADDR_NONE);
		return;
	}
	assert_true(weight == a || weight == b);
	want = client_number(weight);
	assert_int_equal(addr_compare(&addr, &want), 0);
}

static void
set_second(void *arg)
{
	struct addr addr = client_number(2);

	state_server_set(arg, &addr, 2);
}

static void
writer_killed_anywhere_leaves_one_piece_or_nothing(void **state)
{
	struct state *s, *copy;
	struct addr addr = client_number(1), third = client_number(3);
	struct step step;
	unsigned hidden = 0;
	uint32_t weight;

	(void)state;
	if (!step_possible()) {
		print_message("single steps are not possible here\n");
		skip();
	}
	s = state_with_places();
	state_server_set(&s->servers[0], &addr, 1);
	copy = state_copy(s);
	step_start(&step, set_second, &s->servers[0]);
	do {
		state_copy_to(s, copy);
		assert_one_piece(&copy->servers[0], 1, 2);
		hidden += !state_server_get(&copy->servers[0], &addr, &weight);
		/* A successor writes over whatever was left. */
		state_server_set(&copy->servers[0], &third, 3);
		assert_true(
		    state_server_get(&copy->servers[0], &addr, &weight));
		assert_one_piece(&copy->servers[0], 3, 3);
	} while (step_next(&step));
	assert_true(hidden > 0);
	assert_true(state_server_get(&s->servers[0], &addr, &weight));
	assert_int_equal(weight, 2);
	state_close(copy);
	state_close(s);
}

static void
write_on_and_on(void *arg)
{
	for (unsigned n = 0;; n++) {
		struct addr addr = client_number(1 + n % 200);

		state_server_set(arg, &addr, 1 + n % 200);
	}
}

static void
readers_never_see_halves_of_two_writes(void **state)
{
	struct state *s = state_with_places();
	struct addr addr, want;
	uint32_t weight;
	unsigned seen = 0;
	pid_t pid;

	(void)state;
	pid = child_start(write_on_and_on, &s->servers[0]);
	while (seen < 20000) {
		if (!state_server_get(&s->servers[0], &addr, &weight)) {
			sched_yield();
			continue;
		}
		want = client_number(weight);
		assert_int_equal(addr_compare(&addr, &want), 0);
		seen++;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	state_close(s);
}

static void
generation_goes_up_with_each_change(void **state)
{
	struct state *s = state_with_places();
	uint32_t before = s->pools[1].generation;

	(void)state;
	state_pool_changed(&s->pools[1]);
	assert_int_not_equal(s->pools[1].generation, before);
	assert_int_equal(s->pools[0].generation, before);
	state_close(s);
}

/* ---- health ---- */

#define TIME 5000

static void
server_is_usable_unless_anything_speaks_against_it(void **state)
{
	struct state *s = state_with_places();
	struct state_server *server = &s->servers[0];
	struct addr addr = client_number(1);

	(void)state;
	assert_true(state_server_healthy(server, TIME));
	assert_false(state_server_usable(server, TIME));
	state_server_set(server, &addr, 1);
	assert_true(state_server_usable(server, TIME));
	server->checked = SERVER_DOWN;
	assert_false(state_server_usable(server, TIME));
	server->checked = SERVER_UP;
	assert_true(state_server_usable(server, TIME));
	server->admin = SERVER_ADMIN_DRAINING;
	assert_false(state_server_usable(server, TIME));
	server->admin = SERVER_ADMIN_DISABLED;
	assert_false(state_server_usable(server, TIME));
	server->admin = SERVER_ADMIN_ENABLED;
	server->loops = 1;
	assert_false(state_server_usable(server, TIME));
	server->loops = 0;
	server->ejected_until_ms = TIME + 1;
	assert_false(state_server_usable(server, TIME));
	assert_true(state_server_usable(server, TIME + 1));
	state_close(s);
}

static void
another_address_begins_without_the_failures_of_the_one_before(void **state)
{
	struct state *s = state_with_places();
	struct state_server *server = &s->servers[0];
	struct addr one = client_number(1), two = client_number(2);

	(void)state;
	state_server_set(server, &one, 1);
	server->failures = 3;
	server->probing = 1;
	server->ejected_until_ms = TIME;
	server->recovered_ms = TIME - 1;
	state_server_set(server, &one, 7);
	assert_int_equal(server->failures, 3);
	assert_int_equal(server->ejected_until_ms, TIME);
	state_server_set(server, &two, 7);
	assert_int_equal(server->failures, 0);
	assert_int_equal(server->probing, 0);
	assert_int_equal(server->ejected_until_ms, 0);
	assert_int_equal(server->recovered_ms, 0);
	state_close(s);
}

static void
note_wake(void *arg, unsigned worker)
{
	unsigned *woken = arg;

	woken[worker]++;
}

static void
all_workers_are_woken(void **state)
{
	struct state *s = state_with_places();
	unsigned woken[WORKERS] = { 0 };

	(void)state;
	state_wake_workers(s);
	s->wake = note_wake;
	s->wake_arg = woken;
	state_wake_workers(s);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(woken[i], 1);
	state_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_has_its_slot_by_name),
		cmocka_unit_test(server_has_its_places_by_name),
		cmocka_unit_test(places_are_in_a_row_or_not_there),
		cmocka_unit_test(places_of_other_servers_are_left_alone),
		cmocka_unit_test(names_that_are_no_names_are_refused),
		cmocka_unit_test(every_counter_has_a_name_of_its_own),
		cmocka_unit_test(
		    counters_add_up_over_workers_and_keep_places_apart),
		cmocka_unit_test(
		    address_and_weight_are_read_as_they_were_written),
		cmocka_unit_test(
		    writer_killed_anywhere_leaves_one_piece_or_nothing),
		cmocka_unit_test(readers_never_see_halves_of_two_writes),
		cmocka_unit_test(generation_goes_up_with_each_change),
		cmocka_unit_test(
		    server_is_usable_unless_anything_speaks_against_it),
		cmocka_unit_test(
		    another_address_begins_without_the_failures_of_the_one_before),
		cmocka_unit_test(all_workers_are_woken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
