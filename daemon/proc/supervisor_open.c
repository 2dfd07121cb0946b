/*
 * What the supervisor has: see supervisor.h.
 */
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "event/wake.h"
#include "proc/fd_pair.h"
#include "proc/supervisor_common.h"

static void
supervisor_init_child(
    struct supervisor *sup, struct child *child, enum child_kind kind)
{
	child->kind = kind;
	child->owner = sup;
	timer_init(&child->respawn, supervisor_respawn);
}

/* A channel of log records: see base/log.h. */
static int
make_log(int fds[2])
{
	return compat_socketpair(SOCK_DGRAM, fds);
}

static int
supervisor_allocate(struct supervisor *sup)
{
	unsigned n = sup->plan->slots, bells = sup->state->shape.workers;

	sup->workers = mem_array(n, sizeof(*sup->workers));
	sup->logs = fd_pairs_new(n + 2U);
	sup->wake_fds = mem_array(bells, sizeof(*sup->wake_fds));
	sup->sick = mem_array(n, sizeof(*sup->sick));
	return sup->workers == NULL || sup->logs == NULL ||
		sup->wake_fds == NULL || sup->sick == NULL
	    ? -1
	    : 0;
}

static int
supervisor_make_pairs(struct supervisor *sup)
{
	unsigned bells = sup->state->shape.workers, i;

	if (sup->wakes == NULL) {
		sup->wakes = fd_pairs_new(bells);
		if (sup->wakes == NULL ||
		    fd_pairs_make(sup->wakes, bells, wake_make) == -1)
			return -1;
	}
	if (fd_pairs_make(sup->logs, sup->plan->slots + 2U, make_log) == -1 ||
	    fd_pairs_make(&sup->presence, 1, wake_make) == -1)
		return -1;
	for (i = 0; i < bells; i++)
		sup->wake_fds[i] = sup->wakes[i].write_fd;
	return 0;
}

/* What a dead worker held is given back by the master: others may wait for
 * it. */
static void
supervisor_wake(void *arg, unsigned worker)
{
	const struct supervisor *sup = arg;

	if (worker < sup->state->shape.workers)
		wake_send(sup->wake_fds[worker]);
}

int
supervisor_open(struct supervisor *sup)
{
	unsigned slot;

	sup->presence.read_fd = sup->presence.write_fd = -1;
	if (supervisor_allocate(sup) == -1 || supervisor_make_pairs(sup) == -1)
		return -1;
	sup->state->wake = supervisor_wake;
	sup->state->wake_arg = sup;
	supervisor_init_child(sup, &sup->monitor, CHILD_MONITOR);
	for (slot = 0; slot < sup->plan->slots; slot++) {
		supervisor_init_child(sup, &sup->workers[slot], CHILD_WORKER);
		sup->workers[slot].slot = slot;
		sup->workers[slot].number = sup->first + slot;
		supervisor_want(sup, slot, sup->sockets->wanted[slot]);
	}
	return 0;
}

void
supervisor_close(struct supervisor *sup)
{
	if (sup->plan == NULL)
		return;
	fd_pairs_free(sup->wakes, sup->state->shape.workers);
	if (sup->presence.read_fd != -1) {
		(void)close(sup->presence.read_fd);
		(void)close(sup->presence.write_fd);
	}
	fd_pairs_free(sup->logs, sup->plan->slots + 2U);
	mem_free(sup->sick);
	mem_free(sup->wake_fds);
	mem_free(sup->workers);
}
