/*
 * Upgrades of a muxd under test.
 */
#ifndef TESTS_SYSTEM_UPGRADE_H
#define TESTS_SYSTEM_UPGRADE_H

#include "harness.h"

/* As muxd_start(), from a copy of the program in the folder of the test, which
 * can be replaced. */
struct muxd *upgrade_start(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* Put something else where the copy is: a script of the shell; or the program
 * again.  upgrade_no_program() leaves nothing. */
void upgrade_put_script(struct muxd *muxd, const char *text);
void upgrade_put_program(struct muxd *muxd);
void upgrade_no_program(struct muxd *muxd);

/* SIGUSR2, and wait until another master has taken over, which is muxd->pid
 * then.  Returns the one before, which is to be waited for with
 * upgrade_wait_left(). */
pid_t upgrade_apply(struct muxd *muxd);

/* The master before has ended, with status 0, and the other one knows. */
void upgrade_wait_left(struct muxd *muxd, pid_t before);

/* Children of a master that was killed have become this process's: wait for
 * their ends. */
void upgrade_reap(struct muxd *muxd);

#endif
