/*
 * What conf/ alone does with its list of errors; the rest is in conf/conf.h.
 */
#ifndef MUXD_CONF_ERRORS_H
#define MUXD_CONF_ERRORS_H

#include "conf/source.h"

/* Bring the errors into the order of the text: by file, in the order in
 * which they were read, and by line. */
void conf_errors_sort(
    struct conf_errors *errors, const struct conf_source *source);

#endif
