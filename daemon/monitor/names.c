/*
 * The rounds of names: when each is asked for, and what becomes of it.
 *
 * A round of an SRV record goes on with the targets of the lowest priority,
 * all at once; if none of them has an address, with those of the next one.
 */
#include "monitor/names.h"

#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/mem.h"
#include "conf/loop.h"
#include "monitor/name.h"
#include "monitor/name_log.h"
#include "monitor/resolver.h"
#include "net/local.h"
#include "state/servers.h"

/* Part of a time that is left to chance. */
#define JITTER_PART 10

struct names {
	struct names_config config;
	struct resolver *resolver;
	struct name *items;
	size_t n;
	size_t unsettled; /* how many have not been through a round */
};

static uint64_t
name_now(const struct name *name)
{
	return loop_now(name->names->config.loop);
}

/* ---- when --------------------------------------------------------------------------- */

static uint64_t
chance(uint64_t below)
{
	uint64_t random;

	/* Without it all come at the same time, and nothing worse. */
	if (getentropy(&random, sizeof(random)) == -1)
		return 0;
	return random % below;
}

/* A little later than ms, or where that is not allowed a little earlier. */
static uint64_t
jitter(uint64_t ms, uint64_t min, uint64_t max)
{
	uint64_t part = ms / JITTER_PART;

	if (ms + part <= max)
		return ms + chance(part + 1);
	ms = max - chance(part + 1);
	return ms > min ? ms : min;
}

static uint64_t
clamp(uint64_t ms, uint64_t min, uint64_t max)
{
	if (ms < min)
		return min;
	return ms < max ? ms : max;
}

/* The round is over: when the next one begins. */
static void
name_wait(struct name *name, uint64_t ms)
{
	uint64_t min = name->pool->resolve_min, max = name->pool->resolve_max;

	if (!name->settled) {
		name->settled = true;
		name->names->unsettled--;
	}
	loop_timer_set(name->names->config.loop, &name->timer,
	    jitter(clamp(ms, min, max), min, max));
}

/* Twice as long each time. */
static uint64_t
name_backoff(const struct name *name)
{
	uint64_t ms = name->pool->resolve_min;
	unsigned i;

	for (i = 1; i < name->failures && ms < name->pool->resolve_max; i++)
		ms *= 2;
	return ms;
}

/* ---- what becomes of a round ---------------------------------------------------- */

static void
name_changed(void *owner, unsigned place)
{
	const struct name *name = owner;
	const struct names_config *config = &name->names->config;

	if (config->changed != NULL)
		config->changed(config->owner, name->first_place + place);
}

/* Write them into the places. */
static void
name_assign(struct name *name, struct place_entry *entries, size_t n)
{
	const struct names_config *config = &name->names->config;
	struct places_change change = { 0 };
	bool late = name->filled || name->failures > 0;

	places_assign(
	    &name->places, entries, n, late ? name_now(name) : 0, &change);
	if (change.any) {
		state_pool_changed(name->shared);
		state_wake_workers(config->state);
	}
	name_log_change(name, config->log, &change);
	places_change_free(&change);
}

/* Nobody knows. */
static void
name_fail(struct name *name)
{
	name->failures++;
	name_log_failure(name, name->names->config.log, name_now(name));
	name_wait(name, name_backoff(name));
}

/* There is none. */
static void
name_none(struct name *name)
{
	uint64_t now = name_now(name), held;

	name->failures++;
	name_log_failure(name, name->names->config.log, now);
	if (places_in_use(&name->places) == 0) {
		name_wait(name, name_backoff(name));
		return;
	}
	if (name->none_since_ms == 0)
		name->none_since_ms = now;
	held = now - name->none_since_ms;
	if (held >= NAMES_HOLD_MS) {
		name_assign(name, NULL, 0);
		name_wait(name, name_backoff(name));
	} else
		name_wait(
		    name, clamp(name_backoff(name), 1, NAMES_HOLD_MS - held));
}

/* Addresses of a target that count. */
static size_t
target_used(const struct name *name, const struct name_target *target)
{
	return name->pool->resolve == RESOLVE_FIRST && target->naddrs > 0
	    ? 1
	    : target->naddrs;
}

