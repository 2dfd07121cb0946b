/*
 * The same tests under each event backend: what clients see must not depend
 * on it.
 */
#ifndef TESTS_SYSTEM_BACKENDS_H
#define TESTS_SYSTEM_BACKENDS_H

#include <stddef.h>

#include "support.h"

/* Run the tests under each backend that muxd has, or under that of
 * MUXD_BACKEND alone if it is set.  Returns what main() shall return. */
#define run_under_each_backend(tests) \
	backends_run(#tests, tests, sizeof(tests) / sizeof(tests[0]))

int backends_run(const char *name, const struct CMUnitTest *tests, size_t n);

#endif
