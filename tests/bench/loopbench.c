/*
 * The multiplexers themselves: what one turn of a loop costs, with many idle
 * connections and ten active ones, of
 *
 *   muxd X     the event layer, on each backend of this build
 *   bare X     the system calls in C, with what is needed and no more
 *   python X   the same loop on Python's select module (loopbench.py)
 *
 * A turn: all ten active connections have a byte to read; the loop waits, is
 * told so, and reads from each.  Writing these bytes is not measured.  One
 * reading of the clock is, in C and in Python.
 *
 * Each run of a subject is a process of its own with the same connections
 * (loop_herd.h), of which it watches as many as it is told; the active ones
 * are spread among the idle ones.  Its figure is the median of the turns it has
 * made after a warm-up, so that what else the machine does counts little.
 * Runs alternate, forwards and backwards; shown is the median of all runs, with
 * the lowest and the highest.  A ratio of two subjects was seen to move by 5 %
 * from one build or hour to the next: what is nearer than that is told apart by
 * counting instructions.  What a subject cannot do is said and left out:
 * select(2) has no descriptors from FD_SETSIZE on.
 *
 * usage: loopbench [-q] [-i IDLE[,IDLE...]] [-n TURNS] [-o FILE] [-r RUNS]
 *                  [-s SUBJECT]
 *
 *   -i  how many idle ones; may be repeated (10, 100, 1000, 5000 and 15000, as
 *       far as the limit of descriptors allows)
 *   -n  turns in a run (1000, with -q 300; slow ones end after 50 or 10 ms,
 *       unless this is given)
 *   -o  append the figures of all runs to FILE, as CSV
 *   -q  quick: short runs
 *   -r  runs (7, with -q 5)
 *   -s  only subjects whose name has this in it
 *
 * It takes 40 seconds, 20 with -q; run it as "taskset -c 0 loopbench", since
 * moving from CPU to CPU costs more than what is measured.  To count
 * instructions instead of time:
 *
 *   valgrind --tool=callgrind '--toggle-collect=*subject_turn*' \
 *       loopbench -r 1 -i 1000 -n 1000 -s 'bare epoll edge'
 */
#include <config.h>

#include <sys/select.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "loop_herd.h"
#include "loop_report.h"
#include "loop_subject.h"

enum { WARM_UP = 10, PATIENCE_S = 60 };

#define PYTHON "/usr/bin/python3"

/* The build knows where it is; else as seen from the top of the source. */
#ifndef LOOPBENCH_PY
#define LOOPBENCH_PY "tests/bench/loopbench.py"
#endif

struct options {
	unsigned turns;
	bool quick;
	uint64_t budget_ns; /* turns of a run end when they have taken that */
	const char *subject;
	const char *file;
};

static uint64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* ---- a run: in a child, whose standard output is read -------------------- */

/* A function of its own, for the tool that counts its instructions. */
__attribute__((noinline)) static unsigned
subject_turn(const struct loop_subject *subject, void *state)
{
	return subject->turn(state);
}

static void
run_here(const struct options *options, const struct loop_subject *subject,
    const struct herd *herd, unsigned idle)
{
	uint64_t *times = calloc(options->turns, sizeof(*times));
	uint64_t begin, took, spent = 0;
	unsigned n = 0, ready;
	void *state;

	if (times == NULL)
		bench_die("calloc");
	state = subject->open(subject->way, herd->first, idle + HERD_ACTIVE);
	for (unsigned i = 0; i < WARM_UP + options->turns; i++) {
		herd_ring(herd);
		begin = now_ns();
		ready = subject_turn(subject, state);
		took = now_ns() - begin;
		if (ready != HERD_ACTIVE) {
			errno = EPROTO;
			bench_die(subject->name);
		}
		if (i < WARM_UP)
			continue;
		times[n++] = took;
		if ((spent += took) > options->budget_ns)
			break;
	}
	printf("%u %ju\n", n, (uintmax_t)report_median(times, n));
	(void)fflush(stdout);
}

