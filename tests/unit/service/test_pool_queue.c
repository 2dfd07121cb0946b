/*
 * Servers that are full, and who waits for them: counts that are exact over
 * all workers, and a queue that is fair and loses nobody.
 */
#include "pools.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A client that waits where it must. */
struct waiting {
	struct pool_waiter waiter;
	struct visit visit;
	unsigned *arrivals; /* how many have come in so far */
	unsigned order;     /* it was that one; 0: not yet */
	unsigned calls;
	bool gone; /* there was no server */
};

static void
waiting_call(struct pool_waiter *waiter)
{
	struct waiting *w = container_of(waiter, struct waiting, waiter);
	struct visit *visit = &w->visit;

	w->calls++;
	switch (pool_pick(
	    visit->pool, visit->entry, &visit->tried, true, &visit->server)) {
	case POOL_FULL:
		return;
	case POOL_PICKED:
		w->order = ++*w->arrivals;
		break;
	case POOL_NONE:
	case POOL_LOOP:
		w->gone = true;
		break;
	}
	pool_unwait(visit->pool, waiter, visit->entry);
}

/* Come in, or wait; false if there is no place in the queue. */
static bool
wait_begin(
    struct pools *p, unsigned worker, struct waiting *w, unsigned *arrivals)
{
	struct addr client = pools_client(1);

	memset(w, 0, sizeof(*w));
	w->waiter.call = waiting_call;
	list_init(&w->waiter.link);
	w->arrivals = arrivals;
	switch (visit_begin(p, worker, &client, &w->visit)) {
	case POOL_PICKED:
		w->order = ++*arrivals;
		return true;
	case POOL_FULL:
		if (pool_wait(w->visit.pool, &w->waiter, w->visit.entry))
			return true;
		break;
	case POOL_NONE:
	case POOL_LOOP:
		fail();
	}
	visit_end(&w->visit);
	return false;
}

/* Whatever it does, it goes. */
static void
wait_end(struct waiting *w)
{
	pool_unwait(w->visit.pool, &w->waiter, w->visit.entry);
	visit_end(&w->visit);
}

static void
open_pool(struct pools *p, unsigned servers, uint64_t max_connections)
{
	pools_init(p, BALANCE_ROUND_ROBIN);
	for (unsigned i = 0; i < servers; i++)
		pools_add(p, 1)->max_connections = max_connections;
	pools_open_all(p);
}

/* ---- exact counts ---- */

/* fault 70 */
static void
server_is_full_at_its_maximum_and_not_after_a_release(void **state)
{
	struct addr client = pools_client(1);
	struct visit visits[21];
	struct pools p;

	(void)state;
	open_pool(&p, 2, 10);
	for (unsigned i = 0; i < 20; i++)
		(void)pools_stay(&p, i % 2, i, &visits[i]);
	assert_int_equal(visit_begin(&p, 1, &client, &visits[20]), POOL_FULL);
	assert_int_equal(pools_held(&p, 0), 10);
	assert_int_equal(pools_held(&p, 1), 10);
	visit_end(&visits[7]);
	assert_int_equal(visit_again(&visits[20]), POOL_PICKED);
	assert_int_equal(visits[20].server->place, visits[7].server->place);
	assert_int_equal(visit_begin(&p, 0, &client, &visits[7]), POOL_FULL);
	visit_end(&visits[7]);
	pools_close_all(&p);
}

#define ROUNDS 20000
#define PICKS  5 /* of a round: one more than there is room for */

/* What the processes count by themselves. */
struct crowd {
	_Atomic unsigned inside;
	_Atomic unsigned most;
	_Atomic uint64_t picks;
	_Atomic uint64_t full;
};

static void
crowd_round(struct pools *p, unsigned worker, struct crowd *crowd)
{
	struct addr client = pools_client(worker);
	struct visit visits[PICKS];
	enum pool_verdict verdicts[PICKS];
	unsigned inside;

	for (unsigned i = 0; i < PICKS; i++) {
		verdicts[i] = visit_begin(p, worker, &client, &visits[i]);
		if (verdicts[i] != POOL_PICKED) {
			crowd->full++;
			continue;
		}
		crowd->picks++;
		inside = ++crowd->inside;
		if (inside > crowd->most)
			crowd->most = inside;
	}
	for (unsigned i = 0; i < PICKS; i++) {
		if (verdicts[i] == POOL_PICKED)
			crowd->inside--;
		visit_end(&visits[i]);
	}
}

