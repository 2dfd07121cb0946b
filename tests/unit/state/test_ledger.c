/*
 * The ledger of sessions and the release of a dead worker's: what each
 * session holds is given back, once, whoever gives it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "state/ledger.h"
#include "state/limit.h"
#include "state/servers.h"
#include "state/sources.h"
#include "step.h"
#include "support.h"

#define WORKERS  3
#define SESSIONS 8 /* of state_small() */
#define MAX      20
#define CHUNKS   5
#define PLACE    1 /* of the server that sessions are sent to */

/* Take all that a session can hold. */
static void
take_all(struct ledger *ledger, struct ledger_entry *entry)
{
	struct state *s = ledger->state;
	struct limit *service = &s->services[entry->service].connections;
	uint32_t holds = HOLD_ENTRY | HOLD_TOTAL;

	assert_true(limit_take(
	    s->total, &ledger->author, 1, MAX, &entry->holds, holds));
	holds |= HOLD_SERVICE;
	assert_true(
	    limit_take(service, &ledger->author, 1, MAX, &entry->holds, holds));
	holds |= HOLD_SOURCE;
	assert_int_equal(sources_take(s, &ledger->author, SOURCE_SCOPE_DAEMON,
			     &entry->client, MAX, 0, &entry->holds, holds,
			     &entry->source[0]),
	    SOURCE_TAKEN);
	holds |= HOLD_SERVICE_SOURCE;
	assert_int_equal(sources_take(s, &ledger->author, 1u + entry->service,
			     &entry->client, MAX, 0, &entry->holds, holds,
			     &entry->source[1]),
	    SOURCE_TAKEN);
	assert_true(ledger_take_queue(ledger, entry, 0, MAX));
	assert_true(ledger_take_server(ledger, entry, PLACE, MAX, false));
}

static struct ledger_entry *
begin(struct ledger *ledger, unsigned client)
{
	struct addr addr = client_number(client);

	return ledger_begin(ledger, 0, &addr, 1000 + client);
}

static void
take_chunks(struct ledger *ledger, uint32_t n)
{
	struct state_worker *self = &ledger->state->workers[ledger->worker];

	assert_true(limit_take(ledger->state->memory, &ledger->author, n, 100,
	    &self->memory_held, self->memory_held + n));
}

static uint32_t
held_by_server(const struct state *s)
{
	return tally_read(&s->servers[PLACE].connections.tally);
}

static uint32_t
held_by_queue(const struct state *s)
{
	return tally_read(&s->pools[0].queue.tally);
}

static void
session_is_filled_in_and_numbered(void **state)
{
	struct state *s = state_small(WORKERS);
	struct ledger ledger;
	struct ledger_entry *entry, copy;
	struct addr addr = client_number(7);

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 2), 0);
	entry = begin(&ledger, 7);
	assert_non_null(entry);
	assert_int_equal(entry->holds, HOLD_ENTRY);
	assert_int_equal(entry->id, UINT64_C(2) << 48 | 1);
	assert_int_equal(s->workers[2].sessions, 1);
	assert_true(ledger_read(s, 2, 0, &copy));
	assert_int_equal(copy.id, entry->id);
	assert_int_equal(copy.start_us, 1007);
	assert_int_equal(addr_compare(&copy.client, &addr), 0);
	assert_int_equal(copy.server, UINT16_MAX);
	assert_int_equal(copy.source[0], SOURCE_NONE);
	ledger_end(&ledger, entry);
	assert_false(ledger_read(s, 2, 0, &copy));
	assert_int_equal(begin(&ledger, 7)->id, UINT64_C(2) << 48 | 2);
	ledger_close(&ledger);
	state_close(s);
}

static void
full_table_has_no_place(void **state)
{
	struct state *s = state_small(WORKERS);
	struct ledger ledger;
	struct ledger_entry *entries[SESSIONS];

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 0), 0);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < SESSIONS; i++) {
			entries[i] = begin(&ledger, i);
			assert_non_null(entries[i]);
			for (unsigned k = 0; k < i; k++)
				assert_ptr_not_equal(entries[i], entries[k]);
		}
		assert_null(begin(&ledger, 99));
		for (unsigned i = 0; i < SESSIONS; i++)
			ledger_end(&ledger, entries[i]);
		assert_int_equal(s->workers[0].sessions, 0);
	}
	assert_int_equal(s->workers[0].ledger_top, SESSIONS);
	ledger_close(&ledger);
	state_close(s);
}

static void
few_sessions_touch_few_places(void **state)
{
	struct state *s = state_small(WORKERS);
	struct ledger ledger;

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 0), 0);
	for (unsigned i = 0; i < 100; i++)
		ledger_end(&ledger, begin(&ledger, i));
	assert_int_equal(s->workers[0].ledger_top, 1);
	ledger_close(&ledger);
	state_close(s);
}

