/*
 * Sessions: their time-outs, on a clock that the test moves, and their ends.
 */
#include "fixture.h"

#include <sys/socket.h>

#include <string.h>
#include <unistd.h>

#include "service/session.h"

#define ECHO_WITH(options)                                           \
	"service \"echo\" { listen = { \"127.0.0.1:0\" } handler = " \
	"\"echo\" " options "}"

/* Connect, and be seen. */
static int
begin(struct fixture *f)
{
	int fd = fixture_connect(&f->services, 0, NULL);

	TURN_UNTIL(f, !list_empty(&f->services.sessions));
	return fd;
}

static void
say(struct fixture *f, int fd, const char *text)
{
	char buf[256];
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
	assert_int_equal(fixture_read(f, fd, buf, sizeof(buf)), len);
	assert_memory_equal(buf, text, len);
}

static void
idle_session_ends_when_its_time_is_over(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_WITH("idle_timeout = \"10s\""));
	fd = begin(&f);
	fixture_advance(&f, 9999);
	assert_false(list_empty(&f.services.sessions));
	fixture_advance(&f, 1);
	assert_true(list_empty(&f.services.sessions));
	assert_int_equal(fixture_ended(&f, REASON_IDLE_TIMEOUT), 1);
	assert_int_equal(fixture_read_end(&f, fd), 0);
	(void)close(fd);
	fixture_close(&f);
}

static void
activity_pushes_the_idle_timeout_out(void **state)
{
	struct fixture f;
	int fd, i;

	(void)state;
	fixture_open(&f, ECHO_WITH("idle_timeout = \"10s\""));
	fd = begin(&f);
	for (i = 0; i < 10; i++) {
		fixture_advance(&f, 9000);
		say(&f, fd, "still here");
	}
	fixture_advance(&f, 9999);
	assert_false(list_empty(&f.services.sessions));
	fixture_advance(&f, 1);
	assert_int_equal(fixture_ended(&f, REASON_IDLE_TIMEOUT), 1);
	(void)close(fd);
	fixture_close(&f);
}

static void
silent_client_ends_by_the_first_byte_timeout(void **state)
{
	struct fixture f;
	int silent, talker;

	(void)state;
	fixture_open(&f, ECHO_WITH("first_byte_timeout = \"5s\""));
	talker = begin(&f);
	say(&f, talker, "hello");
	silent = fixture_connect(&f.services, 0, NULL);
	fixture_advance(&f, 4999);
	assert_int_equal(fixture_ended(&f, REASON_FIRST_BYTE_TIMEOUT), 0);
	fixture_advance(&f, 1);
	assert_int_equal(fixture_ended(&f, REASON_FIRST_BYTE_TIMEOUT), 1);
	say(&f, talker, "still here");
	(void)close(silent);
	(void)close(talker);
	fixture_close(&f);
}

static void
busy_session_ends_with_its_lifetime(void **state)
{
	struct fixture f;
	int fd, i;

	(void)state;
	fixture_open(&f, ECHO_WITH("lifetime = \"1m\""));
	fd = begin(&f);
	for (i = 0; i < 5; i++) {
		fixture_advance(&f, 11000);
		say(&f, fd, "busy");
	}
	fixture_advance(&f, 4999);
	assert_int_equal(fixture_ended(&f, REASON_LIFETIME), 0);
	fixture_advance(&f, 1);
	assert_int_equal(fixture_ended(&f, REASON_LIFETIME), 1);
	(void)close(fd);
	fixture_close(&f);
}

static void
timeout_of_zero_is_none(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_WITH("idle_timeout = \"0\""));
	fd = begin(&f);
	fixture_advance(&f, 1000ULL * 3600 * 24 * 30);
	assert_false(list_empty(&f.services.sessions));
	say(&f, fd, "a month later");
	(void)close(fd);
	fixture_close(&f);
}

static void
server_that_has_finished_waits_for_the_client_a_while(void **state)
{
	struct fixture f;
	char buf[64];
	int fd;

	(void)state;
	fixture_open(&f,
	    "service \"day\" { listen = { \"127.0.0.1:0\" }"
	    " handler = \"daytime\" }");
	fd = fixture_connect(&f.services, 0, NULL);
	/* Input that nobody reads must not turn the answer into a reset. */
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	assert_true(fixture_read(&f, fd, buf, sizeof(buf)) > 0);
	assert_int_equal(fixture_read_end(&f, fd), 0);
	assert_false(list_empty(&f.services.sessions));
	fixture_advance(&f, SESSION_LINGER_MS);
	assert_true(list_empty(&f.services.sessions));
	assert_int_equal(fixture_ended(&f, REASON_SERVED), 1);
	(void)close(fd);
	fixture_close(&f);
}

