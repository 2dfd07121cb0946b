/*
 * Metrics in the text format of Prometheus, version 0.0.4: the same numbers as
 * in the reports, under names that follow its conventions (base units,
 * "_total" for what only rises).  Names and labels are an interface and never
 * change; muxd(8) has them all.
 */
#ifndef MUXD_MONITOR_METRICS_H
#define MUXD_MONITOR_METRICS_H

#include "base/str.h"
#include "monitor/report.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Append all of them.  now_us is the wall clock.  Without memory out->failed is
 * set, and what there is is worthless. */
void metrics_write(struct strbuf *out, const struct report_source *source,
    uint64_t now_ms, int64_t now_us);

/* Append a label's value, escaped, without the quotes.  Bytes that are not
 * UTF-8 become question marks. */
void metrics_escape(struct strbuf *out, const char *value);

#endif
