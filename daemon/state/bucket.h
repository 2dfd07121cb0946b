/*
 * Token buckets in one word, for limits on new connections and datagrams in
 * a time.  The word is the time at which the bucket would be full again (the
 * theoretical arrival time of the generic cell rate algorithm, ITU-T I.371),
 * so a bucket needs no refill and holds nothing that a dead worker would
 * have to give back.  It starts full and holds rate.count tokens.
 */
#ifndef MUXD_STATE_BUCKET_H
#define MUXD_STATE_BUCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/units.h"

struct bucket {
	_Atomic uint64_t full_at_ns; /* monotonic; 0: full */
};

/* Take one token.  False if there is none; *retry_ms (unless NULL) is then
 * how long until there is one, at least 1.  rate.count 0 means no limit. */
bool bucket_take(struct bucket *bucket, struct rate rate, uint64_t now_ms,
    uint64_t *retry_ms);

/* Put back the token taken last, for a client that was turned away after
 * all. */
void bucket_untake(struct bucket *bucket, struct rate rate);

/* For readers: how many tokens there are now. */
uint64_t bucket_tokens(
    const struct bucket *bucket, struct rate rate, uint64_t now_ms);

/* Whether no token is missing, so that a bucket made anew would be the same,
 * whatever the rate. */
bool bucket_is_full(const struct bucket *bucket, uint64_t now_ms);

#endif
