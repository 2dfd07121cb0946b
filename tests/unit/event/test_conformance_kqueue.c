/*
 * The conformance suite over ev_kqueue.c, compiled against the stand-in of
 * kqueue(2): for systems that lack the real one.
 */
#include "conformance.h"

int
main(void)
{
	return conformance_run(&event_backend_kqueue) == 0 ? 0 : 1;
}
