/*
 * What it means that a server cannot be reached.
 */
#ifndef MUXD_SERVICE_RELAY_FAILURE_H
#define MUXD_SERVICE_RELAY_FAILURE_H

#include <stdbool.h>

#include "service/pool.h"
#include "service/service.h"

/* The reason behind the errno value of an attempt to connect. */
enum reason relay_reason_of_connect(int error);

/* Whether another server could do better: what this process lacks, it lacks
 * for all of them. */
bool relay_may_retry(enum reason reason);

/* "cannot connect to a server" at this address, at most once a second for each
 * door.  option is what could not be set (net/connect.h), or NULL. */
void relay_log_failure(struct door *door, const struct server *server,
    const struct addr *addr, int error, const char *option, unsigned attempt);

#endif