static void
end_gives_all_back(void **state)
{
	struct state *s = state_small(WORKERS);
	struct ledger ledger;
	struct ledger_entry *a, *b;

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 0), 0);
	a = begin(&ledger, 1);
	b = begin(&ledger, 1);
	take_all(&ledger, a);
	take_all(&ledger, b);
	assert_int_equal(tally_read(&s->total->tally), 2);
	assert_int_equal(sources_held(s, 0, &a->client), 2);
	assert_int_equal(sources_held(s, 1, &a->client), 2);
	assert_int_equal(held_by_server(s), 2);
	assert_int_equal(held_by_queue(s), 2);
	ledger_end(&ledger, a);
	assert_int_equal(tally_read(&s->total->tally), 1);
	assert_int_equal(tally_read(&s->services[0].connections.tally), 1);
	assert_int_equal(sources_held(s, 0, &b->client), 1);
	assert_int_equal(sources_held(s, 1, &b->client), 1);
	assert_int_equal(held_by_server(s), 1);
	assert_int_equal(held_by_queue(s), 1);
	ledger_end(&ledger, b);
	assert_all_given_back(s);
	ledger_close(&ledger);
	state_close(s);
}

static void
server_is_full_at_its_maximum_and_not_after_a_release(void **state)
{
	struct state *s = state_small(WORKERS);
	struct ledger one, other;
	struct ledger_entry *a, *b;

	(void)state;
	assert_int_equal(ledger_open(&one, s, 0), 0);
	assert_int_equal(ledger_open(&other, s, 1), 0);
	a = begin(&one, 1);
	b = begin(&other, 2);
	assert_int_equal(a->server, STATE_SERVER_NONE);
	assert_true(ledger_take_server(&one, a, PLACE, 1, false));
	assert_int_equal(a->server, PLACE);
	assert_false(ledger_take_server(&other, b, PLACE, 1, false));
	assert_int_equal(b->holds, HOLD_ENTRY);
	assert_int_equal(b->server, STATE_SERVER_NONE);
	assert_true(ledger_take_server(&other, b, 0, 1, false));
	ledger_give_server(&other, b);
	ledger_give_server(&one, a);
	assert_int_equal(a->server, STATE_SERVER_NONE);
	ledger_give_server(&one, a);
	assert_true(ledger_take_server(&other, b, PLACE, 1, false));
	assert_int_equal(held_by_server(s), 1);
	ledger_end(&other, b);
	ledger_end(&one, a);
	assert_all_given_back(s);
	ledger_close(&one);
	ledger_close(&other);
	state_close(s);
}

static void
queue_of_no_places_takes_nobody(void **state)
{
	struct state *s = state_small(WORKERS);
	struct ledger ledger;
	struct ledger_entry *a;

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 0), 0);
	a = begin(&ledger, 1);
	assert_false(ledger_take_queue(&ledger, a, 0, 0));
	assert_int_equal(a->holds, HOLD_ENTRY);
	ledger_give_queue(&ledger, a);
	assert_true(ledger_take_queue(&ledger, a, 0, 1));
	ledger_give_queue(&ledger, a);
	ledger_give_queue(&ledger, a);
	assert_int_equal(held_by_queue(s), 0);
	ledger_close(&ledger);
	state_close(s);
}

static void
service_can_be_given_back_before_the_end(void **state)
{
	struct state *s = state_small(WORKERS);
	struct tally *tally = &s->services[0].connections.tally;
	struct ledger_entry *entry;
	struct ledger ledger;

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 0), 0);
	entry = begin(&ledger, 1);
	ledger_give_service(&ledger, entry);
	assert_int_equal(tally_read(tally), 0);
	take_all(&ledger, entry);
	assert_int_equal(tally_read(tally), 1);
	ledger_give_service(&ledger, entry);
	ledger_give_service(&ledger, entry);
	assert_int_equal(tally_read(tally), 0);
	assert_int_equal(tally_read(&s->total->tally), 1);
	ledger_end(&ledger, entry);
	assert_int_equal(tally_read(tally), 0);
	assert_int_equal(tally_read(&s->total->tally), 0);
	ledger_close(&ledger);
	state_close(s);
}

static void
reader_sees_the_address_that_was_told_later(void **state)
{
	struct state *s = state_small(WORKERS);
	struct addr told = client_number(2);
	struct ledger_entry *entry, copy;
	struct ledger ledger;

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 0), 0);
	entry = begin(&ledger, 1);
	ledger_set_client(entry, &told);
	assert_true(ledger_read(s, 0, 0, &copy));
	assert_int_equal(addr_compare(&copy.client, &told), 0);
	ledger_end(&ledger, entry);
	ledger_close(&ledger);
	state_close(s);
}

