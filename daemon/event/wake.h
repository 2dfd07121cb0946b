/*
 * A bell that other processes can ring: wakes a loop from outside.
 *
 * The master makes one for each worker slot before it forks and keeps both
 * ends, so a successor finds the rings that its predecessor slept through,
 * and nobody who rings meets a closed pipe.  Rings add up to one call.
 */
#ifndef MUXD_EVENT_WAKE_H
#define MUXD_EVENT_WAKE_H

#include "event/io.h"

struct wake {
	struct io io;
	void (*call)(struct wake *);
	void *owner; /* the caller's own */
};

/* Make the pair: wake_open() takes fds[0], wake_send() fds[1].  -1 with errno
 * (EMFILE, ENFILE). */
int wake_make(int fds[2]);

/* Be woken in this loop: call comes once or more after each wake_send().
 * read_fd becomes the wake's own.  -1 with errno of io_add(); the descriptor
 * is then still the caller's. */
int wake_open(struct wake *wake, struct loop *loop, int read_fd,
    void (*call)(struct wake *), void *owner);

/* Leave the loop and close this process's descriptor. */
void wake_close(struct wake *wake);

/* Wake whoever waits at the other end.  Never blocks, keeps errno, and may be
 * called from a signal handler.  SIGPIPE must be ignored. */
void wake_send(int write_fd);

#endif
