/*
 * Standard input as events of the loop, whatever it is: a terminal, a pipe, a
 * file.  It is left in the mode it is in, since others may share it.
 */
#ifndef TESTS_BENCH_LOAD_INPUT_H
#define TESTS_BENCH_LOAD_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "event/loop.h"

struct load_input {
	struct io io;
	struct timer timer; /* of what the loop cannot wait for */
	struct loop *loop;
	/* len bytes came; 0: it has ended, and no call follows. */
	void (*came)(struct load_input *input, const char *data, size_t len);
	void *owner; /* the caller's own */
	bool paused;
	bool closed;
};

/* Begin to read.  -1 with errno. */
int load_input_open(struct load_input *input, struct loop *loop,
    void (*came)(struct load_input *input, const char *data, size_t len),
    void *owner);

/* Read no more for now, or go on. */
void load_input_pause(struct load_input *input, bool paused);

/* Stop reading; the descriptor stays open. */
void load_input_close(struct load_input *input);

#endif
