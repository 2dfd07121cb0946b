/*
 * Reloads of a muxd under test.
 */
#ifndef TESTS_SYSTEM_RELOAD_H
#define TESTS_SYSTEM_RELOAD_H

#include "harness.h"

/* SIGHUP, and wait until the configuration is in force. */
void reload_apply(struct muxd *muxd);

/* SIGHUP, and expect that it is refused, with this text among the errors. */
void reload_expect_refused(struct muxd *muxd, const char *text);

/* Write another configuration, and have it in force. */
void reload_with(struct muxd *muxd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
