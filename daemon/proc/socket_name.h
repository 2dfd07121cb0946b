/*
 * The name under which a listening socket is kept while no muxd runs, or
 * handed to the next one (proc/inherit.h):
 *
 *   muxd,tcp,[%3A%3A]%3A80,service=www,slot=2,member=2
 *   muxd,udp,0.0.0.0%3A53,service=dns,slot=0,member=0,dealt=4,seed=5af3107a
 *   muxd,unix,/run/muxd/echo.sock,service=echo
 *   muxd,tcp,127.0.0.1%3A80,service=www          one that all workers share
 *   muxd,tcp,127.0.0.1%3A9180,service=,status=1  one of the status page
 *
 * The address is that of the configuration, so its port may be 0.  What the
 * kernel knows of a socket is asked of the kernel, not read here; the name
 * tells what the kernel does not: whose it was, and its place in its group,
 * which is that of its listen(2), for UDP of its bind(2).
 */
#ifndef MUXD_PROC_SOCKET_NAME_H
#define MUXD_PROC_SOCKET_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "state/state.h"

struct socket_name {
	/* Of a UNIX socket whose path is too long for a name, the path is
	 * empty. */
	struct endpoint asked;
	char service[STATE_NAME_MAX];
	bool status; /* it is no service's, but the status page's */
	bool shared; /* all workers have it; then the rest is 0 */
	uint32_t slot;
	uint32_t member;
	uint32_t dealt; /* see struct owned */
	uint32_t seed;  /* see struct sockets */
};

/* What is called for a descriptor and its name, which lasts for the call;
 * activated: the service manager has bound it, and the name is the manager's. */
typedef void socket_name_call(
    void *arg, int fd, const char *name, bool activated);

/* Whether it is one of these at all, well written or not. */
bool socket_name_is_ours(const char *text);

/* Into text, of INHERIT_NAME_MAX bytes. */
void socket_name_format(const struct socket_name *name, char *text);

/* Read one.  What a later version may add is passed over.  -1 if it is none. */
int socket_name_parse(const char *text, struct socket_name *name);

#endif
