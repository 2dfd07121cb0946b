/*
 * What the running daemon asks of a configuration that is to be reloaded,
 * beyond what conf/ has checked.
 */
#ifndef MUXD_PROC_RELOAD_CHECK_H
#define MUXD_PROC_RELOAD_CHECK_H

#include "conf/conf.h"
#include "proc/plan.h"
#include "proc/privileges.h"

/* Update the plan, which was that of the configuration in force, and check
 * that memory, descriptors and privileges suffice.  -1, and an entry in errors;
 * path is the file's. */
int reload_check(const struct conf *conf, struct plan *plan,
    const struct identity *identity, const char *path,
    struct conf_errors *errors);

#endif
