/*
 * What comes back on a connection, shown line by line behind its name:
 * "127.0.0.1:7#3: text".
 */
#ifndef TESTS_BENCH_LOAD_SHOW_H
#define TESTS_BENCH_LOAD_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

/* Zeroed memory, with endpoint and number filled in. */
struct load_show {
	const struct endpoint *endpoint;
	unsigned number;    /* from 1 */
	struct strbuf part; /* of a line that has not ended */
	bool stale;         /* it was there at the last tick */
};

/* Show what has happened to the connection; error is an errno value or 0. */
void load_show_event(const struct load_show *show, const char *what, int error);

/* Show the lines that have ended, and keep the rest.  How many ended. */
uint64_t load_show_data(struct load_show *show, const char *data, size_t len);

/* Show a part of a line that was there at the last tick already: what ends
 * in no newline, such as a prompt, is to be seen too. */
void load_show_tick(struct load_show *show);

/* Show what was kept. */
void load_show_flush(struct load_show *show);

#endif
