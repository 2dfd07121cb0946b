/*
 * The workers' vital signs: see vitals.h.
 */
#include "proc/vitals.h"

#include <errno.h>
#include <signal.h>

#include "proc/heir.h"

/* A worker that is started again at once is no reason to steer. */
static bool
vitals_is_sick(const struct child *worker)
{
	bool failing = worker->given_up || worker->backoff.delay_ms > 0;

	return (worker->phase != CHILD_RUNNING && failing) || worker->silent ||
	    worker->congested;
}

void
vitals_steer(struct supervisor *sup)
{
	bool changed = false, sick;
	unsigned slot, nsick = 0;

	for (slot = 0; slot < sup->plan->slots; slot++) {
		sick = sup->workers[slot].wanted &&
		    vitals_is_sick(&sup->workers[slot]);
		changed |= sick != sup->sick[slot];
		sup->sick[slot] = sick;
		nsick += sick;
	}
	if ((!changed && !sup->steer_again) || sup->held ||
	    sup->phase >= SUPERVISOR_DRAINING)
		return;
	if (sockets_steer(sup->sockets, sup->sick) == -1) {
		if (!sup->steer_again)
			log_errno(sup->log, LOG_LEVEL_WARNING, errno,
			    "cannot steer clients around sick workers");
		sup->steer_again = errno != ENOSYS;
		return;
	}
	sup->steer_again = false;
	if (!changed)
		return;
	if (nsick == 0)
		log_printf(
		    sup->log, LOG_LEVEL_NOTICE, "all workers take new clients");
	else
		log_printf(sup->log, LOG_LEVEL_NOTICE,
		    "new clients are steered around %u of %u workers", nsick,
		    sup->plan->workers);
}

static void
vitals_kill(struct supervisor *sup, struct child *worker, uint64_t age)
{
	if (worker->killed)
		return;
	worker->killed = true;
	log_printf(sup->log, LOG_LEVEL_ERROR,
	    "worker %u has not moved for %llu ms: killing it", worker->slot,
	    (unsigned long long)age);
	(void)kill(worker->pid, SIGKILL);
}

static void
vitals_check(struct supervisor *sup, struct child *worker, uint64_t now)
{
	const struct state_worker *shared =
	    &sup->state->workers[worker->number];
	uint64_t beat = atomic_load(&shared->heartbeat_ms);
	uint64_t age = now > beat ? now - beat : 0;

	if (worker->phase == CHILD_DOWN)
		return;
	if (age >= VITALS_KILL_MS) {
		vitals_kill(sup, worker, age);
		return;
	}
	if (worker->silent == (age >= VITALS_SILENT_MS))
		return;
	worker->silent = !worker->silent;
	log_printf(sup->log,
	    worker->silent ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
	    worker->silent ? "worker %u is silent" : "worker %u moves again",
	    worker->slot);
}

static void
vitals_look(struct timer *timer)
{
	struct supervisor *sup =
	    container_of(timer, struct supervisor, heartbeats);
	uint64_t now = loop_now(sup->loop);
	uint64_t since = now - sup->checked_ms;
	unsigned slot;

	sup->checked_ms = now;
	/* When the master itself was held up, so was everybody: give them
	 * the time to show that they live. */
	if (since > VITALS_INTERVAL_MS * 4)
		return;
	for (slot = 0; slot < sup->plan->slots; slot++)
		vitals_check(sup, &sup->workers[slot], now);
	vitals_steer(sup);
	heir_tell_rest(sup);
}

void
vitals_start(struct supervisor *sup)
{
	sup->checked_ms = loop_now(sup->loop);
	timer_init(&sup->heartbeats, vitals_look);
	loop_timer_repeat(sup->loop, &sup->heartbeats, VITALS_INTERVAL_MS);
}

static bool
vitals_beats(const struct child *worker)
{
	return worker->phase != CHILD_DOWN && !worker->silent &&
	    !worker->killed;
}

unsigned
vitals_beating(const struct supervisor *sup)
{
	unsigned slot, n = 0;

	for (slot = 0; slot < sup->plan->slots; slot++)
		n += sup->workers[slot].wanted &&
		    vitals_beats(&sup->workers[slot]);
	return n;
}

bool
vitals_all_well(const struct supervisor *sup)
{
	bool stops = sup->phase >= SUPERVISOR_DRAINING;
	const struct child *worker;
	unsigned slot;

	if (!supervisor_monitor_alive(sup) && !sup->monitor.given_up && !stops)
		return false;
	for (slot = 0; slot < sup->plan->slots; slot++) {
		worker = &sup->workers[slot];
		if (!worker->wanted || worker->given_up)
			continue;
		if (stops && worker->phase == CHILD_DOWN)
			continue;
		if (!vitals_beats(worker))
			return false;
	}
	return true;
}
