/*
 * What loopbench has measured, and how it is shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "loop_herd.h"
#include "loop_report.h"

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t
report_median(uint64_t *numbers, size_t count)
{
	qsort(numbers, count, sizeof(*numbers), compare);
	return numbers[count / 2];
}

struct summary {
	uint64_t median;
	uint64_t lowest;
	uint64_t highest;
};

/* False if the subject was not measured with so many idle ones. */
static bool
summarize(const struct report *report, size_t s, size_t k, struct summary *sum)
{
	uint64_t ns[REPORT_RUNS];

	if (report->ns[s][k][0] == 0)
		return false;
	memcpy(ns, report->ns[s][k], sizeof(ns));
	sum->median = report_median(ns, report->nruns);
	sum->lowest = ns[0];
	sum->highest = ns[report->nruns - 1];
	return true;
}

void
report_print(const struct report *report)
{
	struct summary sum;

	printf("loop: ns of a turn with %d active connections, median and "
	       "range of %u runs\n",
	    HERD_ACTIVE, report->nruns);
	for (size_t k = 0; k < report->nidles; k++) {
		printf("\n%u idle%*s  %9s  %9s  %9s\n", report->idles[k],
		    20 - snprintf(NULL, 0, "%u idle", report->idles[k]), "",
		    "median", "lowest", "highest");
		for (size_t s = 0; s < report->subjects.count; s++) {
			printf("%-20s", report->subjects.list[s].name);
			if (summarize(report, s, k, &sum))
				printf("  %9" PRIu64 "  %9" PRIu64 "  %9" PRIu64
				       "\n",
				    sum.median, sum.lowest, sum.highest);
			else
				printf("  left out: its descriptors end at "
				       "FD_SETSIZE\n");
		}
	}
}

void
report_write(const struct report *report, const char *path)
{
	FILE *file = fopen(path, "a");

	if (file == NULL || fseek(file, 0, SEEK_END) == -1)
		bench_die(path);
	if (ftell(file) == 0)
		fputs("benchmark,work,subject,metric,unit,run,value\n", file);
	for (size_t k = 0; k < report->nidles; k++)
		for (size_t s = 0; s < report->subjects.count; s++)
			for (unsigned i = 0; i < report->nruns; i++)
				if (report->ns[s][k][i] != 0)
					fprintf(file,
					    "loop,idle=%u,%s,turn,ns,%u,"
					    "%" PRIu64 "\n",
					    report->idles[k],
					    report->subjects.list[s].name,
					    i + 1, report->ns[s][k][i]);
	if (ferror(file) || fclose(file) == EOF)
		bench_die(path);
}

/* ---- goals ------------------------------------------------------------------- */

/* A subject with a number of idle ones: its figures, one for each run; NULL if
 * it was not measured. */
static const uint64_t *
runs_of(const struct report *report, const char *name, unsigned idle)
{
	for (size_t s = 0; s < report->subjects.count; s++)
		for (size_t k = 0; k < report->nidles; k++)
			if (strcmp(report->subjects.list[s].name, name) == 0 &&
			    report->idles[k] == idle &&
			    report->ns[s][k][0] != 0)
				return report->ns[s][k];
	return NULL;
}

/*
 * A line as tests/bench/relay.sh has them, unless one of the two was not
 * measured.  It is the median of the ratios within a run, not the ratio of the
 * medians: a machine that others slow down for a while slows down both.
 */
static void
print_goal(const struct report *report, const char *title, double goal,
    const uint64_t *runs, const uint64_t *of)
{
	uint64_t ratios[REPORT_RUNS];
	double ratio;

	if (runs == NULL || of == NULL)
		return;
	for (unsigned i = 0; i < report->nruns; i++)
		ratios[i] = runs[i] * 10000 / of[i];
	ratio = (double)report_median(ratios, report->nruns) / 10000;
	printf("%-48s %s %-6.2f %9.3f  %s\n", title, "<=", goal, ratio,
	    ratio <= goal ? "ok" : "MISSED");
}

static bool
has_goals(const struct report *report)
{
	return runs_of(report, "muxd epoll", 1000) != NULL ||
	    (runs_of(report, "muxd epoll", 10) != NULL &&
		runs_of(report, "muxd epoll", 15000) != NULL);
}

void
report_print_goals(const struct report *report)
{
	static const char name[] = "muxd epoll";
	const uint64_t *muxd = runs_of(report, name, 1000);

	if (!has_goals(report))
		return;
	printf("\n%-48s %-9s %9s\n", "goal", "", "measured");
	print_goal(report, "loop: turn, of the bare epoll calls", 1.10, muxd,
	    runs_of(report, "bare epoll edge", 1000));
	print_goal(report, "loop: turn, of Python's epoll, by edges", 0.80,
	    muxd, runs_of(report, "python epoll edge", 1000));
	print_goal(report, "loop: turn, of Python's epoll, by levels", 0.80,
	    muxd, runs_of(report, "python epoll level", 1000));
	print_goal(report, "loop: turn, 15,000 idle ones of 10", 1.10,
	    runs_of(report, name, 15000), runs_of(report, name, 10));
}
