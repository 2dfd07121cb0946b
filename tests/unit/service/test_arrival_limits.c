/*
 * Lists and limits go by the address that a PROXY header carries; and who may
 * wait for a limit waits behind its header.
 */
#include "proxied_client.h"

#include <sys/socket.h>

#include <string.h>
#include <unistd.h>

static void
reset_and_close(int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	(void)close(fd);
}

static void
lists_go_by_the_carried_address(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY("allow = \"192.0.2.0/24\" "
			      "deny = { \"192.0.2.66/32\", \"127.0.0.0/8\" }"));
	fd = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, fd));
	(void)close(fd);
	fd = proxied_connect_as(&f, "192.0.2.66");
	assert_refused(&f, fd, REASON_DENIED);
	fd = proxied_connect_as(&f, "198.51.100.1");
	assert_refused(&f, fd, REASON_DENIED);
	/* One that carries none is the proxy's own. */
	fd = proxied_connect(&f, BYTES("PROXY UNKNOWN\r\n"));
	assert_refused(&f, fd, REASON_DENIED);
	fixture_close(&f);
}

/* fault 70 */
static void
sources_go_by_the_carried_address(void **state)
{
	struct fixture f;
	int fds[3], i;

	(void)state;
	fixture_open(&f,
	    "limits { per_source = 1 }" ECHO_BEHIND_PROXY(
		"limit { per_source = 1 }"));
	fds[0] = proxied_connect_as(&f, "192.0.2.1");
	fds[1] = proxied_connect_as(&f, "192.0.2.2");
	assert_true(is_served(&f, fds[0]));
	assert_true(is_served(&f, fds[1]));
	fds[2] = proxied_connect_as(&f, "192.0.2.1");
	assert_refused(&f, fds[2], REASON_SOURCE_FULL);
	(void)close(fds[0]);
	TURN_UNTIL(&f, fixture_ended(&f, REASON_CLIENT_CLOSED) == 1);
	fds[0] = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, fds[0]));
	for (i = 0; i < 2; i++)
		(void)close(fds[i]);
	fixture_close(&f);
}

static void
source_rate_goes_by_the_carried_address(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_BEHIND_PROXY("limit { source_rate = \"1/m\" }"));
	fd = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, fd));
	(void)close(fd);
	fd = proxied_connect_as(&f, "192.0.2.1");
	assert_refused(&f, fd, REASON_SOURCE_RATE);
	fd = proxied_connect_as(&f, "192.0.2.2");
	assert_true(is_served(&f, fd));
	(void)close(fd);
	fixture_close(&f);
}

/* fault 70: also those that have not told who they are. */
static void
arrivals_count_as_connections_of_the_daemon(void **state)
{
	struct fixture f;
	int silent, second;

	(void)state;
	fixture_open(&f,
	    "limits { connections = 1 }" ECHO_BEHIND_PROXY(
		"proxy_timeout = \"1h\" limit { when_full = \"refuse\" }"));
	silent = proxied_connect(&f, "", 0);
	assert_true(is_waiting(&f, silent));
	assert_int_equal(connections(&f), 1);
	second = proxied_connect_as(&f, "192.0.2.2");
	assert_refused(&f, second, REASON_DAEMON_FULL);
	proxied_send(silent, BYTES(HEADER_V1));
	assert_true(is_served(&f, silent));
	assert_int_equal(connections(&f), 1);
	(void)close(silent);
	fixture_close(&f);
}

/* At the door, since it has not been asked for its header yet. */
static void
arrival_waits_for_the_daemons_limit(void **state)
{
	struct fixture f;
	int first, second;

	(void)state;
	fixture_open(&f, "limits { connections = 1 }" ECHO_BEHIND_PROXY(""));
	first = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, first));
	second = proxied_connect_as(&f, "192.0.2.2");
	assert_true(is_waiting(&f, second));
	(void)close(first);
	assert_true(is_served(&f, second));
	assert_client(&f, "192.0.2.2:1000");
	(void)close(second);
	fixture_close(&f);
}

