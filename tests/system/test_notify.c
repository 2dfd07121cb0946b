/*
 * What the service manager is told, by a NOTIFY_SOCKET of the test's own:
 * readiness, reloads, a status that is true, and signs of life for the
 * watchdog, which are withheld while a worker hangs.
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"

#define CONFIGURATION                                          \
	"workers = 2\n"                                        \
	"service \"echo\" {\n"                                 \
	"  listen = { \"127.0.0.1:0\" }\n"                     \
	"  handler = \"echo\"\n"                               \
	"}\n"                                                  \
	"service \"front\" {\n"                                \
	"  listen = { \"127.0.0.1:0\" }\n"                     \
	"  handler = \"relay\"\n"                              \
	"  pool = \"web\"\n"                                   \
	"}\n"                                                  \
	"pool \"web\" {\n"                                     \
	"  server \"a\" { address = \"127.0.0.1:9\" }\n"       \
	"  server \"b\" { address = \"127.0.0.1:10\" state = " \
	"\"disabled\" }\n"                                     \
	"}\n"

/* A message, and when it came, in microseconds since 1970. */
struct told {
	int64_t time_us;
	char text[512];
};

/* Run muxd with a socket to tell on, and a watchdog if us is not NULL. */
static struct muxd *
start_with(int *fd, const char *us)
{
	struct muxd *muxd = muxd_new();
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const int on = 1;
	int len;

	/* In the abstract namespace there is nothing to remove. */
	len = snprintf(addr.sun_path, sizeof(addr.sun_path), "@%s", muxd->dir);
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	addr.sun_path[0] = '\0';
	*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	client_adopt(*fd);
	if (*fd == -1 ||
	    bind(*fd, (struct sockaddr *)&addr,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
		    (size_t)len)) == -1 ||
	    setsockopt(*fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)) == -1)
		test_fail("a socket to be told on: %s", strerror(errno));
	muxd_configure(muxd, CONFIGURATION);
	if (us != NULL)
		setenv("WATCHDOG_USEC", us, 1);
	muxd_launch(muxd);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	muxd_wait_ready(muxd);
	return muxd;
}

/* The time that came with a message; descriptors that did are closed, which is
 * the answer that BARRIER=1 waits for. */
static int64_t
take_control(struct msghdr *msg)
{
	int64_t time_us = 0;
	struct timeval when;
	struct cmsghdr *cmsg;
	int fds[8];
	size_t i, n;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_type == SCM_TIMESTAMP) {
			memcpy(&when, CMSG_DATA(cmsg), sizeof(when));
			time_us = (int64_t)when.tv_sec * 1000000 + when.tv_usec;
		} else if (cmsg->cmsg_type == SCM_RIGHTS) {
			n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			assert_true(n <= 8);
			memcpy(fds, CMSG_DATA(cmsg), n * sizeof(int));
			for (i = 0; i < n; i++)
				close(fds[i]);
		}
	}
	return time_us;
}

static bool
receive(int fd, struct told *told, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	union {
		struct cmsghdr align;
		char bytes[256];
	} control;
	struct iovec iov = { told->text, sizeof(told->text) - 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	if (poll(&pollfd, 1, timeout_ms) != 1)
		return false;
	n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	if (n == -1)
		test_fail("recvmsg: %s", strerror(errno));
	told->text[n] = '\0';
	told->time_us = take_control(&msg);
	assert_true(told->time_us != 0);
	return true;
}

/* The next message within timeout_ms, or false.  What is to be kept over a
 * restart is not looked at here. */
static bool
try_next(int fd, struct told *told, int timeout_ms)
{
	bool came;

	do
		came = receive(fd, told, timeout_ms);
	while (came &&
	    (strncmp(told->text, "FDSTORE", 7) == 0 ||
		strncmp(told->text, "BARRIER", 7) == 0));
	return came;
}

static struct told
next(int fd)
{
	struct told told;

	if (!try_next(fd, &told, test_deadline_ms()))
		test_fail("nothing more is told");
	return told;
}

/* The next message but those for the watchdog. */
static struct told
next_but_alive(int fd)
{
	struct told told;

	do
		told = next(fd);
	while (strcmp(told.text, "WATCHDOG=1") == 0);
	return told;
}

/* Wait for the message, whatever comes before. */
static struct told
wait_for(int fd, const char *text)
{
	struct told told;

	do
		told = next(fd);
	while (strcmp(told.text, text) != 0);
	return told;
}

/* The time of a record, in microseconds since 1970. */
static int64_t
record_time(const char *line)
{
	const char *text = log_field(line, "time"), *rest;
	struct tm tm = { 0 };

	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL)
		test_fail("no time: %s", line);
	return (int64_t)timegm(&tm) * 1000000 +
	    (int64_t)(strtod(rest, NULL) * 1000000);
}

