/*
 * Results, and the progress line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "load_report.h"

enum { PROGRESS_MS = 1000 };

static const struct {
	const char *key;
	const char *title;
	unsigned of_100000;
} percentiles[] = {
	{ "p50_us", "p50", 50000 },
	{ "p90_us", "p90", 90000 },
	{ "p99_us", "p99", 99000 },
	{ "p999_us", "p99.9", 99900 },
	{ "max_us", "max", 100000 },
};

enum { PERCENTILES = sizeof(percentiles) / sizeof(percentiles[0]) };

static const char *const phase_names[] = {
	[LOAD_OPENING] = "opening",
	[LOAD_HOLDING] = "holding",
	[LOAD_WARMUP] = "warming up",
	[LOAD_MEASURE] = "measuring",
	[LOAD_DRAIN] = "waiting for answers",
	[LOAD_DONE] = "done",
};

static void
progress_print(struct timer *timer)
{
	struct load_progress *progress =
	    container_of(timer, struct load_progress, timer);
	const struct load_run *run = progress->run;

	fprintf(stderr,
	    "\r%s: %u open, %" PRIu64 " answers/s, %" PRIu64 " errors\033[K",
	    phase_names[run->phase], load_run_connections(run),
	    run->counts.answers - progress->answers, run->counts.errors);
	progress->answers = run->counts.answers;
	progress->shown = true;
}

void
load_progress_open(struct load_progress *progress, struct load_run *run)
{
	progress->run = run;
	progress->answers = 0;
	progress->shown = false;
	timer_init(&progress->timer, progress_print);
	if (!run->options->quiet && isatty(STDERR_FILENO))
		loop_timer_repeat(run->loop, &progress->timer, PROGRESS_MS);
}

void
load_progress_close(struct load_progress *progress)
{
	loop_timer_cancel(progress->run->loop, &progress->timer);
	if (progress->shown)
		fputs("\r\033[K", stderr);
}

static double
per(double sum, double n)
{
	return n > 0 ? sum / n : 0;
}

/* Whether figures of the metered processes are there. */
static bool
has_meter(const struct load_run *run)
{
	return run->options->meter.npids != 0 && !run->meter_failed;
}

static void
print_keys(const struct load_run *run, double seconds)
{
	const struct load_counts *counts = &run->counts;
	double requests = (double)counts->requests;
	unsigned i;

	printf("requests %" PRIu64 " rate %.1f errors %" PRIu64
	       " seconds %.3f connections %u",
	    counts->requests, per(requests, seconds), counts->errors, seconds,
	    load_run_connections(run));
	for (i = 0; i < PERCENTILES; i++)
		printf(" %s %" PRIu64, percentiles[i].key,
		    load_histogram_percentile(
			&run->latency, percentiles[i].of_100000));
	printf(" busy %.3f", per((double)run->metered.own_ns / 1e9, seconds));
	if (has_meter(run))
		printf(" cpu_ns_per_request %.0f meter_busy %.3f",
		    per((double)run->metered.cpu_ns, requests),
		    per((double)run->metered.cpu_ns / 1e9, seconds));
	printf(" lost %" PRIu64 " connect_errors %" PRIu64
	       " mismatches %" PRIu64 "\n",
	    counts->lost, counts->connect_errors, counts->mismatches);
}

static void
print_table(const struct load_run *run, double seconds)
{
	const struct load_counts *counts = &run->counts;
	double requests = (double)counts->requests;
	unsigned i;

	printf("%" PRIu64 " requests in %.3f s on %u connections: %.1f/s\n",
	    counts->requests, seconds, load_run_connections(run),
	    per(requests, seconds));
	for (i = 0; i < PERCENTILES; i++)
		printf("  %-8s%12" PRIu64 " us\n", percentiles[i].title,
		    load_histogram_percentile(
			&run->latency, percentiles[i].of_100000));
	printf("  client %10.1f %% of a CPU\n",
	    100 * per((double)run->metered.own_ns / 1e9, seconds));
	if (has_meter(run))
		printf("  metered%10.1f %% of a CPU, %.0f ns a request\n",
		    100 * per((double)run->metered.cpu_ns / 1e9, seconds),
		    per((double)run->metered.cpu_ns, requests));
	if (run->options->udp)
		printf("  lost  %12" PRIu64 "\n", counts->lost);
	printf("  errors%12" PRIu64, counts->errors);
	if (counts->errors != 0)
		printf(" (%" PRIu64 " connects, %" PRIu64 " wrong answers)",
		    counts->connect_errors, counts->mismatches);
	putchar('\n');
}

void
load_report_print(const struct load_run *run)
{
	double seconds = load_run_seconds(run);

	if (run->options->keys)
		print_keys(run, seconds);
	else
		print_table(run, seconds);
}

int
load_report_write_histogram(const struct load_run *run)
{
	FILE *file;
	int result;

	if ((file = fopen(run->options->histogram, "w")) == NULL)
		return -1;
	result = load_histogram_write(&run->latency, file);
	if (fclose(file) == EOF)
		result = -1;
	return result;
}

bool
load_report_is_good(const struct load_run *run)
{
	if (run->counts.errors != 0 || run->counts.mismatches != 0 ||
	    run->meter_failed)
		return false;
	return run->interrupted || run->counts.answers != 0;
}