static void
full_service_refuses_at_once_if_told_so(void **state)
{
	struct fixture f;
	int first, second;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY(
		"limit { connections = 1 when_full = \"refuse\" }"));
	first = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, first));
	second = proxied_connect_as(&f, "192.0.2.2");
	assert_refused(&f, second, REASON_SERVICE_FULL);
	(void)close(first);
	fixture_close(&f);
}

static void
those_who_wait_come_in_in_the_order_of_their_headers(void **state)
{
	enum { CLIENTS = 5 };
	struct fixture f;
	int fds[CLIENTS], i;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY(
		"limit { connections = 1 wait_timeout = \"1h\" }"));
	for (i = 0; i < CLIENTS; i++)
		fds[i] = proxied_connect(&f, "", 0);
	/* The last to connect is the first to tell. */
	for (i = CLIENTS - 1; i >= 0; i--) {
		proxied_send(fds[i], BYTES(HEADER_V1));
		fixture_settle(&f);
	}
	for (i = CLIENTS - 1; i >= 0; i--) {
		assert_true(is_served(&f, fds[i]));
		if (i > 0)
			assert_true(is_waiting(&f, fds[i - 1]));
		(void)close(fds[i]);
	}
	assert_int_equal(
	    state_sum_events(f.state, f.slots[0], COUNTER_WAITED), CLIENTS - 1);
	fixture_close(&f);
}

/* Others go on to be accepted, and are answered. */
static void
those_who_wait_do_not_stop_the_listener(void **state)
{
	struct fixture f;
	int first, second, third;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY("deny = \"192.0.2.66/32\" "
			      "limit { connections = 1 }"));
	first = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, first));
	second = proxied_connect_as(&f, "192.0.2.2");
	assert_true(is_waiting(&f, second));
	third = proxied_connect_as(&f, "192.0.2.66");
	assert_refused(&f, third, REASON_DENIED);
	assert_true(is_waiting(&f, second));
	(void)close(first);
	assert_true(is_served(&f, second));
	(void)close(second);
	fixture_close(&f);
}

static void
who_comes_without_a_header_does_not_overtake(void **state)
{
	struct fixture f;
	int first, second, third;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY(
		"limit { connections = 1 wait_timeout = \"1h\" }"));
	first = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, first));
	second = proxied_connect_as(&f, "192.0.2.2");
	assert_true(is_waiting(&f, second));
	third = fixture_connect(&f.services, 0, "127.0.0.2");
	assert_true(is_waiting(&f, third));
	(void)close(first);
	assert_true(is_served(&f, second));
	assert_true(is_waiting(&f, third));
	(void)close(second);
	assert_true(is_served(&f, third));
	(void)close(third);
	fixture_close(&f);
}

/* The limit falls in the very turn in which another one asks, who is called
 * before the bell that tells of it. */
static void
nobody_overtakes_in_the_turn_in_which_the_limit_falls(void **state)
{
	struct fixture f;
	int first, second, others[2], i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fixture_open(&f,
		    ECHO_BEHIND_PROXY(
			"limit { connections = 1 wait_timeout = \"1h\" }"));
		first = proxied_connect_as(&f, "192.0.2.1");
		assert_true(is_served(&f, first));
		second = proxied_connect_as(&f, "192.0.2.2");
		others[0] = proxied_connect(&f, BYTES("P"));
		assert_true(is_waiting(&f, second));
		if (i == 0)
			proxied_send(
			    others[0], HEADER_V1 + 1, sizeof(HEADER_V1) - 2);
		others[1] = fixture_connect(&f.services, 0, "127.0.0.2");
		session_end(fixture_session(&f), REASON_INTERNAL, 0);
		assert_true(is_served(&f, second));
		assert_true(is_waiting(&f, others[0]));
		assert_true(is_waiting(&f, others[1]));
		(void)close(first);
		(void)close(second);
		(void)close(others[0]);
		(void)close(others[1]);
		fixture_close(&f);
	}
}

