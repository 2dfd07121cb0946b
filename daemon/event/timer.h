/*
 * Timers on a hierarchical hashed wheel.
 *
 * Time is counted in milliseconds of the monotonic clock.  Five rings of 64
 * slots cover 2^30 ms, about twelve days; what lies further is looked at
 * again on the way.  Each ring has a bitmap of its slots in use, so the next
 * expiry is found by counting zeros, whatever the number of timers.  Setting
 * and cancelling touch two list nodes and allocate nothing.
 *
 * For time-outs that activity pushes out (idle ones) do not set the timer
 * again at each message: store loop_now() and let the callback, when it
 * comes, set the timer for what is left.
 */
#ifndef MUXD_EVENT_TIMER_H
#define MUXD_EVENT_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct timer {
	struct list link; /* in a slot, or on no list */
	void (*call)(struct timer *);
	uint64_t due_ms;      /* monotonic */
	uint32_t interval_ms; /* 0: one-shot */
	uint16_t slot;        /* ring * 64 + slot, or one of the two below */
};

#define TIMER_IDLE  UINT16_MAX       /* not set */
#define TIMER_DUE   (UINT16_MAX - 1) /* set for a time that has passed */
#define TIMER_RINGS 5
#define TIMER_SLOTS 64

struct timer_wheel {
	uint64_t now_ms;   /* where the wheel stands: slots before are empty */
	uint64_t until_ms; /* the time it was last told of, >= now_ms */
	uint64_t next_ms;  /* no slot is due before it; UINT64_MAX: none is */
	struct list due;   /* what was set for a time that has passed */
	uint64_t used[TIMER_RINGS];
	struct list slots[TIMER_RINGS][TIMER_SLOTS];
};

/* Prepare a timer that is not set. */
void timer_init(struct timer *timer, void (*call)(struct timer *));

static inline bool
timer_is_set(const struct timer *timer)
{
	return timer->slot != TIMER_IDLE;
}

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_ms);

/* Set, or set anew, for the given time; one that has passed counts as now:
 * the timer waits for the next timer_wheel_advance(), which calls it first. */
void timer_wheel_set(
    struct timer_wheel *wheel, struct timer *timer, uint64_t due_ms);

/* Take it off the wheel; one that is not set is left alone. */
void timer_wheel_cancel(struct timer_wheel *wheel, struct timer *timer);

/* How long until the wheel wants timer_wheel_advance() called, in ms; -1: no
 * timer is set.  It never asks late.  It may ask early, to deal timers out to
 * a finer ring, or because the timer it meant was cancelled; then once. */
int64_t timer_wheel_wait_ms(const struct timer_wheel *wheel, uint64_t now_ms);

/*
 * Let time pass up to now_ms: calls each timer that is due, in the order of
 * their times.  A callback may set and cancel any timer, itself included, and
 * free its own.  What it sets for a time up to now_ms waits for the next
 * advance, so timers alone cannot keep a turn from ending.  Repeating timers are set again before their call, from the time
 * they were due, leaving out the periods that were missed.
 */
void timer_wheel_advance(struct timer_wheel *wheel, uint64_t now_ms);

#endif
