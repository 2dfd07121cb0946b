/*
 * What is logged of names.
 */
#ifndef MUXD_MONITOR_NAME_LOG_H
#define MUXD_MONITOR_NAME_LOG_H

#include "base/log.h"
#include "monitor/name.h"

/* A round has given no address: the first in a row, and those that come
 * NAMES_LOG_MS or more after the last one that was told. */
void name_log_failure(struct name *name, struct log *log, uint64_t now_ms);

/* Addresses have come or gone, or lead back to muxd; or there are some again
 * after failures. */
void name_log_change(const struct name *name, struct log *log,
    const struct places_change *change);

/* So many addresses have no place; said when their number has changed. */
void name_log_surplus(struct name *name, struct log *log, size_t surplus);

#endif
