/*
 * What the service manager is told of muxd while it runs.
 *
 *   STATUS=      a line about what goes on, told anew when it has changed
 *   WATCHDOG=1   twice in the time that the service manager waits for it, but
 *                only while all children are well
 *
 * A child that ends or hangs is the master's affair, and mended long before
 * the service manager loses its patience.  What is left for that one is what
 * the master cannot mend: itself, and a child that no signal reaches or that
 * never comes up again.
 *
 * Without a service manager nothing is done here, and no timer runs.
 */
#ifndef MUXD_PROC_PULSE_H
#define MUXD_PROC_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "event/timer.h"
#include "proc/supervisor.h"

#define PULSE_STATUS_MS  3000 /* the status is no older than that */
#define PULSE_STATUS_MAX 192

/* Zeroed memory, and sup, which the owner sets before it is used. */
struct pulse {
	struct supervisor *sup;
	/* Its own. */
	const char *note;     /* follows what is told, or is "" */
	const char *stopping; /* NULL: muxd does not */
	uint32_t beat_ms;     /* half of what the watchdog waits; 0: there is
			       * none */
	bool withheld;        /* it was due, and somebody was not well */
	bool unheard;         /* the service manager was found deaf */
	struct timer beat;
	struct timer look;
	char told[PULSE_STATUS_MAX];
};

/* muxd serves, or a reload is over: READY=1.  note, a constant, is put behind
 * the status from now on. */
void pulse_ready(struct pulse *pulse, const char *note);

/* Something has changed that the status tells. */
void pulse_tell(struct pulse *pulse);

/* muxd ends: STOPPING=1.  doing is a constant: "draining". */
void pulse_stopping(struct pulse *pulse, const char *doing);

/* Let go of the timers. */
void pulse_close(struct pulse *pulse);

#endif