/* fault 70, fault 1 */
static void
maximum_holds_over_processes_one_of_which_is_killed(void **state)
{
	struct crowd *crowd = mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pools p;
	pid_t pids[POOLS_WORKERS];
	int status;

	(void)state;
	assert_ptr_not_equal(crowd, MAP_FAILED);
	open_pool(&p, 2, 2);
	for (unsigned i = 0; i < POOLS_WORKERS; i++) {
		pids[i] = fork();
		assert_int_not_equal(pids[i], -1);
		if (pids[i] != 0)
			continue;
		alarm(120);
		/* One goes on until it is killed. */
		for (unsigned n = 0; i == 1 || n < ROUNDS; n++)
			crowd_round(&p, i, crowd);
		_exit(0);
	}
	assert_int_equal(waitpid(pids[0], &status, 0), pids[0]);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	while (crowd->full == 0)
		sched_yield();
	assert_int_equal(kill(pids[1], SIGKILL), 0);
	assert_int_equal(waitpid(pids[1], &status, 0), pids[1]);
	(void)state_release_worker(p.state, 1, NULL, NULL);
	assert_int_equal(crowd->most, 4);
	assert_int_equal(pools_held(&p, 0), 0);
	assert_int_equal(pools_held(&p, 1), 0);
	pools_close_all(&p);
	(void)munmap(crowd, sizeof(*crowd));
}

/* ---- the queue ---- */

static void
those_who_wait_come_in_in_the_order_they_came(void **state)
{
	struct waiting w[6];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 1, 1);
	for (unsigned i = 0; i < 6; i++)
		assert_true(wait_begin(&p, 0, &w[i], &arrivals));
	assert_int_equal(tally_read(&p.state->pools[0].queue.tally), 5);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(w[i].order, i + 1);
		assert_int_equal(arrivals, i + 1);
		wait_end(&w[i]);
		(void)pools_ring(&p);
	}
	pools_close_all(&p);
}

static void
release_in_one_worker_lets_the_other_s_waiters_come(void **state)
{
	struct waiting w[2];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 1, 1);
	assert_true(wait_begin(&p, 0, &w[0], &arrivals));
	assert_true(wait_begin(&p, 1, &w[1], &arrivals));
	assert_int_equal(w[1].order, 0);
	wait_end(&w[0]);
	assert_int_equal(p.woken[0], 0);
	assert_int_equal(p.woken[1], 1);
	assert_int_equal(pools_ring(&p), 1);
	assert_int_equal(w[1].order, 2);
	wait_end(&w[1]);
	pools_close_all(&p);
}

static void
dead_worker_s_connections_let_waiters_come(void **state)
{
	struct waiting w[2];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 1, 1);
	assert_true(wait_begin(&p, 0, &w[0], &arrivals));
	assert_true(wait_begin(&p, 1, &w[1], &arrivals));
	(void)state_release_worker(p.state, 0, NULL, NULL);
	(void)pools_ring(&p);
	assert_int_equal(w[1].order, 2);
	wait_end(&w[1]);
	pools_close_all(&p);
}

static void
nobody_is_woken_needlessly_or_over_and_over(void **state)
{
	struct waiting w[3];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 1, 2);
	assert_true(wait_begin(&p, 0, &w[0], &arrivals));
	wait_end(&w[0]);
	assert_int_equal(pools_ring(&p), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_true(wait_begin(&p, 0, &w[i], &arrivals));
	pool_retry(p.workers[0]);
	assert_int_equal(pools_ring(&p), 0);
	assert_int_equal(w[2].calls, 1);
	wait_end(&w[0]);
	assert_int_equal(pools_ring(&p), 1);
	assert_int_equal(w[2].calls, 2);
	assert_true(w[2].order > 0);
	assert_int_equal(pools_ring(&p), 0);
	wait_end(&w[1]);
	wait_end(&w[2]);
	pools_close_all(&p);
}

