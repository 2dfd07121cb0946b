/*
 * Finding a backend by its name.
 */
#include "event/backend.h"

#include <string.h>

const struct event_backend *
event_backend_find(const char *name)
{
	for (size_t i = 0; event_backends[i] != NULL; i++)
		if (strcmp(event_backends[i]->name, name) == 0)
			return event_backends[i];
	return NULL;
}
