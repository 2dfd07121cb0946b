/*
 * What a reload cannot change: options that only a restart applies.
 */
#ifndef MUXD_CONF_CHANGE_H
#define MUXD_CONF_CHANGE_H

#include "conf/conf.h"

/*
 * Give every option that takes a restart the value that it has in the running
 * configuration, and add a warning for each one that was to become another,
 * with the place in the text that says so.  From then on conf is what a reload
 * makes of its files: conf_dump() writes that.  -1 with ENOMEM.
 */
int conf_keep(
    struct conf *conf, const struct conf *running, struct conf_errors *errors);

/* The canonical text, as conf_dump() writes it, without origins or with them,
 * to be released with free(3).  NULL with errno. */
char *conf_text(const struct conf *conf);
char *conf_text_with_origins(const struct conf *conf);

#endif
