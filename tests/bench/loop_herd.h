/*
 * The connections that loopbench watches: stream sockets of the UNIX domain,
 * most of them idle.  A byte that is written to such a socket is there when
 * write(2) returns, so a turn finds all active ones ready; through TCP that
 * would be up to the softirq.
 *
 * Descriptors, in the process that opens the herd:
 *
 *   first ...  idle, one after another; what a subject watches are the first
 *              of these, over some of which herd_seat() puts the active ones
 *   writers... the far ends of the active ones, one after another
 *
 * The far ends of the idle ones are held by another process, which ends when
 * this one does; the limit of descriptors is thus that of one end.
 */
#ifndef TESTS_BENCH_LOOP_HERD_H
#define TESTS_BENCH_LOOP_HERD_H

#include <sys/types.h>

enum { HERD_ACTIVE = 10 };

struct herd {
	int first;
	int writers;
	int readers[HERD_ACTIVE];
	unsigned idle;
	int control; /* the keeper of the far ends ends with it */
	pid_t keeper;
};

/* How many idle connections the limit of descriptors has room for. */
unsigned herd_most(void);

/* Open it; ends the program if that fails.  Closes the descriptors from 3 up
 * that the process was started with, since numbers matter to select(2). */
void herd_open(struct herd *herd, unsigned idle);

/*
 * Spread the active ones over the first idle + HERD_ACTIVE descriptors, as a
 * poll(2) or select(2) meets them anywhere.  In a child, which then watches
 * these: its parent's descriptors stay as they are.
 */
void herd_seat(const struct herd *herd, unsigned idle);

/* Make the active ones ready: one byte for each. */
void herd_ring(const struct herd *herd);

/* Close what herd_open() has opened, and wait for the keeper. */
void herd_close(struct herd *herd);

#endif
