/*
 * What the tests of pools share: one pool whose configuration is made by hand,
 * as two workers have it, on a clock that the test moves.
 */
#ifndef MUXD_TESTS_SERVICE_POOLS_H
#define MUXD_TESTS_SERVICE_POOLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "service/pool.h"
#include "service/service.h"

#define POOLS_WORKERS  2
#define POOLS_SERVERS  64
#define POOLS_SESSIONS 20000 /* of each worker */

struct pools {
	struct conf conf;
	struct conf_pool pool;
	struct conf_server servers[POOLS_SERVERS];
	char names[POOLS_SERVERS][16];
	unsigned first[POOLS_SERVERS]; /* place of each server */
	unsigned slot;
	struct state *state;
	struct state_server *places; /* of the state; place i is server i if
					all have one */
	struct loop *loop;
	struct log log;
	int log_fd; /* where records come out */
	struct services sets[POOLS_WORKERS];
	struct pool *workers[POOLS_WORKERS]; /* the pool of each */
	unsigned woken[POOLS_WORKERS];       /* bells that rang */
};

/* A client that was sent to a server. */
struct visit {
	struct pool *pool;
	struct ledger_entry *entry;
	struct server *server;
	struct pool_tried tried;
};

/* A pool without servers: all options at their least, fail_timeout 10 s,
 * connect_timeout 3 s, room in the queue. */
void pools_init(struct pools *p, enum conf_balance balance);

/* Add server i, 192.0.2.i+1:80, before the pool is opened. */
struct conf_server *pools_add(struct pools *p, uint64_t weight);

/* The same for several of weight 1. */
void pools_add_many(struct pools *p, unsigned n);

/* Make the state, with all addresses in it, and open the pool in all
 * workers; or in steps. */
void pools_open_all(struct pools *p);
void pools_make_state(struct pools *p);
void pools_open_worker(struct pools *p, unsigned worker);

/* Asserts that no server and no queue is held any more. */
void pools_close_all(struct pools *p);

/* The n-th client, 10.0.0.0 and on. */
struct addr pools_client(unsigned n);

/* Give a place another address (192.0.2.n + 1; none with UINT_MAX) and
 * weight. */
void pools_set_address(
    struct pools *p, unsigned place, unsigned n, uint32_t weight);

/* A client comes; it waits in vain unless POOL_PICKED, and holds its entry
 * until visit_end() in any case. */
enum pool_verdict visit_begin(struct pools *p, unsigned worker,
    const struct addr *client, struct visit *visit);

/* Once more, after the first try has failed. */
enum pool_verdict visit_again(struct visit *visit);
void visit_end(struct visit *visit);

/* Client n comes, connects and leaves; the place of its server. */
unsigned pools_hit(struct pools *p, unsigned worker, unsigned n);

/* The same, and it stays; visit may be NULL, then until the end. */
unsigned pools_stay(
    struct pools *p, unsigned worker, unsigned n, struct visit *visit);

/* The same, but the server cannot be connected to. */
unsigned pools_fail(struct pools *p, unsigned worker, unsigned n, int error);

/* How many sessions a place has. */
uint32_t pools_held(const struct pools *p, unsigned place);

/* Let time pass, as the loop sees it. */
void pools_advance(struct pools *p, uint64_t ms);
uint64_t pools_now(const struct pools *p);

/* Call pool_retry() in the workers whose bells rang; how many that were. */
unsigned pools_ring(struct pools *p);

/* Whether there is a record with this text; takes all there are. */
bool pools_said(struct pools *p, const char *text);

#endif
