/*
 * What loopbench measures: ways to wait for descriptors, each with the same
 * work.  A subject watches count descriptors from first on, for reading; in
 * each turn it waits, reads what is there from those that are ready, and waits
 * no second time.
 */
#ifndef TESTS_BENCH_LOOP_SUBJECT_H
#define TESTS_BENCH_LOOP_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

/* Room for events in one wait, as in daemon/event/; and for what is read. */
enum { LOOP_EVENTS = 512, LOOP_BUFFER = 512 };

struct loop_subject {
	char name[32];
	/* "epoll edge", "epoll level", "poll", "select"; or the backend. */
	const char *way;
	/* Both NULL: loopbench.py does it.  open ends the program where it
	 * fails, and returns what turn wants; it is never closed, the process
	 * ends.  turn returns how many descriptors it has read from. */
	void *(*open)(const char *way, int first, unsigned count);
	unsigned (*turn)(void *state);
};

/* Add the subjects of a kind to those that are there; ends the program if
 * there are more than room for. */
struct loop_subjects {
	struct loop_subject *list;
	size_t count;
};

struct loop_subject *loop_subject_add(
    struct loop_subjects *subjects, const char *kind, const char *way);

/* loop_muxd.c: the event layer, once for each backend of this build. */
void loop_muxd_add(struct loop_subjects *subjects);

/* loop_bare.c: the system calls. */
void loop_bare_add(struct loop_subjects *subjects);

#endif
