/*
 * A stand-in for <sys/event.h> on Linux, for the tests: as much of kqueue(2)
 * as ev_kqueue.c uses, on top of epoll(7).  See kqueue_standin.c.
 */
#ifndef MUXD_TESTS_KQUEUE_STANDIN_H
#define MUXD_TESTS_KQUEUE_STANDIN_H

#include <sys/types.h>

#include <stdint.h>
#include <time.h>

#define EVFILT_READ  (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD       0x0001
#define EV_DELETE    0x0002
#define EV_CLEAR     0x0020
#define EV_EOF       0x8000

struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned int fflags;
	int64_t data;
	void *udata;
};

#define EV_SET(event, i, filt, fl, ffl, d, u)      \
	(*(event) = (struct kevent){ .ident = (i), \
	     .filter = (filt),                     \
	     .flags = (fl),                        \
	     .fflags = (ffl),                      \
	     .data = (d),                          \
	     .udata = (u) })

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout);

#endif
