/*
 * The two clocks.  Intervals are measured on the monotonic clock alone, so a
 * step of the wall clock moves no timer; the wall clock is for what people
 * read.  The event loop reads the clock once a turn and everything above it
 * uses that value (loop_now()).
 */
#ifndef MUXD_BASE_CLOCK_H
#define MUXD_BASE_CLOCK_H

#include <stdint.h>

/* Monotonic time, clock_gettime(2) with CLOCK_MONOTONIC. */
uint64_t clock_mono_ns(void);
uint64_t clock_mono_ms(void);

/* Wall clock, microseconds since the epoch. */
int64_t clock_wall_us(void);

#endif
