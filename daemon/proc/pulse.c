/*
 * The status line and the watchdog: see pulse.h.
 */
#include "proc/pulse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "monitor/report.h"
#include "proc/notify.h"
#include "proc/vitals.h"

/* What makes a plural. */
static const char *
pulse_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "12 sessions, 2 of 2 workers, 5 of 6 servers up" */
static void
pulse_format(const struct pulse *pulse, char buf[PULSE_STATUS_MAX])
{
	const struct supervisor *sup = pulse->sup;
	const struct report_source source = {
		.state = sup->state,
		.conf = sup->conf,
		.pools = sup->slots->pools,
		.places = sup->slots->places,
	};
	static const char *const orders[] = {
		[NODE_ENABLED] = "",
		[NODE_DRAINING] = ", drained by order",
		[NODE_REFUSING] = ", drained by order: new clients are refused",
	};
	struct report_counts counts;
	char servers[48] = "";

	report_count(&source, loop_now(sup->loop), &counts);
	if (pulse->stopping != NULL) {
		(void)snprintf(buf, PULSE_STATUS_MAX,
		    "%s: %" PRIu64 " session%s left", pulse->stopping,
		    counts.sessions, pulse_s(counts.sessions));
		return;
	}
	if (counts.servers > 0)
		(void)snprintf(servers, sizeof(servers),
		    ", %u of %u servers up", counts.usable, counts.servers);
	(void)snprintf(buf, PULSE_STATUS_MAX,
	    "serving %zu service%s: %" PRIu64
	    " session%s, %u of %u workers%s%s%s",
	    sup->conf->nservices, pulse_s(sup->conf->nservices),
	    counts.sessions, pulse_s(counts.sessions), vitals_beating(sup),
	    sup->plan->workers, servers, orders[state_node_order(sup->state)],
	    pulse->note);
}

void
pulse_tell(struct pulse *pulse)
{
	char text[PULSE_STATUS_MAX];

	if (!notify_is_heard())
		return;

	pulse_format(pulse, text);
	if (strcmp(text, pulse->told) == 0)
		return;
	memcpy(pulse->told, text, sizeof(text));
	notify_status(text);
}

/* Once for each time that it begins. */
static void
pulse_note_deafness(struct pulse *pulse)
{
	bool deaf = notify_is_deaf();

	if (deaf && !pulse->unheard)
		log_printf(pulse->sup->log, LOG_LEVEL_WARNING,
		    "the service manager does not listen: it may not know what"
		    " muxd does, and not keep all sockets over a restart");
	pulse->unheard = deaf;
}

static void
pulse_look(struct timer *timer)
{
	struct pulse *pulse = container_of(timer, struct pulse, look);

	pulse_tell(pulse);
	pulse_note_deafness(pulse);
}

/* Who waits in vain shall be explained in the log. */
static void
pulse_withhold(struct pulse *pulse)
{
	const struct supervisor *sup = pulse->sup;

	if (pulse->withheld)
		return;
	pulse->withheld = true;
	log_printf(sup->log, LOG_LEVEL_WARNING,
	    "the watchdog is kept waiting: %u of %u workers are well, and the"
	    " monitor is %s",
	    vitals_beating(sup), sup->plan->workers,
	    supervisor_monitor_alive(sup) ? "up" : "down");
}

/* What is due and cannot be given is given as soon as it can. */
static void
pulse_beat(struct timer *timer)
{
	struct pulse *pulse = container_of(timer, struct pulse, beat);
	struct supervisor *sup = pulse->sup;
	uint32_t next = pulse->beat_ms;

	if (vitals_all_well(sup)) {
		pulse->withheld = false;
		notify_alive();
	} else {
		pulse_withhold(pulse);
		if (next > VITALS_INTERVAL_MS)
			next = VITALS_INTERVAL_MS;
	}
	loop_timer_set(sup->loop, timer, next);
}

static void
pulse_start(struct pulse *pulse)
{
	struct loop *loop = pulse->sup->loop;
	uint64_t us = notify_watchdog_us();

	timer_init(&pulse->look, pulse_look);
	timer_init(&pulse->beat, pulse_beat);
	loop_timer_repeat(loop, &pulse->look, PULSE_STATUS_MS);
	if (us == 0)
		return;
	us = us / 2000 < UINT32_MAX ? us / 2000 : UINT32_MAX;
	pulse->beat_ms = us > 0 ? (uint32_t)us : 1;
	pulse_beat(&pulse->beat);
}

void
pulse_ready(struct pulse *pulse, const char *note)
{
	if (!notify_is_heard())
		return;
	pulse->note = note;
	pulse_format(pulse, pulse->told);
	notify_ready(pulse->told);
	if (pulse->look.call == NULL)
		pulse_start(pulse);
}

void
pulse_stopping(struct pulse *pulse, const char *doing)
{
	if (!notify_is_heard())
		return;
	pulse->stopping = doing;
	pulse_format(pulse, pulse->told);
	notify_stopping(pulse->told);
}

void
pulse_close(struct pulse *pulse)
{
	if (pulse->look.call == NULL)
		return;
	loop_timer_cancel(pulse->sup->loop, &pulse->look);
	loop_timer_cancel(pulse->sup->loop, &pulse->beat);
}
