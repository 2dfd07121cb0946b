/*
 * What a reload says in the log.
 */
#ifndef MUXD_PROC_RELOAD_LOG_H
#define MUXD_PROC_RELOAD_LOG_H

#include "proc/reload.h"

/* Each error and warning, and how it ended. */
void reload_log_result(const struct reload *reload, bool applied);

/* The addresses that are new: before the sockets are committed; and those that
 * are gone: afterwards. */
void reload_log_fresh(const struct reload *reload);
void reload_log_leftover(const struct reload *reload);

#endif
