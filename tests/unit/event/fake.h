/*
 * A backend and a clock that do what the test says, so that a loop runs turn
 * by turn without a kernel: no descriptor is ever looked at.  Sleeping lets
 * the clock jump.  There is one of them in a process.
 */
#ifndef MUXD_TESTS_EVENT_FAKE_H
#define MUXD_TESTS_EVENT_FAKE_H

#include "event/backend.h"

enum { FAKE_EVENTS = 32 };

struct fake {
	struct loop *loop;
	char trace[64];    /* a letter for each call */
	uint64_t now_ms;   /* the clock */
	uint64_t stall_ms; /* what each turn takes before the clock is read */
	int timeout_ms;    /* that the loop last asked for */
	unsigned waits;
	unsigned reads; /* of the clock */
	unsigned adds;
	unsigned removes;
	unsigned interests;
	int fail_open; /* errno, 0: succeed */
	int fail_add;
	int fail_wait;
	/* Reported by the next wait. */
	struct {
		struct io *io;
		unsigned events;
	} next[FAKE_EVENTS];
	size_t nnext;
};

extern struct fake fake;
extern const struct event_backend fake_edge;
extern const struct event_backend fake_level;

/* Begin anew: an edge-triggered loop, the clock at 1,000,000. */
int fake_set_up(void **state);
int fake_tear_down(void **state);

/* A loop on one of the two. */
struct loop *fake_loop(const struct event_backend *backend);

/* Report these events in the next wait. */
void fake_report(struct io *io, unsigned events);

/* Write down that something was called. */
void fake_note(char c);

/* An owner that writes down when it is called, and does what it is told. */
struct owner {
	struct io io;
	char name;
	unsigned calls;
	unsigned drain;       /* directions drained in each call */
	struct owner *closes; /* taken out in the call */
	struct owner *adds;   /* put in, wanting to read */
	struct owner *wakes;  /* made to want reading */
	bool unwanting;       /* takes its wants away */
	bool stops;
};

/* An owner in no loop. */
void owner_init(struct owner *owner, char name);

/* An owner in the loop, which drains what it reads. */
void owner_add(struct owner *owner, char name, unsigned wanted);

#endif