static void
status_tells_of_sessions_workers_and_servers(void **state)
{
	struct told told;
	int fd, clients[2];
	struct muxd *muxd = start_with(&fd, NULL);
	const char *address = muxd_address(muxd, "echo", 0);

	(void)state;
	assert_string_equal(next(fd).text,
	    "READY=1\nSTATUS=serving 2 services: 0 sessions, 2 of 2 workers,"
	    " 1 of 2 servers up");
	clients[0] = client_connect(address);
	client_echo(clients[0], "hello\n");
	assert_string_equal(next(fd).text,
	    "STATUS=serving 2 services: 1 session, 2 of 2 workers,"
	    " 1 of 2 servers up");
	clients[1] = client_connect(address);
	client_echo(clients[1], "hello\n");
	assert_string_equal(next(fd).text,
	    "STATUS=serving 2 services: 2 sessions, 2 of 2 workers,"
	    " 1 of 2 servers up");
	client_close(clients[0]);
	muxd_wait_log(muxd, "msg=\"session ended\"");
	muxd_signal(muxd, SIGTERM);
	do
		told = next(fd);
	while (strncmp(told.text, "STATUS=serving", 14) == 0);
	assert_string_equal(
	    told.text, "STOPPING=1\nSTATUS=draining: 1 session left");
	client_close(clients[1]);
	assert_int_equal(muxd_wait_status(muxd), 0);
}

/* faults 8 and 17 */
static void
reload_is_told_with_its_time_and_its_end(void **state)
{
	char *end;
	struct told told;
	int fd;
	struct muxd *muxd = start_with(&fd, NULL);

	(void)state;
	assert_memory_equal(next(fd).text, "READY=1\n", 8);
	reload_with(muxd,
	    CONFIGURATION "service \"more\" {\n"
			  "  listen = { \"127.0.0.1:0\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n");
	told = next(fd);
	assert_memory_equal(told.text, "RELOADING=1\nMONOTONIC_USEC=", 27);
	assert_true(strtoull(told.text + 27, &end, 10) > 0);
	assert_int_equal(*end, '\0');
	assert_string_equal(next(fd).text,
	    "READY=1\nSTATUS=serving 3 services: 0 sessions, 2 of 2 workers,"
	    " 1 of 2 servers up");
	muxd_configure(muxd, "nonsense = 1\n");
	reload_expect_refused(muxd, "nonsense");
	assert_memory_equal(next(fd).text, "RELOADING=1\n", 12);
	assert_string_equal(next(fd).text,
	    "READY=1\nSTATUS=serving 3 services: 0 sessions, 2 of 2 workers,"
	    " 1 of 2 servers up; the last reload was refused, see the log");
	muxd_stop(muxd);
}

static void
idle_muxd_shows_life_and_repeats_no_status(void **state)
{
	struct told first, told;
	int fd, i;
	struct muxd *muxd = start_with(&fd, "2000000");

	(void)state;
	assert_memory_equal(next(fd).text, "READY=1\n", 8);
	first = next(fd);
	/* Longer than the status may go unlooked at. */
	for (i = 0; i < 4; i++) {
		told = next(fd);
		assert_string_equal(told.text, "WATCHDOG=1");
	}
	/* At half the time that the watchdog waits, not more often. */
	assert_true(told.time_us - first.time_us >= 4 * 950000);
	muxd_stop(muxd);
}

static void
nobody_asks_for_life(void **state)
{
	struct told told;
	int fd;
	struct muxd *muxd = start_with(&fd, NULL);

	(void)state;
	muxd_stop(muxd);
	while (try_next(fd, &told, 0))
		assert_null(strstr(told.text, "WATCHDOG"));
}

/* fault 4 */
static void
hanging_worker_keeps_the_watchdog_waiting(void **state)
{
	int64_t silent, restarted;
	struct told last, told;
	int fd;
	struct muxd *muxd = start_with(&fd, "1000000");

	(void)state;
	if (!procfs_available())
		skip();
	told = wait_for(fd, "WATCHDOG=1");
	assert_int_equal(kill(muxd_worker(muxd, 1), SIGSTOP), 0);
	/* The first gap is that one. */
	do {
		last = told;
		told = wait_for(fd, "WATCHDOG=1");
	} while (told.time_us - last.time_us < 3000000);
	silent = record_time(muxd_wait_log(muxd, "msg=\"worker 1 is silent\""));
	muxd_wait_log(muxd, "msg=\"the watchdog is kept waiting*",
	    "*1 of 2 workers are well*");
	restarted =
	    record_time(muxd_wait_log(muxd, "msg=\"worker 1 has not moved*"));
	assert_true(last.time_us < silent);
	assert_true(told.time_us > restarted);
	muxd_wait_logs(muxd, 2, "msg=\"worker started\"", "slot=1");
	muxd_stop(muxd);
}

