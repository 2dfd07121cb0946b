/*
 * Every allocation of names fails once: nobody crashes, and a round later all
 * is as it should be.
 */
#include "names_fixture.h"

#include <errno.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
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

static const char *const pool = "addresses = 2"
				" server w { address = \"w.test:80\" }"
				" server s { address = \"_s._tcp.test\" }";

/* Answer whatever is asked for. */
static void
answer_all(const char *w, const char *a)
{
	if (names_is_asked("w.test"))
		names_found("w.test", w);
	if (names_is_asked("_s._tcp.test"))
		names_services("_s._tcp.test", 60,
		    "0 1 81 a.test, 0 1 82 b.test", RESOLVER_FOUND);
	if (names_is_asked("a.test."))
		names_found("a.test.", a);
	if (names_is_asked("b.test."))
		names_fail("b.test.");
}

/* fault 42 */
static void
opening_may_fail_at_any_allocation(void **state)
{
	struct fixture *f = *state;
	long n;

	names_load(f, pool);
	for (n = 0;; n++) {
		failed = false;
		until_failure = n;
		names_start(f);
		until_failure = -1;
		if (!failed)
			break;
		names_close(f->names);
		f->names = NULL;
	}
	assert_true(n > 5);
	answer_all("192.0.2.1", "192.0.2.2");
	assert_places(f, "192.0.2.1:80 - 192.0.2.2:81 -");
}

/* One that could not even be asked for is asked for again. */
static void
asking_may_fail_at_any_allocation(void **state)
{
	struct fixture *f = *state;
	long n;

	names_load(f, pool);
	names_start(f);
	for (n = 0;; n++) {
		answer_all("192.0.2.1", "192.0.2.2");
		failed = false;
		until_failure = n;
		names_advance(f, 70000);
		until_failure = -1;
		if (!failed)
			break;
		(void)names_wait_question(f, "w.test");
		(void)names_wait_question(f, "_s._tcp.test");
	}
	assert_true(n >= 2);
	answer_all("192.0.2.1", "192.0.2.2");
	assert_places(f, "192.0.2.1:80 - 192.0.2.2:81 -");
}

/* fault 42 */
static void
answers_may_fail_at_any_allocation(void **state)
{
	struct fixture *f = *state;
	const char *address;
	long n;

	names_load(f, pool);
	names_start(f);
	for (n = 0;; n++) {
		address = n % 2 == 0 ? "192.0.2.1" : "192.0.2.2";
		failed = false;
		until_failure = n;
		answer_all(address, address);
		until_failure = -1;
		/* What failed is asked for again. */
		for (unsigned i = 0; i < 3; i++) {
			names_advance(f, 70000);
			answer_all(address, address);
		}
		assert_places(f,
		    n % 2 == 0 ? "192.0.2.1:80 - 192.0.2.1:81 -"
			       : "192.0.2.2:80 - 192.0.2.2:81 -");
		if (!failed)
			break;
		names_advance(f, 70000);
	}
	assert_true(n > 5);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(opening_may_fail_at_any_allocation),
		FIXTURE_TEST(asking_may_fail_at_any_allocation),
		FIXTURE_TEST(answers_may_fail_at_any_allocation),
	};

	return cmocka_run_group_tests_name(
	    "names: no memory", tests, NULL, NULL);
}