static void
reader_skips_an_entry_that_is_being_changed(void **state)
{
	struct state *s = state_small(WORKERS);
	struct ledger ledger;
	struct ledger_entry *entry, copy;

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 0), 0);
	entry = begin(&ledger, 1);
	entry->version++;
	assert_false(ledger_read(s, 0, 0, &copy));
	entry->version++;
	assert_true(ledger_read(s, 0, 0, &copy));
	ledger_close(&ledger);
	state_close(s);
}

/* ---- release ---- */

struct seen {
	unsigned n;
	uint64_t ids[SESSIONS];
	unsigned woken[WORKERS];
};

static void
note_session(void *arg, const struct ledger_entry *entry)
{
	struct seen *seen = arg;

	assert_true(seen->n < SESSIONS);
	seen->ids[seen->n++] = entry->id;
}

static void
note_wake(void *arg, unsigned worker)
{
	struct seen *seen = arg;

	seen->woken[worker]++;
}

/* fault 1 */
static void
dead_workers_sessions_are_released_and_told(void **state)
{
	struct state *s = state_small(WORKERS);
	struct seen seen = { 0 };
	struct ledger dead, alive;
	struct ledger_entry *a, *b, *c;

	(void)state;
	assert_int_equal(ledger_open(&dead, s, 0), 0);
	assert_int_equal(ledger_open(&alive, s, 1), 0);
	ledger_end(&dead, begin(&dead, 4));
	a = begin(&dead, 1);
	b = begin(&dead, 2);
	c = begin(&alive, 1);
	take_all(&dead, a);
	take_all(&alive, c);
	take_chunks(&dead, CHUNKS);
	take_chunks(&alive, 2);
	assert_int_equal(b->holds, HOLD_ENTRY);
	ledger_close(&dead);

	assert_int_equal(state_release_worker(s, 0, note_session, &seen), 2);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.ids[0], 2);
	assert_int_equal(seen.ids[1], 3);
	assert_int_equal(state_sum_ended(s, 0, REASON_WORKER_DIED), 2);
	assert_int_equal(tally_read(&s->total->tally), 1);
	assert_int_equal(tally_read(&s->memory->tally), 2);
	assert_int_equal(tally_read(&s->services[0].connections.tally), 1);
	assert_int_equal(sources_held(s, 0, &c->client), 1);
	assert_int_equal(held_by_server(s), 1);
	assert_int_equal(held_by_queue(s), 1);
	assert_int_equal(s->workers[0].sessions, 0);

	assert_int_equal(state_release_worker(s, 0, note_session, &seen), 0);
	assert_int_equal(state_release_worker(s, 1, NULL, NULL), 1);
	assert_all_given_back(s);
	ledger_close(&alive);
	state_close(s);
}

static void
successor_goes_on_with_the_numbers(void **state)
{
	struct state *s = state_small(WORKERS);
	struct ledger ledger;

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 1), 0);
	assert_non_null(begin(&ledger, 1));
	ledger_close(&ledger);
	errno = 0;
	assert_int_equal(ledger_open(&ledger, s, 1), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(state_release_worker(s, 1, NULL, NULL), 1);
	assert_int_equal(ledger_open(&ledger, s, 1), 0);
	assert_int_equal(begin(&ledger, 1)->id, UINT64_C(1) << 48 | 2);
	ledger_close(&ledger);
	state_close(s);
}

static void
who_waits_for_a_server_is_woken_when_it_falls(void **state)
{
	struct state *s = state_small(WORKERS);
	struct seen seen = { 0 };
	struct ledger one, other;
	struct ledger_entry *a, *b;

	(void)state;
	s->wake = note_wake;
	s->wake_arg = &seen;
	assert_int_equal(ledger_open(&one, s, 0), 0);
	assert_int_equal(ledger_open(&other, s, 1), 0);
	a = begin(&one, 1);
	b = begin(&other, 2);
	assert_true(ledger_take_server(&one, a, PLACE, 1, true));
	assert_false(ledger_take_server(&other, b, PLACE, 1, true));
	ledger_give_server(&one, a);
	assert_int_equal(seen.woken[0], 0);
	assert_int_equal(seen.woken[1], 1);
	assert_true(ledger_take_server(&other, b, PLACE, 1, true));
	ledger_close(&one);
	ledger_close(&other);
	state_close(s);
}

static void
release_wakes_all_others_and_forgets_the_dead_waiter(void **state)
{
	struct state *s = state_small(WORKERS);
	struct seen seen = { 0 };

	(void)state;
	s->wake = note_wake;
	s->wake_arg = &seen;
	limit_wait(s->total, 1);
	limit_wait(s->memory, 1);
	limit_wait(&s->services[0].connections, 1);
	limit_wait(&s->servers[PLACE].connections, 1);
	state_release_worker(s, 1, NULL, NULL);
	assert_int_equal(seen.woken[0], 1);
	assert_int_equal(seen.woken[1], 0);
	assert_int_equal(seen.woken[2], 1);
	limit_wake(s, s->total);
	limit_wake(s, s->memory);
	limit_wake(s, &s->services[0].connections);
	limit_wake(s, &s->servers[PLACE].connections);
	assert_int_equal(seen.woken[1], 0);
	state_close(s);
}

