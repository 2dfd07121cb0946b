/*
 * Forking a child so that it owns what it was given and nothing else.
 *
 * Descriptors are closed by exclusion rather than one by one: a socket that
 * leaks into a child that does not accept on it would swallow clients.
 */
#include "proc/child.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "event/signals.h"

const char *
child_name(const struct child *child)
{
	return child->kind == CHILD_WORKER ? "worker" : "monitor";
}

const char *
child_label(const struct child *child, char buf[CHILD_LABEL_MAX])
{
	if (child->kind != CHILD_WORKER)
		return child_name(child);
	(void)snprintf(
	    buf, CHILD_LABEL_MAX, "%s %u", child_name(child), child->slot);
	return buf;
}

int
child_failure(int error)
{
	switch (error) {
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case ENOSPC:
		return EXIT_FAILURE;
	default:
		return CHILD_EXIT_CONFIG;
	}
}

/* What all records of a child's life tell. */
static void
child_record(struct log_record *record, enum log_level level,
    const struct child *child, const char *of_worker, const char *of_monitor)
{
	bool worker = child->kind == CHILD_WORKER;

	log_record_begin(record, level, worker ? of_worker : of_monitor);
	if (worker)
		log_record_uint(record, "slot", child->slot);
	log_record_int(record, "child", child->pid);
}

void
child_log_start(struct log *log, const struct child *child)
{
	struct log_record record;

	child_record(&record, LOG_LEVEL_INFO, child, "worker started",
	    "monitor started");
	log_emit(log, &record);
}

void
child_log_end(struct log *log, const struct child *child, int status,
    uint64_t lived_ms, bool expected)
{
	bool well = expected && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	struct log_record record;

	child_record(&record, well ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, child,
	    "worker ended", "monitor ended");
	if (WIFSIGNALED(status))
		log_record_str(&record, "signal", strsignal(WTERMSIG(status)));
	else
		log_record_int(&record, "status", WEXITSTATUS(status));
	log_record_uint(&record, "lived_ms", lived_ms);
	log_emit(log, &record);
}

static int
compare_fds(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return *x - *y;
}

/* Close all above stderr that is not in keep, which is sorted. */
static void
close_others(const int *keep, size_t nkeep)
{
	int fd = STDERR_FILENO + 1;
	size_t i;

	for (i = 0; i < nkeep; i++) {
		for (; fd < keep[i]; fd++)
			(void)close(fd);
		if (fd == keep[i])
			fd++;
	}
	compat_closefrom(fd);
}

static void
child_become(int *keep, size_t nkeep)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1,
		SIGUSR2, SIGPIPE, SIGXFSZ };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t i;

	signals_forget();
	if (null != -1) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
	}
	qsort(keep, nkeep, sizeof(*keep), compare_fds);
	close_others(keep, nkeep);
	/* Ctrl-C, the end of a terminal and kill(1) reach the whole process
	 * group; what they mean is for the master to say. */
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
}

pid_t
child_fork(int *channel_fd, const int *keep, size_t nkeep)
{
	sigset_t everything, before;
	int fds[2], *all;
	pid_t pid;
	int error;

	if (compat_socketpair(SOCK_STREAM, fds) == -1)
		return -1;
	all = mem_array(nkeep + 1, sizeof(*all));
	if (all == NULL)
		goto fail;
	if (nkeep > 0)
		memcpy(all, keep, nkeep * sizeof(*all));
	all[nkeep] = fds[1];
	/* Until the child has let go of the parent's handlers, a signal of
	 * its own would be told to the parent. */
	(void)sigfillset(&everything);
	(void)sigprocmask(SIG_SETMASK, &everything, &before);
	pid = fork();
	if (pid == 0)
		child_become(all, nkeep + 1);
	error = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	if (pid == -1)
		goto fail;
	mem_free(all);
	if (pid != 0)
		(void)close(fds[1]);
	*channel_fd = pid == 0 ? fds[1] : fds[0];
	return pid;
fail:
	error = errno;
	mem_free(all);
	(void)close(fds[0]);
	(void)close(fds[1]);
	errno = error;
	return -1;
}
