/*
 * Signals as events.  The handler does two things that a handler may do:
 * write(2) and set a mark.
 */
#include "event/signals.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/compat.h"

#ifndef NSIG
#define NSIG 128
#endif

/* What a handler can reach: see signals.h. */
static volatile sig_atomic_t handler_fd = -1;
static int reader_fd = -1;
static volatile sig_atomic_t overflowed[NSIG];
static volatile sig_atomic_t taken[NSIG];

static void
signals_handle(int signo)
{
	int error = errno;
	unsigned char byte = (unsigned char)signo;

	if (write(handler_fd, &byte, 1) != 1)
		overflowed[signo] = 1;
	errno = error;
}

static int
signals_take(int signo)
{
	struct sigaction action = { .sa_handler = signals_handle };

	action.sa_flags = SA_RESTART;
	sigfillset(&action.sa_mask);
	if (sigaction(signo, &action, NULL) == -1)
		return -1;
	taken[signo] = 1;
	return 0;
}

static void
signals_give_back(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigemptyset(&action.sa_mask);
	for (int signo = 1; signo < NSIG; signo++) {
		if (!taken[signo])
			continue;
		sigaction(signo, &action, NULL);
		taken[signo] = 0;
		overflowed[signo] = 0;
	}
}

/* Tell of each signal that found the pipe full.  The pipe is empty by now, so
 * what comes from here on is in it. */
static void
signals_call_overflowed(struct signals *signals)
{
	for (int signo = 1; signo < NSIG; signo++) {
		if (!overflowed[signo])
			continue;
		overflowed[signo] = 0;
		signals->call(signals, signo);
		if (signals->io.fd == -1)
			return;
	}
}

static void
signals_read(struct io *io)
{
	struct signals *signals = container_of(io, struct signals, io);
	unsigned char bytes[256];
	ssize_t n;

	while ((n = read(io->fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			signals->call(signals, bytes[i]);
			if (io->fd == -1)
				return;
		}
	}
	io_drained(io, IO_READ);
	signals_call_overflowed(signals);
}

int
signals_open(struct signals *signals, struct loop *loop, const int *signos,
    size_t n, void (*call)(struct signals *, int signo))
{
	int fds[2], error;

	if (compat_pipe(fds) == -1)
		return -1;
	signals->call = call;
	signals->write_fd = fds[1];
	io_init(&signals->io, fds[0], signals_read, IO_SHARED);
	if (io_add(loop, &signals->io, IO_READ) == -1)
		goto fail;
	reader_fd = fds[0];
	handler_fd = fds[1];
	for (size_t i = 0; i < n; i++)
		if (signals_take(signos[i]) == -1)
			goto fail;
	return 0;

fail:
	error = errno;
	signals_close(signals);
	errno = error;
	return -1;
}

void
signals_close(struct signals *signals)
{
	signals_give_back();
	handler_fd = -1;
	reader_fd = -1;
	io_close(&signals->io);
	if (signals->write_fd != -1)
		close(signals->write_fd);
	signals->write_fd = -1;
}

void
signals_forget(void)
{
	signals_give_back();
	if (handler_fd == -1)
		return;
	close(reader_fd);
	close(handler_fd);
	handler_fd = -1;
	reader_fd = -1;
}
