/*
 * What loopbench has measured, and how it is shown.
 */
#ifndef TESTS_BENCH_LOOP_REPORT_H
#define TESTS_BENCH_LOOP_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "loop_subject.h"

enum { REPORT_SUBJECTS = 16, REPORT_IDLES = 16, REPORT_RUNS = 64 };

struct report {
	struct loop_subjects subjects;
	unsigned idles[REPORT_IDLES];
	size_t nidles;
	unsigned nruns;
	/* Nanoseconds of a turn; 0: not measured. */
	uint64_t ns[REPORT_SUBJECTS][REPORT_IDLES][REPORT_RUNS];
};

/* The median of one number or more, which are sorted by that. */
uint64_t report_median(uint64_t *numbers, size_t count);

/* A table for each number of idle ones, and what was left out. */
void report_print(const struct report *report);

/* The goals that what was measured allows to judge. */
void report_print_goals(const struct report *report);

/* Append a row for each run to a CSV file, with a heading if it is new; ends
 * the program if that fails. */
void report_write(const struct report *report, const char *path);

#endif
