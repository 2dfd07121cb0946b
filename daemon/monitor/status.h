/*
 * The status page, metrics, and the API: HTTP by libmicrohttpd, in the event
 * loop of the monitor, without a thread.
 *
 *   /            the page, for people
 *   /metrics     for Prometheus
 *   /healthz     200 while new clients are welcome, else 503 and why
 *   /api/…       JSON: what monitor/report.h has
 *
 * It changes nothing: GET and HEAD alone are answered.  Who asks is bounded in
 * number, in the size and the time of a request, and all together in what is
 * answered in a second.  None of these bounds is one that somebody could use up
 * to keep others from /healthz.
 */
#ifndef MUXD_MONITOR_STATUS_H
#define MUXD_MONITOR_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "event/loop.h"
#include "monitor/report.h"
#include "monitor/status_clients.h"

struct recent;
struct status;

/* Descriptors that the page may take, beside its listening sockets. */
#define STATUS_DESCRIPTORS (STATUS_CONNECTIONS + STATUS_LEAVING + 1)

struct status_config {
	struct loop *loop;
	const int *fds; /* listening, non-blocking; they stay the caller's */
	size_t nfds;
	const struct report_source
	    *source;                 /* copied; what it points at is not */
	const struct recent *recent; /* must outlive the page */
};

/* Whether this build has libmicrohttpd. */
bool status_supported(void);

/* Begin to serve.  NULL with errno: ENOTSUP if the build cannot. */
struct status *status_open(const struct status_config *config);

/* Speak of another configuration from now on, as after a reload.  NULL is
 * allowed. */
void status_update(struct status *status, const struct report_source *source);

/* Break off what is under way.  NULL is allowed. */
void status_close(struct status *status);

#endif