/* As when PID 1 is frozen. */
static void
nobody_reads_and_muxd_goes_on(void **state)
{
	struct told told;
	int fd, n;
	struct muxd *muxd = start_with(&fd, "2000");
	pid_t before = muxd_worker(muxd, 0);

	(void)state;
	if (!procfs_available())
		skip();
	/* Far more is told by then than a queue takes. */
	assert_int_equal(kill(before, SIGKILL), 0);
	muxd_wait_logs(muxd, 2, "msg=\"worker started\"", "slot=0");
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	for (n = 0; n < 100; n++)
		told = next(fd);
	assert_true(told.time_us > 0);
	assert_int_equal(kill(muxd_worker(muxd, 0), SIGKILL), 0);
	muxd_wait_logs(muxd, 3, "msg=\"worker started\"", "slot=0");
	muxd_stop(muxd);
}

/* There are far more sockets than a queue takes, or than could be waited for
 * one by one. */
static void
nobody_reads_and_reloads_are_answered(void **state)
{
	char more[4096] = "service \"more\" {\n"
			  "  handler = \"echo\"\n"
			  "  listen = { \"127.0.0.1:0\"";
	struct told told;
	size_t i, len;
	int fd;
	struct muxd *muxd = start_with(&fd, NULL);

	(void)state;
	for (i = 0; i < 40; i++) {
		len = strlen(more);
		snprintf(more + len, sizeof(more) - len, ", \"unix:%s/%zu\"",
		    muxd->dir, i);
	}
	len = strlen(more);
	snprintf(more + len, sizeof(more) - len, " }\n}\n");
	reload_with(muxd, CONFIGURATION "%s", more);
	client_visit(muxd_address(muxd, "more", 0), NULL, "hello\n");
	muxd_wait_log(muxd, "msg=\"the service manager does not listen*");
	/* Here it is to be waited until they are forgotten. */
	reload_with(muxd, CONFIGURATION);
	while (try_next(fd, &told, 0))
		continue;
	muxd_stop(muxd);
}

static void
status_counts_the_workers_that_are_well(void **state)
{
	int fd;
	struct muxd *muxd = start_with(&fd, NULL);
	pid_t sick;

	(void)state;
	if (!procfs_available())
		skip();
	sick = muxd_worker(muxd, 0);
	assert_int_equal(kill(sick, SIGSTOP), 0);
	assert_memory_equal(next(fd).text, "READY=1\n", 8);
	assert_string_equal(next(fd).text,
	    "STATUS=serving 2 services: 0 sessions, 1 of 2 workers,"
	    " 1 of 2 servers up");
	assert_int_equal(kill(sick, SIGCONT), 0);
	assert_string_equal(next(fd).text,
	    "STATUS=serving 2 services: 0 sessions, 2 of 2 workers,"
	    " 1 of 2 servers up");
	muxd_stop(muxd);
}

static void
missing_monitor_keeps_the_watchdog_waiting(void **state)
{
	int fd;
	size_t n;
	struct muxd *muxd = start_with(&fd, "200000");

	(void)state;
	if (!procfs_available())
		skip();
	/* Until the next start is delayed for longer than a sign is due. */
	for (n = 1; n <= 8; n++) {
		muxd_wait_logs(muxd, n, "msg=\"monitor started\"");
		if (muxd_count_log(muxd, "msg=\"the watchdog is kept*") > 0)
			break;
		assert_int_equal(kill(muxd_monitor(muxd), SIGKILL), 0);
	}
	muxd_wait_log(muxd, "msg=\"the watchdog is kept waiting*", "*is down*");
	while (next_but_alive(fd).text[0] != 'R')
		continue;
	wait_for(fd, "WATCHDOG=1");
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(status_tells_of_sessions_workers_and_servers),
		system_test(reload_is_told_with_its_time_and_its_end),
		system_test(idle_muxd_shows_life_and_repeats_no_status),
		system_test(nobody_asks_for_life),
		system_test(hanging_worker_keeps_the_watchdog_waiting),
		system_test(nobody_reads_and_muxd_goes_on),
		system_test(nobody_reads_and_reloads_are_answered),
		system_test(status_counts_the_workers_that_are_well),
		system_test(missing_monitor_keeps_the_watchdog_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
