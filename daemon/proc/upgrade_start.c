/*
 * Starting the process that is to take over: see upgrade_start.h.
 */
#include "proc/upgrade_start.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/mem.h"
#include "conf/change.h"
#include "proc/handover.h"
#include "proc/master.h"
#include "state/bans.h"

/* The descriptors that it gets, beside those that are there anyway. */
struct start_fds {
	int channel[2];
	int said[2];
	int handover;
};

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

/* ---- what is handed over ---- */

static int
start_pages(struct handover *handover, const struct master *master)
{
	const struct status_sockets *sockets = &master->status_sockets;
	size_t i;

	handover->npages = sockets->n;
	handover->pages = mem_array(sockets->n, sizeof(*handover->pages));
	for (i = 0; handover->pages != NULL && i < sockets->n; i++) {
		handover->pages[i].asked = master->conf->status.listen[i];
		handover->pages[i].fd = sockets->fds[i];
	}
	return handover->pages == NULL ? -1 : 0;
}

static int
start_bans(struct handover *handover, const struct master *master)
{
	uint64_t now = clock_mono_ms();
	struct handover_ban *ban;
	unsigned i;

	handover->bans = mem_array(BANS_MAX, sizeof(*handover->bans));
	if (handover->bans == NULL)
		return -1;
	for (i = 0; i < BANS_MAX; i++) {
		ban = &handover->bans[handover->nbans];
		if (bans_get(
			master->state, i, now, &ban->prefix, &ban->until_ms))
			handover->nbans++;
	}
	return 0;
}

static int
start_describe(
    struct handover *handover, const struct master *master, int channel_fd)
{
	const struct supervisor *sup = &master->sup;
	const struct sockets *sockets = &master->sockets;

	*handover = (struct handover){
		.channel_fd = channel_fd,
		.presence_fd = sup->presence.read_fd,
		.state_fd = master->state->fd,
		.stderr_fd = STDERR_FILENO,
		.lock_fd = master->lock_fd,
		.control_fd = master->control.io.fd,
		.control = (char *)(uintptr_t)master->control.path,
		.first = sup->first,
		.slots = master->plan.slots,
		.generation = master->reload.numbers - 1,
		.started_ms = sup->started_ms,
		.detached = sup->detached,
		.seed = sockets->seed,
		.steered = sockets->steered,
		.bells = sup->wakes,
		.nbells = master->state->shape.workers,
		.sockets = sockets->items,
		.nsockets = sockets->n,
		.used = sockets->used,
		.node = state_node_order(master->state),
		.text = conf_text(master->conf),
	};
	return handover->text == NULL || start_pages(handover, master) == -1 ||
		start_bans(handover, master) == -1
	    ? -1
	    : 0;
}

/* ---- the new process ---- */

static void
pass_on(int *fd, void *arg)
{
	(void)arg;
	if (*fd > STDERR_FILENO)
		(void)fcntl(*fd, F_SETFD, 0);
}

static void
start_set_environment(int handover_fd)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%d", handover_fd);
	(void)setenv(HANDOVER_ENV, number, 1);
	/* What the service manager has written there is about this process. */
	(void)snprintf(number, sizeof(number), "%ld", (long)getpid());
	if (getenv("WATCHDOG_PID") != NULL)
		(void)setenv("WATCHDOG_PID", number, 1);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

_Noreturn static void
start_become(const struct master *master, struct handover *handover,
    const struct start_fds *fds, const sigset_t *signals)
{
	signals_forget();
	handover_each_fd(handover, pass_on, NULL);
	(void)fcntl(fds->handover, F_SETFD, 0);
	(void)dup2(fds->said[1], STDERR_FILENO);
	start_set_environment(fds->handover);
	(void)sigprocmask(SIG_SETMASK, signals, NULL);
	program_run(master->program);
	(void)dprintf(STDERR_FILENO, "muxd: cannot run %s: %s\n",
	    master->program->path, strerror(errno));
	_exit(MUXD_EXIT_ENVIRONMENT);
}

static pid_t
start_fork(const struct master *master, struct handover *handover,
    const struct start_fds *fds)
{
	sigset_t everything, before;
	pid_t pid;
	int error;

	(void)sigfillset(&everything);
	(void)sigprocmask(SIG_SETMASK, &everything, &before);
	pid = fork();
	if (pid == 0)
		start_become(master, handover, fds, &before);
	error = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return pid;
}

static pid_t
start_with(const struct master *master, struct start_fds *fds)
{
	struct handover handover = { 0 };
	pid_t pid = -1;
	int stderr_fd, error;

	/* Not 2, which is to be the pipe. */
	stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (stderr_fd != -1 &&
	    start_describe(&handover, master, fds->channel[1]) == 0) {
		handover.stderr_fd = stderr_fd;
		fds->handover = handover_write(&handover);
		if (fds->handover != -1)
			pid = start_fork(master, &handover, fds);
	}
	error = errno;
	mem_free(handover.pages);
	mem_free(handover.bans);
	free(handover.text);
	close_fd(&stderr_fd);
	errno = error;
	return pid;
}

pid_t
upgrade_start(const struct master *master, struct upgrade_ends *ends)
{
	struct start_fds fds = { { -1, -1 }, { -1, -1 }, -1 };
	pid_t pid = -1;
	int error;

	if (compat_socketpair(SOCK_STREAM, fds.channel) == 0 &&
	    compat_pipe(fds.said) == 0)
		pid = start_with(master, &fds);
	error = errno;
	close_fd(&fds.handover);
	close_fd(&fds.channel[1]);
	close_fd(&fds.said[1]);
	if (pid == -1) {
		close_fd(&fds.channel[0]);
		close_fd(&fds.said[0]);
	}
	ends->channel_fd = fds.channel[0];
	ends->said_fd = fds.said[0];
	errno = error;
	return pid;
}
