/*
 * The master's part of a reload, before anybody is asked.
 */
#ifndef MUXD_PROC_RELOAD_PREPARE_H
#define MUXD_PROC_RELOAD_PREPARE_H

#include "proc/reload.h"

/* Something is wrong that no line of a file is to blame for. */
#define reload_blame(reload, ...) \
	conf_error_add(&(reload)->errors, false, (reload)->path, 0, __VA_ARGS__)

/* Read the files into reload->conf, find the slots of its names, bind its new
 * sockets, write the brief.  -1, and entries in reload->errors; what there is
 * by then is the caller's to undo. */
int reload_prepare(struct reload *reload);

#endif
