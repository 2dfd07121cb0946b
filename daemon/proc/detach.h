/*
 * muxd -d: the daemon detaches from its terminal once it serves, and its
 * caller learns whether it does.
 */
#ifndef MUXD_PROC_DETACH_H
#define MUXD_PROC_DETACH_H

/*
 * Fork and begin a new session.  In the child: returns 0, *ready_fd is where
 * to tell.  In the parent: waits for what the child tells and returns 1 with
 * *status, the exit status.  -1 with errno.
 */
int detach_begin(int *ready_fd, int *status);

/* Tell the parent the status, and let go of the terminal and the folder.
 * *ready_fd becomes -1; with -1 nothing is done. */
void detach_ready(int *ready_fd, int status);

/* stdin and stdout of this process, and stderr if it is a terminal, become
 * /dev/null. */
void detach_terminal(void);

#endif
