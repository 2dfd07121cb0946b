/*
 * Capabilities by libcap.
 */
#include "proc/caps.h"

#include <sys/capability.h>

#include <errno.h>
#include <stddef.h>

int
caps_clear(void)
{
	cap_t none = cap_init();
	int result, error;

	if (none == NULL)
		return -1;
	result = cap_set_proc(none);
	error = errno;
	(void)cap_free(none);
	if (result == 0 && cap_reset_ambient() == -1 && errno != EINVAL &&
	    errno != ENOSYS)
		return -1;
	errno = error;
	return result;
}
