/*
 * The phases of a run, and the pace at which connections and requests begin.
 * What becomes due is looked at at the end of each turn of the loop, which
 * begins in time because the alarm is set.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "load_net.h"
#include "load_run.h"
#include "load_run_common.h"

enum { UNDER_WAY = 512, RETRY_MS = 20, NS_PER_MS = 1000000 };

/* A share of the time-out after which it is looked for those it has come to,
 * and bounds of that. */
enum { SWEEPS = 10, SWEEP_MIN_MS = 10, SWEEP_MAX_MS = 1000 };

static const int stop_signals[] = { SIGINT, SIGTERM };

/* ---- the way through the phases ------------------------------------------*/

static void
run_finish(struct load_run *run)
{
	run->phase = LOAD_DONE;
	loop_stop(run->loop);
}

/* MEASURE ends, at a moment that may lie a little back. */
static void
run_end_measure(struct load_run *run, uint64_t at_ns)
{
	pid_t pid;

	run->end_ns = at_ns;
	if (load_meter_end(&run->meter, &run->metered, &pid) == -1) {
		run->meter_failed = true;
		fprintf(stderr, "muxload: process %ld: %s\n", (long)pid,
		    strerror(errno));
	}
	run->phase = LOAD_DRAIN;
}

static void
run_begin_measure(struct load_run *run)
{
	const struct load_options *options = run->options;
	pid_t pid;

	/* They were there when it began, so that this is rare. */
	if (load_meter_begin(&run->meter, &pid) == -1) {
		run->meter_failed = true;
		run->meter.npids = 0;
		fprintf(stderr, "muxload: process %ld: %s\n", (long)pid,
		    strerror(errno));
	}
	run->answer_ns = clock_mono_ns();
	run->begin_ns = load_first_due(run, run->answer_ns);
	run->phase = LOAD_MEASURE;
	if (options->requests != 0) {
		load_deal_requests(run);
		load_pump_all(run, run->begin_ns);
		return;
	}
	run->end_ns = run->begin_ns + options->duration_ms * NS_PER_MS;
	loop_timer_set(run->loop, &run->phase_timer, options->duration_ms);
}

static void
run_begin_warmup(struct load_run *run)
{
	load_make_lanes(run);
	run->phase = LOAD_WARMUP;
	loop_update_clock(run->loop);
	run->schedule_ns = clock_mono_ns();
	/* Request 0 is due now: have a turn follow this one. */
	load_alarm_set(&run->alarm, run->schedule_ns);
	if (run->options->warmup_ms == 0) {
		run_begin_measure(run);
		/* Where requests are counted, it has been done. */
		if (run->options->requests != 0)
			return;
	} else {
		loop_timer_set(
		    run->loop, &run->phase_timer, run->options->warmup_ms);
	}
	load_pump_all(run, run->schedule_ns);
}

static void
run_phase_over(struct timer *timer)
{
	struct load_run *run =
	    container_of(timer, struct load_run, phase_timer);

	if (run->phase == LOAD_WARMUP)
		run_begin_measure(run);
	else if (run->phase == LOAD_MEASURE)
		/* What is due in the open loop is due, though this timer is
		 * a little early or late. */
		run_end_measure(run,
		    run->options->rate.count != 0 ? run->end_ns
						  : clock_mono_ns());
}

static void
run_line_came(struct load_input *input, const char *data, size_t len)
{
	struct load_run *run = input->owner;

	if (len != 0 && memchr(data, '\n', len) == NULL)
		return;
	load_input_close(input);
	if (run->phase == LOAD_HOLDING)
		run_begin_warmup(run);
}

static void
run_all_open(struct load_run *run)
{
	if (run->dead == run->options->connections) {
		run_finish(run);
		return;
	}
	if (!run->options->hold) {
		run_begin_warmup(run);
		return;
	}
	run->phase = LOAD_HOLDING;
	printf("open %u\n", load_run_connections(run));
	(void)fflush(stdout);
	run->input_open =
	    load_input_open(&run->input, run->loop, run_line_came, run) != -1;
	if (!run->input_open)
		run_begin_warmup(run);
}

