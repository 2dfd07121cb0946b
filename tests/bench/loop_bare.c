/*
 * Subjects of loopbench: the bare system calls, with what a correct program
 * cannot leave out and nothing else.  Level-triggered, one read is enough,
 * since what is left is told again; edge-triggered, a short read is the end of
 * what is there, unless the peer has closed.  poll(2) and select(2) say how
 * many are ready, so the search for them ends at the last.
 */
#include <sys/epoll.h>
#include <sys/select.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "loop_subject.h"

struct bare_epoll {
	int fd;
	struct epoll_event events[LOOP_EVENTS];
};

struct bare_poll {
	nfds_t count;
	struct pollfd rows[];
};

struct bare_select {
	fd_set set;
	int end;
};

static ssize_t
bare_read(int fd)
{
	char buffer[LOOP_BUFFER];
	ssize_t n = read(fd, buffer, sizeof(buffer));

	if (n <= 0)
		bench_die("read");
	return n;
}

static void *
new_state(size_t size)
{
	void *state = calloc(1, size);

	if (state == NULL)
		bench_die("calloc");
	return state;
}

/* ---- epoll(7) -------------------------------------------------------------- */

static void *
open_epoll(int first, unsigned count, uint32_t events)
{
	struct bare_epoll *state = new_state(sizeof(*state));

	if ((state->fd = epoll_create1(EPOLL_CLOEXEC)) == -1)
		bench_die("epoll_create1");
	for (unsigned i = 0; i < count; i++) {
		struct epoll_event event = { .events = events,
			.data.fd = first + (int)i };

		if (epoll_ctl(
			state->fd, EPOLL_CTL_ADD, event.data.fd, &event) == -1)
			bench_die("epoll_ctl");
	}
	return state;
}

static void *
edge_open(const char *way, int first, unsigned count)
{
	(void)way;
	return open_epoll(first, count, EPOLLIN | EPOLLRDHUP | EPOLLET);
}

static void *
level_open(const char *way, int first, unsigned count)
{
	(void)way;
	return open_epoll(first, count, EPOLLIN);
}

static unsigned
edge_turn(void *opened)
{
	struct bare_epoll *state = opened;
	int n = epoll_wait(state->fd, state->events, LOOP_EVENTS, -1);

	if (n == -1)
		bench_die("epoll_wait");
	for (int i = 0; i < n; i++) {
		const struct epoll_event *event = &state->events[i];

		while (bare_read(event->data.fd) == LOOP_BUFFER ||
		    (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
			;
	}
	return (unsigned)n;
}

static unsigned
level_turn(void *opened)
{
	struct bare_epoll *state = opened;
	int n = epoll_wait(state->fd, state->events, LOOP_EVENTS, -1);

	if (n == -1)
		bench_die("epoll_wait");
	for (int i = 0; i < n; i++)
		(void)bare_read(state->events[i].data.fd);
	return (unsigned)n;
}

/* ---- poll(2) and select(2) ------------------------------------------------- */

static void *
poll_open(const char *way, int first, unsigned count)
{
	struct bare_poll *state =
	    new_state(sizeof(*state) + count * sizeof(state->rows[0]));

	(void)way;
	state->count = count;
	for (unsigned i = 0; i < count; i++)
		state->rows[i] =
		    (struct pollfd){ .fd = first + (int)i, .events = POLLIN };
	return state;
}

static unsigned
poll_turn(void *opened)
{
	struct bare_poll *state = opened;
	int n = poll(state->rows, state->count, -1), left = n;

	if (n == -1)
		bench_die("poll");
	for (const struct pollfd *row = state->rows; left > 0; row++) {
		if (row->revents == 0)
			continue;
		(void)bare_read(row->fd);
		left--;
	}
	return (unsigned)n;
}

static void *
select_open(const char *way, int first, unsigned count)
{
	struct bare_select *state = new_state(sizeof(*state));

	(void)way;
	state->end = first + (int)count;
	if (state->end > FD_SETSIZE) {
		errno = EMFILE;
		bench_die("select");
	}
	FD_ZERO(&state->set);
	for (int fd = first; fd < state->end; fd++)
		FD_SET(fd, &state->set);
	return state;
}

static unsigned
select_turn(void *opened)
{
	struct bare_select *state = opened;
	fd_set readable = state->set;
	int n = select(state->end, &readable, NULL, NULL, NULL), left = n;

	if (n == -1)
		bench_die("select");
	for (int fd = 0; left > 0; fd++) {
		if (!FD_ISSET(fd, &readable))
			continue;
		(void)bare_read(fd);
		left--;
	}
	return (unsigned)n;
}

static const struct {
	const char *way;
	void *(*open)(const char *, int, unsigned);
	unsigned (*turn)(void *);
} ways[] = {
	{ "epoll edge", edge_open, edge_turn },
	{ "epoll level", level_open, level_turn },
	{ "poll", poll_open, poll_turn },
	{ "select", select_open, select_turn },
};

void
loop_bare_add(struct loop_subjects *subjects)
{
	struct loop_subject *subject;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		subject = loop_subject_add(subjects, "bare", ways[i].way);
		subject->open = ways[i].open;
		subject->turn = ways[i].turn;
	}
}
