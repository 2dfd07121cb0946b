/*
 * A wall clock that a test can step.  stepped_clock.c takes the place of the C
 * library's clock_gettime() in the program it is linked into, and adds the
 * step to CLOCK_REALTIME and to nothing else.
 */
#ifndef MUXD_TESTS_EVENT_STEPPED_CLOCK_H
#define MUXD_TESTS_EVENT_STEPPED_CLOCK_H

#include <stdint.h>

/* Move the wall clock by so many seconds. */
void stepped_clock_step(int64_t seconds);

#endif