/* Whether all has happened that the phase waits for. */
static bool
run_is_quiet(const struct load_run *run)
{
	if (run->outstanding != 0 || run->waiting != 0 ||
	    !load_all_released(run))
		return false;
	if (run->phase == LOAD_DRAIN)
		return true;
	return run->phase == LOAD_MEASURE && run->options->requests != 0 &&
	    run->left == 0;
}

static void
run_check_end(struct load_run *run)
{
	if (run->phase == LOAD_OPENING &&
	    run->settled == run->options->connections)
		run_all_open(run);
	if (!run_is_quiet(run))
		return;
	if (run->phase == LOAD_MEASURE)
		run_end_measure(run, run->answer_ns);
	run_finish(run);
}

/* ---- what is done in each turn, and now and then -------------------------*/

static void
run_open_again(struct load_run *run, uint64_t now_ns)
{
	struct list again, *node;

	list_init(&again);
	list_splice(&again, &run->again);
	while ((node = list_shift(&again)) != NULL)
		load_open(container_of(node, struct load_conn, link), now_ns);
}

/* Open more connections, as many as may be under way and are due. */
static void
run_open_more(struct load_run *run, uint64_t now_ns)
{
	const struct load_options *options = run->options;
	struct rate rate = options->connect_rate;
	uint64_t at_ns;

	while (run->opened < options->connections &&
	    run->opened - run->settled < UNDER_WAY) {
		at_ns = run->open_ns;
		if (rate.count != 0)
			at_ns += (uint64_t)((double)run->opened *
			    rate.period_ms * NS_PER_MS / rate.count);
		if (at_ns > now_ns) {
			load_alarm_set(&run->alarm, at_ns);
			return;
		}
		run->driver->open(
		    run->driver->conn(run, run->opened++), now_ns);
	}
}

static void
run_turn_ends(struct loop_hook *hook)
{
	struct load_run *run = container_of(hook, struct load_run, hook);
	uint64_t now_ns = 0;

	if (!list_empty(&run->again) || run->phase == LOAD_OPENING ||
	    run->options->rate.count != 0)
		now_ns = clock_mono_ns();
	if (!list_empty(&run->again))
		run_open_again(run, now_ns);
	if (run->phase == LOAD_OPENING)
		run_open_more(run, now_ns);
	if (run->options->rate.count != 0 &&
	    (run->phase == LOAD_WARMUP || run->phase == LOAD_MEASURE ||
		run->phase == LOAD_DRAIN))
		load_release_due(run, now_ns);
	run_check_end(run);
}

static void
run_retry(struct timer *timer)
{
	struct load_run *run =
	    container_of(timer, struct load_run, retry_timer);

	list_splice(&run->again, &run->retry);
}

/* Nothing comes any more that would end the run: a server that is gone. */
static bool
run_is_stuck(const struct load_run *run, uint64_t now_ns)
{
	uint64_t patience_ns = 2 * run->options->timeout_ms * NS_PER_MS;
	bool ends_by_answers = run->phase == LOAD_DRAIN ||
	    (run->phase == LOAD_MEASURE && run->options->requests != 0 &&
		load_all_released(run));

	return ends_by_answers && now_ns > run->answer_ns + patience_ns &&
	    (run->phase != LOAD_DRAIN || now_ns > run->end_ns + patience_ns);
}

static void
run_sweep(struct timer *timer)
{
	struct load_run *run =
	    container_of(timer, struct load_run, sweep_timer);
	uint64_t now_ns = clock_mono_ns();
	unsigned i;

	for (i = 0; i < run->opened; i++)
		run->driver->sweep(run->driver->conn(run, i), now_ns);
	if (run_is_stuck(run, now_ns)) {
		run->counts.errors +=
		    run->outstanding + run->waiting + run->left;
		if (run->phase == LOAD_MEASURE)
			run_end_measure(run, now_ns);
		run_finish(run);
	}
}

static void
run_signal(struct signals *signals, int signo)
{
	struct load_run *run = signals->owner;

	(void)signo;
	run->interrupted = true;
	if (run->phase == LOAD_MEASURE)
		run_end_measure(run, clock_mono_ns());
	run_finish(run);
}

/* ---- open, go, close -----------------------------------------------------*/

