/*
 * What the files of the metrics share among themselves.
 */
#ifndef MUXD_MONITOR_METRICS_COMMON_H
#define MUXD_MONITOR_METRICS_COMMON_H

#include "monitor/metrics.h"

struct metrics {
	struct strbuf *out;
	const struct report_source *source;
	uint64_t now_ms;
};

/* A family of counters, and which one of the state it is. */
struct counter_family {
	const char *name;
	const char *help;
	int counter;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The two lines before a family. */
void metrics_family(const struct metrics *metrics, const char *name,
    const char *type, const char *help);

/* name="value" */
void metrics_label(
    const struct metrics *metrics, const char *name, const char *value);

/* What ends a line: a number, or milliseconds as seconds. */
void metrics_value(const struct metrics *metrics, uint64_t value);
void metrics_seconds(const struct metrics *metrics, uint64_t ms);

/* metrics_servers.c */
void metrics_pools(const struct metrics *metrics);
void metrics_servers(const struct metrics *metrics);

/* metrics_workers.c */
void metrics_workers(const struct metrics *metrics);

#endif
