/*
 * The metrics of the workers.
 */
#include "monitor/metrics_common.h"
#include "monitor/report_common.h"
#include "net/bufpool.h"

enum worker_metric {
	WORKER_METRIC_UP,
	WORKER_METRIC_SESSIONS,
	WORKER_METRIC_HEARTBEAT,
	WORKER_METRIC_MEMORY,
	WORKER_METRIC_STARTS,
	WORKER_METRIC_ACCEPTED,
	WORKER_METRIC_DROPPED
};

static const struct {
	const char *name;
	const char *type;
	const char *help;
} worker_metrics[] = {
	[WORKER_METRIC_UP] = { "muxd_worker_up", "gauge",
	    "1 while the worker serves and its heartbeat is young." },
	[WORKER_METRIC_SESSIONS] = { "muxd_worker_sessions", "gauge",
	    "Sessions that the worker has." },
	[WORKER_METRIC_HEARTBEAT] = { "muxd_worker_heartbeat_age_seconds",
	    "gauge", "How long ago the worker has last moved." },
	[WORKER_METRIC_MEMORY] = { "muxd_worker_queue_memory_bytes", "gauge",
	    "Memory that the worker holds for bytes that wait." },
	[WORKER_METRIC_STARTS] = { "muxd_worker_starts_total", "counter",
	    "How often a worker was started in the slot." },
	[WORKER_METRIC_ACCEPTED] = { "muxd_worker_accepted_total", "counter",
	    "Connections that the slot took from the kernel." },
	[WORKER_METRIC_DROPPED] = { "muxd_worker_log_dropped", "gauge",
	    "Log records that the worker in the slot could not hand over." },
};

static uint64_t
metrics_number_value(
    const struct state *state, enum worker_metric metric, unsigned number)
{
	const struct state_worker *worker = &state->workers[number];

	switch (metric) {
	case WORKER_METRIC_SESSIONS:
		return atomic_load(&worker->sessions);
	case WORKER_METRIC_MEMORY:
		return (uint64_t)atomic_load(&worker->memory_held) * CHUNK_SIZE;
	case WORKER_METRIC_STARTS:
		return atomic_load(&worker->starts);
	case WORKER_METRIC_ACCEPTED:
		return state_worker_events(state, number, COUNTER_ACCEPTED);
	case WORKER_METRIC_DROPPED:
		return atomic_load(&worker->log_dropped);
	case WORKER_METRIC_UP:
	case WORKER_METRIC_HEARTBEAT:
		break;
	}
	return 0;
}

/* With what the worker has of it that was there before an upgrade. */
static uint64_t
metrics_worker_value(
    const struct metrics *metrics, enum worker_metric metric, unsigned slot)
{
	const struct state *state = metrics->source->state;
	uint64_t n = 0;
	unsigned i;

	if (metric == WORKER_METRIC_UP)
		return report_worker_well(
		    metrics->source, slot, metrics->now_ms);
	for (i = slot; i < state->shape.workers; i += state_slots(state))
		n += metrics_number_value(state, metric, i);
	return n;
}

void
metrics_workers(const struct metrics *metrics)
{
	const struct report_source *source = metrics->source;
	uint64_t beat;
	size_t i;
	unsigned slot;

	for (i = 0; i < COUNT(worker_metrics); i++) {
		metrics_family(metrics, worker_metrics[i].name,
		    worker_metrics[i].type, worker_metrics[i].help);
		for (slot = 0; slot < state_slots(source->state); slot++) {
			if (!report_worker_shown(source, slot))
				continue;
			strbuf_printf(metrics->out, "%s{worker=\"%u\"}",
			    worker_metrics[i].name, slot);
			if (i != WORKER_METRIC_HEARTBEAT) {
				metrics_value(metrics,
				    metrics_worker_value(
					metrics, (enum worker_metric)i, slot));
				continue;
			}
			beat = atomic_load(
			    &report_worker(source, slot)->heartbeat_ms);
			metrics_seconds(metrics,
			    metrics->now_ms > beat ? metrics->now_ms - beat
						   : 0);
		}
	}
}
