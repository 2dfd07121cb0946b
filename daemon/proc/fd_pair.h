/*
 * Pairs of descriptors that the master makes once and that outlive the
 * children they serve: what one child did not read, its successor does.
 */
#ifndef MUXD_PROC_FD_PAIR_H
#define MUXD_PROC_FD_PAIR_H

#include <stddef.h>

struct fd_pair {
	int read_fd;
	int write_fd;
};

/* Room for n pairs, none of them made; NULL with ENOMEM. */
struct fd_pair *fd_pairs_new(size_t n);

/* Make them all, each by make, which fills in the reading and the writing
 * end or returns -1 with errno. */
int fd_pairs_make(struct fd_pair *pairs, size_t n, int (*make)(int fds[2]));

/* Close what was made, and release; NULL is allowed. */
void fd_pairs_free(struct fd_pair *pairs, size_t n);

#endif
