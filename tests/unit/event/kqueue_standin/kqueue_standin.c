/*
 * kqueue(2) on top of epoll(7), for the tests of ev_kqueue.c on Linux.
 *
 * Each filter has an epoll of its own, edge-triggered, so that neither reports
 * because something happened to the other; the descriptor of the kqueue is a
 * third epoll, which holds these two.  As with the real one, closing a
 * descriptor ends its filters, whoever has a duplicate: an event counts only
 * while the number still is the file that was registered.
 *
 * It knows EV_ADD with EV_CLEAR, EV_DELETE and EV_EOF, and refuses the rest.
 * One thread, a few kqueues at a time.
 */
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KQUEUES = 8, NUMBERS = 32768, BATCH = 256 };
enum { READING, WRITING, FILTERS };

/* A filter of a descriptor. */
struct knote {
	uint32_t serial; /* of its registration; 0: none */
	dev_t dev;       /* the file that was registered */
	ino_t ino;
	void *udata;
};

struct standin {
	int outer; /* what the caller has */
	int inner[FILTERS];
	uint32_t serial;
	struct knote (*notes)[FILTERS]; /* by descriptor; NULL: free place */
};

static struct standin standins[KQUEUES];

static const uint32_t filter_events[FILTERS] = { EPOLLIN | EPOLLRDHUP,
	EPOLLOUT };

static struct standin *
standin_find(int outer)
{
	for (size_t i = 0; i < KQUEUES; i++)
		if (standins[i].notes != NULL && standins[i].outer == outer)
			return &standins[i];
	errno = EBADF;
	return NULL;
}

static void
standin_release(struct standin *standin)
{
	close(standin->inner[READING]);
	close(standin->inner[WRITING]);
	free(standin->notes);
	standin->notes = NULL;
}

/* A free place.  The caller closes a kqueue with close(2), which is not seen
 * here: what it has closed is found now. */
static struct standin *
standin_take(void)
{
	struct standin *place = NULL;
	struct stat st;

	for (size_t i = 0; i < KQUEUES; i++) {
		if (standins[i].notes != NULL &&
		    fstat(standins[i].outer, &st) == -1)
			standin_release(&standins[i]);
		if (standins[i].notes == NULL)
			place = &standins[i];
	}
	if (place == NULL)
		errno = EMFILE;
	return place;
}

int
kqueue(void)
{
	struct standin *standin = standin_take();
	struct epoll_event event = { .events = EPOLLIN };

	if (standin == NULL)
		return -1;
	standin->notes = calloc(NUMBERS, sizeof(*standin->notes));
	standin->outer = epoll_create1(EPOLL_CLOEXEC);
	for (int f = 0; f < FILTERS; f++) {
		standin->inner[f] = epoll_create1(EPOLL_CLOEXEC);
		event.data.u32 = (uint32_t)f;
		if (standin->notes == NULL ||
		    epoll_ctl(standin->outer, EPOLL_CTL_ADD, standin->inner[f],
			&event) == -1)
			abort();
	}
	return standin->outer;
}

static int
standin_add(struct standin *standin, int f, const struct kevent *change)
{
	struct knote *note = &standin->notes[change->ident][f];
	struct epoll_event event = { .events = filter_events[f] | EPOLLET };
	struct stat st;

	if (fstat((int)change->ident, &st) == -1)
		return -1;
	event.data.u64 = (uint64_t)++standin->serial << 32 | change->ident;
	if (epoll_ctl(standin->inner[f], EPOLL_CTL_ADD, (int)change->ident,
		&event) == -1)
		return -1;
	note->serial = standin->serial;
	note->dev = st.st_dev;
	note->ino = st.st_ino;
	note->udata = change->udata;
	return 0;
}

static int
standin_change(struct standin *standin, const struct kevent *change)
{
	int f = change->filter == EVFILT_READ ? READING : WRITING;

	if (change->ident >= NUMBERS ||
	    (change->filter != EVFILT_READ && change->filter != EVFILT_WRITE)) {
		errno = EINVAL;
		return -1;
	}
	if (change->flags == (EV_ADD | EV_CLEAR))
		return standin_add(standin, f, change);
	if (change->flags != EV_DELETE) {
		errno = EINVAL;
		return -1;
	}
	standin->notes[change->ident][f].serial = 0;
	return epoll_ctl(
	    standin->inner[f], EPOLL_CTL_DEL, (int)change->ident, NULL);
}

/* Whether the event is for what is registered now. */
static bool
knote_is_current(const struct knote *note, uint64_t key)
{
	struct stat st;

	return note->serial == key >> 32 &&
	    fstat((int)(key & UINT32_MAX), &st) != -1 &&
	    st.st_dev == note->dev && st.st_ino == note->ino;
}

static int
standin_collect(struct standin *standin, int f, struct kevent *events, int room)
{
	uint32_t end = EPOLLHUP | EPOLLERR;
	struct epoll_event batch[BATCH];
	const struct knote *note;
	int found, n = 0;

	if (f == READING)
		end |= EPOLLRDHUP;
	found = epoll_wait(
	    standin->inner[f], batch, room < BATCH ? room : BATCH, 0);
	for (int i = 0; i < found; i++) {
		note = &standin->notes[batch[i].data.u64 & UINT32_MAX][f];
		if (!knote_is_current(note, batch[i].data.u64))
			continue;
		memset(&events[n], 0, sizeof(events[n]));
		events[n].ident = batch[i].data.u64 & UINT32_MAX;
		events[n].filter = f == READING ? EVFILT_READ : EVFILT_WRITE;
		events[n].udata = note->udata;
		if ((batch[i].events & end) != 0)
			events[n].flags |= EV_EOF;
		/* Which error it is cannot be asked without taking it. */
		if ((batch[i].events & EPOLLERR) != 0)
			events[n].fflags = EIO;
		n++;
	}
	return n;
}

int
kevent(int kq, const struct kevent *changes, int nchanges,
    struct kevent *events, int nevents, const struct timespec *timeout)
{
	struct standin *standin = standin_find(kq);
	struct epoll_event ready[FILTERS];
	int timeout_ms = -1, n;

	if (standin == NULL)
		return -1;
	for (int i = 0; i < nchanges; i++)
		if (standin_change(standin, &changes[i]) == -1)
			return -1;
	if (nevents == 0)
		return 0;
	if (timeout != NULL)
		timeout_ms =
		    (int)(timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000);
	if (epoll_wait(standin->outer, ready, FILTERS, timeout_ms) == -1)
		return -1;
	n = standin_collect(standin, READING, events, nevents);
	return n + standin_collect(standin, WRITING, events + n, nevents - n);
}
