/*
 * No status page: this build has no libmicrohttpd.
 */
#include <errno.h>

#include "monitor/status.h"

bool
status_supported(void)
{
	return false;
}

struct status *
status_open(const struct status_config *config)
{
	(void)config;
	errno = ENOTSUP;
	return NULL;
}

void
status_update(struct status *status, const struct report_source *source)
{
	(void)status;
	(void)source;
}

void
status_close(struct status *status)
{
	(void)status;
}
