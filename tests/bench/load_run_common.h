/*
 * What load_run.c (phases) and load_requests.c (requests) have in common.
 */
#ifndef TESTS_BENCH_LOAD_RUN_COMMON_H
#define TESTS_BENCH_LOAD_RUN_COMMON_H

#include "load_run.h"

/* Choose the connections that do round trips: all are open. */
void load_make_lanes(struct load_run *run);

/* Share --requests out. */
void load_deal_requests(struct load_run *run);

/* Have every connection begin what it may. */
void load_pump_all(struct load_run *run, uint64_t now_ns);

/* Open loop: hand what is due to the connections, and set the alarm. */
void load_release_due(struct load_run *run, uint64_t now_ns);

/* Whether nothing of the open loop is due any more. */
bool load_all_released(const struct load_run *run);

/* When the first request begins that is measured from now on: now, or in the
 * open loop when it is due if that is a little back. */
uint64_t load_first_due(const struct load_run *run, uint64_t now_ns);

/* Open a connection anew, if there is a reason to. */
void load_open(struct load_conn *conn, uint64_t now_ns);

/* Have it opened anew in a while. */
void load_retry_later(struct load_conn *conn);

#endif