/* fault 70 */
static void
queue_is_bounded_over_all_workers(void **state)
{
	struct waiting w[8], refused;
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 1, 1);
	p.pool.queue = 4;
	for (unsigned i = 0; i < 5; i++)
		assert_true(wait_begin(&p, i % 2, &w[i], &arrivals));
	assert_false(wait_begin(&p, 0, &refused, &arrivals));
	assert_false(wait_begin(&p, 1, &refused, &arrivals));
	wait_end(&w[3]);
	assert_true(wait_begin(&p, 0, &w[5], &arrivals));
	assert_false(wait_begin(&p, 1, &refused, &arrivals));
	/* Who has come in waits no more. */
	wait_end(&w[0]);
	(void)pools_ring(&p);
	assert_int_equal(arrivals, 2);
	assert_true(wait_begin(&p, 1, &w[6], &arrivals));
	assert_false(wait_begin(&p, 0, &refused, &arrivals));
	wait_end(&w[1]);
	wait_end(&w[2]);
	for (unsigned i = 4; i < 7; i++)
		wait_end(&w[i]);
	(void)pools_ring(&p);
	pools_close_all(&p);
}

static void
who_comes_later_does_not_overtake(void **state)
{
	struct waiting w[3];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 1, 1);
	assert_true(wait_begin(&p, 0, &w[0], &arrivals));
	assert_true(wait_begin(&p, 0, &w[1], &arrivals));
	wait_end(&w[0]);
	/* The bell has rung, and was not heard yet. */
	assert_true(wait_begin(&p, 0, &w[2], &arrivals));
	assert_int_equal(arrivals, 1);
	(void)pools_ring(&p);
	assert_int_equal(w[1].order, 2);
	wait_end(&w[1]);
	(void)pools_ring(&p);
	assert_int_equal(w[2].order, 3);
	wait_end(&w[2]);
	pools_close_all(&p);
}

static void
who_gives_up_leaves_the_order_of_the_others(void **state)
{
	struct waiting w[4];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 1, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_true(wait_begin(&p, 0, &w[i], &arrivals));
	wait_end(&w[1]);
	wait_end(&w[0]);
	(void)pools_ring(&p);
	assert_int_equal(w[2].order, 2);
	wait_end(&w[2]);
	(void)pools_ring(&p);
	assert_int_equal(w[3].order, 3);
	wait_end(&w[3]);
	pools_close_all(&p);
}

static void
several_come_at_once_when_there_is_room(void **state)
{
	struct waiting w[8];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 2, 2);
	for (unsigned i = 0; i < 8; i++)
		assert_true(wait_begin(&p, 0, &w[i], &arrivals));
	assert_int_equal(arrivals, 4);
	for (unsigned i = 0; i < 3; i++)
		wait_end(&w[i]);
	(void)pools_ring(&p);
	assert_int_equal(arrivals, 7);
	assert_int_equal(w[7].order, 0);
	for (unsigned i = 3; i < 8; i++)
		wait_end(&w[i]);
	pools_close_all(&p);
}

/* Server 1 refuses the first client, which waits for server 0; and server 1
 * has room for everybody else. */
static void
who_waits_for_another_server_holds_nobody_up(void **state)
{
	struct waiting first = { 0 }, w[2];
	struct addr client = pools_client(1);
	struct visit visit;
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 2, 1);
	do {
		assert_int_equal(
		    visit_begin(&p, 0, &client, &visit), POOL_PICKED);
		if (visit.server->place != 0)
			visit_end(&visit);
	} while (visit.server->place != 0);

	first.waiter.call = waiting_call;
	first.arrivals = &arrivals;
	assert_int_equal(
	    visit_begin(&p, 0, &client, &first.visit), POOL_PICKED);
	assert_true(wait_begin(&p, 0, &w[0], &arrivals));
	assert_int_equal(visit_again(&first.visit), POOL_FULL);
	assert_true(pool_wait(p.workers[0], &first.waiter, first.visit.entry));
	(void)pools_ring(&p);
	assert_int_equal(first.order, 0);
	assert_int_equal(w[0].order, 1);
	wait_end(&w[0]);
	(void)pools_ring(&p);
	assert_true(wait_begin(&p, 0, &w[1], &arrivals));
	assert_int_equal(w[1].order, 2);
	visit_end(&visit);
	(void)pools_ring(&p);
	assert_int_equal(first.order, 3);
	wait_end(&w[1]);
	wait_end(&first);
	pools_close_all(&p);
}

/* ---- what else may end the waiting ---- */

