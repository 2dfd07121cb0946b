/*
 * When each place is checked.  A place waits for its timer, or, while as many
 * checks are under way as there may be, in the queue:
 *
 *   not checked ──► waits ◄─────over─────┐
 *                     └─timer─► (queue) ─┴─► under way, the timer its end
 */
#include "monitor/checks.h"

#include "base/mem.h"
#include "conf/effect.h"
#include "monitor/check.h"
#include "monitor/check_health.h"

/* A timer that comes so much after its time tells of a process that was not
 * running. */
#define CHECKS_LATE_MS 200

struct checks {
	struct checks_config config;
	struct check_setup *setups; /* by pool */
	struct check_place *places; /* of pools that are checked */
	size_t nplaces;
	struct check_place **index; /* by place of the state, or NULL */
	struct list queue;
	unsigned under_way;
	bool starting; /* those in the queue, at this moment */
	uint64_t random;
	struct log_limit voids;
	struct retired retired;
};

struct check_place {
	struct checks *set;
	struct check_health health;
	struct addr addr; /* that is checked; ADDR_NONE: none is */
	struct check check;
	struct timer timer;
	struct list link; /* in the queue */
	uint64_t next_ms; /* when the check after this one is to begin */
};

/* Below n > 0: xorshift64*, which is chance enough to spread checks. */
static uint64_t
checks_random(struct checks *set, uint64_t n)
{
	set->random ^= set->random >> 12;
	set->random ^= set->random << 25;
	set->random ^= set->random >> 27;
	return (set->random * UINT64_C(2685821657736338717) >> 16) % n;
}

static uint64_t
checks_first_delay(struct check_place *place)
{
	uint64_t interval = place->health.setup->pool->check.interval;

	return checks_random(place->set, interval > 0 ? interval : 1);
}

static uint64_t
checks_interval(struct check_place *place)
{
	uint64_t interval = place->health.setup->pool->check.interval;
	uint64_t tenth = interval / 10;

	return interval - tenth + checks_random(place->set, 2 * tenth + 1);
}

enum place_look {
	PLACE_UNUSED, /* not to be checked */
	PLACE_SAME,   /* the address is the one that is checked */
	PLACE_NEW     /* it is another one, and nothing is known of it */
};

/* Look at what the shared state says of the place now. */
static enum place_look
place_look(struct check_place *place)
{
	struct state_server *shared = place->health.shared;
	struct addr addr;
	uint32_t weight;

	if (atomic_load(&shared->admin) == SERVER_ADMIN_DISABLED ||
	    !state_server_get(shared, &addr, &weight)) {
		if (place->addr.family != ADDR_NONE)
			check_health_forget(&place->health);
		place->addr.family = ADDR_NONE;
		return PLACE_UNUSED;
	}
	if (addr_compare(&addr, &place->addr) == 0)
		return PLACE_SAME;
	place->addr = addr;
	check_health_forget(&place->health);
	return PLACE_NEW;
}

static void
place_begin(struct check_place *place)
{
	struct checks *set = place->set;

	set->under_way++;
	place->next_ms = loop_now(set->config.loop) + checks_interval(place);
	loop_timer_set(set->config.loop, &place->timer,
	    place->health.setup->pool->check.timeout);
	check_begin(&place->check, &place->addr);
}

/* Begin with those in the queue, as far as there is room.  A check that fails
 * at once makes room again, so this is a loop and no recursion. */
static void
checks_start_queued(struct checks *set)
{
	struct list *link;

	if (set->starting)
		return;
	set->starting = true;
	while (set->under_way < set->config.max &&
	    (link = list_shift(&set->queue)) != NULL)
		place_begin(container_of(link, struct check_place, link));
	set->starting = false;
}

static void
place_done(struct check *check, const struct check_result *result)
{
	struct check_place *place =
	    container_of(check, struct check_place, check);

	/* Of another address this verdict says nothing. */
	if (place_look(place) == PLACE_SAME)
		check_health_note(&place->health, &place->addr, result,
		    loop_now(place->set->config.loop));
}

static void
place_over(struct check *check)
{
	struct check_place *place =
	    container_of(check, struct check_place, check);
	struct checks *set = place->set;
	uint64_t now_ms = loop_now(set->config.loop);

	set->under_way--;
	loop_timer_cancel(set->config.loop, &place->timer);
	if (place->addr.family != ADDR_NONE)
		loop_timer_set(set->config.loop, &place->timer,
		    place->next_ms > now_ms ? place->next_ms - now_ms : 0);
	checks_start_queued(set);
}

static const struct check_ops place_ops = {
	.done = place_done,
	.over = place_over,
};

static void
place_timer(struct timer *timer)
{
	struct check_place *place =
	    container_of(timer, struct check_place, timer);
	struct checks *set = place->set;
	uint64_t late_ms = loop_now(set->config.loop) - timer->due_ms;

	if (check_is_under_way(&place->check)) {
		check_expire(&place->check, late_ms > CHECKS_LATE_MS);
	} else if (place_look(place) != PLACE_UNUSED) {
		list_append(&set->queue, &place->link);
		checks_start_queued(set);
	}
}

