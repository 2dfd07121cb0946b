/*
 * What every backend must do, and the means to check it: pairs of real
 * sockets, an owner that writes down what it sees, and turns that end.
 *
 * The checks wait for events, never for time: a turn that is expected to bring
 * something sleeps until it comes, and only a broken backend meets the limit.
 * Turns that are expected to bring nothing do not sleep.
 */
#ifndef MUXD_TESTS_EVENT_CONFORMANCE_H
#define MUXD_TESTS_EVENT_CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>

#include "event/backend.h"

/* What a check is given, by way of cmocka's state. */
struct conformance {
	const struct event_backend *backend;
	struct loop *loop;
};

/* An end of a connection that reads as a stream does. */
struct end {
	struct io io;
	struct conformance *test;
	unsigned calls;
	size_t bytes;       /* read so far */
	bool ended;         /* a read of nothing was seen */
	int error;          /* of a read */
	unsigned max_read;  /* bytes in one call; 0: all */
	bool deaf;          /* does not read */
	struct end *closes; /* in the call, once */
	unsigned *order;    /* counted up in each call; seen keeps it */
	unsigned seen;
};

/* Two connected sockets, non-blocking. */
void unix_pair(int fds[2]);
void tcp_pair(int fds[2]);

void set_nonblocking(int fd);

/* A TCP listener on a free port of the loopback address. */
int listen_tcp(void);

/* A connection to a listener of any family, non-blocking from then on. */
int connect_to(int listener);

/* Prepare an end and put it into the loop. */
void end_open(struct end *end, struct conformance *test, int fd,
    unsigned wanted, unsigned flags);
void end_close(struct end *end);

/* A turn that must bring at least one call. */
void turn(struct conformance *test);

/* Turns until the condition holds. */
#define TURNS_UNTIL(test, condition) \
	do {                         \
		while (!(condition)) \
			turn(test);  \
	} while (0)

/* How many calls a few turns bring that do not sleep. */
unsigned calls_without_sleeping(struct conformance *test);

/* Turns that sleep until a timer of a few milliseconds comes; how many it
 * took.  A backend that reports again what nobody wants makes thousands. */
unsigned turns_of_a_nap(struct conformance *test);

void send_bytes(int fd, const char *bytes);
void reset_peer(int fd); /* close it so that the other end sees a reset */
void fill(int fd);       /* write until EAGAIN */
size_t drain(int fd);    /* read until EAGAIN */

/* Wait until another process sleeps, where the system tells. */
void await_sleep(pid_t process);

/* The checks; each group has a file. */
struct conformance_group {
	const char *name;
	const struct CMUnitTest *checks;
	size_t n;
};

extern const struct conformance_group conformance_edges;
extern const struct conformance_group conformance_batches;
extern const struct conformance_group conformance_times;
extern const struct conformance_group conformance_processes;
extern const struct conformance_group conformance_signals;

/* Run all checks against a backend; returns how many have failed. */
int conformance_run(const struct event_backend *backend);

#endif
