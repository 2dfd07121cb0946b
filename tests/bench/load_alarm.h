/*
 * A timer of the loop for moments between its milliseconds.  The wheel of
 * event/timer.h and the time-outs of poll(2) and epoll_wait(2) count in
 * milliseconds; requests of an open loop are due at microseconds.  automake
 * picks load_alarm_linux.c, where a descriptor becomes readable at the moment
 * (timerfd_create(2)), or load_alarm_wheel.c, which is up to a millisecond
 * late; the latency of a request counts from when it was due either way.
 */
#ifndef TESTS_BENCH_LOAD_ALARM_H
#define TESTS_BENCH_LOAD_ALARM_H

#include <stdint.h>

#include "event/loop.h"

/* Ends the sleep of the loop; what is due is looked at by a hook of the
 * turn's end. */
struct load_alarm {
	struct loop *loop;
	struct io io;
	struct timer timer;
	uint64_t at_ns; /* 0: not set */
};

/* -1 with errno. */
int load_alarm_open(struct load_alarm *alarm, struct loop *loop);

/* Have a turn begin at that moment of clock_mono_ns(), if not before; one
 * that is set for an earlier moment stays. */
void load_alarm_set(struct load_alarm *alarm, uint64_t at_ns);

void load_alarm_close(struct load_alarm *alarm);

#endif
