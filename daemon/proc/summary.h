/*
 * The summary of the counters, written to the log when muxd stops.
 */
#ifndef MUXD_PROC_SUMMARY_H
#define MUXD_PROC_SUMMARY_H

#include "base/log.h"
#include "state/state.h"

/* One record for each service: every counter that is not zero, and how many
 * sessions ended for each reason. */
void summary_write(struct log *log, const struct state *state);

#endif