static size_t
name_count(const struct name *name)
{
	size_t i, n = 0;

	for (i = name->group; i < name->group_end; i++)
		n += target_used(name, &name->targets.items[i]);
	return n;
}

static void
name_fill_entries(const struct name *name, struct place_entry *entries)
{
	const struct conf *conf = name->names->config.conf;
	const struct name_target *target;
	size_t i, j;

	for (i = name->group; i < name->group_end; i++) {
		target = &name->targets.items[i];
		for (j = 0; j < target_used(name, target); j++, entries++) {
			entries->addr = target->addrs[j];
			entries->weight = target->weight;
			entries->loops = conf_leads_back(conf, name->pool,
			    &entries->addr, local_has_address(&entries->addr));
		}
	}
}

/* There are n addresses; unasked is how many targets have none, since nobody
 * asked for them. */
static void
name_use(struct name *name, size_t n, size_t unasked)
{
	struct place_entry *entries = mem_array(n, sizeof(*entries));
	size_t surplus = unasked;

	if (entries == NULL) {
		(void)compat_strlcpy(
		    name->error, "out of memory", sizeof(name->error));
		name_fail(name);
		return;
	}
	name_fill_entries(name, entries);
	n = places_sort(entries, n);
	if (n > name->places.n) {
		surplus += n - name->places.n;
		n = name->places.n;
	}
	name_assign(name, entries, n);
	mem_free(entries);
	name_log_surplus(name, name->names->config.log, surplus);
	name->filled = true;
	name->answered = true;
	name->failures = 0;
	name->none_since_ms = 0;
	name_wait(name, (uint64_t)name->ttl * 1000);
}

/* ---- a round ------------------------------------------------------------------------- */

static void name_ask_group(struct name *name, size_t first);

/* All targets of a priority have been heard of. */
static void
name_conclude(struct name *name)
{
	size_t end = name_targets_group(&name->targets, name->group);
	size_t n = name_count(name);

	/* What a target had before this process began is not known: if it
	 * cannot be resolved right then, its places stay for a round. */
	if (name->failed && !name->answered && name->failures == 0 &&
	    name->filled && name->server->target.kind == TARGET_SRV)
		name_fail(name);
	else if (n > 0 && name->found)
		name_use(name, n, end - name->group_end);
	else if (n == 0 && end < name->targets.n)
		name_ask_group(name, end);
	else if (name->failed)
		name_fail(name);
	else
		name_none(name);
}

static void
name_note(struct name *name, const char *error)
{
	if (error != NULL)
		(void)compat_strlcpy(name->error, error, sizeof(name->error));
}

static void
name_heard(void *arg, const struct resolver_addresses *answer)
{
	struct name_target *target = arg;
	struct name *name = target->owner;

	if (name_target_take(target, answer) == -1)
		name_note(name, "out of memory");
	else
		name_note(name, answer->error);
	if (target->failed)
		name->failed = true;
	if (answer->n > 0) {
		name->found = true;
		if (answer->ttl < name->ttl)
			name->ttl = answer->ttl;
	}
	name->pending--;
	if (name->pending == 0)
		name_conclude(name);
}

/* Ask for the targets of one priority; of more than there are places only
 * for the heaviest. */
static void
name_ask_group(struct name *name, size_t first)
{
	struct resolver *resolver = name->names->resolver;
	struct name_target *target;
	size_t i, n = name_targets_group(&name->targets, first) - first;

	if (n > name->places.n)
		n = name->places.n;
	name->group = first;
	name->group_end = first + n;
	for (i = first; i < name->group_end; i++) {
		target = &name->targets.items[i];
		target->owner = name;
		if (resolver_query_addresses(
			resolver, target->host, name_heard, target) == -1) {
			name_note(name, "out of memory");
			name->failed = true;
		} else
			name->pending++;
	}
	if (name->pending == 0)
		name_conclude(name);
}

