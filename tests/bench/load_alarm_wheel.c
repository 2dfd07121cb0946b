/*
 * The alarm where there is no timerfd: a timer of the loop.
 */
#include "load_alarm.h"

enum { NS_PER_MS = 1000000 };

static void
alarm_ring(struct timer *timer)
{
	struct load_alarm *alarm =
	    container_of(timer, struct load_alarm, timer);

	alarm->at_ns = 0;
}

int
load_alarm_open(struct load_alarm *alarm, struct loop *loop)
{
	alarm->loop = loop;
	alarm->at_ns = 0;
	timer_init(&alarm->timer, alarm_ring);
	return 0;
}

void
load_alarm_set(struct load_alarm *alarm, uint64_t at_ns)
{
	uint64_t at_ms = (at_ns + NS_PER_MS - 1) / NS_PER_MS;
	uint64_t now_ms = loop_now(alarm->loop);

	if (alarm->at_ns != 0 && alarm->at_ns <= at_ns)
		return;
	alarm->at_ns = at_ns;
	loop_timer_set(
	    alarm->loop, &alarm->timer, at_ms > now_ms ? at_ms - now_ms : 0);
}

void
load_alarm_close(struct load_alarm *alarm)
{
	loop_timer_cancel(alarm->loop, &alarm->timer);
}
