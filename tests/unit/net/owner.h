/*
 * An owner of a stream that notes what it is told, and does what it is asked
 * to.
 */
#ifndef MUXD_TESTS_NET_OWNER_H
#define MUXD_TESTS_NET_OWNER_H

#include "fixture.h"

struct owner {
	struct stream stream;
	bool echo;          /* write back what comes */
	bool finish_at_end; /* answer the peer's end with ours */
	bool hold_at_full;  /* do not read while the queue is full */
	/* Called behind each event, which it gets as the first letter of its
	 * name: data, end, writable, failed.  May close the stream. */
	void (*hook)(struct owner *owner, char event);
	struct stream *other; /* a hook's */
	size_t bytes;
	char text[64]; /* the first bytes that came */
	unsigned ends;
	unsigned writables;
	unsigned failures;
	int error;
};

extern const struct stream_ops owner_ops;

/* Open a stream for a zeroed owner, or for one that was told what to do. */
void owner_open(struct owner *owner, struct fixture *f, int fd);

#endif
