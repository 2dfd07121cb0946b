/*
 * A listening stream socket in a worker.
 *
 * Accepts until EAGAIN or the accept budget, and hands each connection over.
 * It stops for two reasons: its owner pauses it (a limit is full), or the
 * process or system has no descriptor or memory left (EMFILE, ENFILE,
 * ENOBUFS, ENOMEM).  No event tells when the second is over, so a timer tries
 * again, and fires until it succeeds.
 *
 * A shared listener (UNIX, or systems without a balancing SO_REUSEPORT) is
 * taken out of the loop while it is paused: a process that waits and does not
 * accept would swallow wake-ups that are others'.
 */
#ifndef MUXD_NET_LISTENER_H
#define MUXD_NET_LISTENER_H

#include <stdbool.h>

#include "base/addr.h"
#include "event/io.h"
#include "event/timer.h"
#include "net/net.h"

#define LISTENER_RETRY_MS 100

struct listener;

struct listener_ops {
	/* A connection: fd becomes the owner's, which may pause or close the
	 * listener in this call. */
	void (*accepted)(
	    struct listener *listener, int fd, const struct addr *peer);
	/* accept(2) failed with an error that is not the client's: for a log
	 * line.  starved: accepting is suspended and tried again. */
	void (*failed)(struct listener *listener, int error, bool starved);
	/* A retry has succeeded. */
	void (*recovered)(struct listener *listener);
};

struct listener {
	struct io io;
	struct timer retry;
	struct net *net;
	const struct listener_ops *ops;
	void *owner; /* the caller's own */
	bool paused : 1;
	bool starved : 1; /* waits for the retry timer */
	bool told : 1;    /* the owner knows of it */
	bool shared : 1;
	bool closed : 1;
};

/* Begin to accept on a descriptor, which becomes the listener's unless this
 * fails (-1 with errno of io_add()).  It may be one on which listen(2) is yet
 * to be called: then it is looked at again every LISTENER_RETRY_MS.  shared:
 * other processes accept on it too. */
int listener_open(struct listener *listener, struct net *net, int fd,
    bool shared, const struct listener_ops *ops, void *owner);

void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener);

/* Take one connection out of the queue, beyond all budgets and pauses: for
 * an owner that wants exactly one.  The descriptor, or -1 with errno. */
int listener_accept_one(struct listener *listener, struct addr *peer);

/* Call accepted for all that wait in the queue now, until EAGAIN, paused or
 * not; failed (without starved) tells if descriptors or memory ran out. */
void listener_drain(struct listener *listener);

/* The same until its owner pauses it: then the rest stays in the queue. */
void listener_take(struct listener *listener);

/* Leave the loop and close this process's descriptor. */
void listener_close(struct listener *listener);

#endif
