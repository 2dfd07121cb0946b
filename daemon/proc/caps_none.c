/*
 * Capabilities of a system or a build without libcap: none to give up beside
 * the user id, and none to keep.
 */
#include <errno.h>

#include "proc/caps.h"

int
caps_reduce(bool marks)
{
	if (!marks)
		return 0;
	errno = ENOSYS;
	return -1;
}

bool
caps_can_mark(void)
{
	return false;
}

int
caps_keep(void)
{
	errno = ENOSYS;
	return -1;
}
