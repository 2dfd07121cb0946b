/*
 * epoll(7), level-triggered: for comparison, and where edges are suspected.
 *
 * What the kernel is asked for follows io_interest() with one epoll_ctl(2) at
 * most for each descriptor and turn: changes are noted, and made before the
 * loop sleeps.  A direction that is reported and drained within the turn is
 * asked for before and after, and so costs none.
 *
 * A descriptor of which nothing more is to be said is taken out of the set,
 * since a hang-up would be reported again and again.
 */
#include "event/backend.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "event/ev_epoll.h"

enum { BATCH = 512 };

/* What the kernel knows of a descriptor. */
struct place {
	struct io *io;   /* NULL: not in the loop */
	uint32_t events; /* asked for */
	bool registered;
	bool noted; /* on the list of changes */
};

struct level {
	int fd;
	struct place *places; /* by descriptor */
	size_t nplaces;
	int *changes; /* descriptors */
	size_t nchanges;
	struct epoll_event events[BATCH];
};

static int
level_open(struct loop *loop)
{
	struct level *level;

	if ((level = mem_zalloc(sizeof(*level))) == NULL)
		return -1;
	if ((level->fd = epoll_create1(EPOLL_CLOEXEC)) == -1) {
		mem_free(level);
		return -1;
	}
	loop->data = level;
	return 0;
}

static void
level_close(struct loop *loop)
{
	struct level *level = loop->data;

	close(level->fd);
	mem_free(level->places);
	mem_free(level->changes);
	mem_free(level);
}

static uint32_t
level_events(const struct io *io)
{
	unsigned interest = io_interest(io);
	uint32_t events = 0;

	/* Not together with EPOLLRDHUP: see epoll_ctl(2). */
	if (io->exclusive)
		return EPOLLIN | EPOLLEXCLUSIVE;
	if ((interest & IO_READ) != 0)
		events |= EPOLLIN | EPOLLRDHUP;
	if ((interest & IO_WRITE) != 0)
		events |= EPOLLOUT;
	return events;
}

/* Whether it belongs into the kernel's set: as long as something is asked
 * for, or the first hang-up is yet to come.  One that is exclusive must not
 * stay when it does not read, or it swallows what others wait for. */
static bool
level_belongs(const struct io *io)
{
	if (io_interest(io) != 0)
		return true;
	return !io->hangup && !io->exclusive;
}

/* Bring the kernel up to date about one descriptor. */
static int
level_tell(const struct level *level, struct place *place)
{
	struct io *io = place->io;
	struct epoll_event event;
	int op;

	event.data.ptr = io;
	event.events = level_events(io);
	if (!level_belongs(io)) {
		if (!place->registered)
			return 0;
		op = EPOLL_CTL_DEL;
	} else if (!place->registered) {
		op = EPOLL_CTL_ADD;
	} else if (event.events != place->events) {
		op = EPOLL_CTL_MOD;
	} else {
		return 0;
	}
	if (epoll_ctl(level->fd, op, io->fd, &event) == -1)
		return -1;
	place->registered = op != EPOLL_CTL_DEL;
	place->events = event.events;
	return 0;
}

static int
level_add(struct loop *loop, struct io *io)
{
	struct level *level = loop->data;
	struct place *place;
	size_t n;

	while (level->nplaces <= (size_t)io->fd) {
		/* Room for each descriptor to be on the list of changes. */
		n = level->nplaces;
		if (mem_push(&level->changes, &n, sizeof(int)) == NULL ||
		    mem_push(&level->places, &level->nplaces, sizeof(*place)) ==
			NULL)
			return -1;
	}
	place = &level->places[io->fd];
	place->io = io;
	place->registered = false;
	if (level_tell(level, place) == -1) {
		place->io = NULL;
		return -1;
	}
	return 0;
}

static void
level_remove(struct loop *loop, struct io *io, bool closing)
{
	struct level *level = loop->data;
	struct place *place = &level->places[io->fd];

	if (place->registered && (!closing || io->shared))
		epoll_ctl(level->fd, EPOLL_CTL_DEL, io->fd, NULL);
	place->io = NULL;
	place->registered = false;
}

static void
level_interest(struct loop *loop, struct io *io)
{
	struct level *level = loop->data;
	struct place *place = &level->places[io->fd];

	if (place->noted)
		return;
	place->noted = true;
	level->changes[level->nchanges++] = io->fd;
}

/* Make the changes that were noted.  True if one was refused for want of
 * memory; its io is then on the ready list. */
static bool
level_change(struct loop *loop)
{
	struct level *level = loop->data;
	struct place *place;
	bool refused = false;

	for (size_t i = 0; i < level->nchanges; i++) {
		place = &level->places[level->changes[i]];
		place->noted = false;
		if (place->io == NULL || level_tell(level, place) != -1)
			continue;
		loop_mark(loop, place->io, io_interest(place->io));
		refused = true;
	}
	level->nchanges = 0;
	return refused;
}

static int
level_sleep(struct loop *loop, int timeout_ms)
{
	struct level *level = loop->data;
	struct io *io;
	int n;

	if (level_change(loop))
		timeout_ms = 0;
	n = epoll_wait(level->fd, level->events, BATCH, timeout_ms);
	if (n == -1)
		return errno == EINTR ? 0 : -1;
	for (int i = 0; i < n; i++) {
		io = level->events[i].data.ptr;
		loop_mark(loop, io, epoll_marks(level->events[i].events));
		level_interest(loop, io);
	}
	return 0;
}

const struct event_backend event_backend_epoll_level = {
	.name = "epoll-level",
	.edge = false,
	.tells_hangup = true,
	.open = level_open,
	.close = level_close,
	.add = level_add,
	.remove = level_remove,
	.interest = level_interest,
	.wait = level_sleep,
};