/* Whose token it will be is the one who is first then. */
static void
assert_next_token(struct fixture *f, bool reset)
{
	int first = proxied_connect_as(f, "192.0.2.1"), second, third;

	assert_true(is_served(f, first));
	fixture_advance(f, 25000);
	second = proxied_connect(f, BYTES("P"));
	assert_true(is_waiting(f, second));
	proxied_send(second, HEADER_V1 + 1, sizeof(HEADER_V1) - 2);
	fixture_advance(f, 10000);
	third = proxied_connect_as(f, "192.0.2.3");
	if (reset) {
		assert_true(is_waiting(f, third));
		reset_and_close(second);
	}
	fixture_advance(f, 20000);
	if (!reset)
		assert_refused(f, second, REASON_SERVICE_RATE);
	assert_true(is_waiting(f, third));
	fixture_advance(f, 5000);
	assert_true(is_served(f, third));
	(void)close(first);
	(void)close(third);
}

static void
who_becomes_the_first_is_told_of_the_next_token(void **state)
{
	struct fixture f;
	int reset;

	(void)state;
	for (reset = 0; reset < 2; reset++) {
		fixture_open(&f,
		    ECHO_BEHIND_PROXY("limit { rate = \"1/m\" "
				      "wait_timeout = \"30s\" }"));
		assert_next_token(&f, reset == 1);
		assert_int_equal(fixture_ended(&f, REASON_CLIENT_RESET), reset);
		fixture_close(&f);
	}
}

static void
who_waits_is_shed_when_its_time_is_over(void **state)
{
	struct fixture f;
	int first, second, third;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY("proxy_timeout = \"1s\" "
			      "limit { connections = 1 "
			      "wait_timeout = \"20s\" }"));
	first = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, first));
	second = proxied_connect_as(&f, "192.0.2.2");
	fixture_advance(&f, 10000);
	third = proxied_connect_as(&f, "192.0.2.3");
	fixture_advance(&f, 9999);
	assert_true(is_waiting(&f, second));
	assert_int_equal(connections(&f), 3);
	fixture_advance(&f, 1);
	assert_refused(&f, second, REASON_SERVICE_FULL);
	assert_int_equal(connections(&f), 2);
	assert_true(is_waiting(&f, third));
	(void)close(first);
	assert_true(is_served(&f, third));
	(void)close(third);
	fixture_close(&f);
}

static void
refusal_tells_both_addresses(void **state)
{
	struct fixture f;
	const char *line;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_BEHIND_PROXY("deny = \"192.0.2.0/24\""));
	fd = proxied_connect(&f, BYTES(HEADER_V1));
	assert_refused(&f, fd, REASON_DENIED);
	line = record_line(&f, "client refused");
	assert_non_null(strstr(line, " client=192.0.2.1:1001 "));
	assert_non_null(strstr(line, " peer=127.0.0.1:"));
	assert_non_null(strstr(line, " reason=denied "));
	fixture_close(&f);
}

/* Its header came in pieces, or was there at once. */
static void
reset_of_one_who_waits_makes_room(void **state)
{
	struct fixture f;
	int first, second, pieces;

	(void)state;
	for (pieces = 0; pieces < 2; pieces++) {
		fixture_open(&f,
		    ECHO_BEHIND_PROXY(
			"limit { connections = 1 wait_timeout = \"1h\" }"));
		first = proxied_connect_as(&f, "192.0.2.1");
		assert_true(is_served(&f, first));
		second = pieces == 0 ? proxied_connect_as(&f, "192.0.2.2")
				     : proxied_connect(&f, BYTES("P"));
		assert_true(is_waiting(&f, second));
		if (pieces == 1)
			proxied_send(
			    second, HEADER_V1 + 1, sizeof(HEADER_V1) - 2);
		assert_true(is_waiting(&f, second));
		assert_int_equal(connections(&f), 2);
		reset_and_close(second);
		TURN_UNTIL(&f, fixture_ended(&f, REASON_CLIENT_RESET) == 1);
		assert_int_equal(connections(&f), 1);
		(void)close(first);
		fixture_close(&f);
	}
}

