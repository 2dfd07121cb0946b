/*
 * A log that cannot be written costs records, which are counted, and never a
 * client's time; when it can be written again, it says how many.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "control.h"
#include "harness.h"
#include "procfs.h"

#define VISITS 200

/* Start muxd with its log in a file or FIFO of a folder of its user's. */
static struct muxd *
start_with_log(bool fifo)
{
	struct muxd *muxd = muxd_new();
	char *folder = test_format("%s/var", muxd->dir);

	if (mkdir(folder, 0755) == -1 ||
	    (fifo && mkfifo(test_format("%s/log", folder), 0666) == -1) ||
	    (fifo && chmod(test_format("%s/log", folder), 0666) == -1) ||
	    (geteuid() == 0 && chown(folder, 65534, 65534) == -1))
		test_fail("cannot make a folder: %s", strerror(errno));
	muxd_configure(muxd,
	    "workers = 1\n"
	    "user = \"65534\"\n"
	    "log { target = \"file:@DIR@/var/log\" }\n"
	    "service \"echo\" {\n"
	    "  listen = { \"unix:@DIR@/s\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	return muxd;
}

/* A metric of the whole daemon. */
static uint64_t
metric(struct muxd *muxd, const char *name)
{
	struct muxd_result result = muxctl_run(muxd, "metrics");
	const char *line = strstr(result.out, test_format("\n%s ", name));

	assert_int_equal(result.status, 0);
	assert_non_null(line);
	return strtoull(line + strlen(name) + 2, NULL, 10);
}

static void
visit(struct muxd *muxd)
{
	int i;

	for (i = 0; i < VISITS; i++)
		client_visit(
		    test_format("unix:%s/s", muxd->dir), NULL, "hello\n");
}

/* The sum of the counts in records with this message. */
static uint64_t
sum_counts(const char *text, const char *message)
{
	uint64_t sum = 0;

	while ((text = strstr(text, message)) != NULL) {
		text += strlen(message);
		assert_int_equal(strncmp(text, " count=", 7), 0);
		sum += strtoull(text + 7, NULL, 10);
	}
	return sum;
}

static unsigned
count_texts(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

/* The disk is full for the monitor alone: RLIMIT_FSIZE is the size of what is
 * there.  Set by a process of its user's, which needs no privilege for it. */
static void
fill_disk(pid_t monitor, bool full)
{
	char uid[64], gid[64];
	struct rlimit limit;
	pid_t pid;
	int status;

	if (!procfs_status(monitor, "Uid", uid, sizeof(uid)) ||
	    !procfs_status(monitor, "Gid", gid, sizeof(gid)))
		test_fail("there is no monitor");
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setgid((gid_t)strtoul(gid, NULL, 10)) == -1 ||
			setuid((uid_t)strtoul(uid, NULL, 10)) == -1))
			_exit(1);
		if (prlimit(monitor, RLIMIT_FSIZE, NULL, &limit) == -1)
			_exit(1);
		limit.rlim_cur = full ? 1 : limit.rlim_max;
		_exit(prlimit(monitor, RLIMIT_FSIZE, &limit, NULL) == -1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
full_disk_loses_records_and_no_client(void **state)
{
	struct muxd *muxd = start_with_log(false);
	pid_t monitor = 0, children[8];
	int64_t deadline = test_now_ms() + test_deadline_ms();
	char title[64];
	size_t i, n;
	uint64_t lost;

	(void)state;
	if (!procfs_available() || test_is_wrapped())
		skip();
	muxd_launch(muxd);
	muxd_wait_text(muxd, "var/log", "msg=ready");
	n = procfs_children(muxd->pid, children, 8);
	for (i = 0; i < n; i++) {
		procfs_title(children[i], title, sizeof(title));
		if (strcmp(title, "muxd: monitor") == 0)
			monitor = children[i];
	}
	assert_int_not_equal(monitor, 0);
	assert_int_equal(metric(muxd, "muxd_log_lost_total"), 0);
	fill_disk(monitor, true);
	visit(muxd);
	while ((lost = metric(muxd, "muxd_log_lost_total")) < VISITS) {
		if (test_now_ms() > deadline)
			test_fail("%llu records were lost, not %d",
			    (unsigned long long)lost, VISITS);
		poll(NULL, 0, 5);
	}
	/* There is room again, and nobody has anything to say. */
	fill_disk(monitor, false);
	muxd_wait_text(muxd, "var/log", "msg=\"log records lost\"");
	assert_int_equal(sum_counts(muxd_read_file(muxd, "var/log"),
			     "msg=\"log records lost\""),
	    lost);
	assert_int_equal(metric(muxd, "muxd_log_lost_total"), lost);
	client_visit(test_format("unix:%s/s", muxd->dir), NULL, "hello\n");
	muxd_wait_text(muxd, "var/log", "msg=\"session ended\"");
	muxd_stop(muxd);
}

/* What comes out of the FIFO until the text has come. */
static void
read_until(int fd, char *all, size_t *len, size_t size, const char *text)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	do {
		if (poll(&pollfd, 1, test_deadline_ms()) != 1)
			test_fail("\"%s\" does not come", text);
		n = read(fd, all + *len, size - *len - 1);
		assert_true(n > 0 || (n == -1 && errno == EAGAIN));
		*len += n > 0 ? (size_t)n : 0;
		all[*len] = '\0';
	} while (strstr(all, text) == NULL);
}

static void
reader_that_stands_still_holds_nobody_up(void **state)
{
	const size_t size = 8 << 20;
	char *all = test_alloc(size);
	struct muxd *muxd = start_with_log(true);
	uint64_t told, seen, visits = 0;
	size_t len = 0;
	int fd, n;

	(void)state;
	fd = open(test_format("%s/var/log", muxd->dir),
	    O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	client_adopt(fd);
	muxd_launch(muxd);
	read_until(fd, all, &len, size, "msg=ready");
	/* Until the pipe is full, and on. */
	for (n = 0; metric(muxd, "muxd_log_lost_total") == 0 || n < 3; n++) {
		visit(muxd);
		visits += VISITS;
	}
	read_until(fd, all, &len, size, "msg=\"log records lost\"");
	client_visit(test_format("unix:%s/s", muxd->dir), NULL, "to the end\n");
	visits++;
	read_until(fd, all, &len, size, "bytes_in=11 ");
	seen = count_texts(all, "msg=\"session ended\"");
	told = sum_counts(all, "msg=\"log records lost\"") +
	    sum_counts(all, "msg=\"log records dropped\"");
	/* Every one of them is there, or was counted. */
	assert_in_range(seen + told, visits, visits + 16);
	muxd_signal(muxd, SIGTERM);
	read_until(fd, all, &len, size, "msg=stopped");
	assert_int_equal(muxd_wait_status(muxd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(full_disk_loses_records_and_no_client),
		system_test(reader_that_stands_still_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
