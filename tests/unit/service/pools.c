/*
 * See pools.h.
 */
#include "pools.h"

#include <sys/socket.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "event/backend.h"

/* One for the program: a loop asks a function without an argument. */
static uint64_t now_ms;

static uint64_t
test_clock(void)
{
	return now_ms;
}

void
pools_init(struct pools *p, enum conf_balance balance)
{
	static char name[] = "web";

	memset(p, 0, sizeof(*p));
	now_ms = 1000000;
	p->conf.pools = &p->pool;
	p->conf.npools = 1;
	p->pool = (struct conf_pool){
		.name = name,
		.balance = balance,
		.hash_prefix4 = 32,
		.hash_prefix6 = 64,
		.servers = p->servers,
		.connect_timeout = 3000,
		.queue = 1000,
		.fail_timeout = 10000,
		.max_ejected = 50,
	};
}

static struct addr
server_address(unsigned n)
{
	return (struct addr){
		.family = ADDR_INET4,
		.port = 80,
		.ip = { 192, 0, 2, (uint8_t)(n + 1) },
	};
}

struct conf_server *
pools_add(struct pools *p, uint64_t weight)
{
	size_t i = p->pool.nservers++;

	assert_true(i < POOLS_SERVERS);
	(void)snprintf(p->names[i], sizeof(p->names[i]), "s%zu", i);
	p->servers[i] = (struct conf_server){
		.name = p->names[i],
		.target.addr = server_address((unsigned)i),
		.weight = weight,
		.nplaces = 1,
	};
	return &p->servers[i];
}

void
pools_add_many(struct pools *p, unsigned n)
{
	while (n-- > 0)
		(void)pools_add(p, 1);
}

static void
ring(void *arg, unsigned worker)
{
	struct pools *p = arg;

	p->woken[worker]++;
}

void
pools_make_state(struct pools *p)
{
	struct state_shape shape = {
		.workers = POOLS_WORKERS,
		.services = 1,
		.sessions = POOLS_SESSIONS,
		.sources = 16,
		.pools = 1,
	};
	int slot, fds[2];

	for (size_t i = 0; i < p->pool.nservers; i++)
		shape.servers += p->servers[i].nplaces;
	p->state = state_create(&shape);
	assert_non_null(p->state);
	p->state->wake = ring;
	p->state->wake_arg = p;
	p->places = p->state->servers;
	p->loop = loop_open_with(event_backends[0], test_clock);
	assert_non_null(p->loop);
	loop_update_clock(p->loop);
	assert_int_equal(compat_socketpair(SOCK_DGRAM, fds), 0);
	p->log_fd = fds[0];
	log_open_channel(&p->log, fds[1], LOG_LEVEL_INFO, "worker", 0);
	slot = state_pool_slot(p->state, p->pool.name);
	assert_int_equal(slot, 0);
	p->slot = (unsigned)slot;
	for (size_t i = 0; i < p->pool.nservers; i++) {
		slot = state_server_places(p->state, p->pool.name,
		    p->servers[i].name, p->servers[i].nplaces);
		assert_true(slot >= 0);
		p->first[i] = (unsigned)slot;
		if (p->servers[i].nplaces == 1)
			state_server_set(&p->places[slot],
			    &p->servers[i].target.addr,
			    (uint32_t)p->servers[i].weight);
	}
}

void
pools_open_worker(struct pools *p, unsigned worker)
{
	struct services *set = &p->sets[worker];

	set->loop = p->loop;
	set->log = &p->log;
	set->state = p->state;
	set->conf = &p->conf;
	assert_int_equal(ledger_open(&set->ledger, p->state, worker), 0);
	p->workers[worker] = pools_open(set, &p->conf, &p->slot, p->first);
	assert_non_null(p->workers[worker]);
	p->workers[worker]->random = 88172645463325252 + worker;
}

void
pools_open_all(struct pools *p)
{
	pools_make_state(p);
	for (unsigned i = 0; i < POOLS_WORKERS; i++)
		pools_open_worker(p, i);
}

