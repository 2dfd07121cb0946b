/*
 * The status page as its clients see it.
 */
#ifndef TESTS_SYSTEM_STATUS_H
#define TESTS_SYSTEM_STATUS_H

#include "harness.h"

/* Where it is served. */
const char *status_address(struct muxd *muxd);

/* Ask until /healthz says 200: workers serve a moment after muxd is ready, and
 * requests may have to wait for the next second. */
void status_wait_healthy(struct muxd *muxd);

/* The whole answer to a request that is sent as it is; the connection must end
 * with it. */
char *status_exchange(struct muxd *muxd, const char *request);

/* GET of a path: the answer's status, and its body unless body is NULL. */
unsigned status_get(struct muxd *muxd, const char *path, char **body);

/* The value of the metric that the text names with its labels, such as
 * "muxd_accepted_total{service=\"echo\"}"; fails the test if there is none. */
double status_metric(struct muxd *muxd, const char *name);

/* Wait until the metric has that value. */
void status_wait_metric(struct muxd *muxd, const char *name, double value);

#endif
