/*
 * Capabilities of a system or a build without libcap: none to give up beside
 * the user id.
 */
#include "proc/caps.h"

int
caps_clear(void)
{
	return 0;
}
