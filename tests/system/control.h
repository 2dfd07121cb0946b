/*
 * The control socket and muxctl, as the tests of the system use them.
 */
#ifndef TESTS_SYSTEM_CONTROL_H
#define TESTS_SYSTEM_CONTROL_H

#include <sys/types.h>

#include "harness.h"

/* Connect to the control socket of a muxd. */
int control_connect(struct muxd *muxd);

/* Send a request, and read its answer up to the line that has "ok".  Lives
 * until the teardown. */
const char *control_ask(int fd, const char *request);

/* Read an answer whose request was sent. */
const char *control_answer(int fd);

/* The same over a connection of its own; it must work, or must not and say
 * the text. */
const char *control_order(struct muxd *muxd, const char *request);
void control_expect_refused(
    struct muxd *muxd, const char *request, const char *text);

/* Run muxctl (MUXCTL) with these arguments until it ends. */
#define muxctl_run(muxd, ...) \
	muxctl_run_arguments(muxd, (const char *const[]){ __VA_ARGS__, NULL })

struct muxd_result muxctl_run_arguments(
    struct muxd *muxd, const char *const *arguments);

/* Run it on a terminal of its own. */
struct muxctl_terminal {
	pid_t pid;
	int fd;
	char seen[65536]; /* what it has written since the latest wait */
	size_t len;
};

#define muxctl_start(terminal, muxd, ...) \
	muxctl_start_arguments(           \
	    terminal, muxd, (const char *const[]){ __VA_ARGS__, NULL })

void muxctl_start_arguments(struct muxctl_terminal *terminal, struct muxd *muxd,
    const char *const *arguments);
void muxctl_type(struct muxctl_terminal *terminal, const char *keys);
/* Wait until it has written the text; what was before is forgotten. */
void muxctl_wait_for(struct muxctl_terminal *terminal, const char *text);
/* Its exit status. */
int muxctl_wait_status(struct muxctl_terminal *terminal);

#endif
