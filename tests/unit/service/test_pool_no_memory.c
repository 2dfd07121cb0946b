/*
 * Pools have all their memory from the start: opening them may fail at any
 * allocation, and nothing afterwards allocates.
 */
#include "pools.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

/* Allocations until the first that fails; -1: none does. */
static long until_failure = -1;
static unsigned allocations;

static bool
fails_now(void)
{
	if (until_failure == -1)
		return false;
	allocations++;
	if (until_failure > 0) {
		until_failure--;
		return false;
	}
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

static const enum conf_balance ways[] = { BALANCE_ROUND_ROBIN,
	BALANCE_LEAST_CONNECTIONS, BALANCE_RANDOM, BALANCE_HASH };

static void
make_pool(struct pools *p, enum conf_balance balance)
{
	pools_init(p, balance);
	p->pool.max_failures = 1;
	pools_add_many(p, 3);
	pools_add(p, 1)->nplaces = 4;
	pools_add(p, 1)->backup = true;
	pools_make_state(p);
}

/* fault 42 */
static void
opening_may_fail_at_any_allocation(void **state)
{
	struct pools p;
	struct pool *pools;
	long n;

	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		make_pool(&p, ways[way]);
		pools_open_worker(&p, 0);
		pools_close(p.workers[0], 1);
		for (n = 0;; n++) {
			until_failure = n;
			errno = 0;
			pools =
			    pools_open(&p.sets[0], &p.conf, &p.slot, p.first);
			until_failure = -1;
			if (pools != NULL)
				break;
			assert_int_equal(errno, ENOMEM);
		}
		assert_true(n >= 4);
		p.workers[0] = pools;
		(void)pools_hit(&p, 0, 1);
		pools_close_all(&p);
	}
}

/* fault 42 */
static void
nothing_allocates_once_it_is_open(void **state)
{
	struct addr client = pools_client(1);
	struct visit visit;
	struct pools p;

	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		make_pool(&p, ways[way]);
		pools_open_worker(&p, 0);
		allocations = 0;
		until_failure = 0;
		for (unsigned i = 0; i < 5; i++)
			(void)pools_hit(&p, 0, i);
		for (unsigned i = 0; i < 4; i++)
			pools_set_address(&p, 3 + i, 10 + i, 65536 - i);
		for (unsigned i = 0; i < 50; i++)
			(void)pools_hit(&p, 0, i);
		(void)pools_fail(&p, 0, 1, ECONNREFUSED);
		for (unsigned i = 0; i < 8; i++)
			p.places[i].checked = SERVER_DOWN;
		assert_int_equal(
		    visit_begin(&p, 0, &client, &visit), POOL_NONE);
		visit_end(&visit);
		until_failure = -1;
		assert_int_equal(allocations, 0);
		pools_close_all(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_may_fail_at_any_allocation),
		cmocka_unit_test(nothing_allocates_once_it_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
