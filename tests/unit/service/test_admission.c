/*
 * Who may come in, and who waits: on a clock that the test moves.
 */
#include "fixture.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ECHO_WITH(options)                                           \
	"service \"echo\" { listen = { \"127.0.0.1:0\" } handler = " \
	"\"echo\" " options "}"

/* Whether the client is served: what it says comes back. */
static bool
is_served(struct fixture *f, int fd)
{
	char byte = 'x';

	if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
		return false;
	return fixture_read(f, fd, &byte, 1) == 1;
}

/* Whether the client has heard nothing, neither an answer nor an end. */
static bool
is_waiting(struct fixture *f, int fd)
{
	char byte;

	fixture_settle(f);
	return recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

static uint64_t
sessions(const struct fixture *f)
{
	return state_sum_events(f->state, f->slots[0], COUNTER_SESSIONS);
}

/* fault 70 */
static void
service_limit_is_exact_at_n_and_after_a_release(void **state)
{
	struct fixture f;
	int fds[3];

	(void)state;
	fixture_open(
	    &f, ECHO_WITH("limit { connections = 2 when_full = \"refuse\" }"));
	fds[0] = fixture_connect(&f.services, 0, NULL);
	fds[1] = fixture_connect(&f.services, 0, NULL);
	assert_true(is_served(&f, fds[0]));
	assert_true(is_served(&f, fds[1]));
	fds[2] = fixture_connect(&f.services, 0, NULL);
	assert_int_equal(fixture_read_end(&f, fds[2]), ECONNRESET);
	assert_int_equal(fixture_ended(&f, REASON_SERVICE_FULL), 1);
	(void)close(fds[2]);
	(void)close(fds[0]);
	TURN_UNTIL(&f, fixture_ended(&f, REASON_CLIENT_CLOSED) == 1);
	fds[0] = fixture_connect(&f.services, 0, NULL);
	assert_true(is_served(&f, fds[0]));
	assert_int_equal(sessions(&f), 3);
	(void)close(fds[0]);
	(void)close(fds[1]);
	fixture_close(&f);
}

static void
client_at_a_full_limit_waits_and_comes_in_when_it_falls(void **state)
{
	struct fixture f;
	int first, second;

	(void)state;
	fixture_open(&f, ECHO_WITH("limit { connections = 1 }"));
	first = fixture_connect(&f.services, 0, NULL);
	assert_true(is_served(&f, first));
	second = fixture_connect(&f.services, 0, NULL);
	assert_true(is_waiting(&f, second));
	(void)close(first);
	assert_true(is_served(&f, second));
	assert_int_equal(
	    state_sum_events(f.state, f.slots[0], COUNTER_WAITED), 1);
	(void)close(second);
	fixture_close(&f);
}

static void
waiter_of_another_worker_is_woken(void **state)
{
	struct fixture f;
	int first, second;

	(void)state;
	fixture_open(&f, ECHO_WITH("limit { connections = 1 }"));
	fixture_open_other(&f);
	first = fixture_connect(&f.services, 0, NULL);
	assert_true(is_served(&f, first));
	second = fixture_connect(&f.other, 0, NULL);
	assert_true(is_waiting(&f, second));
	(void)close(first);
	assert_true(is_served(&f, second));
	(void)close(second);
	fixture_close(&f);
}

static void
waiter_is_shed_when_its_time_is_over(void **state)
{
	struct fixture f;
	int first, second;

	(void)state;
	fixture_open(
	    &f, ECHO_WITH("limit { connections = 1 wait_timeout = \"20s\" }"));
	first = fixture_connect(&f.services, 0, NULL);
	assert_true(is_served(&f, first));
	second = fixture_connect(&f.services, 0, NULL);
	assert_true(is_waiting(&f, second));
	fixture_advance(&f, 10000);
	assert_true(is_waiting(&f, second));
	fixture_advance(&f, 10000);
	assert_int_equal(fixture_read_end(&f, second), ECONNRESET);
	assert_int_equal(fixture_ended(&f, REASON_SERVICE_FULL), 1);
	assert_true(is_served(&f, first));
	(void)close(first);
	(void)close(second);
	fixture_close(&f);
}

static void
those_who_wait_come_in_in_the_order_they_came(void **state)
{
	enum { CLIENTS = 5 };
	struct fixture f;
	int fds[CLIENTS], i;

	(void)state;
	fixture_open(
	    &f, ECHO_WITH("limit { connections = 1 wait_timeout = \"1h\" }"));
	for (i = 0; i < CLIENTS; i++)
		fds[i] = fixture_connect(&f.services, 0, NULL);
	for (i = 0; i < CLIENTS; i++) {
		assert_true(is_served(&f, fds[i]));
		if (i + 1 < CLIENTS)
			assert_true(is_waiting(&f, fds[i + 1]));
		(void)close(fds[i]);
	}
	TURN_UNTIL(&f, list_empty(&f.services.sessions));
	fixture_close(&f);
}

static void
daemon_limit_holds_over_services(void **state)
{
	struct fixture f;
	int fds[3];

	(void)state;
	fixture_open(&f,
	    "limits { connections = 2 }"
	    "service \"one\" { listen = { \"127.0.0.1:0\" } handler = echo"
	    " limit { when_full = \"refuse\" } }"
	    "service \"two\" { listen = { \"127.0.0.1:0\" } handler = echo"
	    " limit { when_full = \"refuse\" } }");
	fds[0] = fixture_connect(&f.services, 0, NULL);
	fds[1] = fixture_connect(&f.services, 1, NULL);
	assert_true(is_served(&f, fds[0]));
	assert_true(is_served(&f, fds[1]));
	fds[2] = fixture_connect(&f.services, 0, NULL);
	assert_int_equal(fixture_read_end(&f, fds[2]), ECONNRESET);
	assert_int_equal(fixture_ended(&f, REASON_DAEMON_FULL), 1);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(fds[2]);
	fixture_close(&f);
}

static void
source_over_its_limit_is_refused_even_when_others_may_wait(void **state)
{
	struct fixture f;
	int fds[3];

	(void)state;
	fixture_open(&f, ECHO_WITH("limit { per_source = 1 }"));
	fds[0] = fixture_connect(&f.services, 0, "127.0.0.1");
	assert_true(is_served(&f, fds[0]));
	fds[1] = fixture_connect(&f.services, 0, "127.0.0.1");
	assert_int_equal(fixture_read_end(&f, fds[1]), ECONNRESET);
	assert_int_equal(fixture_ended(&f, REASON_SOURCE_FULL), 1);
	fds[2] = fixture_connect(&f.services, 0, "127.0.0.2");
	assert_true(is_served(&f, fds[2]));
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(fds[2]);
	fixture_close(&f);
}

static void
rate_lets_in_a_second_s_worth_and_then_one_at_a_time(void **state)
{
	struct fixture f;
	int fds[5], i;

	(void)state;
	fixture_open(
	    &f, ECHO_WITH("limit { rate = \"4/s\" when_full = \"refuse\" }"));
	for (i = 0; i < 4; i++) {
		fds[i] = fixture_connect(&f.services, 0, NULL);
		assert_true(is_served(&f, fds[i]));
		(void)close(fds[i]);
	}
	fds[4] = fixture_connect(&f.services, 0, NULL);
	assert_int_equal(fixture_read_end(&f, fds[4]), ECONNRESET);
	assert_int_equal(fixture_ended(&f, REASON_SERVICE_RATE), 1);
	(void)close(fds[4]);
	fixture_advance(&f, 250);
	fds[0] = fixture_connect(&f.services, 0, NULL);
	assert_true(is_served(&f, fds[0]));
	(void)close(fds[0]);
	fixture_close(&f);
}

static void
waiter_for_a_rate_comes_in_when_there_is_a_token(void **state)
{
	struct fixture f;
	int first, second;

	(void)state;
	fixture_open(
	    &f, ECHO_WITH("limit { rate = \"1/m\" wait_timeout = \"2m\" }"));
	first = fixture_connect(&f.services, 0, NULL);
	assert_true(is_served(&f, first));
	second = fixture_connect(&f.services, 0, NULL);
	assert_true(is_waiting(&f, second));
	fixture_advance(&f, 59000);
	assert_true(is_waiting(&f, second));
	fixture_advance(&f, 1000);
	assert_true(is_served(&f, second));
	(void)close(first);
	(void)close(second);
	fixture_close(&f);
}

static void
lists_decide_first(void **state)
{
	struct fixture f;
	int fds[3];

	(void)state;
	fixture_open(&f,
	    ECHO_WITH("allow = { \"127.0.0.0/24\" }"
		      " deny = { \"127.0.0.9\" }"));
	fds[0] = fixture_connect(&f.services, 0, "127.0.0.8");
	assert_true(is_served(&f, fds[0]));
	fds[1] = fixture_connect(&f.services, 0, "127.0.0.9");
	assert_int_equal(fixture_read_end(&f, fds[1]), ECONNRESET);
	fds[2] = fixture_connect(&f.services, 0, "127.0.1.1");
	assert_int_equal(fixture_read_end(&f, fds[2]), ECONNRESET);
	assert_int_equal(fixture_ended(&f, REASON_DENIED), 2);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(fds[2]);
	fixture_close(&f);
}

/* fault 72 */
static void
worker_without_a_place_says_so_and_its_client_waits(void **state)
{
	enum { PLACES = 64 };
	struct fixture f;
	int fds[PLACES + 1], i;

	(void)state;
	fixture_open(&f, ECHO_WITH("limit { wait_timeout = \"1h\" }"));
	for (i = 0; i < PLACES; i++) {
		fds[i] = fixture_connect(&f.services, 0, NULL);
		assert_true(is_served(&f, fds[i]));
	}
	fds[PLACES] = fixture_connect(&f.services, 0, NULL);
	assert_true(is_waiting(&f, fds[PLACES]));
	assert_int_equal(f.congestions, 1);
	(void)close(fds[0]);
	assert_true(is_served(&f, fds[PLACES]));
	for (i = 1; i <= PLACES; i++)
		(void)close(fds[i]);
	fixture_close(&f);
}

static void
drain_turns_the_waiter_away(void **state)
{
	struct fixture f;
	int first, second;

	(void)state;
	fixture_open(&f, ECHO_WITH("limit { connections = 1 }"));
	first = fixture_connect(&f.services, 0, NULL);
	assert_true(is_served(&f, first));
	second = fixture_connect(&f.services, 0, NULL);
	assert_true(is_waiting(&f, second));
	services_drain(&f.services, 60000, false);
	services_close_doors(&f.services);
	assert_int_equal(fixture_read_end(&f, second), ECONNRESET);
	assert_true(is_served(&f, first));
	(void)close(first);
	(void)close(second);
	TURN_UNTIL(&f, f.drained);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    service_limit_is_exact_at_n_and_after_a_release),
		cmocka_unit_test(
		    client_at_a_full_limit_waits_and_comes_in_when_it_falls),
		cmocka_unit_test(waiter_of_another_worker_is_woken),
		cmocka_unit_test(waiter_is_shed_when_its_time_is_over),
		cmocka_unit_test(those_who_wait_come_in_in_the_order_they_came),
		cmocka_unit_test(daemon_limit_holds_over_services),
		cmocka_unit_test(
		    source_over_its_limit_is_refused_even_when_others_may_wait),
		cmocka_unit_test(
		    rate_lets_in_a_second_s_worth_and_then_one_at_a_time),
		cmocka_unit_test(
		    waiter_for_a_rate_comes_in_when_there_is_a_token),
		cmocka_unit_test(lists_decide_first),
		cmocka_unit_test(
		    worker_without_a_place_says_so_and_its_client_waits),
		cmocka_unit_test(drain_turns_the_waiter_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
