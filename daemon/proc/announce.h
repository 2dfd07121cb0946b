/*
 * What the log is told of a start, and of another configuration.
 */
#ifndef MUXD_PROC_ANNOUNCE_H
#define MUXD_PROC_ANNOUNCE_H

#include "base/log.h"
#include "conf/conf.h"
#include "proc/plan.h"
#include "proc/sockets.h"

/* Where muxd listens, and what it can hold. */
void announce_start(struct log *log, const struct conf *conf,
    const struct plan *plan, const struct sockets *sockets);

/* Warn of limits that could not be held if they were reached. */
void announce_limits(
    struct log *log, const struct conf *conf, const struct plan *plan);

#endif
