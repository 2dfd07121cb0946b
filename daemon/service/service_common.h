/*
 * Between service.c and service_drain.c.
 */
#ifndef MUXD_SERVICE_SERVICE_COMMON_H
#define MUXD_SERVICE_SERVICE_COMMON_H

#include "service/service.h"

/* Call it for the doors of all generations, the oldest first; also for those
 * that no gate leads to any more. */
void services_each_door(struct services *services, void (*call)(struct door *));

/* The timer of services->drain: end what is left. */
void services_drain_deadline(struct timer *timer);

/* Tell the owner, once, that the doors are closed and the last session is
 * over; for whenever either may have become so. */
void services_check_drained(struct services *services);

#endif
