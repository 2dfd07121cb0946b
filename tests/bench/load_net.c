/*
 * A grant without a ceiling.
 */
#include "load_net.h"

static bool
grant_take(void *arg, uint32_t n)
{
	(void)arg;
	(void)n;
	return true;
}

static void
grant_give(void *arg, uint32_t n)
{
	(void)arg;
	(void)n;
}

static void
grant_wait(void *arg)
{
	(void)arg;
}

const struct bufpool_grant load_grant = { grant_take, grant_give, grant_wait,
	NULL };
