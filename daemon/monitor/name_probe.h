/*
 * Names that a reload brings: whether there are such names at all is asked
 * before anybody relies on them.
 *
 * That there is none must be an answer.  Where nobody answers, or not soon, the
 * name gets the benefit of the doubt: it will be asked for again and again
 * (monitor/names.h).
 */
#ifndef MUXD_MONITOR_NAME_PROBE_H
#define MUXD_MONITOR_NAME_PROBE_H

#include <stddef.h>

#include "conf/conf.h"
#include "event/loop.h"

#define NAME_PROBE_MS 3000 /* soon */

struct name_probe;

struct name_probe_config {
	struct loop *loop;
	const struct conf *conf;
	const struct conf *before; /* its names are asked for already */
	/* All were heard of, once; unknown is the number of a server whose name
	 * does not exist, counted through all pools, or SIZE_MAX. */
	void (*done)(void *owner, size_t unknown);
	void *owner;
};

/* Begin to ask; done comes in a later turn.  0, and *begun is NULL if there is
 * nothing to ask and done will not come; or -1 with ENOMEM.  What config points
 * at must outlive it. */
int name_probe_open(
    struct name_probe **begun, const struct name_probe_config *config);

/* No call follows.  Not from within one; NULL is allowed. */
void name_probe_close(struct name_probe *probe);

#endif
