/*
 * What would happen to a client, asked without taking anything: it is what
 * happens to the next one who comes.
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "service/admission.h"
#include "service/quota.h"

/* ---- the pool ---- */

enum { SERVERS = 5, STEPS = 2000 };

/* Something changes: a server's order, health, weight or bound. */
static void
disturb(struct pools *p, unsigned *seed)
{
	struct state_server *place = &p->places[rand_r(seed) % SERVERS];

	switch (rand_r(seed) % 4) {
	case 0:
		atomic_store(&place->admin,
		    rand_r(seed) % 3 == 0 ? SERVER_ADMIN_DRAINING
					  : SERVER_ADMIN_ENABLED);
		break;
	case 1:
		atomic_store(&place->checked,
		    rand_r(seed) % 3 == 0 ? SERVER_DOWN : SERVER_UP);
		break;
	case 2:
		atomic_store(
		    &place->manual_max, (uint64_t)(rand_r(seed) % 40) + 1);
		break;
	default:
		atomic_store(
		    &place->manual_weight, (uint32_t)(rand_r(seed) % 4) + 1);
		state_pool_changed(&p->state->pools[p->slot]);
		break;
	}
}

static uint64_t
held_by_all(const struct pools *p)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < SERVERS; i++)
		n += pools_held(p, i);
	return n;
}

static void
expect_preview_of_next(enum conf_balance balance)
{
	struct addr client;
	struct pools p;
	struct server *seen;
	struct visit visit;
	unsigned seed = 11, i;
	uint64_t ticket, held;
	enum pool_verdict verdict;

	pools_init(&p, balance);
	pools_add_many(&p, SERVERS);
	p.servers[SERVERS - 1].backup = true;
	p.conf.log.remember = true;
	pools_open_all(&p);
	for (i = 0; i < STEPS; i++) {
		disturb(&p, &seed);
		client = pools_client(i);
		ticket = atomic_load(&p.state->pools[p.slot].ticket);
		held = held_by_all(&p);
		verdict = pool_preview(p.workers[1], &client, &seen);
		assert_int_equal(
		    atomic_load(&p.state->pools[p.slot].ticket), ticket);
		assert_int_equal(held_by_all(&p), held);
		assert_int_equal(visit_begin(&p, 0, &client, &visit), verdict);
		if (verdict == POOL_PICKED) {
			assert_int_equal(visit.server->place, seen->place);
			assert_memory_equal(&p.workers[0]->choice,
			    &p.workers[1]->choice,
			    sizeof(p.workers[0]->choice));
		}
		/* Some stay, so that servers become full. */
		if (verdict != POOL_PICKED || rand_r(&seed) % 10 != 0)
			visit_end(&visit);
		else
			assert_int_equal(held_by_all(&p), held + 1);
	}
	assert_true(held_by_all(&p) > 0);
	pools_close_all(&p);
}

static void
preview_is_the_next_choice(void **state)
{
	(void)state;
	expect_preview_of_next(BALANCE_ROUND_ROBIN);
	expect_preview_of_next(BALANCE_LEAST_CONNECTIONS);
	expect_preview_of_next(BALANCE_HASH);
}

/* One that is ejected, and whose time has passed, is tried by one client: to
 * look takes nobody's place. */
static void
preview_tries_no_ejected_server(void **state)
{
	struct addr client = pools_client(1);
	struct server *seen;
	struct pools p;
	uint64_t until;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	pools_add_many(&p, 1);
	pools_open_all(&p);
	until = pools_now(&p) + 5;
	atomic_store(&p.places[0].ejected_until_ms, until);
	assert_int_equal(pool_preview(p.workers[0], &client, &seen), POOL_NONE);
	pools_advance(&p, 10);
	assert_int_equal(
	    pool_preview(p.workers[0], &client, &seen), POOL_PICKED);
	assert_int_equal(atomic_load(&p.places[0].ejected_until_ms), until);
	assert_int_equal(atomic_load(&p.places[0].probing), 0);
	pools_close_all(&p);
}

/* The choice is told: which turn, of how many that could be had. */
static void
choice_counts_who_is_usable_and_has_room(void **state)
{
	const struct memo_choice *choice;
	struct pools p;

	(void)state;
	pools_init(&p, BALANCE_ROUND_ROBIN);
	pools_add_many(&p, 4);
	pools_open_all(&p);
	p.conf.log.remember = true;
	atomic_store(&p.places[0].checked, SERVER_DOWN);
	atomic_store(&p.places[1].manual_max, 1 + 1);
	while (pools_held(&p, 1) == 0)
		(void)pools_stay(&p, 0, 1, NULL);
	while (pools_held(&p, 2) < 2)
		(void)pools_stay(&p, 0, 1, NULL);
	choice = &p.workers[0]->choice;
	assert_int_equal(choice->balance, BALANCE_ROUND_ROBIN + 1);
	assert_int_equal(choice->members, 4);
	assert_int_equal(choice->usable, 3);
	assert_int_equal(choice->room, 2);
	assert_int_equal(choice->sessions, 2);
	assert_int_equal(choice->backup, 0);
	pools_close_all(&p);
}

