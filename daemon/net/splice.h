/*
 * Bytes from one stream to another without a copy, through a pipe (splice(2),
 * Linux): for directions that turn out to be bulk.
 *
 * Pipes are leased: a worker keeps a few for whoever is moving much, and a
 * stream that is idle has none.  A pipe holds bytes only between the two
 * steps of one call, and while its target takes no more.
 *
 * Where the system has no splice(2), pipes_lease() gives NULL and nobody
 * ever splices; automake picks splice_linux.c or splice_none.c.
 */
#ifndef MUXD_NET_SPLICE_H
#define MUXD_NET_SPLICE_H

#include <stdbool.h>
#include <stddef.h>

#include "net/stream.h"

#define PIPES_MAX  64 /* of one worker, leased ones included */
#define PIPES_KEEP 16 /* of these, free ones that are kept */

struct pipe {
	struct pipe *next; /* among the free ones */
	int fds[2];
	size_t len; /* bytes in it */
};

struct pipes {
	struct pipe *free;
	unsigned nfree;
	unsigned n; /* free and leased */
};

void pipes_init(struct pipes *pipes);

/* Close the free ones; none may be leased. */
void pipes_close(struct pipes *pipes);

/* An empty pipe, or NULL: there is no descriptor or memory for one now, or
 * none at all here. */
struct pipe *pipes_lease(struct pipes *pipes);

/* Give it back.  One that still holds bytes is closed, and they are lost. */
void pipes_return(struct pipes *pipes, struct pipe *pipe);

enum pipe_verdict {
	PIPE_MOVED,  /* all that there was (or a turn's share) */
	PIPE_FULL,   /* the target takes no more; what is in the pipe waits */
	PIPE_ENDED,  /* the source has sent its FIN, and the pipe is empty */
	PIPE_FAILED, /* the source broke; *error tells why */
	PIPE_BROKEN, /* the target did */
	PIPE_UNFIT   /* these two cannot be spliced; the pipe may hold bytes,
		      * which pipe_take() gives */
};

struct pipe_moved {
	size_t in;  /* bytes that left the source */
	size_t out; /* bytes that the target took */
	int error;  /* errno value */
};

/*
 * Move from one socket through the pipe to the other, at most step bytes at
 * a time, until the source is empty, the target full, or budget bytes have
 * come; with from NULL only what is in the pipe already.  The target's output
 * queue must be empty.  Marks what is drained in the ios of both; calls
 * nobody.
 */
enum pipe_verdict pipe_move(struct pipe *pipe, struct stream *from,
    struct stream *to, size_t step, size_t budget, struct pipe_moved *moved);

/* Read bytes out of the pipe, for those that cannot be spliced: at most size.
 * Returns how many. */
size_t pipe_take(struct pipe *pipe, void *buf, size_t size);

#endif
