/*
 * The conformance suite over each backend of the build.
 */
#include "conformance.h"

int
main(void)
{
	int failed = 0;

	for (size_t i = 0; event_backends[i] != NULL; i++)
		failed += conformance_run(event_backends[i]);
	return failed == 0 ? 0 : 1;
}
