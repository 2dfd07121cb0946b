/*
 * Every allocation of health checks fails once: nobody crashes, nothing is
 * lost, and no server is blamed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/backend.h"
#include "responder.h"

void *__real_mem_zalloc(size_t size);
void *__real_mem_array(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_mem_zalloc(size_t size);
void *__wrap_mem_array(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

/* Allocations until the one that fails; -1: none does. */
static long until_failure = -1;
static bool failed;

static bool
fails_now(void)
{
	if (until_failure == -1 || until_failure-- > 0)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *
__wrap_mem_zalloc(size_t size)
{
	return fails_now() ? NULL : __real_mem_zalloc(size);
}

void *
__wrap_mem_array(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_mem_array(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

/* Two servers, which check well. */
static void
open_two(
    struct fixture *f, struct responder *responder, enum conf_check_type type)
{
	static const struct behaviour how = { .hangs_up = true,
		.answer = "HTTP/1.1 200 OK\r\nX: +PONG\r\n\r\n" };

	fixture_open(f, 2);
	f->pool.check.type = type;
	responder_open(responder, f, &how);
	fixture_server(f, 0, responder);
	fixture_server(f, 1, responder);
}

static void
close_two(struct fixture *f, struct responder *responder)
{
	responder_close(responder);
	fixture_close(f);
}

/* fault 42 */
static void
opening_may_fail_at_any_allocation(void **state)
{
	struct fixture f;
	struct responder responder;
	bool opened;
	long n;

	(void)state;
	open_two(&f, &responder, CHECK_SEND);
	for (n = 0;; n++) {
		failed = false;
		until_failure = n;
		opened = fixture_try_start(&f);
		until_failure = -1;
		assert_int_equal(opened, !failed);
		fixture_settle(&f);
		if (opened)
			break;
	}
	assert_in_range(n, 5, 100);
	fixture_advance(&f, 2200);
	assert_int_equal(fixture_checked(&f, 0), SERVER_UP);
	assert_int_equal(fixture_checked(&f, 1), SERVER_UP);
	close_two(&f, &responder);
}

/* fault 42 */
static void
a_check_may_fail_at_any_allocation(void **state)
{
	static const enum conf_check_type types[] = { CHECK_TCP, CHECK_HTTP,
		CHECK_SEND };
	struct fixture f;
	struct responder responder;
	unsigned descriptors;
	size_t i;
	long n;

	(void)state;
	/* The others allocate for each descriptor, the test's own included. */
	if (!event_backends[0]->edge)
		skip();
	for (i = 0; i < COUNT(types); i++) {
		open_two(&f, &responder, types[i]);
		descriptors = fixture_descriptors();
		fixture_start(&f);
		for (n = 0, failed = true; failed; n++) {
			failed = false;
			until_failure = n;
			fixture_advance(&f, 2200);
			until_failure = -1;
			assert_int_equal(
			    fixture_logged(&f, "error=Cannot allocate memory"),
			    failed);
			fixture_forget(&f);
		}
		assert_in_range(n, types[i] == CHECK_TCP ? 1 : 3, 100);
		assert_int_equal(fixture_checked(&f, 0), SERVER_UP);
		assert_int_equal(fixture_checked(&f, 1), SERVER_UP);
		assert_int_equal(fixture_descriptors(), descriptors);
		close_two(&f, &responder);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_may_fail_at_any_allocation),
		cmocka_unit_test(a_check_may_fail_at_any_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