static void
note_service(void *arg, const struct ledger_entry *entry)
{
	const struct state *s = arg;

	assert_in_range(entry->service, 0, s->shape.services - 1);
}

/* A worker gone mad has written what it liked into its part. */
static void
release_survives_senseless_entries(void **state)
{
	struct state *s = state_small(WORKERS);

	(void)state;
	memset(s->ledger, 0xff, SESSIONS * sizeof(*s->ledger));
	s->workers[0].ledger_top = UINT32_MAX;
	s->workers[0].memory_held = UINT32_MAX;
	s->workers[0].source_marked = UINT32_MAX;
	s->workers[0].sessions = 99;
	s->ledger[0].service = 0;
	assert_int_equal(state_release_worker(s, 0, note_service, s), SESSIONS);
	assert_all_given_back(s);
	state_close(s);
}

/* ---- the life of a session, one instruction at a time ---- */

struct life {
	struct ledger ledger;
	struct state *state;
};

static void
live(void *arg)
{
	struct life *life = arg;
	struct ledger_entry *entry = begin(&life->ledger, 1);

	take_all(&life->ledger, entry);
	take_chunks(&life->ledger, CHUNKS);
	ledger_end(&life->ledger, entry);
}

/* Worker 1 has a session of client other, and ends it meanwhile or not. */
static void
release_and_check(struct state *s, unsigned other, bool other_ends)
{
	struct addr addr = client_number(other);

	if (other_ends)
		state_release_worker(s, 1, NULL, NULL);
	assert_in_range(state_release_worker(s, 0, NULL, NULL), 0, 1);
	if (!other_ends) {
		assert_int_equal(tally_read(&s->total->tally), 1);
		assert_int_equal(tally_read(&s->memory->tally), CHUNKS);
		assert_int_equal(
		    tally_read(&s->services[0].connections.tally), 1);
		assert_int_equal(sources_held(s, 0, &addr), 1);
		assert_int_equal(sources_held(s, 1, &addr), 1);
		assert_int_equal(held_by_server(s), 1);
		assert_int_equal(held_by_queue(s), 1);
		state_release_worker(s, 1, NULL, NULL);
	}
	assert_all_given_back(s);
	assert_int_equal(count_marks(s), 0);
	assert_int_equal(count_places(s, &addr), 2);
}

static void
walk_beside(unsigned other_client)
{
	struct life life;
	struct ledger other;
	struct ledger_entry *entry;
	struct state *copy;
	struct step step;
	bool other_ends = false;

	life.state = state_small(WORKERS);
	copy = state_copy(life.state);
	assert_int_equal(ledger_open(&life.ledger, life.state, 0), 0);
	assert_int_equal(ledger_open(&other, life.state, 1), 0);
	entry = begin(&other, other_client);
	take_all(&other, entry);
	take_chunks(&other, CHUNKS);

	step_start(&step, live, &life);
	do {
		state_copy_to(life.state, copy);
		release_and_check(copy, other_client, other_ends);
		other_ends = !other_ends;
	} while (step_next(&step));

	ledger_close(&other);
	ledger_close(&life.ledger);
	state_close(copy);
	state_close(life.state);
}

/* fault 1, fault 70 */
static void
session_killed_anywhere_is_released_in_full(void **state)
{
	(void)state;
	if (!step_possible()) {
		print_message("single steps are not possible here\n");
		skip();
	}
	walk_beside(1); /* the same source, which is there already */
	walk_beside(2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_is_filled_in_and_numbered),
		cmocka_unit_test(full_table_has_no_place),
		cmocka_unit_test(few_sessions_touch_few_places),
		cmocka_unit_test(end_gives_all_back),
		cmocka_unit_test(
		    server_is_full_at_its_maximum_and_not_after_a_release),
		cmocka_unit_test(queue_of_no_places_takes_nobody),
		cmocka_unit_test(service_can_be_given_back_before_the_end),
		cmocka_unit_test(reader_sees_the_address_that_was_told_later),
		cmocka_unit_test(reader_skips_an_entry_that_is_being_changed),
		cmocka_unit_test(dead_workers_sessions_are_released_and_told),
		cmocka_unit_test(successor_goes_on_with_the_numbers),
		cmocka_unit_test(who_waits_for_a_server_is_woken_when_it_falls),
		cmocka_unit_test(
		    release_wakes_all_others_and_forgets_the_dead_waiter),
		cmocka_unit_test(release_survives_senseless_entries),
		cmocka_unit_test(session_killed_anywhere_is_released_in_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