static void
name_heard_services(void *arg, const struct resolver_services *answer)
{
	struct name *name = arg;

	name_note(name, answer->error);
	if (answer->outcome == RESOLVER_NONE) {
		name_none(name);
		return;
	}
	if (answer->outcome == RESOLVER_FAILED) {
		name_fail(name);
		return;
	}
	name->ttl = answer->ttl;
	if (name_targets_replace(
		&name->targets, answer, name->server->weight) == -1) {
		name_note(name, "out of memory");
		name_fail(name);
	} else if (name->targets.n == 0) {
		name_note(name, "the service is said not to be there");
		name_none(name);
	} else
		name_ask_group(name, 0);
}

static void
name_ask(struct timer *timer)
{
	struct name *name = container_of(timer, struct name, timer);

	name->ttl = INT32_MAX;
	name->failed = false;
	name->found = false;
	name_note(name, "no usable address");
	if (name->server->target.kind != TARGET_SRV)
		name_ask_group(name, 0);
	else if (resolver_query_services(name->names->resolver,
		     name->server->target.host, name_heard_services,
		     name) == -1) {
		name_note(name, "out of memory");
		name_fail(name);
	}
}

/* ---- all ------------------------------------------------------------------------------ */

static bool
is_name(const struct conf_server *server)
{
	return server->target.kind == TARGET_NAME ||
	    server->target.kind == TARGET_SRV;
}

static size_t
count_names(const struct conf *conf)
{
	size_t i, j, n = 0;

	for (i = 0; i < conf->npools; i++)
		for (j = 0; j < conf->pools[i].nservers; j++)
			n += is_name(&conf->pools[i].servers[j]);
	return n;
}

static int
name_open(struct name *name, struct names *names, const struct conf_pool *pool,
    const struct conf_server *server, unsigned place)
{
	struct state *state = names->config.state;

	name->names = names;
	name->pool = pool;
	name->server = server;
	name->first_place = place;
	name->places = (struct places){
		.first = &state->servers[place],
		.n = server->nplaces,
		.changed = name_changed,
		.owner = name,
	};
	timer_init(&name->timer, name_ask);
	places_repair(&name->places);
	name->filled = places_in_use(&name->places) > 0;
	if (server->target.kind == TARGET_SRV)
		return 0;
	return name_targets_init(&name->targets, server->target.host,
	    server->target.port, server->weight, &name->places);
}

static int
names_fill(struct names *names)
{
	const struct names_config *config = &names->config;
	const unsigned *place = config->places;
	const struct conf_pool *pool;
	struct name *name = names->items;
	size_t i, j;

	for (i = 0; i < config->conf->npools; i++) {
		pool = &config->conf->pools[i];
		for (j = 0; j < pool->nservers; j++, place++) {
			if (!is_name(&pool->servers[j]))
				continue;
			name->shared = &config->state->pools[config->pools[i]];
			if (name_open(name, names, pool, &pool->servers[j],
				*place) == -1)
				return -1;
			name++;
		}
	}
	return 0;
}

struct names *
names_open(const struct names_config *config)
{
	const struct resolver_config resolver = {
		.loop = config->loop,
		.conf = &config->conf->resolver,
	};
	struct names *names = mem_zalloc(sizeof(*names));
	size_t i;

	if (names == NULL)
		return NULL;
	names->config = *config;
	names->n = count_names(config->conf);
	if (names->n == 0)
		return names;
	names->items = mem_array(names->n, sizeof(*names->items));
	names->resolver = resolver_open(&resolver);
	if (names->items == NULL || names->resolver == NULL ||
	    names_fill(names) == -1) {
		names_close(names);
		return NULL;
	}
	names->unsettled = names->n;
	for (i = 0; i < names->n; i++)
		name_ask(&names->items[i].timer);
	return names;
}

bool
names_settled(const struct names *names)
{
	return names->unsettled == 0;
}

void
names_close(struct names *names)
{
	size_t i;

	if (names == NULL)
		return;
	resolver_close(names->resolver);
	for (i = 0; i < names->n && names->items != NULL; i++) {
		/* Of one that was never opened there is no timer. */
		if (names->items[i].names != NULL)
			loop_timer_cancel(
			    names->config.loop, &names->items[i].timer);
		name_targets_free(&names->items[i].targets);
	}
	mem_free(names->items);
	mem_free(names);
}
