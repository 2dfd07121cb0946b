/*
 * muxload --lines: what people type, or a file says, goes to many servers or
 * many times to one, and what comes back is shown.
 */
#ifndef TESTS_BENCH_LOAD_LINES_H
#define TESTS_BENCH_LOAD_LINES_H

#include <stdbool.h>

#include "load_options.h"

/* Run until standard input has ended and the answers have come, or the
 * duration is over.  -1 with errno; *good tells whether every connection was
 * made and none was reset. */
int load_lines_run(const struct load_options *options, bool *good);

#endif