static void
run_python(const struct options *options, const struct loop_subject *subject,
    const struct herd *herd, unsigned idle)
{
	char words[7][24];
	uint64_t numbers[7] = { (uint64_t)herd->first, idle + HERD_ACTIVE,
		(uint64_t)herd->writers, HERD_ACTIVE, options->turns, WARM_UP,
		options->budget_ns };

	for (size_t i = 0; i < 7; i++)
		(void)snprintf(
		    words[i], sizeof(words[i]), "%ju", (uintmax_t)numbers[i]);
	execl(PYTHON, PYTHON, LOOPBENCH_PY, subject->way, words[0], words[1],
	    words[2], words[3], words[4], words[5], words[6], (char *)NULL);
	bench_die(PYTHON);
}

_Noreturn static void
run_child(const struct options *options, const struct loop_subject *subject,
    const struct herd *herd, unsigned idle, int output)
{
	(void)alarm(PATIENCE_S);
	if (dup2(output, STDOUT_FILENO) == -1)
		bench_die("dup2");
	herd_seat(herd, idle);
	if (subject->turn == NULL)
		run_python(options, subject, herd, idle);
	else
		run_here(options, subject, herd, idle);
	_exit(0);
}

/* Returns the nanoseconds of a turn. */
static uint64_t
run(const struct options *options, const struct loop_subject *subject,
    const struct herd *herd, unsigned idle)
{
	int fds[2], status;
	unsigned turns;
	uint64_t ns;
	FILE *answer;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		bench_die("pipe2");
	(void)fflush(stdout);
	if ((pid = fork()) == -1)
		bench_die("fork");
	if (pid == 0)
		run_child(options, subject, herd, idle, fds[1]);
	(void)close(fds[1]);
	if ((answer = fdopen(fds[0], "r")) == NULL)
		bench_die("fdopen");
	if (fscanf(answer, "%u %" SCNu64, &turns, &ns) != 2) {
		errno = EPROTO;
		bench_die(subject->name);
	}
	(void)fclose(answer);
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		errno = ECHILD;
		bench_die(subject->name);
	}
	return ns;
}

/* ---- all runs --------------------------------------------------------------- */

struct loop_subject *
loop_subject_add(
    struct loop_subjects *subjects, const char *kind, const char *way)
{
	struct loop_subject *subject;

	if (subjects->count == REPORT_SUBJECTS) {
		errno = E2BIG;
		bench_die("subjects");
	}
	subject = &subjects->list[subjects->count++];
	*subject = (struct loop_subject){ .way = way };
	(void)snprintf(
	    subject->name, sizeof(subject->name), "%s %s", kind, way);
	return subject;
}

/* Whether both wait by the same system call. */
static bool
are_alike(const char *way, const char *other)
{
	size_t length = strcspn(way, " -");

	return length == strcspn(other, " -") &&
	    strncmp(way, other, length) == 0;
}

/* Bring those together that are compared, so that they run one soon after the
 * other. */
static void
group_subjects(struct loop_subjects *subjects)
{
	struct loop_subject *list = subjects->list, moved;
	size_t i, k, next;

	for (i = 0; i < subjects->count; i = next) {
		next = i + 1;
		for (k = next; k < subjects->count; k++) {
			if (!are_alike(list[i].way, list[k].way))
				continue;
			moved = list[k];
			memmove(&list[next + 1], &list[next],
			    (k - next) * sizeof(moved));
			list[next++] = moved;
		}
	}
}

static void
find_subjects(struct loop_subjects *subjects, const char *wanted)
{
	static const char *const ways[] = { "epoll edge", "epoll level", "poll",
		"select" };
	size_t kept = 0;

	loop_muxd_add(subjects);
	loop_bare_add(subjects);
	if (access(PYTHON, X_OK) == -1)
		puts("loop: " PYTHON " is missing (Debian: python3), so "
		     "Python's select module is left out");
	else
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
			(void)loop_subject_add(subjects, "python", ways[i]);
	for (size_t i = 0; i < subjects->count; i++)
		if (wanted == NULL ||
		    strstr(subjects->list[i].name, wanted) != NULL)
			subjects->list[kept++] = subjects->list[i];
	subjects->count = kept;
	group_subjects(subjects);
}

