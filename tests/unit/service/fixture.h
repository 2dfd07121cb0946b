/*
 * What the tests of service share: the services of one worker, set up from
 * the text of a configuration, on a loop whose clock the test moves.
 */
#ifndef MUXD_TESTS_SERVICE_FIXTURE_H
#define MUXD_TESTS_SERVICE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "event/wake.h"
#include "service/generation.h"
#include "service/service.h"
#include "service/session.h"

struct fixture {
	struct loop *loop;
	struct conf *conf;
	struct state *state;
	struct log log;
	int log_fd; /* where the records of the services come out */
	struct services services;
	struct services other; /* a second worker, if asked for */
	struct wake wakes[2];  /* the bells of both */
	int bells[2];
	unsigned slots[16];
	unsigned pool_slots[4];
	unsigned places[16]; /* the first of each server of all pools */
	bool started;
	bool small; /* little room in the kernel: slow readers are soon felt */
	bool has_other;
	bool drained;
	uint32_t ids;         /* of gates */
	unsigned congestions; /* how often it was said to be so */
};

/* Set up from a configuration, whose services listen on port 0 of TCP
 * addresses or on UDP ones. */
void fixture_open(struct fixture *f, const char *text);

/* The same in two steps, between which a test may change f->conf and
 * f->small.  A fixture that was never started can be closed as well. */
void fixture_load(struct fixture *f, const char *text);
void fixture_start(struct fixture *f);

/* The same for a second worker on the same state, with doors of its own. */
void fixture_open_other(struct fixture *f);

/* Asserts that nothing is left: no session, no hold of any limit. */
void fixture_close(struct fixture *f);

/* A client of the nth door of a worker; from is an address of 127.0.0.0/8,
 * or NULL. */
int fixture_connect(
    const struct services *services, size_t door, const char *from);

/* Let time pass, in steps that the loop sees. */
void fixture_advance(struct fixture *f, uint64_t ms);

/* One turn, which waits for an event a little. */
void fixture_turn(struct fixture *f);

/* Turn the loop until nothing is left to do. */
void fixture_settle(struct fixture *f);

/* Turn until the condition holds; the real clock bounds it. */
#define TURN_UNTIL(f, condition)         \
	do {                             \
		while (!(condition))     \
			fixture_turn(f); \
	} while (0)

/* Turn until the client can read; returns what recv(2) does. */
ssize_t fixture_read(struct fixture *f, int fd, void *buf, size_t size);

/* Turn until the client sees its end: 0 for a FIN, else an errno value. */
int fixture_read_end(struct fixture *f, int fd);

/* The oldest session. */
struct session *fixture_session(const struct fixture *f);

/* How many sessions or clients ended so, in the first service. */
uint64_t fixture_ended(const struct fixture *f, enum reason reason);

#endif
