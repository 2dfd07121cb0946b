/*
 * The past: records of sessions that have ended and of clients that were
 * turned away, kept for "muxctl explain".
 *
 * They are copies of the records as they came, in memory alone: the last
 * PAST_ROWS of all, and of each client no more than PAST_OF_CLIENT, so that
 * one that comes again and again does not push out all others.
 */
#ifndef MUXD_MONITOR_PAST_H
#define MUXD_MONITOR_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"

#define PAST_ROWS      16384
#define PAST_OF_CLIENT 16

struct past;

/* NULL with ENOMEM. */
struct past *past_open(void);
void past_close(struct past *past);

/* Keep a copy of the record, if it is of that kind and there is memory. */
void past_note(struct past *past, const unsigned char *data, size_t len,
    const struct log_view *view);

/* How many are kept. */
size_t past_count(const struct past *past);

/*
 * Copy records of clients in the prefix to buf, the newest first, at most max
 * of them and size bytes; returns the bytes used, and *found is how many there
 * are in all.
 */
size_t past_find(const struct past *past, const struct prefix *client,
    size_t max, unsigned char *buf, size_t size, size_t *found);

#endif
