/*
 * Capabilities by libcap.
 */
#include "proc/caps.h"

#include <sys/capability.h>
#include <sys/prctl.h>

#include <errno.h>
#include <stddef.h>

/* The sets that a process keeps; NULL with errno. */
static cap_t
caps_kept(bool marks)
{
	static const cap_value_t mark = CAP_NET_ADMIN;
	cap_t caps = cap_init();

	if (caps == NULL || !marks)
		return caps;
	if (cap_set_flag(caps, CAP_PERMITTED, 1, &mark, CAP_SET) == -1 ||
	    cap_set_flag(caps, CAP_EFFECTIVE, 1, &mark, CAP_SET) == -1) {
		(void)cap_free(caps);
		return NULL;
	}
	return caps;
}

int
caps_reduce(bool marks)
{
	cap_t kept = caps_kept(marks);
	int result, error;

	if (kept == NULL)
		return -1;
	result = cap_set_proc(kept);
	error = errno;
	(void)cap_free(kept);
	if (result == 0 && cap_reset_ambient() == -1 && errno != EINVAL &&
	    errno != ENOSYS)
		return -1;
	errno = error;
	return result;
}

bool
caps_can_mark(void)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps == NULL)
		return false;
	if (cap_get_flag(caps, CAP_NET_ADMIN, CAP_PERMITTED, &value) == -1)
		value = CAP_CLEAR;
	(void)cap_free(caps);
	return value == CAP_SET;
}

int
caps_keep(void)
{
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}
