/*
 * include and include_dir: files join those that are to be read.
 */
#ifndef MUXD_CONF_INCLUDE_H
#define MUXD_CONF_INCLUDE_H

#include "conf/source.h"

/* Both take a path relative to the folder of the file from, on whose line
 * they stand.  What is wrong goes to errors; -1 without memory. */
int conf_include_file(struct conf_source *source, const struct conf_file *from,
    const char *path, int line, struct conf_errors *errors);
int conf_include_folder(struct conf_source *source,
    const struct conf_file *from, const char *path, int line,
    struct conf_errors *errors);

#endif
