/*
 * Signals as events of the loop.  A handler writes the number of the signal
 * into a pipe that the loop reads, so the callback runs between events, like
 * any other.  Signals that arrive while the pipe is full are not lost: a
 * pending mark for each is kept beside it.
 *
 * A process has one set of signal handlers, so it has one struct signals at
 * a time; the pipe's descriptor and the marks are the one place where muxd
 * keeps file-scope state, because a handler is given nothing else.
 */
#ifndef MUXD_EVENT_SIGNALS_H
#define MUXD_EVENT_SIGNALS_H

#include "event/loop.h"

struct signals {
	struct io io;
	int write_fd;
	void (*call)(struct signals *, int signo);
	void *owner; /* the caller's own */
};

/* Take over the n signals in signos.  -1 with errno (EMFILE, ENOMEM). */
int signals_open(struct signals *signals, struct loop *loop, const int *signos,
    size_t n, void (*call)(struct signals *, int signo));

/* Give them back to their defaults. */
void signals_close(struct signals *signals);

/* In a child, before its loop is open: put all signals that an ancestor's
 * signals_open() took over to their defaults and close the pipe. */
void signals_forget(void);

#endif
