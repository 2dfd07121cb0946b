/*
 * Capabilities, where the system has them (capabilities(7)).
 */
#ifndef MUXD_PROC_CAPS_H
#define MUXD_PROC_CAPS_H

#include <stdbool.h>

/* Empty the permitted, effective, inheritable and ambient sets of this
 * process, but for CAP_NET_ADMIN if marks is true: SO_MARK takes it (socket(7)).
 * 0 (also where there are none), or -1 with errno. */
int caps_reduce(bool marks);

/* Whether caps_reduce(true) can leave that one; before any change of the user
 * id. */
bool caps_can_mark(void);

/* Let the permitted set outlive the change of the user id that follows
 * (PR_SET_KEEPCAPS of prctl(2)).  -1 with errno. */
int caps_keep(void);

#endif
