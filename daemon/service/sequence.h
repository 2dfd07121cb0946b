/*
 * A period of turns, smooth and in proportion to weights.
 *
 * At each moment everybody has had its share of the turns so far to within
 * less than one turn: server i, of weight w of a sum of T, gets its turn
 * number k (from 0) not before turn k T / w and at the latest at turn
 * (k + 1) T / w.  Taking from those who may the one that must first keeps all
 * of these promises, as proportionate progress does it (Baruah, Cohen,
 * Plaxton and Varvel, 1996).  Who gets the same weights gets the same period.
 */
#ifndef MUXD_SERVICE_SEQUENCE_H
#define MUXD_SERVICE_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

struct sequence {
	uint16_t *turns; /* who: 0 … n - 1 */
	size_t len;      /* of a period; 0: there is nobody */
	struct sequence_runner *runners;
	uint16_t *heap;
	size_t max; /* how many there may be */
};

/* Memory for up to max of them.  -1 with ENOMEM. */
int sequence_open(struct sequence *sequence, size_t max);
void sequence_close(struct sequence *sequence);

/* The longest period of n. */
size_t sequence_len_max(size_t n);

/*
 * Make the period for n weights (of 1 … 2^16 each), n <= max.  Weights are
 * divided by what they have in common.  Where the period would still be longer
 * than sequence_len_max(n), they are scaled down to that, but to no less than
 * 1: then a share is off by up to one turn of the period.  Takes time
 * proportional to the length, and the logarithm of n.
 */
void sequence_make(
    struct sequence *sequence, const uint32_t *weights, size_t n);

#endif
