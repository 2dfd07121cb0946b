/*
 * Servers of the test, which live in the loop of its fixture and behave as
 * they are told.
 */
#ifndef MUXD_TESTS_MONITOR_RESPONDER_H
#define MUXD_TESTS_MONITOR_RESPONDER_H

#include "fixture.h"

/* How a server of the test behaves. */
struct behaviour {
	bool closes;   /* as soon as it has accepted */
	bool resets;   /* the same with a reset */
	bool talks;    /* sends its answer without being asked */
	bool by_bytes; /* one byte of it at a time */
	bool hangs_up; /* closes behind its answer */
	bool breaks;   /* resets behind its answer */
	const char *answer;
	size_t answer_len; /* 0: strlen(answer) */
};

/* A server of the test. */
struct responder {
	struct fixture *f;
	struct behaviour how;
	struct io io;
	int keeper; /* bound to the address, so that nobody else can be */
	struct addr addr;
	char path[108]; /* of a UNIX socket */
	struct list conns;
	unsigned accepted;
	unsigned open;        /* connections */
	unsigned most;        /* the most that were open at once */
	unsigned resets;      /* connections that the client has reset */
	unsigned ends;        /* connections that the client has closed */
	uint64_t times[1024]; /* when each was accepted */
	char request[2048];   /* what was last sent to it */
	size_t request_len;
};

/* Listen on 127.0.0.1, on ::1, on UDP, or at a path. */
void responder_open(struct responder *responder, struct fixture *f,
    const struct behaviour *how);
void responder_open6(struct responder *responder, struct fixture *f,
    const struct behaviour *how);
void responder_open_udp(struct responder *responder, struct fixture *f,
    const struct behaviour *how);
void responder_open_unix(struct responder *responder, struct fixture *f,
    const struct behaviour *how);
void responder_close(struct responder *responder);

/* One over TCP stops to listen, so that it refuses connections, closes those
 * that it has, and listens again. */
void responder_shut(struct responder *responder);
void responder_reopen(struct responder *responder);

/* Send on all its connections, and close them. */
void responder_send(struct responder *responder, const char *text);
void responder_hang_up(struct responder *responder);

#endif