static void
client_that_leaves_in_time_ends_the_lingering(void **state)
{
	struct fixture f;
	char buf[64];
	int fd;

	(void)state;
	fixture_open(&f,
	    "service \"day\" { listen = { \"127.0.0.1:0\" }"
	    " handler = \"daytime\" }");
	fd = fixture_connect(&f.services, 0, NULL);
	assert_true(fixture_read(&f, fd, buf, sizeof(buf)) > 0);
	(void)close(fd);
	TURN_UNTIL(&f, list_empty(&f.services.sessions));
	assert_int_equal(fixture_ended(&f, REASON_SERVED), 1);
	fixture_close(&f);
}

static void
reset_is_told_from_an_orderly_end(void **state)
{
	static const struct linger abort_on_close = { 1, 0 };
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_WITH(""));
	fd = begin(&f);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_on_close,
			     sizeof(abort_on_close)),
	    0);
	(void)close(fd);
	TURN_UNTIL(&f, list_empty(&f.services.sessions));
	assert_int_equal(fixture_ended(&f, REASON_CLIENT_RESET), 1);
	fd = begin(&f);
	(void)close(fd);
	TURN_UNTIL(&f, list_empty(&f.services.sessions));
	assert_int_equal(fixture_ended(&f, REASON_CLIENT_CLOSED), 1);
	fixture_close(&f);
}

/* fault 14 */
static void
drain_lets_sessions_go_on_until_the_deadline(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_WITH("idle_timeout = \"0\""));
	fd = begin(&f);
	services_drain(&f.services, 3000, false);
	services_close_doors(&f.services);
	say(&f, fd, "still served");
	fixture_advance(&f, 2999);
	assert_false(f.drained);
	fixture_advance(&f, 1);
	assert_true(f.drained);
	assert_int_equal(fixture_ended(&f, REASON_DRAIN_DEADLINE), 1);
	(void)close(fd);
	fixture_close(&f);
}

static void
drain_serves_who_waits_in_the_queue(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_WITH(""));
	/* In the kernel's queue: the loop has not turned. */
	fd = fixture_connect(&f.services, 0, NULL);
	services_drain(&f.services, 3000, false);
	services_close_doors(&f.services);
	assert_false(f.drained);
	say(&f, fd, "not forgotten");
	(void)close(fd);
	TURN_UNTIL(&f, f.drained);
	fixture_close(&f);
}

static void
client_that_comes_after_the_deadline_does_not_outlive_it(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_WITH("idle_timeout = \"0\""));
	services_drain(&f.services, 3000, false);
	fixture_advance(&f, 3000);
	assert_false(f.drained);
	/* In the queue when the doors close. */
	fd = fixture_connect(&f.services, 0, NULL);
	services_close_doors(&f.services);
	assert_true(f.drained);
	assert_int_equal(fixture_ended(&f, REASON_DRAIN_DEADLINE), 1);
	(void)close(fd);
	fixture_close(&f);
}

static void
client_that_comes_while_draining_is_told_of_it(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f,
	    "service \"chargen\" { listen = { \"127.0.0.1:0\" }"
	    " handler = \"chargen\" }");
	services_drain(&f.services, 3000, false);
	fd = fixture_connect(&f.services, 0, NULL);
	services_close_doors(&f.services);
	/* It would send for ever if it did not know. */
	assert_int_equal(fixture_read_end(&f, fd), 0);
	(void)close(fd);
	TURN_UNTIL(&f, f.drained);
	assert_int_equal(fixture_ended(&f, REASON_DRAINED), 1);
	fixture_close(&f);
}

/* The accounting of a session is what its client saw. */
static void
bytes_are_counted_both_ways(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_WITH(""));
	fd = begin(&f);
	say(&f, fd, "0123456789");
	say(&f, fd, "01234");
	(void)close(fd);
	TURN_UNTIL(&f, list_empty(&f.services.sessions));
	assert_int_equal(
	    state_sum_events(f.state, f.slots[0], COUNTER_BYTES_IN), 15);
	assert_int_equal(
	    state_sum_events(f.state, f.slots[0], COUNTER_BYTES_OUT), 15);
	assert_int_equal(
	    state_sum_events(f.state, f.slots[0], COUNTER_SESSIONS), 1);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_session_ends_when_its_time_is_over),
		cmocka_unit_test(activity_pushes_the_idle_timeout_out),
		cmocka_unit_test(silent_client_ends_by_the_first_byte_timeout),
		cmocka_unit_test(busy_session_ends_with_its_lifetime),
		cmocka_unit_test(timeout_of_zero_is_none),
		cmocka_unit_test(
		    server_that_has_finished_waits_for_the_client_a_while),
		cmocka_unit_test(client_that_leaves_in_time_ends_the_lingering),
		cmocka_unit_test(reset_is_told_from_an_orderly_end),
		cmocka_unit_test(drain_lets_sessions_go_on_until_the_deadline),
		cmocka_unit_test(drain_serves_who_waits_in_the_queue),
		cmocka_unit_test(
		    client_that_comes_after_the_deadline_does_not_outlive_it),
		cmocka_unit_test(
		    client_that_comes_while_draining_is_told_of_it),
		cmocka_unit_test(bytes_are_counted_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
