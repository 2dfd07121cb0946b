/*
 * From files to settings: include and include_dir, and libconfuse.
 */
#ifndef MUXD_CONF_PARSE_H
#define MUXD_CONF_PARSE_H

#include "conf/source.h"

/*
 * Read the file of that name, or if text is not NULL that text, and all it
 * includes, into source.  What is wrong goes to errors, and is no reason to
 * stop; only a lack of memory is: then -1.
 */
int conf_source_read(struct conf_source *source, const char *name,
    const char *text, struct conf_errors *errors);

#endif
