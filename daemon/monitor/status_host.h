/*
 * Whether a Host field (RFC 9110, 7.2) names this host.  A page from elsewhere
 * can have its own name resolved to the address here (DNS rebinding), and its
 * scripts would then be allowed to read what is served; but the browser sends
 * that name.
 */
#ifndef MUXD_MONITOR_STATUS_HOST_H
#define MUXD_MONITOR_STATUS_HOST_H

#include <stdbool.h>

#include "conf/conf.h"

/* A numeric address, "localhost", or one of status.hosts, each perhaps with a
 * port.  host NULL: there was no such field, which no browser does. */
bool status_host_allowed(const char *host, const struct conf_status *status);

#endif
