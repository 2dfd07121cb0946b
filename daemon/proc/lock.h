/*
 * The lock against a second instance with the same control path.
 */
#ifndef MUXD_PROC_LOCK_H
#define MUXD_PROC_LOCK_H

#include <sys/types.h>

/*
 * Lock PATH.lock (flock(2)), making it if need be, and write the process id
 * into it.  Returns its descriptor, which holds the lock as long as it or a
 * duplicate is open; -1 with errno, EWOULDBLOCK if another process has it:
 * *holder is then its id, or 0.
 */
int lock_take(const char *path, pid_t *holder);

/* Write the process id into the file of a lock that was taken by another
 * process, and is this one's now. */
void lock_sign(int fd);

#endif
