/*
 * A question of the master to the monitor: which sessions of a client it
 * remembers.
 *
 * It is a piece of shared memory, whose descriptor the monitor gets with the
 * message.  The monitor writes records into it and then says that it has; the
 * master looks whether it has whenever it likes.  So neither waits for the
 * other, nobody has to send what does not fit into a socket, and what comes of
 * a monitor that is stopped or dies is that nothing is said.
 *
 * What it holds are packed records, which the master takes apart with
 * log_view_next(): that trusts nothing in them.
 */
#ifndef MUXD_PROC_QUESTION_H
#define MUXD_PROC_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define QUESTION_RECORDS_MAX 64 /* sessions told of at most */

struct past;
struct question; /* the shared memory */

/* Make one: the last max sessions of clients in the prefix.  The mapping, and
 * *fd, which is the caller's to send and close; NULL with errno. */
struct question *question_make(
    const struct prefix *client, unsigned max, int *fd);
void question_close(struct question *question);

/* The monitor's: answer the one whose descriptor came, which stays the
 * caller's.  past may be NULL: nothing is remembered.  -1 with errno. */
int question_answer(int fd, const struct past *past);

/* What the monitor has said. */
struct question_answer {
	const unsigned char *records; /* in the question's memory */
	size_t len;
	uint32_t found; /* sessions of the client in all that is kept */
	uint32_t kept;  /* sessions that are kept, of all clients */
	bool remembers; /* it does at all */
};

/* False while it has said nothing. */
bool question_is_answered(
    const struct question *question, struct question_answer *answer);

#endif
