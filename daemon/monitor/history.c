/*
 * A ring of samples: see history.h.
 */
#include "monitor/history.h"

#include "monitor/report_common.h"

static uint64_t
history_refused(const struct state *state, unsigned service)
{
	uint64_t n = 0;
	int i;

	for (i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (reason_info((enum reason)i)->refused)
			n += state_sum_ended(state, service, (enum reason)i);
	return n;
}

void
history_take(struct history *history, const struct report_source *source,
    uint64_t now_ms)
{
	struct history_sample *sample =
	    &history->samples[history->taken++ % HISTORY_SAMPLES];
	const struct state *state = source->state;
	size_t i;
	unsigned slot;

	*sample = (struct history_sample){ .now_ms = now_ms,
		.sessions = report_live(source) };
	for (i = 0; i < source->conf->nservices; i++) {
		slot = source->services[i];
		sample->accepted +=
		    state_sum_events(state, slot, COUNTER_ACCEPTED);
		sample->refused += history_refused(state, slot);
		sample->bytes_in +=
		    state_sum_events(state, slot, COUNTER_BYTES_IN);
		sample->bytes_out +=
		    state_sum_events(state, slot, COUNTER_BYTES_OUT);
	}
}

/* A reload that removes a service makes totals fall. */
static double
history_rate(uint64_t from, uint64_t to, uint64_t ms)
{
	return to > from && ms > 0 ? (double)(to - from) * 1000 / (double)ms
				   : 0;
}

struct history_arrays {
	json_t *ages, *accepted, *refused, *in, *out, *sessions;
};

static void
history_push(struct report *report, const struct history_arrays *arrays,
    const struct history_sample *before, const struct history_sample *sample)
{
	uint64_t ms = sample->now_ms - before->now_ms;

	report_push(report, arrays->ages,
	    json_integer((json_int_t)(report->now_ms - sample->now_ms)));
	report_push(report, arrays->accepted,
	    json_real(history_rate(before->accepted, sample->accepted, ms)));
	report_push(report, arrays->refused,
	    json_real(history_rate(before->refused, sample->refused, ms)));
	report_push(report, arrays->in,
	    json_real(history_rate(before->bytes_in, sample->bytes_in, ms)));
	report_push(report, arrays->out,
	    json_real(history_rate(before->bytes_out, sample->bytes_out, ms)));
	report_push(report, arrays->sessions,
	    json_integer((json_int_t)sample->sessions));
}

json_t *
history_report(const struct history *history, uint64_t now_ms)
{
	struct report report = { .now_ms = now_ms };
	json_t *object = report_object(&report);
	const struct history_arrays arrays = { report_array(&report),
		report_array(&report), report_array(&report),
		report_array(&report), report_array(&report),
		report_array(&report) };
	size_t n = history->taken, i;

	i = n > HISTORY_SAMPLES ? n - HISTORY_SAMPLES : 0;
	/* The first one has none before it. */
	while (++i < n)
		history_push(&report, &arrays,
		    &history->samples[(i - 1) % HISTORY_SAMPLES],
		    &history->samples[i % HISTORY_SAMPLES]);
	report_set(&report, object, "ages_ms", arrays.ages);
	report_set(&report, object, "accepted_per_s", arrays.accepted);
	report_set(&report, object, "refused_per_s", arrays.refused);
	report_set(&report, object, "bytes_in_per_s", arrays.in);
	report_set(&report, object, "bytes_out_per_s", arrays.out);
	report_set(&report, object, "sessions", arrays.sessions);
	return report_finish(&report, object);
}
