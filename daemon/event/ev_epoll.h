/*
 * What the two epoll backends have in common: how an event is read.
 */
#ifndef MUXD_EVENT_EV_EPOLL_H
#define MUXD_EVENT_EV_EPOLL_H

#include <sys/epoll.h>

#include <stdint.h>

#include "event/backend.h"

/* The marks for loop_mark().  Nearly all events are plain, so these come
 * first. */
static inline unsigned
epoll_marks(uint32_t events)
{
	unsigned marks;

	marks = (events & EPOLLIN) / EPOLLIN * IO_READ |
	    (events & EPOLLOUT) / EPOLLOUT * IO_WRITE;
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) == 0)
		return marks;
	/* A read stops at urgent data too, with more behind it (tcp(7)). */
	if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		marks |= EVENT_HANGUP;
	return marks | EVENT_EOF;
}

#endif
