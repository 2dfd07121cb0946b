/*
 * A client that is not in accept_proxy must not send a PROXY header: its first
 * bytes are looked at before its handler gets any of them.
 */
#include "proxied_client.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int
connect_untrusted(struct fixture *f, const void *data, size_t len)
{
	int fd = fixture_connect(&f->services, 0, "127.0.0.2");

	if (len > 0)
		proxied_send(fd, data, len);
	return fd;
}

/* The session ends with a reset, and the client has heard nothing. */
static void
assert_found_out(struct fixture *f, int fd)
{
	uint64_t before = fixture_ended(f, REASON_PROXY_UNTRUSTED);
	char byte;

	assert_int_equal(fixture_read(f, fd, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	(void)close(fd);
	assert_in_range(
	    fixture_ended(f, REASON_PROXY_UNTRUSTED), before, before + 1);
	assert_true(list_empty(&f->services.sessions));
}

/* fault 58 */
static void
header_of_an_untrusted_client_ends_its_session(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_BEHIND_PROXY(""));
	fd = connect_untrusted(&f, BYTES(HEADER_V1 "hello"));
	assert_found_out(&f, fd);
	fd = connect_untrusted(&f, BYTES(HEADER_V2 "hello"));
	assert_found_out(&f, fd);
	fd = connect_untrusted(&f, BYTES("PROXY "));
	assert_found_out(&f, fd);
	fd = connect_untrusted(&f, BYTES(SIGNATURE_V2));
	assert_found_out(&f, fd);
	assert_int_equal(fixture_ended(&f, REASON_PROXY_UNTRUSTED), 4);
	assert_int_equal(
	    state_sum_events(f.state, f.slots[0], COUNTER_BYTES_OUT), 0);
	fixture_close(&f);
}

static void
send_in_two(struct fixture *f, int fd, const char *data, size_t cut, size_t len)
{
	proxied_send(fd, data, cut);
	assert_true(is_waiting(f, fd));
	proxied_send(fd, data + cut, len - cut);
}

/* fault 58 */
static void
header_is_found_out_however_it_is_cut(void **state)
{
	struct fixture f;
	size_t cut;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_BEHIND_PROXY(""));
	for (cut = 1; cut < 6; cut++) {
		fd = connect_untrusted(&f, "", 0);
		send_in_two(&f, fd, HEADER_V1, cut, sizeof(HEADER_V1) - 1);
		assert_found_out(&f, fd);
	}
	for (cut = 1; cut < 12; cut++) {
		fd = connect_untrusted(&f, "", 0);
		send_in_two(&f, fd, HEADER_V2, cut, sizeof(HEADER_V2) - 1);
		assert_found_out(&f, fd);
	}
	fd = connect_untrusted(&f, "", 0);
	for (cut = 0; cut < 12; cut++) {
		assert_true(is_waiting(&f, fd));
		proxied_send(fd, HEADER_V2 + cut, 1);
	}
	assert_found_out(&f, fd);
	fixture_close(&f);
}

static void
what_was_held_back_comes_before_the_rest(void **state)
{
	struct fixture f;
	size_t cut;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_BEHIND_PROXY(""));
	for (cut = 0; cut < 6; cut++) {
		char text[] = "PROXY X";

		text[cut] = '!';
		fd = connect_untrusted(&f, "", 0);
		if (cut > 0)
			send_in_two(&f, fd, text, cut, 7);
		else
			proxied_send(fd, text, 7);
		assert_echo(&f, fd, text, 7);
		/* Later it may say what it likes. */
		proxied_send(fd, BYTES(HEADER_V1 HEADER_V2));
		assert_echo(&f, fd, BYTES(HEADER_V1 HEADER_V2));
		(void)close(fd);
		TURN_UNTIL(&f, list_empty(&f.services.sessions));
	}
	fd = connect_untrusted(&f, "", 0);
	for (cut = 0; cut < 11; cut++) {
		proxied_send(fd, SIGNATURE_V2 + cut, 1);
		assert_true(is_waiting(&f, fd));
	}
	proxied_send(fd, BYTES("?"));
	assert_echo(&f, fd, BYTES("\r\n\r\n\0\r\nQUIT?"));
	(void)close(fd);
	fixture_close(&f);
}

static void
what_was_held_back_comes_before_the_end(void **state)
{
	struct fixture f;
	char buf[8];
	int fd;

	(void)state;
	fixture_open(&f, ECHO_BEHIND_PROXY(""));
	fd = connect_untrusted(&f, BYTES("PROXY"));
	assert_true(is_waiting(&f, fd));
	(void)shutdown(fd, SHUT_WR);
	assert_int_equal(fixture_read(&f, fd, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "PROXY", 5);
	assert_int_equal(fixture_read_end(&f, fd), 0);
	(void)close(fd);
	TURN_UNTIL(&f, fixture_ended(&f, REASON_CLIENT_CLOSED) == 1);
	fixture_close(&f);
}

static void
other_clients_are_answered_at_once(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f, ECHO_BEHIND_PROXY(""));
	fd = connect_untrusted(&f, BYTES("hello"));
	assert_echo(&f, fd, BYTES("hello"));
	assert_null(fixture_session(&f)->proxied);
	(void)close(fd);
	fixture_close(&f);
}

static void
service_that_accepts_none_passes_headers_on(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f,
	    "service \"echo\" { listen = { \"127.0.0.1:0\" } "
	    "handler = \"echo\" }");
	fd = fixture_connect(&f.services, 0, NULL);
	proxied_send(fd, BYTES(HEADER_V1));
	assert_echo(&f, fd, BYTES(HEADER_V1));
	(void)close(fd);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    header_of_an_untrusted_client_ends_its_session),
		cmocka_unit_test(header_is_found_out_however_it_is_cut),
		cmocka_unit_test(what_was_held_back_comes_before_the_rest),
		cmocka_unit_test(what_was_held_back_comes_before_the_end),
		cmocka_unit_test(other_clients_are_answered_at_once),
		cmocka_unit_test(service_that_accepts_none_passes_headers_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
