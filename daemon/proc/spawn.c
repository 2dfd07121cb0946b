/*
 * Making a child what it is to be: which descriptors it keeps, and what it
 * is told.
 */
#include "proc/spawn.h"

#include <stdlib.h>

#include "base/mem.h"
#include "proc/detach.h"
#include "proc/monitor.h"
#include "proc/worker.h"

/* Descriptors of a child, into keep; returns their number. */
static size_t
spawn_worker_fds(
    const struct supervisor *sup, const struct child *child, int *keep)
{
	unsigned slot = child->slot;
	size_t i, n = 0;

	for (i = 0; i < sup->sockets->n; i++)
		keep[n++] = sockets_fd(&sup->sockets->items[i], slot);
	for (i = 0; i < sup->state->shape.workers; i++)
		keep[n++] = sup->wake_fds[i];
	keep[n++] = sup->wakes[child->number].read_fd;
	keep[n++] = sup->presence.write_fd;
	keep[n++] = sup->logs[WORKER_LOG(slot)].write_fd;
	return n;
}

static size_t
spawn_monitor_fds(const struct supervisor *sup, int *keep)
{
	size_t i, n = 0;

	for (i = 0; i < sup->plan->slots + 2U; i++)
		keep[n++] = sup->logs[i].read_fd;
	for (i = 0; i < sup->state->shape.workers; i++)
		keep[n++] = sup->wake_fds[i];
	keep[n++] = sup->logs[MONITOR_LOG].write_fd;
	keep[n++] = sup->presence.write_fd;
	for (i = 0; i < sup->status_sockets->n; i++)
		keep[n++] = sup->status_sockets->fds[i];
	return n;
}

/* The CPU that the worker of a slot is pinned to, or -1: workers that there
 * are go in the order of their slots. */
static int
spawn_cpu(const struct supervisor *sup, unsigned slot)
{
	unsigned i, rank = 0;

	for (i = 0; i < slot; i++)
		rank += sup->sockets->used[i];
	return sup->plan->pin && rank < sup->plan->ncpus
	    ? (int)sup->plan->cpus[rank]
	    : -1;
}

_Noreturn static void
spawn_be_worker(
    struct supervisor *sup, const struct child *child, int channel_fd)
{
	unsigned slot = child->slot;
	const struct worker_task task = {
		.conf = sup->conf,
		.generation = sup->generation,
		.sockets = sup->sockets,
		.state = sup->state,
		.places = sup->slots,
		.identity = sup->identity,
		.event_backend = sup->event_backend,
		.slot = slot,
		.number = child->number,
		.connections_max = sup->plan->connections,
		.cpu = spawn_cpu(sup, slot),
		.channel_fd = channel_fd,
		.log_fd = sup->logs[WORKER_LOG(slot)].write_fd,
		.wake_fd = sup->wakes[child->number].read_fd,
		.wake_fds = sup->wake_fds,
	};

	if (sup->detached)
		detach_terminal();
	exit(worker_run(&task));
}

_Noreturn static void
spawn_be_monitor(struct supervisor *sup, int channel_fd)
{
	const struct monitor_task task = {
		.conf = sup->conf,
		.state = sup->state,
		.places = sup->slots,
		.identity = sup->identity,
		.wake_fds = sup->wake_fds,
		.first = sup->first,
		.checks_max = sup->plan->checks,
		.connections_max = sup->plan->connections,
		.started_ms = sup->started_ms,
		.status_fds = sup->status_sockets->fds,
		.nstatus_fds = sup->status_sockets->n,
		.channel_fd = channel_fd,
		.logs = sup->logs,
		.nlogs = sup->plan->slots + 2U,
		.log_fd = sup->logs[MONITOR_LOG].write_fd,
		.detached = sup->detached,
		.strict = sup->phase == SUPERVISOR_STARTING,
		.held = sup->held || sup->yielded,
	};

	exit(monitor_run(&task));
}

pid_t
spawn_child(struct supervisor *sup, const struct child *child, int *channel_fd)
{
	size_t n = sup->sockets->n + sup->plan->slots +
	    sup->state->shape.workers + 8 + sup->status_sockets->n;
	int *keep = mem_array(n, sizeof(*keep));
	pid_t pid;

	if (keep == NULL)
		return -1;
	n = child->kind == CHILD_WORKER ? spawn_worker_fds(sup, child, keep)
					: spawn_monitor_fds(sup, keep);
	pid = child_fork(channel_fd, keep, n);
	mem_free(keep);
	if (pid != 0)
		return pid;
	if (child->kind == CHILD_WORKER)
		spawn_be_worker(sup, child, *channel_fd);
	spawn_be_monitor(sup, *channel_fd);
}
