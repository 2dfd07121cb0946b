/*
 * What every part of the system tests needs: failing, deadlines, memory.
 */
#ifndef TESTS_SYSTEM_SUPPORT_H
#define TESTS_SYSTEM_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Fail the test. */
void test_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* The deadline of waits, in milliseconds: 30 s, or ten times that under a
 * wrapper. */
int test_deadline_ms(void);

/* Milliseconds of the monotonic clock. */
int64_t test_now_ms(void);

/* Seconds of the wall clock, to the point: time(3) lags behind by a tick. */
int64_t test_wall_s(void);

/* Whether the binary runs under a wrapper, which may have descriptors and a
 * command line of its own. */
bool test_is_wrapped(void);

/* Whether it does, or has a sanitizer: then figures of memory and time mean
 * nothing. */
bool test_is_instrumented(void);

/* Zeroed memory, and text, that the teardown releases. */
void *test_alloc(size_t size);
char *test_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *test_vformat(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

/* Called by the teardown. */
void test_release_memory(void);

#endif
