/*
 * When to start a child again that has ended: at once, then after a delay
 * that doubles with each failure, and at once again after a healthy life.
 */
#ifndef MUXD_PROC_BACKOFF_H
#define MUXD_PROC_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS   100
#define BACKOFF_LAST_MS    30000
#define BACKOFF_HEALTHY_MS 60000

/* Zeroed memory is a child that has never failed. */
struct backoff {
	uint32_t delay_ms; /* of the last start */
	uint32_t failures; /* since the last healthy life */
};

/* A child has ended after living lived_ms: how long to wait, in ms. */
uint32_t backoff_next(struct backoff *backoff, uint64_t lived_ms);

#endif
