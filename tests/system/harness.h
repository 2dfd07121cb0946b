/*
 * The harness of the system tests: it runs the real muxd, as an administrator
 * would, and looks at what an administrator can see: log lines, exit status,
 * files, processes.
 *
 * Each muxd runs in the foreground in a fresh folder, "@DIR@" in its
 * configuration, and logs to a pipe that a thread of the test reads, so that
 * muxd never waits for the test.  Tests wait for log lines, not for times;
 * every wait has one generous deadline, so that a test fails and does not
 * hang.
 *
 * The environment chooses what is run:
 *
 *   MUXD          the binary
 *   MUXD_WRAPPER  what goes in front of it, such as "valgrind -q"
 *   MUXD_BACKEND  the event backend
 */
#ifndef TESTS_SYSTEM_HARNESS_H
#define TESTS_SYSTEM_HARNESS_H

#include <sys/types.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "support.h"

/* A running muxd, or one that has ended, and its folder. */
struct muxd {
	char dir[64];
	pid_t pid;   /* of the master; 0 before and after its life */
	pid_t group; /* of its processes: that of the first master */
	struct capture *capture;
	size_t mark;        /* log lines before this one are not looked at */
	const char *binary; /* NULL: MUXD; may be set before muxd_launch() */
	/* More arguments, NULL at the end; may be set before muxd_launch(). */
	const char *const *arguments;
	/* Called in the process that becomes muxd, right before it does. */
	void (*prepare)(void);
	struct muxd *next;
};

/* Ends what the test has left running, removes its folders, and shows the
 * log of a muxd that it did not stop.  All tests go through system_test(). */
int muxd_teardown(void **state);

#define system_test(f) cmocka_unit_test_teardown(f, muxd_teardown)

/* A fresh folder and nothing else. */
struct muxd *muxd_new(void);

/* Write DIR/muxd.conf.  Behind the text goes what it does not set itself:
 * control, log (info, logfmt, to stderr) and, for root, user. */
void muxd_configure(struct muxd *muxd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void muxd_vconfigure(struct muxd *muxd, const char *fmt, va_list ap);

/* Write a file of that name into the folder; "@DIR@" is replaced. */
void muxd_write_file(struct muxd *muxd, const char *name, const char *text);

/* Read a file of the folder; NUL-terminated, released by the teardown. */
char *muxd_read_file(struct muxd *muxd, const char *name);

/* Wait until a file of the folder is there and has the text. */
void muxd_wait_text(struct muxd *muxd, const char *name, const char *text);

/* Run muxd, and do not wait for anything. */
void muxd_launch(struct muxd *muxd);

/* Folder, configuration, launch, and wait until it is ready. */
struct muxd *muxd_start(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

void muxd_wait_ready(struct muxd *muxd);

void muxd_signal(struct muxd *muxd, int signo);

/* Wait for the end of the master and of its log, and return the wait status;
 * fails the test if anything of it is left. */
int muxd_wait_exit(struct muxd *muxd);

/* The exit status of the process that was launched, which may have left
 * others behind; for "muxd -d". */
int muxd_wait_detached(struct muxd *muxd);

/* As muxd_wait_exit(), and the exit status: fails the test if it was killed. */
int muxd_wait_status(struct muxd *muxd);

/* SIGTERM; expects exit status 0, and that nothing is left. */
void muxd_stop(struct muxd *muxd);

/* Expects that a launched muxd ends by itself with the exit status, leaving
 * nothing, and that its output has the text. */
void muxd_expect_failure(struct muxd *muxd, int status, const char *text);

/* What a muxd that ends by itself has said. */
struct muxd_result {
	int status; /* exit status */
	char *out;
	char *err;
};

/* Run muxd with these arguments in the folder of *muxd until it ends. */
#define muxd_run(muxd, ...) \
	muxd_run_arguments(muxd, (const char *const[]){ __VA_ARGS__, NULL })

struct muxd_result muxd_run_arguments(
    struct muxd *muxd, const char *const *arguments);

#endif
