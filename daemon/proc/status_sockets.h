/*
 * The listening sockets of the status page.  The master binds them, which may
 * take a privilege, and keeps them, so that a monitor that is started again
 * goes on with the same ones; only the monitor accepts.
 */
#ifndef MUXD_PROC_STATUS_SOCKETS_H
#define MUXD_PROC_STATUS_SOCKETS_H

#include "base/log.h"
#include "conf/conf.h"

struct status_sockets {
	int *fds;
	size_t n;
};

/* Whether this build can serve the page; if not and the configuration wants
 * one, that is an error. */
int status_sockets_check(const struct conf *conf, struct conf_errors *errors);

/* Bind and listen.  What cannot be had is told in *errors, all of it; -1 if
 * there was any. */
int status_sockets_open(struct status_sockets *sockets, const struct conf *conf,
    struct conf_errors *errors);

/* A record of each. */
void status_sockets_log(const struct status_sockets *sockets, struct log *log);

/* Zeroed memory has nothing to close. */
void status_sockets_close(struct status_sockets *sockets);

#endif
