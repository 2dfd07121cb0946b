/*
 * The event loop: one thread, one turn after another.
 *
 *   1. the backend waits, and marks the descriptors that became ready
 *   2. the clock is read, once
 *   3. timers that are due are called
 *   4. everybody on the ready list is called once; who is still wanted and
 *      ready afterwards goes to the end of the list, for the next turn,
 *      which then does not sleep
 *   5. the hooks for the end of a turn run, then what was retired is freed
 *
 * All events of a batch are marked before the first callback runs, and
 * nothing is freed before step 5.  So an event can only ever meet the object
 * that it was meant for: closing takes it off the list, and a descriptor
 * whose number is used again belongs to another struct io.
 *
 * A loop must be opened in the process that runs it, after fork(2).
 */
#ifndef MUXD_EVENT_LOOP_H
#define MUXD_EVENT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/io.h"
#include "event/timer.h"

struct event_backend;

/* Something that lives until the end of the turn; see loop_retire(). */
struct retired {
	struct retired *next;
	void (*free)(struct retired *);
};

/* Something that runs at the end of each turn; see loop_add_hook(). */
struct loop_hook {
	struct list link;
	void (*call)(struct loop_hook *);
};

struct loop {
	const struct event_backend *backend;
	void *data; /* the backend's own */
	struct list ready;
	struct list hooks;
	struct retired *retired;
	struct timer_wheel wheel;
	uint64_t (*clock)(void); /* monotonic, ms */
	uint64_t now_ms;
	uint64_t turns;
	bool forks; /* see loop_expect_forks() */
	bool stopped;
};

/*
 * Open a loop on the named backend: "epoll", "kqueue", "epoll-level", "poll",
 * "select", or "auto" for the first of these that initialises.  Returns NULL
 * with errno: ENOENT if this build has no such backend, else what the
 * backend said.
 */
struct loop *loop_open(const char *name);

/* Whether this build has a backend of that name; "auto" counts. */
bool loop_has_backend(const char *name);

/* The same on a given backend and clock, for tests. */
struct loop *loop_open_with(
    const struct event_backend *backend, uint64_t (*clock)(void));

/*
 * Close it, and free what was retired.  Descriptors and timers still in it are
 * forgotten, not told: they must not be taken out any more, only be prepared
 * anew.  A child that closes its ancestor's loop leaves the ancestor's
 * registrations as they are.
 */
void loop_close(struct loop *loop);

/* Run turns until loop_stop().  Returns 0, or -1 with errno if the backend
 * cannot wait any more. */
int loop_run(struct loop *loop);

/* One turn, which sleeps at most max_wait_ms (-1: as long as nothing is to
 * be done).  Returns how many calls to descriptors it made, or -1. */
int loop_turn(struct loop *loop, int max_wait_ms);

/* End loop_run() after this turn; before loop_run(), instead of the first. */
void loop_stop(struct loop *loop);

/* Monotonic milliseconds, as read in this turn. */
static inline uint64_t
loop_now(const struct loop *loop)
{
	return loop->now_ms;
}

/* Read the clock again: for callers outside of a turn, before they set
 * timers. */
void loop_update_clock(struct loop *loop);

/* Call the timer once, delay_ms after loop_now(). */
void loop_timer_set(struct loop *loop, struct timer *timer, uint64_t delay_ms);

/* Call it every interval_ms (at least 1), first one interval from now. */
void loop_timer_repeat(
    struct loop *loop, struct timer *timer, uint32_t interval_ms);

void loop_timer_cancel(struct loop *loop, struct timer *timer);

/* Hand over memory that callbacks of this turn may still hold: free is
 * called at the end of the turn. */
void loop_retire(
    struct loop *loop, struct retired *retired, void (*free)(struct retired *));

/* Call the hook at the end of each turn, in the order they were added. */
void loop_add_hook(struct loop *loop, struct loop_hook *hook,
    void (*call)(struct loop_hook *));
void loop_remove_hook(struct loop_hook *hook);

/*
 * Treat every io added from now on as IO_SHARED.  For a process that forks
 * while its loop is open: until a child has closed what it inherited, it
 * holds a duplicate of every descriptor, and events of one that was closed
 * here meanwhile would meet memory that is free.
 */
void loop_expect_forks(struct loop *loop);

/* The name of the backend in use. */
const char *loop_backend_name(const struct loop *loop);

/* Whether an error of a descriptor is always told as io.hangup, so that who
 * has not seen it need not ask. */
bool loop_tells_hangup(const struct loop *loop);

/* What an administrator can do about io_add() having failed with this error
 * on this backend; NULL if there is nothing to say beyond strerror(3). */
const char *loop_error_hint(const struct loop *loop, int error);

#endif