void
checks_place_changed(struct checks *set, unsigned number)
{
	struct check_place *place;

	if (number >= set->config.state->shape.servers ||
	    (place = set->index[number]) == NULL)
		return;
	switch (place_look(place)) {
	case PLACE_SAME:
		return;
	case PLACE_NEW:
		loop_timer_set(
		    set->config.loop, &place->timer, checks_first_delay(place));
		break;
	default:
		loop_timer_cancel(set->config.loop, &place->timer);
	}
	list_remove(&place->link);
	if (check_is_under_way(&place->check)) {
		check_abort(&place->check);
		set->under_way--;
		checks_start_queued(set);
	}
}

static size_t
pool_places(const struct conf_pool *pool)
{
	size_t n = 0;

	for (size_t i = 0; i < pool->nservers; i++)
		n += pool->servers[i].nplaces;
	return n;
}

static void
place_open(struct check_place *place, struct checks *set,
    const struct check_setup *setup, const struct conf_server *server,
    const unsigned *places, unsigned number)
{
	struct state_server *shared = &set->config.state->servers[number];
	uint32_t weight;

	place->set = set;
	place->health = (struct check_health){
		.log = set->config.log,
		.voids = &set->voids,
		.state = set->config.state,
		.shared = shared,
		.setup = setup,
		.server = server,
		.places = places,
	};
	check_init(&place->check, set->config.loop, &place_ops, setup, server);
	timer_init(&place->timer, place_timer);
	list_init(&place->link);
	set->index[number] = place;
	/* What a predecessor has found out about this address stays. */
	if (!state_server_get(shared, &place->addr, &weight) ||
	    place_look(place) == PLACE_UNUSED)
		check_health_forget(&place->health);
	else
		loop_timer_set(
		    set->config.loop, &place->timer, checks_first_delay(place));
}

/* The places of a pool; places has the first one of each of its servers. */
static int
checks_open_pool(struct checks *set, struct check_setup *setup,
    const struct conf_pool *pool, const unsigned *places)
{
	const struct conf_server *server;

	if (check_setup_open(setup, pool,
		conf_pool_transports(set->config.conf, pool) ==
		    TRANSPORT_UDP) == -1)
		return -1;
	for (size_t i = 0; i < pool->nservers; i++) {
		server = &pool->servers[i];
		for (unsigned j = 0; j < server->nplaces; j++)
			place_open(&set->places[set->nplaces++], set, setup,
			    server, places, places[i] + j);
	}
	return 0;
}

/* A pool whose servers are not checked (any more). */
static void
checks_forget_pool(
    struct checks *set, const struct conf_pool *pool, const unsigned *places)
{
	for (size_t i = 0; i < pool->nservers; i++)
		for (unsigned j = 0; j < pool->servers[i].nplaces; j++)
			atomic_store(
			    &set->config.state->servers[places[i] + j].checked,
			    SERVER_UNCHECKED);
}

static int
checks_open_pools(struct checks *set)
{
	const struct conf *conf = set->config.conf;
	const unsigned *places = set->config.places;
	const struct conf_pool *pool;

	for (size_t i = 0; i < conf->npools; i++) {
		pool = &conf->pools[i];
		if (pool->check.type == CHECK_NONE)
			checks_forget_pool(set, pool, places);
		else if (checks_open_pool(set, &set->setups[i], pool, places) ==
		    -1)
			return -1;
		places += pool->nservers;
	}
	return 0;
}

struct checks *
checks_open(const struct checks_config *config)
{
	const struct conf *conf = config->conf;
	struct checks *set = mem_zalloc(sizeof(*set));
	size_t nplaces = 0;

	if (set == NULL)
		return NULL;
	set->config = *config;
	set->random = config->seed != 0 ? config->seed : 1;
	list_init(&set->queue);
	for (size_t i = 0; i < conf->npools; i++)
		if (conf->pools[i].check.type != CHECK_NONE)
			nplaces += pool_places(&conf->pools[i]);
	set->setups = mem_array(conf->npools, sizeof(*set->setups));
	set->places = mem_array(nplaces, sizeof(*set->places));
	set->index = mem_array(
	    config->state->shape.servers, sizeof(struct check_place *));
	if (set->setups == NULL || set->places == NULL || set->index == NULL ||
	    checks_open_pools(set) == -1) {
		checks_close(set);
		return NULL;
	}
	return set;
}

static void
checks_free(struct retired *retired)
{
	struct checks *set = container_of(retired, struct checks, retired);

	mem_free(set->index);
	mem_free(set->places);
	mem_free(set->setups);
	mem_free(set);
}

void
checks_close(struct checks *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->nplaces; i++) {
		loop_timer_cancel(set->config.loop, &set->places[i].timer);
		check_abort(&set->places[i].check);
	}
	for (size_t i = 0; i < set->config.conf->npools && set->setups != NULL;
	     i++)
		check_setup_close(&set->setups[i]);
	/* An event of this turn may still name one of the places. */
	loop_retire(set->config.loop, &set->retired, checks_free);
}
