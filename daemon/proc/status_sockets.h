/*
 * The listening sockets of the status page.  The master binds them, which may
 * take a privilege, and keeps them, so that a monitor that is started again
 * goes on with the same ones; only the monitor accepts.
 */
#ifndef MUXD_PROC_STATUS_SOCKETS_H
#define MUXD_PROC_STATUS_SOCKETS_H

#include "base/log.h"
#include "conf/conf.h"
#include "proc/sockets_inherit.h"

struct status_sockets {
	const struct conf_status *conf; /* that of the start */
	int *fds;
	size_t n;
};

/* Whether this build can serve the page; if not and the configuration wants
 * one, that is an error. */
int status_sockets_check(const struct conf *conf, struct conf_errors *errors);

/* Bind and listen, but for what was handed over.  What cannot be had is told in
 * *errors, all of it; -1 if there was any. */
int status_sockets_open(struct status_sockets *sockets, const struct conf *conf,
    struct inherited_sockets *inherited, struct conf_errors *errors);

/* What the service manager calls the one at that address; text has room for
 * INHERIT_NAME_MAX. */
void status_socket_name(const struct endpoint *asked, char *text);

/* Call for each of them with its name; as sockets_each_name(). */
void status_sockets_each_name(
    const struct status_sockets *sockets, socket_name_call *call, void *arg);

/* The same where some are there already, by the order of the configuration: -1
 * stands for one that is to be bound.  fds becomes the sockets' own. */
int status_sockets_adopt(struct status_sockets *sockets,
    const struct conf *conf, int *fds, struct conf_errors *errors);

/* A record of each. */
void status_sockets_log(const struct status_sockets *sockets, struct log *log);

/* Zeroed memory has nothing to close. */
void status_sockets_close(struct status_sockets *sockets);

#endif
