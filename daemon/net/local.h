/*
 * Which addresses are this machine's own.
 */
#ifndef MUXD_NET_LOCAL_H
#define MUXD_NET_LOCAL_H

#include <stdbool.h>

#include "base/addr.h"

/*
 * Whether what is sent to the address stays on this machine, now.  Its port
 * does not matter.  False too where the system does not tell.
 */
bool local_has_address(const struct addr *addr);

#endif