static void
run_init(struct load_run *run, const struct load_options *options,
    const struct load_driver *driver)
{
	memset(run, 0, sizeof(*run));
	run->options = options;
	run->driver = driver;
	run->meter = options->meter;
	run->begin_ns = UINT64_MAX;
	run->end_ns = UINT64_MAX;
	list_init(&run->again);
	list_init(&run->retry);
	list_init(&run->spare);
	timer_init(&run->phase_timer, run_phase_over);
	timer_init(&run->sweep_timer, run_sweep);
	timer_init(&run->retry_timer, run_retry);
	if (options->rate.count != 0) {
		run->interval_ns = (double)options->rate.period_ms * NS_PER_MS /
		    options->rate.count;
		run->limit = UINT64_MAX;
	}
}

static int
run_prepare_conns(struct load_run *run)
{
	struct load_conn *conn;
	unsigned i;

	run->lanes = mem_array(run->options->connections, sizeof(*run->lanes));
	if (run->lanes == NULL)
		return -1;
	if (run->driver->prepare(run) == -1)
		return -1;
	for (i = 0; i < run->options->connections; i++) {
		conn = run->driver->conn(run, i);
		conn->run = run;
		conn->index = i;
		conn->state = LOAD_DOWN;
		list_init(&conn->link);
	}
	return 0;
}

int
load_run_open(struct load_run *run, const struct load_options *options,
    const struct load_driver *driver)
{
	int error;

	run_init(run, options, driver);
	if ((run->loop = loop_open("auto")) == NULL)
		return -1;
	if (net_open(&run->net, run->loop, &load_grant) == -1)
		goto fail_net;
	if (load_alarm_open(&run->alarm, run->loop) == -1)
		goto fail_alarm;
	run->signals.owner = run;
	if (signals_open(&run->signals, run->loop, stop_signals,
		sizeof(stop_signals) / sizeof(stop_signals[0]),
		run_signal) == -1)
		goto fail_signals;
	if (load_message_init(&run->message, options->message) == -1)
		goto fail_message;
	if (run_prepare_conns(run) == -1)
		goto fail_conns;
	loop_add_hook(run->loop, &run->hook, run_turn_ends);
	return 0;

fail_conns:
	error = errno;
	mem_free(run->lanes);
	load_message_free(&run->message);
	errno = error;
fail_message:
	signals_close(&run->signals);
fail_signals:
	load_alarm_close(&run->alarm);
fail_alarm:
	net_close(&run->net);
fail_net:
	error = errno;
	loop_close(run->loop);
	errno = error;
	return -1;
}

int
load_run_go(struct load_run *run)
{
	uint64_t sweep_ms = run->options->timeout_ms / SWEEPS;

	if (sweep_ms < SWEEP_MIN_MS)
		sweep_ms = SWEEP_MIN_MS;
	if (sweep_ms > SWEEP_MAX_MS)
		sweep_ms = SWEEP_MAX_MS;
	loop_update_clock(run->loop);
	loop_timer_repeat(run->loop, &run->sweep_timer, (uint32_t)sweep_ms);
	run->open_ns = clock_mono_ns();
	if (run->options->one_shot) {
		run->opened = run->settled = run->options->connections;
		run_begin_warmup(run);
	}
	/* So that the first turn does not sleep. */
	load_alarm_set(&run->alarm, run->open_ns);
	return loop_run(run->loop);
}

void
load_run_close(struct load_run *run)
{
	unsigned i;

	for (i = 0; i < run->options->connections; i++)
		run->driver->close(run->driver->conn(run, i));
	if (run->input_open)
		load_input_close(&run->input);
	signals_close(&run->signals);
	load_alarm_close(&run->alarm);
	net_close(&run->net);
	loop_close(run->loop);
	run->driver->release(run);
	load_message_free(&run->message);
	mem_free(run->lanes);
}

double
load_run_seconds(const struct load_run *run)
{
	if (run->phase <= LOAD_MEASURE || run->end_ns < run->begin_ns ||
	    run->begin_ns == UINT64_MAX)
		return 0;
	return (double)(run->end_ns - run->begin_ns) / 1e9;
}

unsigned
load_run_connections(const struct load_run *run)
{
	return run->settled - run->dead;
}

void
load_retry_later(struct load_conn *conn)
{
	struct load_run *run = conn->run;

	list_append(&run->retry, &conn->link);
	if (!timer_is_set(&run->retry_timer))
		loop_timer_set(run->loop, &run->retry_timer, RETRY_MS);
}
