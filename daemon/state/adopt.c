/*
 * The mapping of an earlier muxd: see adopt.h.
 */
#include "state/adopt.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "state/servers.h"

/* NULL, or what there is no room for.  Sessions and sources follow from the
 * descriptors that are left beside the listeners: one of these more or less is
 * no reason to begin anew. */
static const char *
find_shortage(const struct state_shape *is, const struct state_shape *needed)
{
	if (is->workers < needed->workers)
		return "it has no room for so many workers";
	if (is->slots < needed->slots)
		return "it has no room for so many workers";
	if (is->services < needed->services)
		return "it has no room for so many services";
	if (is->pools < needed->pools)
		return "it has no room for so many pools";
	if (is->servers < needed->servers)
		return "it has no room for so many servers";
	if (is->sessions < needed->sessions - needed->sessions / 8)
		return "it has no room for so many connections";
	if (is->sources < needed->sources / 2)
		return "it has no room for so many clients' addresses";
	return NULL;
}

struct state *
state_adopt(int fd, const struct state_shape *needed, const char **why)
{
	struct state *state = state_attach(fd);

	if (state == NULL) {
		*why = errno == EPROTO ? "it is of another version, or damaged"
				       : strerror(errno);
		(void)close(fd);
		return NULL;
	}
	*why = find_shortage(&state->shape, needed);
	if (*why == NULL)
		return state;
	state_close(state);
	return NULL;
}

uint32_t
state_latest_generation(const struct state *state)
{
	uint32_t latest = 0, i;

	for (i = 0; i < state->shape.services; i++)
		if (state->services[i].used > latest)
			latest = state->services[i].used;
	for (i = 0; i < state->shape.pools; i++)
		if (state->pools[i].used > latest)
			latest = state->pools[i].used;
	for (i = 0; i < state->shape.servers; i++)
		if (state->servers[i].used > latest)
			latest = state->servers[i].used;
	return latest;
}