void
pools_close_all(struct pools *p)
{
	for (unsigned i = 0; i < POOLS_WORKERS; i++) {
		if (p->workers[i] == NULL)
			continue;
		assert_true(list_empty(&p->workers[i]->waiters));
		pools_close(p->workers[i], 1);
		ledger_close(&p->sets[i].ledger);
		(void)state_release_worker(p->state, i, NULL, NULL);
	}
	for (uint32_t i = 0; i < p->state->shape.servers; i++)
		assert_int_equal(pools_held(p, i), 0);
	assert_int_equal(tally_read(&p->state->pools[0].queue.tally), 0);
	loop_close(p->loop);
	state_close(p->state);
	(void)close(p->log.fd);
	(void)close(p->log_fd);
}

struct addr
pools_client(unsigned n)
{
	return (struct addr){
		.family = ADDR_INET4,
		.port = (uint16_t)(1024 + n % 50000),
		.ip = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n },
	};
}

void
pools_set_address(struct pools *p, unsigned place, unsigned n, uint32_t weight)
{
	struct addr addr = { 0 };

	if (n != UINT_MAX)
		addr = server_address(n);
	state_server_set(&p->places[place], &addr, weight);
	state_pool_changed(&p->state->pools[p->slot]);
}

enum pool_verdict
visit_begin(struct pools *p, unsigned worker, const struct addr *client,
    struct visit *visit)
{
	memset(visit, 0, sizeof(*visit));
	visit->pool = p->workers[worker];
	visit->entry = ledger_begin(&p->sets[worker].ledger, 0, client, 0);
	assert_non_null(visit->entry);
	return pool_pick(
	    visit->pool, visit->entry, &visit->tried, true, &visit->server);
}

enum pool_verdict
visit_again(struct visit *visit)
{
	ledger_give_server(&visit->pool->set->ledger, visit->entry);
	if (visit->server != NULL)
		pool_tried_add(&visit->tried, visit->server);
	return pool_pick(
	    visit->pool, visit->entry, &visit->tried, true, &visit->server);
}

void
visit_end(struct visit *visit)
{
	ledger_end(&visit->pool->set->ledger, visit->entry);
}

unsigned
pools_stay(struct pools *p, unsigned worker, unsigned n, struct visit *visit)
{
	struct addr client = pools_client(n);
	struct visit own;

	if (visit == NULL)
		visit = &own;
	assert_int_equal(visit_begin(p, worker, &client, visit), POOL_PICKED);
	pool_connected(visit->server);
	assert_int_equal(visit->entry->server, visit->server->place);
	return visit->server->place;
}

unsigned
pools_hit(struct pools *p, unsigned worker, unsigned n)
{
	struct visit visit;
	unsigned place = pools_stay(p, worker, n, &visit);

	visit_end(&visit);
	return place;
}

unsigned
pools_fail(struct pools *p, unsigned worker, unsigned n, int error)
{
	struct addr client = pools_client(n);
	struct visit visit;
	unsigned place;

	assert_int_equal(visit_begin(p, worker, &client, &visit), POOL_PICKED);
	place = visit.server->place;
	pool_connect_failed(visit.server, error);
	visit_end(&visit);
	return place;
}

uint32_t
pools_held(const struct pools *p, unsigned place)
{
	return tally_read(&p->places[place].connections.tally);
}

void
pools_advance(struct pools *p, uint64_t ms)
{
	now_ms += ms;
	assert_int_not_equal(loop_turn(p->loop, 0), -1);
	/* What was dealt out to a finer ring meanwhile. */
	assert_int_not_equal(loop_turn(p->loop, 0), -1);
}

uint64_t
pools_now(const struct pools *p)
{
	return loop_now(p->loop);
}

unsigned
pools_ring(struct pools *p)
{
	unsigned rang = 0;

	for (unsigned i = 0; i < POOLS_WORKERS; i++) {
		if (p->woken[i] == 0)
			continue;
		p->woken[i] = 0;
		rang++;
		pool_retry(p->workers[i]);
	}
	return rang;
}

bool
pools_said(struct pools *p, const char *text)
{
	unsigned char buf[LOG_BUFFER_SIZE];
	bool said = false;
	ssize_t n;

	log_flush(&p->log);
	while ((n = recv(p->log_fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		said |= memmem(buf, (size_t)n, text, strlen(text)) != NULL;
	return said;
}
