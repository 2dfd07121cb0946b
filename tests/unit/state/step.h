/*
 * A child process that is walked through a function one instruction at a
 * time, so that a test can look at shared memory at each of the moments at
 * which the child could be killed.
 */
#ifndef MUXD_TEST_STEP_H
#define MUXD_TEST_STEP_H

#include <sys/types.h>

#include <stdbool.h>

struct step {
	pid_t pid;
};

/* Whether this system, and what the test runs under, can do it. */
bool step_possible(void);

/* Fork a child that stands before fn(arg). */
void step_start(struct step *step, void (*fn)(void *arg), void *arg);

/* Let it execute one instruction.  False, and the child is gone, when fn has
 * returned. */
bool step_next(struct step *step);

/* Let it run to the end of fn; the child is gone. */
void step_finish(struct step *step);

/* Kill it where it stands. */
void step_kill(struct step *step);

#endif
