/*
 * The summary of the counters.
 */
#include "proc/summary.h"

#include <stdio.h>

#include "state/servers.h"

static void
summary_write_service(struct log *log, const struct state *state, unsigned slot)
{
	struct log_record record;
	uint64_t n;
	int i;

	log_record_begin(&record, LOG_LEVEL_NOTICE, "summary");
	log_record_str(&record, "service", state->services[slot].name);
	for (i = 0; i < COUNTER_EVENTS; i++) {
		n = state_sum_events(state, slot, (enum counter)i);
		if (n > 0)
			log_record_uint(
			    &record, counter_name((enum counter)i), n);
	}
	for (i = 0; i < REASON_COUNT; i++) {
		n = state_sum_ended(state, slot, (enum reason)i);
		if (n > 0)
			log_record_uint(
			    &record, reason_info((enum reason)i)->name, n);
	}
	log_emit(log, &record);
}

static void
summary_write_server(struct log *log, const struct state *state, unsigned place)
{
	struct log_record record;
	uint64_t n;
	int i;

	log_record_begin(&record, LOG_LEVEL_NOTICE, "summary");
	log_record_str(&record, "server", state->servers[place].name);
	for (i = 0; i < SERVER_COUNTERS; i++) {
		n = state_server_sum(state, place, (enum server_counter)i);
		if (n > 0)
			log_record_uint(&record,
			    server_counter_name((enum server_counter)i), n);
	}
	log_emit(log, &record);
}

/* Those that somebody was sent to. */
static void
summary_write_servers(struct log *log, const struct state *state)
{
	unsigned i;

	for (i = 0; i < state->shape.servers; i++)
		if (state_server_sum(state, i, SERVER_COUNTER_CONNECTS) > 0)
			summary_write_server(log, state, i);
}

/* Records that the workers could not hand over. */
static void
summary_write_log(struct log *log, const struct state *state)
{
	struct log_record record;
	uint64_t dropped = 0;
	unsigned i;

	for (i = 0; i < state->shape.workers; i++)
		dropped += atomic_load(&state->workers[i].log_dropped);
	if (dropped == 0)
		return;
	log_record_begin(&record, LOG_LEVEL_WARNING, LOG_DROPPED);
	log_record_uint(&record, "count", dropped);
	log_emit(log, &record);
}

void
summary_write(struct log *log, const struct state *state)
{
	unsigned i;

	/* Those that a reload has removed, too, while they are known. */
	for (i = 0; i < state->shape.services; i++)
		if (state->services[i].name[0] != '\0')
			summary_write_service(log, state, i);
	summary_write_servers(log, state);
	summary_write_log(log, state);
}
