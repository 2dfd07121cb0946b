/*
 * A subject of loopbench: muxd's event layer, as its sessions use it.
 */
#include <config.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "bench.h"
#include "event/backend.h"
#include "event/loop.h"
#include "loop_subject.h"

/* A short read is the end of what is there, unless the peer has closed. */
static void
muxd_read(struct io *io)
{
	char buffer[LOOP_BUFFER];
	ssize_t n;

	do {
		n = read(io->fd, buffer, sizeof(buffer));
		if (n <= 0)
			bench_die("read");
	} while (n == sizeof(buffer) || io->eof);
	io_drained(io, IO_READ);
}

static void *
muxd_open(const char *way, int first, unsigned count)
{
	struct loop *loop = loop_open(way);
	struct io *ios = calloc(count, sizeof(*ios));

	if (loop == NULL || ios == NULL)
		bench_die(way);
	for (unsigned i = 0; i < count; i++) {
		io_init(&ios[i], first + (int)i, muxd_read, 0);
		if (io_add(loop, &ios[i], IO_READ) == -1)
			bench_die("io_add");
	}
	return loop;
}

static unsigned
muxd_turn(void *state)
{
	int calls = loop_turn(state, -1);

	if (calls == -1)
		bench_die("loop_turn");
	return (unsigned)calls;
}

void
loop_muxd_add(struct loop_subjects *subjects)
{
	struct loop_subject *subject;

	for (size_t i = 0; event_backends[i] != NULL; i++) {
		subject =
		    loop_subject_add(subjects, "muxd", event_backends[i]->name);
		subject->open = muxd_open;
		subject->turn = muxd_turn;
	}
}