static void
server_that_comes_up_takes_those_who_wait(void **state)
{
	struct waiting w[2];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 2, 1);
	p.places[1].checked = SERVER_DOWN;
	assert_true(wait_begin(&p, 0, &w[0], &arrivals));
	assert_true(wait_begin(&p, 0, &w[1], &arrivals));
	assert_int_equal(w[1].order, 0);
	p.places[1].checked = SERVER_UP;
	state_wake_workers(p.state);
	(void)pools_ring(&p);
	assert_int_equal(w[1].order, 2);
	wait_end(&w[0]);
	wait_end(&w[1]);
	pools_close_all(&p);
}

static void
server_whose_ejection_ends_takes_those_who_wait(void **state)
{
	struct waiting w[2], more[2];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 2, 1);
	p.pool.max_failures = 1;
	pool_connect_failed(&p.workers[1]->servers[1], ECONNREFUSED);
	assert_true(wait_begin(&p, 0, &w[0], &arrivals));
	assert_true(wait_begin(&p, 0, &w[1], &arrivals));
	assert_true(wait_begin(&p, 0, &more[0], &arrivals));
	p.servers[1].max_connections = 5;
	pools_advance(&p, p.pool.fail_timeout - 1);
	assert_int_equal(arrivals, 1);
	pools_advance(&p, p.pool.fail_timeout / 4 + 1);
	/* One of them tries it; the others come when that went well. */
	assert_int_equal(w[1].order, 2);
	assert_int_equal(more[0].order, 0);
	assert_true(wait_begin(&p, 1, &more[1], &arrivals));
	assert_int_equal(more[1].order, 0);
	pool_connected(w[1].visit.server);
	assert_int_equal(pools_ring(&p), 2);
	assert_int_equal(arrivals, 4);
	wait_end(&w[0]);
	wait_end(&w[1]);
	wait_end(&more[0]);
	wait_end(&more[1]);
	pools_close_all(&p);
}

static void
new_address_takes_those_who_wait(void **state)
{
	struct waiting w[2];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	pools_add(&p, 1)->max_connections = 1;
	p.servers[0].nplaces = 2;
	pools_make_state(&p);
	pools_set_address(&p, 0, 0, 1);
	pools_open_worker(&p, 0);
	assert_true(wait_begin(&p, 0, &w[0], &arrivals));
	assert_true(wait_begin(&p, 0, &w[1], &arrivals));
	pools_set_address(&p, 1, 1, 1);
	state_wake_workers(p.state);
	pool_retry(p.workers[0]);
	assert_int_equal(w[1].order, 2);
	wait_end(&w[0]);
	wait_end(&w[1]);
	pools_close_all(&p);
}

static void
who_waits_is_told_when_no_server_is_left(void **state)
{
	struct waiting w[2];
	struct pools p;
	unsigned arrivals = 0;

	(void)state;
	open_pool(&p, 1, 1);
	assert_true(wait_begin(&p, 0, &w[0], &arrivals));
	assert_true(wait_begin(&p, 0, &w[1], &arrivals));
	p.places[0].checked = SERVER_DOWN;
	wait_end(&w[0]);
	(void)pools_ring(&p);
	assert_true(w[1].gone);
	assert_int_equal(tally_read(&p.state->pools[0].queue.tally), 0);
	wait_end(&w[1]);
	pools_close_all(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    server_is_full_at_its_maximum_and_not_after_a_release),
		cmocka_unit_test(
		    maximum_holds_over_processes_one_of_which_is_killed),
		cmocka_unit_test(those_who_wait_come_in_in_the_order_they_came),
		cmocka_unit_test(
		    release_in_one_worker_lets_the_other_s_waiters_come),
		cmocka_unit_test(dead_worker_s_connections_let_waiters_come),
		cmocka_unit_test(nobody_is_woken_needlessly_or_over_and_over),
		cmocka_unit_test(queue_is_bounded_over_all_workers),
		cmocka_unit_test(who_comes_later_does_not_overtake),
		cmocka_unit_test(who_gives_up_leaves_the_order_of_the_others),
		cmocka_unit_test(several_come_at_once_when_there_is_room),
		cmocka_unit_test(who_waits_for_another_server_holds_nobody_up),
		cmocka_unit_test(server_that_comes_up_takes_those_who_wait),
		cmocka_unit_test(
		    server_whose_ejection_ends_takes_those_who_wait),
		cmocka_unit_test(new_address_takes_those_who_wait),
		cmocka_unit_test(who_waits_is_told_when_no_server_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
