/*
 * Exponential back-off between the lives of a child.
 */
#include "proc/backoff.h"

uint32_t
backoff_next(struct backoff *backoff, uint64_t lived_ms)
{
	if (lived_ms >= BACKOFF_HEALTHY_MS) {
		backoff->delay_ms = 0;
		backoff->failures = 0;
	}
	backoff->failures++;
	if (backoff->failures == 1)
		return 0;
	if (backoff->delay_ms == 0)
		backoff->delay_ms = BACKOFF_FIRST_MS;
	else if (backoff->delay_ms < BACKOFF_LAST_MS / 2)
		backoff->delay_ms *= 2;
	else
		backoff->delay_ms = BACKOFF_LAST_MS;
	return backoff->delay_ms;
}
