/*
 * Banned prefixes: exact, for a time, seen by all, and never more than there
 * is room for; and sessions that the master wants to be ended.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/bans.h"
#include "state/ledger.h"
#include "state/servers.h"
#include "support.h"

static struct prefix
prefix(const char *text)
{
	struct prefix p;
	const char *why;

	assert_int_equal(prefix_parse(text, &p, &why), 0);
	return p;
}

static struct addr
addr(const char *text)
{
	struct addr a;
	const char *why;

	assert_int_equal(addr_parse(text, &a, &why), 0);
	return a;
}

static void
ban(struct state *s, const char *text, uint64_t until_ms)
{
	const struct prefix p = prefix(text);

	assert_int_equal(bans_add(s, &p, until_ms, NOW), 0);
}

static bool
is_banned(const struct state *s, const char *text, uint64_t now_ms)
{
	const struct addr a = addr(text);

	return bans_match(s, &a, now_ms, NULL);
}

static void
ban_holds_for_its_prefix_and_time(void **state)
{
	struct state *s = state_small(1);

	(void)state;
	assert_false(is_banned(s, "192.0.2.1:1", NOW));
	ban(s, "192.0.2.0/30", NOW + 10);
	ban(s, "2001:db8::/32", BAN_FOR_EVER);
	assert_true(is_banned(s, "192.0.2.3:1", NOW));
	assert_false(is_banned(s, "192.0.2.4:1", NOW));
	assert_true(is_banned(s, "192.0.2.3:1", NOW + 9));
	assert_false(is_banned(s, "192.0.2.3:1", NOW + 10));
	assert_true(is_banned(s, "[2001:db8::1]:1", UINT64_MAX - 1));
	assert_false(is_banned(s, "[2001:db9::1]:1", NOW));
	state_close(s);
}

static void
ban_is_seen_by_all_and_can_be_taken_back(void **state)
{
	const struct state_shape shape = {
		.workers = 2,
		.services = 1,
		.sessions = 1,
		.sources = 1,
	};
	struct state *s = state_create(&shape), *other;
	const struct prefix p = prefix("192.0.2.0/24");

	(void)state;
	assert_non_null(s);
	other = state_attach(dup(s->fd));
	assert_non_null(other);
	ban(s, "198.51.100.0/24", NOW + 10);
	ban(s, "192.0.2.0/24", NOW + 10);
	assert_true(is_banned(other, "192.0.2.1:1", NOW));
	assert_true(bans_remove(s, &p, NOW));
	assert_false(bans_remove(s, &p, NOW));
	assert_false(is_banned(other, "192.0.2.1:1", NOW));
	assert_true(is_banned(other, "198.51.100.1:1", NOW));
	state_close(other);
	state_close(s);
}

static void
ban_of_the_same_prefix_changes_its_time(void **state)
{
	struct state *s = state_small(1);
	struct prefix p;
	uint64_t until_ms;
	unsigned i, n = 0;

	(void)state;
	ban(s, "192.0.2.0/24", NOW + 10);
	ban(s, "192.0.2.0/24", NOW + 99);
	for (i = 0; i < BANS_MAX; i++) {
		if (bans_get(s, i, NOW, &p, &until_ms)) {
			assert_int_equal(until_ms, NOW + 99);
			n++;
		}
	}
	assert_int_equal(n, 1);
	state_close(s);
}

static void
full_table_refuses_until_a_ban_is_over(void **state)
{
	struct state *s = state_small(1);
	struct prefix p;
	char text[32];
	unsigned i;

	(void)state;
	for (i = 0; i < BANS_MAX; i++) {
		(void)snprintf(
		    text, sizeof(text), "10.%u.%u.0/24", i / 256, i % 256);
		ban(s, text, NOW + 10 + i);
	}
	p = prefix("192.0.2.0/24");
	errno = 0;
	assert_int_equal(bans_add(s, &p, NOW + 100, NOW), -1);
	assert_int_equal(errno, ENOSPC);
	assert_false(is_banned(s, "192.0.2.1:1", NOW));
	assert_true(is_banned(s, "10.0.255.1:1", NOW));
	assert_int_equal(bans_add(s, &p, NOW + 100, NOW + 10), 0);
	assert_true(is_banned(s, "192.0.2.1:1", NOW + 10));
	assert_true(is_banned(s, "10.0.255.1:1", NOW + 10));
	state_close(s);
}

static void
session_is_condemned_and_its_successor_is_not(void **state)
{
	struct state *s = state_small(2);
	struct addr client = client_number(1);
	struct ledger_entry *entry, *next;
	struct ledger ledger;
	uint64_t id;

	(void)state;
	assert_int_equal(ledger_open(&ledger, s, 1), 0);
	entry = ledger_begin(&ledger, 0, &client, 1);
	id = atomic_load(&entry->id);
	assert_int_equal(ledger_worker_of(id), 1);
	assert_false(ledger_is_condemned(&ledger, entry));
	ledger_condemn(s, 1, 0, id);
	assert_true(ledger_is_condemned(&ledger, entry));
	ledger_end(&ledger, entry);
	next = ledger_begin(&ledger, 0, &client, 1);
	assert_ptr_equal(next, entry);
	assert_false(ledger_is_condemned(&ledger, next));
	ledger_end(&ledger, next);
	ledger_close(&ledger);
	state_close(s);
}

/* What a reload does not change holds. */
static void
what_is_set_by_hand_holds_until_the_configuration_changes(void **state)
{
	struct state *s = state_small(1);
	struct state_server *server = &s->servers[0];

	(void)state;
	state_server_configure(server, SERVER_ADMIN_ENABLED, 2, 100);
	assert_int_equal(state_server_weight(server, 2), 2);
	assert_int_equal(state_server_max(server, 100), 100);
	atomic_store(&server->admin, SERVER_ADMIN_DRAINING);
	atomic_store(&server->manual_weight, 7);
	atomic_store(&server->manual_max, 0 + 1);
	state_server_configure(server, SERVER_ADMIN_ENABLED, 2, 100);
	assert_int_equal(atomic_load(&server->admin), SERVER_ADMIN_DRAINING);
	assert_int_equal(state_server_weight(server, 2), 7);
	assert_int_equal(state_server_max(server, 100), 0);
	state_server_configure(server, SERVER_ADMIN_DISABLED, 3, 200);
	assert_int_equal(atomic_load(&server->admin), SERVER_ADMIN_DISABLED);
	assert_int_equal(state_server_weight(server, 3), 3);
	assert_int_equal(state_server_max(server, 200), 200);
	assert_string_equal(
	    state_admin_name(SERVER_ADMIN_DRAINING), "draining");
	state_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ban_holds_for_its_prefix_and_time),
		cmocka_unit_test(ban_is_seen_by_all_and_can_be_taken_back),
		cmocka_unit_test(ban_of_the_same_prefix_changes_its_time),
		cmocka_unit_test(full_table_refuses_until_a_ban_is_over),
		cmocka_unit_test(session_is_condemned_and_its_successor_is_not),
		cmocka_unit_test(
		    what_is_set_by_hand_holds_until_the_configuration_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
