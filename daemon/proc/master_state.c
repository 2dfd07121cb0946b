/*
 * The shared memory of a start: see master_state.h.
 *
 * One that is handed over may hold what dead processes have taken; that is
 * given back when there is a log to tell it to, and before a worker starts
 * (release_adopted()).
 */
#include "proc/master_state.h"

#include <errno.h>
#include <string.h>

#include "state/adopt.h"

/* Without what is to spare: names that are gone make room. */
static struct state_shape
shape_needed(const struct master *master)
{
	struct state_shape needed = master->plan.shape;

	needed.services = (uint32_t)master->conf->nservices;
	needed.pools = (uint32_t)master->conf->npools;
	needed.servers = (uint32_t)slots_places(master->conf);
	return needed;
}

static int
master_find_slots(struct master *master, struct state *state, uint32_t number)
{
	if (slots_make(&master->slots, master->conf, state, number) == 0) {
		slots_use(&master->slots, master->conf, state, number);
		slots_apply(&master->slots, master->conf, NULL, state);
		master->state = state;
		master->generation = number;
		return 0;
	}
	slots_free(&master->slots);
	return -1;
}

/* False: it is closed, and why was logged. */
static bool
master_adopt_state(struct master *master, int fd)
{
	const struct state_shape needed = shape_needed(master);
	const char *why;
	struct state *state = state_adopt(fd, &needed, &why);

	if (state != NULL &&
	    master_find_slots(
		master, state, state_latest_generation(state) + 1) == 0) {
		log_printf(&master->log, LOG_LEVEL_NOTICE,
		    "counters, bans and servers go on as they were");
		return true;
	}
	if (state != NULL) {
		why = errno == ENOSPC ? "it has no room for so many names"
				      : strerror(errno);
		state_close(state);
	}
	log_printf(&master->log, LOG_LEVEL_WARNING,
	    "counters, bans and what is known of servers begin anew: there is"
	    " shared memory of the muxd before, but %s",
	    why);
	return false;
}

int
master_make_state(struct master *master)
{
	int fd = inherit_take(master->inherit, INHERIT_STATE);
	struct state *state;

	if (fd != -1 && master_adopt_state(master, fd)) {
		master->adopted = !master->inherit->alive;
		return 0;
	}
	state = state_create(&master->plan.shape);
	if (state == NULL)
		return -1;
	if (master_find_slots(master, state, 1) == -1) {
		state_close(state);
		return -1;
	}
	store_keep_state(&master->store, state->fd);
	return 0;
}
