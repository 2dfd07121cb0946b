/*
 * The backends of this build, best first: "auto" takes the first that
 * initialises.  configure decides which are compiled; this table is the only
 * place that follows it.
 */
#include <config.h>

#include "event/backend.h"

const struct event_backend *const event_backends[] = {
#if MUXD_EPOLL
	&event_backend_epoll,
#endif
#if MUXD_KQUEUE
	&event_backend_kqueue,
#endif
#if MUXD_EPOLL
	&event_backend_epoll_level,
#endif
	&event_backend_poll, &event_backend_select, NULL
};
