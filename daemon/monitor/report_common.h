/*
 * What the files of the report share among themselves.
 */
#ifndef MUXD_MONITOR_REPORT_COMMON_H
#define MUXD_MONITOR_REPORT_COMMON_H

#include "monitor/report.h"
#include "state/servers.h"

/* One report in the making. */
struct report {
	const struct report_source *source;
	uint64_t now_ms;
	bool by_worker;
	bool failed; /* something did not fit into memory: it is worthless */
};

json_t *report_object(struct report *report);
json_t *report_array(struct report *report);

/* Put a value into an object; the value belongs to the object from then on, or
 * is gone. */
void report_set(
    struct report *report, json_t *object, const char *key, json_t *value);
void report_push(struct report *report, json_t *array, json_t *value);

void report_set_text(
    struct report *report, json_t *object, const char *key, const char *text);
void report_set_uint(
    struct report *report, json_t *object, const char *key, uint64_t value);
void report_set_bool(
    struct report *report, json_t *object, const char *key, bool value);
void report_set_real(
    struct report *report, json_t *object, const char *key, double value);

/* How much of a limit is taken: held, max (0: none) and, if there is one,
 * "load" from 0 to 1. */
void report_set_load(
    struct report *report, json_t *object, uint64_t held, uint64_t max);

/* The finished report: value, or NULL if anything of it is missing. */
json_t *report_finish(const struct report *report, json_t *value);

/* ---- reading the state ---- */

/* Which places a server of the configuration has: calls each for every
 * server, with the first of its places. */
struct report_server {
	const struct conf_pool *pool;
	const struct conf_server *server;
	unsigned pool_slot;
	unsigned first;
};

/* Go on to the next server of all pools.  *at is 0 before the first call, and
 * found zeroed; false behind the last one. */
bool report_next_server(const struct report_source *source, size_t *at,
    struct report_server *found);

enum report_place_status {
	REPORT_PLACE_UP,
	REPORT_PLACE_UNCHECKED,
	REPORT_PLACE_SLOW_START,
	REPORT_PLACE_EJECTED,
	REPORT_PLACE_DOWN,
	REPORT_PLACE_NO_ADDRESS,
	REPORT_PLACE_LOOP,
	REPORT_PLACE_DRAINING,
	REPORT_PLACE_DISABLED
};

/* The one word about a place: the strongest reason against it. */
enum report_place_status report_place_status(const struct conf_pool *pool,
    const struct state_server *place, uint64_t now_ms);
const char *report_place_status_name(enum report_place_status status);

/* How long it is in its slow start yet; 0: it is in none. */
uint64_t report_slow_start_ms(const struct conf_pool *pool,
    const struct state_server *place, uint64_t now_ms);

/* Whether new sessions can be sent to any place of the server. */
bool report_server_usable(const struct state *state,
    const struct report_server *server, uint64_t now_ms);

/* The worker of a slot of this daemon, not of one that it has taken over
 * from. */
static inline const struct state_worker *
report_worker(const struct report_source *source, unsigned slot)
{
	return &source->state->workers[source->first + slot];
}

/* Whether the slot is to be filled; whether it is, or there is somebody in it
 * still. */
bool report_worker_wanted(const struct report_source *source, unsigned slot);
bool report_worker_shown(const struct report_source *source, unsigned slot);

/* Whether anybody has ever filled it, and so may have counted something. */
bool report_slot_counts(const struct report_source *source, unsigned slot);

/* Whether the worker of the slot serves and moves. */
bool report_worker_well(
    const struct report_source *source, unsigned slot, uint64_t now_ms);

/* "none", "starting", "serving", "draining". */
const char *report_phase_name(uint32_t phase);

/* What of a counter, over all services that there ever were, is the slot's, on
 * whichever side. */
uint64_t report_slot_counter(
    const struct state *state, unsigned slot, enum counter counter);

/* The same of a counter of a place of a server. */
uint64_t report_slot_server_counter(const struct state *state, unsigned slot,
    unsigned place, enum server_counter counter);

/* Records that found no room on their way to the monitor. */
uint64_t report_dropped(const struct state *state);

/* Live sessions of all workers. */
uint64_t report_live(const struct report_source *source);

/* What part of a rate's tokens are missing, from 0 to 1. */
double report_rate_load(
    const struct bucket *bucket, struct rate rate, uint64_t now_ms);

/* An address of a server as the configuration has it, into buf, of which
 * REPORT_TARGET_STRLEN suffice. */
#define REPORT_TARGET_STRLEN 320
const char *report_target(
    const struct conf_target *target, char *buf, size_t size);

#endif