static bool
can(const struct loop_subject *subject, const struct herd *herd, unsigned idle)
{
	return strcmp(subject->way, "select") != 0 ||
	    (unsigned)herd->first + idle + HERD_ACTIVE <= FD_SETSIZE;
}

/* All subjects at all numbers of idle ones, once. */
static void
run_all(const struct options *options, struct report *report,
    const struct herd *herd, bool backwards)
{
	size_t n = report->nidles * report->subjects.count, i, k, s;

	for (i = 0; i < n; i++) {
		k = backwards ? n - 1 - i : i;
		s = k / report->nidles;
		k %= report->nidles;
		if (!can(&report->subjects.list[s], herd, report->idles[k]))
			continue;
		report->ns[s][k][report->nruns] = run(
		    options, &report->subjects.list[s], herd, report->idles[k]);
	}
	report->nruns++;
}

/* ---- the command line ------------------------------------------------------- */

static void
add_idle(struct report *report, const char *text)
{
	char *copy = strdup(text), *rest = copy, *word;

	if (copy == NULL)
		bench_die("strdup");
	while ((word = strsep(&rest, ",")) != NULL) {
		if (report->nidles == REPORT_IDLES) {
			errno = E2BIG;
			bench_die("-i");
		}
		report->idles[report->nidles++] = bench_number(word);
	}
	free(copy);
}

static void
usage(void)
{
	fputs("usage: loopbench [-q] [-i IDLE[,IDLE...]] [-n TURNS] [-o FILE]"
	      " [-r RUNS] [-s SUBJECT]\n",
	    stderr);
	exit(2);
}

/* Returns how many runs there are to be. */
static unsigned
parse(int argc, char **argv, struct options *options, struct report *report)
{
	unsigned runs = 0;
	int c;

	while ((c = getopt(argc, argv, "i:n:o:qr:s:")) != -1) {
		switch (c) {
		case 'i':
			add_idle(report, optarg);
			break;
		case 'n':
			options->turns = bench_number(optarg);
			options->budget_ns = UINT64_MAX;
			break;
		case 'o':
			options->file = optarg;
			break;
		case 'q':
			options->quick = true;
			break;
		case 'r':
			runs = bench_number(optarg);
			break;
		case 's':
			options->subject = optarg;
			break;
		default:
			usage();
		}
	}
	if (options->budget_ns == 0) {
		options->turns = options->quick ? 300 : 1000;
		options->budget_ns = options->quick ? 10000000 : 50000000;
	}
	if (runs == 0)
		runs = options->quick ? 5 : 7;
	if (optind != argc || options->turns == 0 || runs == 0 ||
	    runs > REPORT_RUNS)
		usage();
	if (report->nidles == 0)
		add_idle(report, "10,100,1000,5000,15000");
	return runs;
}

/* Leave out what the limit of descriptors has no room for; returns the highest
 * number of idle ones that is left. */
static unsigned
fit_idles(struct report *report)
{
	unsigned most = herd_most(), highest = 0, idle;
	size_t kept = 0;

	for (size_t i = 0; i < report->nidles; i++) {
		idle = report->idles[i];
		if (idle > most) {
			printf("loop: %u idle connections are left out: "
			       "the limit of descriptors allows %u\n",
			    idle, most);
			continue;
		}
		report->idles[kept++] = idle;
		if (idle > highest)
			highest = idle;
	}
	report->nidles = kept;
	return highest;
}

int
main(int argc, char **argv)
{
	static struct report report;
	struct loop_subject subjects[REPORT_SUBJECTS];
	struct options options = { 0 };
	struct herd herd;
	unsigned runs = parse(argc, argv, &options, &report), idle;

	bench_raise_descriptors();
	report.subjects.list = subjects;
	find_subjects(&report.subjects, options.subject);
	idle = fit_idles(&report);
	if (report.subjects.count == 0 || report.nidles == 0) {
		fputs("loopbench: nothing is left to be measured\n", stderr);
		return 2;
	}
	herd_open(&herd, idle);
	for (unsigned i = 0; i < runs; i++)
		run_all(&options, &report, &herd, i % 2 == 1);
	herd_close(&herd);
	report_print(&report);
	report_print_goals(&report);
	if (options.file != NULL)
		report_write(&report, options.file);
	return 0;
}
