/*
 * The last minutes, so that whoever opens the status page sees at once how it
 * came to this: samples of a few totals, at even times.
 */
#ifndef MUXD_MONITOR_HISTORY_H
#define MUXD_MONITOR_HISTORY_H

#include "monitor/report.h"

#define HISTORY_INTERVAL_MS 2000
#define HISTORY_SAMPLES     150

struct history_sample {
	uint64_t now_ms;
	uint64_t accepted;
	uint64_t refused;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t sessions;
};

/* Zeroed memory is an empty one. */
struct history {
	struct history_sample samples[HISTORY_SAMPLES];
	size_t taken; /* ever */
};

/* Take a sample of now; whoever calls it sees to the interval. */
void history_take(struct history *history, const struct report_source *source,
    uint64_t now_ms);

/* An object of arrays of equal length, the oldest sample first: ages_ms,
 * accepted_per_s, refused_per_s, bytes_in_per_s, bytes_out_per_s (over the time
 * since the sample before), sessions.  NULL with ENOMEM. */
json_t *history_report(const struct history *history, uint64_t now_ms);

#endif
