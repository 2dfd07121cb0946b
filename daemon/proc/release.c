/*
 * Giving back what a dead worker held, to the last connection.
 */
#include "proc/release.h"

#include <sys/types.h>

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/record.h"
#include "state/ledger.h"
#include "state/servers.h"

struct release {
	struct log *log;
	const struct conf *conf;
	const struct state *state;
};

static void
release_log_session(void *arg, const struct ledger_entry *entry)
{
	const struct release *release = arg;
	int64_t lived_us = clock_wall_us() - entry->start_us;
	struct record_end end = {
		.service = release->state->services[entry->service].name,
		.duration_ms = lived_us > 0 ? (uint64_t)lived_us / 1000 : 0,
		.server = entry->server < release->state->shape.servers
		    ? release->state->servers[entry->server].name
		    : NULL,
		.reason = REASON_WORKER_DIED,
	};

	if (record_is_wanted(&release->conf->log))
		record_session(release->log, &release->conf->log, entry, &end);
}

void
release_worker(struct log *log, const struct conf *conf, struct state *state,
    unsigned number)
{
	struct release release = { log, conf, state };
	struct state_worker *worker = &state->workers[number];
	uint32_t lost;

	lost =
	    state_release_worker(state, number, release_log_session, &release);
	atomic_store(&worker->pid, 0);
	atomic_store(&worker->phase, WORKER_NONE);
	if (lost > 0)
		log_printf(log, LOG_LEVEL_WARNING,
		    "%u sessions were lost with worker %u", (unsigned)lost,
		    state_slot(state, number));
}

void
release_adopted(struct log *log, const struct conf *conf, struct state *state,
    uint32_t number)
{
	unsigned slot;

	for (slot = 0; slot < state->shape.workers; slot++)
		release_worker(log, conf, state, slot);
	/* Not before: the records name the services. */
	if (number > 1)
		state_forget(state, 1, number - 1);
}

void
release_kill_orphans(struct log *log, const struct state *state, unsigned first)
{
	unsigned slots = state_slots(state), i;
	pid_t pid;

	for (i = 0; i < state->shape.workers; i++) {
		pid = atomic_load(&state->workers[i].pid);
		/* One that has ended since may have left its number to
		 * somebody else. */
		if (i / slots == first / slots || pid <= 0 ||
		    getpgid(pid) != getpgrp())
			continue;
		log_printf(log, LOG_LEVEL_ERROR,
		    "worker %u (process %ld) has outlived its master: killing"
		    " it",
		    state_slot(state, i), (long)pid);
		(void)kill(pid, SIGKILL);
	}
}
