/*
 * Pairs of descriptors.
 */
#include "proc/fd_pair.h"

#include <unistd.h>

#include "base/mem.h"

struct fd_pair *
fd_pairs_new(size_t n)
{
	struct fd_pair *pairs = mem_array(n, sizeof(*pairs));
	size_t i;

	for (i = 0; pairs != NULL && i < n; i++)
		pairs[i].read_fd = pairs[i].write_fd = -1;
	return pairs;
}

int
fd_pairs_make(struct fd_pair *pairs, size_t n, int (*make)(int fds[2]))
{
	int fds[2];
	size_t i;

	for (i = 0; i < n; i++) {
		if (make(fds) == -1)
			return -1;
		pairs[i].read_fd = fds[0];
		pairs[i].write_fd = fds[1];
	}
	return 0;
}

void
fd_pairs_free(struct fd_pair *pairs, size_t n)
{
	size_t i;

	for (i = 0; pairs != NULL && i < n; i++) {
		if (pairs[i].read_fd != -1)
			(void)close(pairs[i].read_fd);
		if (pairs[i].write_fd != -1)
			(void)close(pairs[i].write_fd);
	}
	mem_free(pairs);
}
