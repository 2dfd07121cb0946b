/*
 * What no option can be judged for by itself.
 */
#ifndef MUXD_CONF_CHECK_H
#define MUXD_CONF_CHECK_H

#include "conf/source.h"

/* Check a configuration whose values are all in place against itself. */
void conf_check(const struct conf *conf, const struct conf_source *source,
    struct conf_errors *errors);

#endif
