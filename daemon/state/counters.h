/*
 * What happened, counted: one block for each (worker, service), written by
 * that worker alone with plain stores, so that counting costs no bus lock.
 * Readers add up the blocks of all workers; a block outlives its worker, so
 * totals never go back.
 */
#ifndef MUXD_STATE_COUNTERS_H
#define MUXD_STATE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "state/reason.h"

enum counter {
	COUNTER_ACCEPTED,  /* connections taken from the kernel, and clients
			    * of relayed datagrams that had no session */
	COUNTER_SESSIONS,  /* of these, admitted */
	COUNTER_WAITED,    /* clients that waited at a full limit */
	COUNTER_BYTES_IN,  /* from clients */
	COUNTER_BYTES_OUT, /* to clients */
	COUNTER_DATAGRAMS_IN,
	COUNTER_DATAGRAMS_OUT,
	COUNTER_DATAGRAMS_TRUNCATED, /* larger than the buffer: dropped */
	COUNTER_DATAGRAMS_GUARDED,   /* from a port or address never answered */
	COUNTER_DATAGRAMS_DENIED,    /* deny, or not in allow */
	COUNTER_DATAGRAMS_LIMITED,   /* source_datagram_rate */
	COUNTER_DATAGRAMS_EMPTY,     /* of no bytes */
	COUNTER_DATAGRAMS_UNSENT,    /* the kernel did not take it */
	COUNTER_REQUESTS,            /* of a protocol that has them (http) */
	COUNTER_EVENTS
};

/* Names for records and metrics, by enum counter: "accepted", … */
const char *counter_name(enum counter counter);

struct counters {
	_Alignas(64) _Atomic uint64_t events[COUNTER_EVENTS];
	_Atomic uint64_t ended[REASON_COUNT]; /* sessions and refusals */
};

/* Add to a cell of the caller's own block. */
static inline void
counter_add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(cell,
	    atomic_load_explicit(cell, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

static inline uint64_t
counter_read(const _Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

#endif