/* Its source is counted while it waits: it is connected. */
static void
who_waits_counts_at_its_source(void **state)
{
	struct fixture f;
	int first, second, third;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY("limit { connections = 1 per_source = 1 "
			      "wait_timeout = \"1h\" }"));
	first = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, first));
	second = proxied_connect_as(&f, "192.0.2.2");
	assert_true(is_waiting(&f, second));
	third = proxied_connect_as(&f, "192.0.2.2");
	assert_refused(&f, third, REASON_SOURCE_FULL);
	(void)close(first);
	assert_true(is_served(&f, second));
	(void)close(second);
	fixture_close(&f);
}

static void
who_waits_for_a_token_keeps_no_place_from_others(void **state)
{
	struct limit *limit;
	struct fixture f;
	int first, second;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY("limit { connections = 2 rate = \"1/s\" "
			      "wait_timeout = \"1h\" }"));
	limit = &f.state->services[f.slots[0]].connections;
	first = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, first));
	second = proxied_connect_as(&f, "192.0.2.2");
	assert_true(is_waiting(&f, second));
	assert_int_equal(tally_read(&limit->tally), 1);
	assert_int_equal(connections(&f), 2);
	fixture_advance(&f, 1000);
	assert_true(is_served(&f, second));
	assert_int_equal(tally_read(&limit->tally), 2);
	(void)close(first);
	(void)close(second);
	fixture_close(&f);
}

static void
who_waits_in_another_worker_is_woken(void **state)
{
	struct fixture f;
	int first, second;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY(
		"limit { connections = 1 wait_timeout = \"1h\" }"));
	fixture_open_other(&f);
	first = fixture_connect(&f.other, 0, "127.0.0.1");
	proxied_send(first, BYTES(HEADER_V1));
	assert_true(is_served(&f, first));
	second = proxied_connect_as(&f, "192.0.2.2");
	assert_true(is_waiting(&f, second));
	(void)close(first);
	assert_true(is_served(&f, second));
	(void)close(second);
	fixture_close(&f);
}

static void
draining_turns_away_who_waits(void **state)
{
	struct fixture f;
	int first, second, third;

	(void)state;
	fixture_open(&f,
	    ECHO_BEHIND_PROXY(
		"limit { connections = 1 wait_timeout = \"1h\" }"));
	first = proxied_connect_as(&f, "192.0.2.1");
	assert_true(is_served(&f, first));
	second = proxied_connect_as(&f, "192.0.2.2");
	third = proxied_connect(&f, BYTES("P"));
	assert_true(is_waiting(&f, second));
	services_drain(&f.services, 60000, false);
	assert_refused(&f, second, REASON_SERVICE_FULL);
	/* Also who tells only now. */
	proxied_send(third, HEADER_V1 + 1, sizeof(HEADER_V1) - 2);
	assert_refused(&f, third, REASON_SERVICE_FULL);
	assert_int_equal(fixture_ended(&f, REASON_SERVICE_FULL), 2);
	(void)close(first);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_go_by_the_carried_address),
		cmocka_unit_test(sources_go_by_the_carried_address),
		cmocka_unit_test(source_rate_goes_by_the_carried_address),
		cmocka_unit_test(arrivals_count_as_connections_of_the_daemon),
		cmocka_unit_test(arrival_waits_for_the_daemons_limit),
		cmocka_unit_test(full_service_refuses_at_once_if_told_so),
		cmocka_unit_test(
		    those_who_wait_come_in_in_the_order_of_their_headers),
		cmocka_unit_test(those_who_wait_do_not_stop_the_listener),
		cmocka_unit_test(who_comes_without_a_header_does_not_overtake),
		cmocka_unit_test(
		    nobody_overtakes_in_the_turn_in_which_the_limit_falls),
		cmocka_unit_test(
		    who_becomes_the_first_is_told_of_the_next_token),
		cmocka_unit_test(who_waits_is_shed_when_its_time_is_over),
		cmocka_unit_test(refusal_tells_both_addresses),
		cmocka_unit_test(reset_of_one_who_waits_makes_room),
		cmocka_unit_test(who_waits_counts_at_its_source),
		cmocka_unit_test(
		    who_waits_for_a_token_keeps_no_place_from_others),
		cmocka_unit_test(who_waits_in_another_worker_is_woken),
		cmocka_unit_test(draining_turns_away_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
