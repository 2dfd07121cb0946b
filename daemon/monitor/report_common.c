/*
 * The grounds of the report: values that may be missing, and how the state is
 * read.
 */
#include "monitor/report_common.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* ---- values ---- */

json_t *
report_object(struct report *report)
{
	json_t *object = json_object();

	report->failed |= object == NULL;
	return object;
}

json_t *
report_array(struct report *report)
{
	json_t *array = json_array();

	report->failed |= array == NULL;
	return array;
}

/* jansson takes NULL for either, says -1, and lets go of the value. */
void
report_set(
    struct report *report, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) == -1)
		report->failed = true;
}

void
report_push(struct report *report, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) == -1)
		report->failed = true;
}

/* A text that is not UTF-8 is no JSON: such bytes become question marks. */
static json_t *
report_text(const char *text)
{
	json_t *value = json_string(text);
	char *copy, *c;

	if (value != NULL || (copy = mem_strdup(text)) == NULL)
		return value;
	for (c = copy; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	value = json_string(copy);
	mem_free(copy);
	return value;
}

void
report_set_text(
    struct report *report, json_t *object, const char *key, const char *text)
{
	report_set(report, object, key,
	    text != NULL ? report_text(text) : json_null());
}

void
report_set_uint(
    struct report *report, json_t *object, const char *key, uint64_t value)
{
	if (value > INT64_MAX)
		value = INT64_MAX;
	report_set(report, object, key, json_integer((json_int_t)value));
}

void
report_set_bool(
    struct report *report, json_t *object, const char *key, bool value)
{
	report_set(report, object, key, json_boolean(value));
}

void
report_set_real(
    struct report *report, json_t *object, const char *key, double value)
{
	report_set(report, object, key, json_real(value));
}

void
report_set_load(
    struct report *report, json_t *object, uint64_t held, uint64_t max)
{
	report_set_uint(report, object, "held", held);
	report_set_uint(report, object, "max", max);
	if (max > 0)
		report_set_real(
		    report, object, "load", (double)held / (double)max);
}

json_t *
report_finish(const struct report *report, json_t *value)
{
	if (!report->failed)
		return value;
	json_decref(value);
	errno = ENOMEM;
	return NULL;
}

/* ---- servers ---- */

bool
report_next_server(
    const struct report_source *source, size_t *at, struct report_server *found)
{
	const struct conf *conf = source->conf;
	size_t skip = *at, i;

	for (i = 0; i < conf->npools; i++) {
		if (skip < conf->pools[i].nservers)
			break;
		skip -= conf->pools[i].nservers;
	}
	if (i == conf->npools)
		return false;
	found->pool = &conf->pools[i];
	found->server = &conf->pools[i].servers[skip];
	found->pool_slot = source->pools[i];
	found->first = source->places[(*at)++];
	return true;
}

uint64_t
report_slow_start_ms(const struct conf_pool *pool,
    const struct state_server *place, uint64_t now_ms)
{
	uint64_t since = atomic_load(&place->since_ms);
	uint64_t age = now_ms > since ? now_ms - since : 0;

	return since != 0 && age < pool->slow_start ? pool->slow_start - age
						    : 0;
}

enum report_place_status
report_place_status(const struct conf_pool *pool,
    const struct state_server *place, uint64_t now_ms)
{
	uint32_t admin = atomic_load(&place->admin);
	struct addr addr;
	uint32_t weight;

	if (admin == SERVER_ADMIN_DISABLED)
		return REPORT_PLACE_DISABLED;
	if (admin == SERVER_ADMIN_DRAINING)
		return REPORT_PLACE_DRAINING;
	if (!state_server_get(place, &addr, &weight))
		return REPORT_PLACE_NO_ADDRESS;
	if (atomic_load(&place->loops) != 0)
		return REPORT_PLACE_LOOP;
	if (atomic_load(&place->checked) == SERVER_DOWN)
		return REPORT_PLACE_DOWN;
	if (atomic_load(&place->ejected_until_ms) > now_ms)
		return REPORT_PLACE_EJECTED;
	if (report_slow_start_ms(pool, place, now_ms) > 0)
		return REPORT_PLACE_SLOW_START;
	return atomic_load(&place->checked) == SERVER_UP
	    ? REPORT_PLACE_UP
	    : REPORT_PLACE_UNCHECKED;
}

const char *
report_place_status_name(enum report_place_status status)
{
	static const char *const names[] = {
		[REPORT_PLACE_UP] = "up",
		[REPORT_PLACE_UNCHECKED] = "unchecked",
		[REPORT_PLACE_SLOW_START] = "slow_start",
		[REPORT_PLACE_EJECTED] = "ejected",
		[REPORT_PLACE_DOWN] = "down",
		[REPORT_PLACE_NO_ADDRESS] = "no_address",
		[REPORT_PLACE_LOOP] = "loop",
		[REPORT_PLACE_DRAINING] = "draining",
		[REPORT_PLACE_DISABLED] = "disabled",
	};

	return names[status];
}

bool
report_server_usable(const struct state *state,
    const struct report_server *server, uint64_t now_ms)
{
	unsigned i;

	for (i = 0; i < server->server->nplaces; i++)
		if (state_server_usable(
			&state->servers[server->first + i], now_ms))
			return true;
	return false;
}

const char *
report_target(const struct conf_target *target, char *buf, size_t size)
{
	switch (target->kind) {
	case TARGET_ADDRESS:
		return addr_format(&target->addr, buf, size);
	case TARGET_UNIX:
		(void)snprintf(buf, size, "unix:%s", target->host);
		break;
	case TARGET_NAME:
		(void)snprintf(buf, size, "%s:%u", target->host, target->port);
		break;
	case TARGET_SRV:
		(void)snprintf(buf, size, "%s", target->host);
		break;
	}
	return buf;
}

/* ---- workers ---- */

bool
report_worker_wanted(const struct report_source *source, unsigned slot)
{
	return atomic_load(&report_worker(source, slot)->wanted) != 0;
}

bool
report_worker_shown(const struct report_source *source, unsigned slot)
{
	return report_worker_wanted(source, slot) ||
	    atomic_load(&report_worker(source, slot)->pid) != 0;
}

bool
report_slot_counts(const struct report_source *source, unsigned slot)
{
	const struct state *state = source->state;
	unsigned i;

	for (i = slot; i < state->shape.workers; i += state_slots(state))
		if (atomic_load(&state->workers[i].starts) != 0)
			return true;
	return false;
}

bool
report_worker_well(
    const struct report_source *source, unsigned slot, uint64_t now_ms)
{
	const struct state_worker *worker = report_worker(source, slot);
	uint64_t beat = atomic_load(&worker->heartbeat_ms);

	return atomic_load(&worker->phase) == WORKER_SERVING &&
	    now_ms < beat + REPORT_SILENT_MS;
}

const char *
report_phase_name(uint32_t phase)
{
	static const char *const names[] = {
		[WORKER_NONE] = "none",
		[WORKER_STARTING] = "starting",
		[WORKER_SERVING] = "serving",
		[WORKER_DRAINING] = "draining",
	};

	/* Workers write it, whatever has become of them. */
	return phase < sizeof(names) / sizeof(names[0]) ? names[phase]
							: "unknown";
}

uint64_t
report_slot_counter(
    const struct state *state, unsigned slot, enum counter counter)
{
	uint64_t n = 0;
	unsigned i;

	for (i = slot; i < state->shape.workers; i += state_slots(state))
		n += state_worker_events(state, i, counter);
	return n;
}

uint64_t
report_slot_server_counter(const struct state *state, unsigned slot,
    unsigned place, enum server_counter counter)
{
	uint64_t n = 0;
	unsigned i;

	for (i = slot; i < state->shape.workers; i += state_slots(state))
		n += counter_read(
		    &state_server_counters(state, i, place)->events[counter]);
	return n;
}

uint64_t
report_live(const struct report_source *source)
{
	const struct state *state = source->state;
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < state->shape.workers; i++)
		n += atomic_load(&state->workers[i].sessions);
	return n;
}

/* ---- limits ---- */

double
report_rate_load(const struct bucket *bucket, struct rate rate, uint64_t now_ms)
{
	uint64_t full = atomic_load(&bucket->full_at_ns) / 1000000;
	double load;

	if (rate.count == 0 || full <= now_ms)
		return 0;
	load = (double)(full - now_ms) / rate.period_ms;
	return load > 1 ? 1 : load;
}
