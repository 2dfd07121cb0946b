/*
 * Upgrades of a muxd under test.
 */
#include "upgrade.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"
#include "records.h"

/* A file that runs cannot be written to: another one takes its name. */
static void
put_file(struct muxd *muxd, const void *data, size_t len)
{
	char *path = test_format("%s/muxd.new", muxd->dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	if (fd == -1 || write(fd, data, len) != (ssize_t)len ||
	    fchmod(fd, 0755) == -1 || close(fd) == -1 ||
	    rename(path, muxd->binary) == -1)
		test_fail("%s: %s", path, strerror(errno));
}

void
upgrade_put_script(struct muxd *muxd, const char *text)
{
	const char *script = test_format("#!/bin/sh\n%s\n", text);

	put_file(muxd, script, strlen(script));
}

void
upgrade_put_program(struct muxd *muxd)
{
	const char *path = getenv("MUXD");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct stat st;
	char *data;

	if (fd == -1 || fstat(fd, &st) == -1)
		test_fail("MUXD: %s", strerror(errno));
	data = malloc((size_t)st.st_size);
	if (data == NULL ||
	    read(fd, data, (size_t)st.st_size) != (ssize_t)st.st_size)
		test_fail("%s: %s", path, strerror(errno));
	close(fd);
	put_file(muxd, data, (size_t)st.st_size);
	free(data);
}

void
upgrade_no_program(struct muxd *muxd)
{
	assert_int_equal(unlink(muxd->binary), 0);
}

struct muxd *
upgrade_start(const char *fmt, ...)
{
	struct muxd *muxd = muxd_new();
	va_list ap;

	muxd->binary = test_format("%s/muxd", muxd->dir);
	upgrade_put_program(muxd);
	va_start(ap, fmt);
	muxd_vconfigure(muxd, fmt, ap);
	va_end(ap);
	muxd_launch(muxd);
	muxd_wait_ready(muxd);
	return muxd;
}

/* After the order, before which the log is marked. */
static pid_t
upgrade_wait(struct muxd *muxd)
{
	const char *line;
	pid_t before = muxd->pid;
	int64_t deadline = test_now_ms() + test_deadline_ms();

	while (
	    muxd_count_log(muxd, "msg=\"another muxd has taken over\"") == 0 &&
	    test_now_ms() < deadline) {
		if (muxd_count_log(muxd, "msg=\"the upgrade has failed: *") >
		    0) {
			muxd_show_log(muxd);
			test_fail("the upgrade has failed");
		}
		poll(NULL, 0, 2);
	}
	line = muxd_wait_log(muxd, "msg=\"another muxd has taken over\"");
	muxd->pid = (pid_t)log_number(line, "by");
	muxd_wait_log(muxd, "msg=ready", test_format("pid=%d", (int)muxd->pid));
	return before;
}

pid_t
upgrade_apply(struct muxd *muxd)
{
	muxd_mark_log(muxd);
	muxd_signal(muxd, SIGUSR2);
	return upgrade_wait(muxd);
}

void
upgrade_wait_left(struct muxd *muxd, pid_t before)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();
	int status = -1;
	pid_t got = 0;

	while ((got = waitpid(before, &status, WNOHANG)) == 0 &&
	    test_now_ms() < deadline)
		poll(NULL, 0, 2);
	if (got != before || status != 0) {
		muxd_show_log(muxd);
		test_fail("the master before: %d, status %#x", (int)got,
		    (unsigned)status);
	}
	muxd_wait_log(muxd, "msg=\"the muxd that was here before has ended\"");
}

/* Whether a process of the muxd is this one's child, but for its master. */
static bool
has_orphans(const struct muxd *muxd)
{
	pid_t children[64];
	size_t i, n = procfs_children(getpid(), children, 64);

	for (i = 0; i < n && i < 64; i++)
		if (children[i] != muxd->pid &&
		    getpgid(children[i]) == muxd->group)
			return true;
	return false;
}

void
upgrade_reap(struct muxd *muxd)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();

	do {
		while (waitpid(-muxd->group, NULL, WNOHANG) > 0)
			continue;
		if (!has_orphans(muxd))
			return;
		poll(NULL, 0, 2);
	} while (test_now_ms() < deadline);
	muxd_show_log(muxd);
	test_fail("processes of a master that was killed live on");
}
