/*
 * The last records that somebody who looks for trouble would want to see:
 * warnings and errors, and ends of sessions that nobody wished for.  They pass
 * through the monitor anyway; it keeps copies of a few, as they came.
 */
#ifndef MUXD_MONITOR_RECENT_H
#define MUXD_MONITOR_RECENT_H

#include <jansson.h>

#include "base/log.h"

#define RECENT_ROWS 50 /* of each kind */

struct recent;

struct recent *recent_open(void);
void recent_close(struct recent *recent);

/* Take a look at a record: its packed bytes, and the same taken apart. */
void recent_note(struct recent *recent, const unsigned char *data, size_t len,
    const struct log_view *view);

/* Two arrays, the newest first: "records" and "closes".  A row has time_us (the
 * wall clock), level, process, slot (or null), message, and fields.  NULL with
 * ENOMEM. */
json_t *recent_report(const struct recent *recent);

#endif
