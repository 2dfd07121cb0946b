/*
 * Events for the clients that subscribe to them.
 *
 * What can be seen in the shared state is looked at a few times a second, and
 * only while somebody subscribes, so that nobody has to tell: whether a worker
 * runs, whether a server can be used.  A change that is taken back in between
 * is not seen.  What cannot be seen there is told by control_watch_tell().
 */
#ifndef MUXD_PROC_CONTROL_WATCH_H
#define MUXD_PROC_CONTROL_WATCH_H

#include <sys/types.h>

#include <jansson.h>
#include <stdint.h>

#include "event/timer.h"

#define CONTROL_WATCH_MS 250

struct control;
struct control_client;

struct control_watch {
	struct timer timer;
	unsigned subscribers;
	/* What was seen last; NULL while nobody subscribes. */
	pid_t *workers; /* by slot; 0: none runs */
	unsigned nworkers;
	uint8_t *servers; /* by place: enum server_status */
	unsigned nservers;
};

void control_watch_init(struct control *control);

/* A client subscribes; -1 with ENOMEM.  And one no longer does. */
int control_watch_join(struct control *control);
void control_watch_leave(struct control *control);

/* Tell all subscribers of an event: its name, a sentence, and what the object
 * holds beside (taken; NULL is nothing). */
void control_watch_tell(struct control *control, const char *event,
    const char *text, json_t *object);

#endif
