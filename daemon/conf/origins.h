/*
 * Where a text that conf_dump() wrote with origins says that it came from.
 */
#ifndef MUXD_CONF_ORIGINS_H
#define MUXD_CONF_ORIGINS_H

#include "conf/source.h"

/*
 * Give every section and value that was read from the text, the first file of
 * source, the place that the comment of its line names; what has no comment
 * keeps its own.  A value that was a default is marked as implied.  -1 without
 * memory.
 */
int conf_origins_apply(struct conf_source *source, const char *text);

/* Drop what is implied, once everything has been built and checked: from then on
 * nobody can tell source from the one that was dumped. */
void conf_origins_settle(struct conf_source *source);

#endif