/* ---- the limits ---- */

#define LIMITED(limit)                                               \
	"limits { per_source = 6 connections = 9 }"                  \
	"service \"echo\" { listen = { \"127.0.0.1:0\" } handler = " \
	"\"echo\" limit { when_full = \"refuse\" " limit " } }"

static enum reason
look(const struct fixture *f, const struct addr *client,
    enum memo_limit_kind *kind)
{
	const struct service *service = &f->services.current->items[0];
	const struct quota_scope scope = {
		.state = f->state,
		.conf = f->services.conf,
		.service = service->conf,
		.slot = service->slot,
		.connections_max = f->services.connections_max,
	};
	const enum memo_limit_kind *at;
	struct quota_sight sight;

	*kind = MEMO_LIMIT_NONE;
	for (at = quota_order; *at != MEMO_LIMIT_NONE; at++) {
		sight =
		    quota_look(&scope, *at, client, loop_now(f->services.loop));
		if (sight.reason == REASON_NONE)
			continue;
		*kind = *at;
		return sight.reason;
	}
	return REASON_NONE;
}

/* Clients of some addresses come, and some go. */
static void
expect_look_is_what_is_taken(const char *text)
{
	struct fixture f;
	struct ledger_entry *entries[64];
	struct service *service;
	struct quota_request request;
	enum memo_limit_kind kind;
	enum reason reason;
	size_t n = 0, refused = 0;
	unsigned seed = 7, i;

	fixture_open(&f, text);
	service = &f.services.current->items[0];
	for (i = 0; i < 500; i++) {
		if (n > 0 && rand_r(&seed) % 3 == 0) {
			ledger_end(&f.services.ledger, entries[--n]);
			continue;
		}
		if (rand_r(&seed) % 20 == 0)
			fixture_advance(&f, 100);
		memset(&request, 0, sizeof(request));
		request.peer = pools_client((unsigned)rand_r(&seed) % 3);
		reason = look(&f, &request.peer, &kind);
		entries[n] = ledger_begin(
		    &f.services.ledger, service->slot, &request.peer, 0);
		assert_non_null(entries[n]);
		assert_int_equal(
		    quota_take(service, entries[n], &request), reason);
		assert_int_equal(request.limit.kind, kind);
		refused += reason != REASON_NONE;
		if (reason != REASON_NONE)
			ledger_end(&f.services.ledger, entries[n]);
		else
			n++;
	}
	assert_true(refused > 10);
	while (n > 0)
		ledger_end(&f.services.ledger, entries[--n]);
	fixture_close(&f);
}

static void
look_at_limits_is_what_the_next_client_meets(void **state)
{
	(void)state;
	expect_look_is_what_is_taken(LIMITED("per_source = 3"));
	expect_look_is_what_is_taken(LIMITED("connections = 4"));
	expect_look_is_what_is_taken(LIMITED("source_rate = \"5/s\""));
	expect_look_is_what_is_taken(LIMITED("rate = \"7/s\""));
	expect_look_is_what_is_taken(LIMITED("per_source = 0"));
}

static void
order_to_refuse_comes_before_bans_and_lists(void **state)
{
	const struct service *service;
	struct addr client = pools_client(1);
	struct memo_rule rule;
	struct fixture f;

	(void)state;
	fixture_open(&f,
	    "service \"echo\" { listen = { \"127.0.0.1:0\" } handler = \"echo\""
	    " deny = { \"10.0.0.0/8\" } }");
	service = &f.services.current->items[0];
	assert_int_equal(
	    admission_check(service, &client, &rule), REASON_DENIED);
	assert_int_equal(rule.kind, MEMO_RULE_DENY);
	assert_int_equal(rule.prefix.bits, 8);
	atomic_store(&f.state->node->order, NODE_DRAINING);
	assert_int_equal(
	    admission_check(service, &client, NULL), REASON_DENIED);
	atomic_store(&f.state->node->order, NODE_REFUSING);
	assert_int_equal(
	    admission_check(service, &client, &rule), REASON_DRAINING);
	assert_int_equal(rule.kind, MEMO_RULE_NONE);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preview_is_the_next_choice),
		cmocka_unit_test(preview_tries_no_ejected_server),
		cmocka_unit_test(choice_counts_who_is_usable_and_has_room),
		cmocka_unit_test(look_at_limits_is_what_the_next_client_meets),
		cmocka_unit_test(order_to_refuse_comes_before_bans_and_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
