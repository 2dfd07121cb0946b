/*
 * What the service manager keeps while no muxd runs (proc/notify.h): all
 * sockets at which clients may wait, but for those that it has bound itself,
 * and the shared memory.  The next muxd is handed them (proc/inherit.h).
 */
#ifndef MUXD_PROC_STORE_H
#define MUXD_PROC_STORE_H

#include <sys/types.h>

#include "proc/inherit.h"
#include "proc/sockets.h"
#include "proc/status_sockets.h"

/* A socket is known again by its name and its inode: the same name may come
 * to stand for another one. */
struct stored {
	char name[INHERIT_NAME_MAX];
	ino_t inode;
};

struct store {
	struct stored *items;
	size_t n;
	bool heard; /* there is a manager */
	/* The others that it shall keep; they never change. */
	const struct status_sockets *status_sockets;
};

/* Note what the manager has handed over, and so has.  Before anything is taken
 * from there.  -1 with errno. */
int store_open(struct store *store, const struct inherit *inherit,
    const struct status_sockets *status_sockets);
void store_close(struct store *store);

/*
 * Bring what the manager keeps into step with the sockets that there are.
 * What it is to drop it has dropped when this returns: then nobody waits any
 * more in the queue of a socket that is closed here.
 */
void store_update(struct store *store, const struct sockets *sockets);

/* It keeps what it was told to keep by a muxd that had these sockets, but for
 * those of the status page.  -1 with errno. */
int store_assume(struct store *store, const struct sockets *sockets);

/* One of the status page, which it keeps as well. */
int store_assume_page(
    struct store *store, int fd, const struct endpoint *asked);

/* Have it keep that shared memory, instead of any other. */
void store_keep_state(const struct store *store, int fd);

#endif
