/*
 * A service manager as systemd is one, as far as muxd can tell: it hears what
 * is sent to NOTIFY_SOCKET, keeps descriptors (FDSTORE=1), and hands them over
 * when it starts muxd again.
 */
#ifndef TESTS_SYSTEM_MANAGER_H
#define TESTS_SYSTEM_MANAGER_H

#include <stdbool.h>
#include <stddef.h>

#include "harness.h"

/* Begin to listen; one at a time, which muxd_teardown() knows nothing of. */
void manager_open(void);

/* Use it instead of muxd_teardown(). */
int manager_teardown(void **state);

#define managed_test(f) cmocka_unit_test_teardown(f, manager_teardown)

/* Start muxd with all that is kept. */
void manager_launch(struct muxd *muxd);

/* Keep a descriptor, which becomes the manager's, as if muxd had sent it, or as
 * the manager has bound it. */
void manager_keep(int fd, const char *name);

/* How many are kept whose name begins so; close the copies that the manager has
 * of them. */
size_t manager_count(const char *prefix);
void manager_drop(const char *prefix);

/* How often muxd has said that one is to be kept no longer. */
size_t manager_removals(void);

/* The whole name of the first whose name begins so, which lives until the
 * teardown; NULL: there is none. */
const char *manager_name(const char *prefix);

/* Wait until so many are kept. */
void manager_wait_count(const char *prefix, size_t n);

#endif
