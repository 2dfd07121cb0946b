/*
 * What a run has found, for people and for scripts.
 */
#ifndef TESTS_BENCH_LOAD_REPORT_H
#define TESTS_BENCH_LOAD_REPORT_H

#include "load_run.h"

/* A line on stderr that tells how far the run is, once a second, if that is
 * a terminal. */
struct load_progress {
	struct load_run *run;
	struct timer timer;
	uint64_t answers; /* when it was printed last */
	bool shown;
};

void load_progress_open(struct load_progress *progress, struct load_run *run);
void load_progress_close(struct load_progress *progress);

/* Print a table, or with --keys one line of "key value". */
void load_report_print(const struct load_run *run);

/* Write the file of --histogram.  -1 with errno. */
int load_report_write_histogram(const struct load_run *run);

/* Whether all went well. */
bool load_report_is_good(const struct load_run *run);

#endif
