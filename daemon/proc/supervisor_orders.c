/*
 * What the master has the supervisor do: see supervisor.h.
 */
#include <signal.h>

#include "proc/supervisor_common.h"
#include "proc/vitals.h"

void
supervisor_want(struct supervisor *sup, unsigned slot, bool wanted)
{
	struct child *worker = &sup->workers[slot];

	worker->wanted = wanted;
	atomic_store(&sup->state->workers[worker->number].wanted, wanted);
}

void
supervisor_each(struct supervisor *sup,
    void (*call)(void *arg, struct child *child), void *arg)
{
	unsigned slot;

	call(arg, &sup->monitor);
	for (slot = 0; slot < sup->plan->slots; slot++)
		call(arg, &sup->workers[slot]);
}

void
supervisor_add_worker(struct supervisor *sup, unsigned slot)
{
	supervisor_want(sup, slot, true);
	supervisor_spawn(&sup->workers[slot]);
}

void
supervisor_retire_worker(struct supervisor *sup, unsigned slot)
{
	struct child *worker = &sup->workers[slot];

	supervisor_want(sup, slot, false);
	loop_timer_cancel(sup->loop, &worker->respawn);
	log_printf(sup->log, LOG_LEVEL_NOTICE,
	    "worker %u is retired: its sessions have %llu ms to end", slot,
	    (unsigned long long)sup->conf->drain_timeout);
	if (worker->phase == CHILD_DOWN)
		supervisor_end_linger(sup, worker);
	else if (channel_send(worker->channel, MESSAGE_RETIRE,
		     (uint32_t)sup->conf->drain_timeout) == -1)
		(void)kill(worker->pid, SIGKILL);
}

void
supervisor_steer_again(struct supervisor *sup)
{
	sup->steer_again |= sup->sockets->steered;
	vitals_steer(sup);
}

void
supervisor_tell_workers(
    struct supervisor *sup, enum message_type type, uint32_t value)
{
	struct child *worker;
	unsigned slot;

	for (slot = 0; slot < sup->plan->slots; slot++) {
		worker = &sup->workers[slot];
		if (worker->phase != CHILD_DOWN)
			(void)channel_send(worker->channel, type, value);
	}
}

void
supervisor_kill_workers(struct supervisor *sup)
{
	unsigned slot;

	for (slot = 0; slot < sup->plan->slots; slot++)
		if (sup->workers[slot].phase != CHILD_DOWN)
			(void)kill(sup->workers[slot].pid, SIGKILL);
}

void
supervisor_drain(struct supervisor *sup, uint64_t timeout_ms)
{
	struct child *worker;
	unsigned slot;

	/* Who has ended by now gets a successor for its queues. */
	supervisor_reap(sup);
	sup->phase = SUPERVISOR_DRAINING;
	sup->drain_until = loop_now(sup->loop) + timeout_ms;
	for (slot = 0; slot < sup->plan->slots; slot++) {
		worker = &sup->workers[slot];
		/* Another worker has the queues of one that is retired. */
		if (!worker->wanted)
			supervisor_let_go(sup, worker);
		if (worker->phase == CHILD_RUNNING)
			supervisor_tell_drain(sup, worker);
		else if (!worker->wanted)
			continue;
		else if (worker->given_up)
			supervisor_let_go(sup, worker);
		else if (worker->phase == CHILD_DOWN)
			supervisor_spawn(worker);
	}
}

void
supervisor_leave(struct supervisor *sup, uint64_t timeout_ms)
{
	struct child *worker;
	unsigned slot;

	supervisor_reap(sup);
	sup->phase = SUPERVISOR_DRAINING;
	sup->yielded = true;
	/* First, so that a worker which alone has a socket is the last to
	 * close it. */
	sup->sockets->removed = true;
	sockets_close(sup->sockets);
	for (slot = 0; slot < sup->plan->slots; slot++) {
		worker = &sup->workers[slot];
		worker->emptied = true;
		loop_timer_cancel(sup->loop, &worker->respawn);
		if (worker->phase != CHILD_DOWN &&
		    channel_send(worker->channel, MESSAGE_LEAVE,
			(uint32_t)timeout_ms) == -1)
			(void)kill(worker->pid, SIGKILL);
	}
}

void
supervisor_stop(struct supervisor *sup)
{
	unsigned slot;

	sup->phase = SUPERVISOR_STOPPING;
	loop_timer_cancel(sup->loop, &sup->monitor.respawn);
	for (slot = 0; slot < sup->plan->slots; slot++)
		loop_timer_cancel(sup->loop, &sup->workers[slot].respawn);
}

unsigned
supervisor_workers_left(const struct supervisor *sup)
{
	const struct child *worker;
	unsigned slot, n = 0;

	for (slot = 0; slot < sup->plan->slots; slot++) {
		worker = &sup->workers[slot];
		n += worker->phase != CHILD_DOWN ||
		    (sup->phase == SUPERVISOR_DRAINING && !worker->emptied &&
			!worker->given_up);
	}
	return n;
}

bool
supervisor_monitor_alive(const struct supervisor *sup)
{
	return sup->monitor.phase != CHILD_DOWN;
}

void
supervisor_tell_monitor(struct supervisor *sup, enum message_type type)
{
	if (supervisor_monitor_alive(sup))
		(void)channel_send(sup->monitor.channel, type, 0);
}

void
supervisor_kill_monitor(struct supervisor *sup)
{
	if (supervisor_monitor_alive(sup))
		(void)kill(sup->monitor.pid, SIGKILL);
}
