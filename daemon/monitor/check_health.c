/*
 * Counting.  The state itself is in the shared memory, so it outlives this
 * process; the counts in a row do not.
 */
#include "monitor/check_health.h"

#include <string.h>

static enum server_checked
health_state(const struct check_health *health)
{
	return (enum server_checked)atomic_load(&health->shared->checked);
}

/* What all records tell. */
static void
health_record(const struct check_health *health, struct log_record *record,
    enum log_level level, const char *message, const struct addr *addr)
{
	const struct check_setup *setup = health->setup;
	char text[ADDR_STRLEN];
	struct addr target;
	const char *path;

	log_record_begin(record, level, message);
	log_record_str(record, "pool", setup->pool->name);
	log_record_str(record, "server", health->server->name);
	if (addr->family == ADDR_UNIX)
		log_record_fmt(
		    record, "address", "unix:%s", health->server->target.host);
	else
		log_record_addr(record, "address", addr);
	log_record_str(record, "check", setup->type->name);
	path = check_target(setup, health->server, addr, &target);
	if (addr_compare(&target, addr) == 0 &&
	    (path == NULL || path == health->server->target.host))
		return;
	log_record_fmt(record, "check_address", "%s%s",
	    path != NULL ? "unix:" : "",
	    path != NULL ? path : addr_format(&target, text, sizeof(text)));
}

static void
health_record_why(struct log_record *record, const struct check_result *result)
{
	if (result->status != 0)
		log_record_uint(record, "status", result->status);
	if (result->text != NULL)
		log_record_str(record, "error", result->text);
	else if (result->error != 0)
		log_record_str(record, "error", strerror(result->error));
}

/* How many of the pool's servers clients can be sent to now, of those that
 * have an address. */
static void
health_record_pool(const struct check_health *health, struct log_record *record,
    uint64_t now_ms)
{
	const struct conf_pool *pool = health->setup->pool;
	unsigned usable = 0, all = 0;

	for (size_t i = 0; i < pool->nservers; i++) {
		for (unsigned j = 0; j < pool->servers[i].nplaces; j++) {
			const struct state_server *shared =
			    &health->state->servers[health->places[i] + j];

			all += shared->addr.family != ADDR_NONE;
			usable += state_server_usable(shared, now_ms);
		}
	}
	log_record_uint(record, "usable", usable);
	log_record_uint(record, "servers", all);
}

static void
health_log_step(const struct check_health *health, const struct addr *addr,
    const struct check_result *result)
{
	const struct conf_check *conf = &health->setup->pool->check;
	bool good = result->verdict == CHECK_GOOD;
	struct log_record record;

	health_record(health, &record, LOG_LEVEL_INFO,
	    good ? "health check passed" : "health check failed", addr);
	health_record_why(&record, result);
	log_record_uint(&record, good ? "passed" : "failed", health->row);
	log_record_uint(
	    &record, good ? "rise" : "fall", good ? conf->rise : conf->fall);
	log_emit(health->log, &record);
}

static void
health_log_still_down(const struct check_health *health,
    const struct addr *addr, const struct check_result *result)
{
	struct log_record record;

	if (!log_wants(health->log, LOG_LEVEL_DEBUG))
		return;
	health_record(
	    health, &record, LOG_LEVEL_DEBUG, "server still down", addr);
	health_record_why(&record, result);
	log_emit(health->log, &record);
}

static void
health_log_void(const struct check_health *health, const struct addr *addr,
    const struct check_result *result, uint64_t now_ms)
{
	struct log_record record;
	uint64_t left_out;

	if (!log_limit_pass(health->voids, now_ms, &left_out))
		return;
	health_record(health, &record, LOG_LEVEL_WARNING,
	    "health check impossible", addr);
	health_record_why(&record, result);
	if (left_out > 0)
		log_record_uint(&record, "left_out", left_out);
	log_emit(health->log, &record);
}

static void
health_go_down(struct check_health *health, const struct addr *addr,
    const struct check_result *result, uint64_t now_ms)
{
	struct log_record record;

	atomic_store(&health->shared->checked, SERVER_DOWN);
	health->down_ms = now_ms;
	/* Who waits for it may go elsewhere. */
	state_wake_workers(health->state);
	health_record(health, &record, LOG_LEVEL_WARNING, "server down", addr);
	health_record_why(&record, result);
	log_record_uint(&record, "failed", health->row);
	log_record_uint(&record, "fall", health->setup->pool->check.fall);
	health_record_pool(health, &record, now_ms);
	log_emit(health->log, &record);
}

static void
health_come_up(struct check_health *health, const struct addr *addr,
    const struct check_result *result, uint64_t now_ms)
{
	bool back = health_state(health) == SERVER_DOWN;
	struct log_record record;

	/* Its slow start first: who sees it up must see that it is new. */
	if (back)
		atomic_store(&health->shared->since_ms, now_ms);
	atomic_store(&health->shared->checked, SERVER_UP);
	if (back)
		state_wake_workers(health->state);
	health_record(health, &record, back ? LOG_LEVEL_NOTICE : LOG_LEVEL_INFO,
	    "server up", addr);
	health_record_why(&record, result);
	log_record_uint(&record, "passed", back ? health->row : 1);
	if (back)
		log_record_uint(
		    &record, "rise", health->setup->pool->check.rise);
	if (back && health->down_ms != 0)
		log_record_uint(&record, "down_ms", now_ms - health->down_ms);
	health_record_pool(health, &record, now_ms);
	log_emit(health->log, &record);
}

void
check_health_note(struct check_health *health, const struct addr *addr,
    const struct check_result *result, uint64_t now_ms)
{
	const struct conf_check *conf = &health->setup->pool->check;
	enum server_checked state = health_state(health);
	bool good = result->verdict == CHECK_GOOD;

	if (result->verdict == CHECK_VOID) {
		health_log_void(health, addr, result, now_ms);
		return;
	}
	if (good == (state != SERVER_DOWN)) {
		health->row = 0;
		if (state == SERVER_UNCHECKED)
			health_come_up(health, addr, result, now_ms);
		else if (state == SERVER_DOWN)
			health_log_still_down(health, addr, result);
		return;
	}
	if (++health->row < (good ? conf->rise : conf->fall)) {
		health_log_step(health, addr, result);
		return;
	}
	if (good)
		health_come_up(health, addr, result, now_ms);
	else
		health_go_down(health, addr, result, now_ms);
	health->row = 0;
}

void
check_health_forget(struct check_health *health)
{
	bool down = health_state(health) == SERVER_DOWN;

	health->row = 0;
	health->down_ms = 0;
	atomic_store(&health->shared->checked, SERVER_UNCHECKED);
	if (down)
		state_wake_workers(health->state);
}
