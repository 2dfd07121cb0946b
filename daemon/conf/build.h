/*
 * From settings to a struct conf with every default filled in.
 */
#ifndef MUXD_CONF_BUILD_H
#define MUXD_CONF_BUILD_H

#include "conf/source.h"

/* Fill in a zeroed configuration from the settings in conf->source, and link
 * what refers to something to it.  What is wrong goes to errors; -1 without
 * memory.  Either way conf_release() gives back what it holds. */
int conf_build(struct conf *conf, struct conf_errors *errors);

/* Give back all that the configuration holds, except for its source. */
void conf_release(struct conf *conf);

#endif
