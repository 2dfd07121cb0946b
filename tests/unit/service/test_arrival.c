/*
 * Clients that must send a PROXY header first: how it may come, what becomes of
 * those whose header is bad or late, and how arrivals end with the daemon.
 */
#include "proxied_client.h"

#include <sys/socket.h>

#include <string.h>
#include <unistd.h>

#include "net/proxy.h"
#include "service/proxied.h"

static void
open_echo(struct fixture *f)
{
	fixture_open(f, ECHO_BEHIND_PROXY("proxy_timeout = \"3s\""));
}

static void
header_of_version_1_names_the_client(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES(HEADER_V1 "hello"));
	assert_echo(&f, fd, BYTES("hello"));
	assert_client(&f, "192.0.2.1:1001");
	(void)close(fd);
	fixture_close(&f);
}

static void
header_of_version_2_names_the_client(void **state)
{
	const struct proxied *proxied;
	char text[ADDR_STRLEN];
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES(HEADER_V2 "hello"));
	assert_echo(&f, fd, BYTES("hello"));
	assert_client(&f, "[2001:db8::1]:1");
	proxied = fixture_session(&f)->proxied;
	assert_string_equal(
	    addr_format(&proxied->dst, text, sizeof(text)), "[2001:db8::2]:2");
	assert_string_equal(
	    addr_format_ip(&proxied->peer, text, sizeof(text)), "127.0.0.1");
	assert_int_equal(proxied->tlvs_len, 5);
	assert_memory_equal(proxied->tlvs, "\1\0\2h2", 5);
	(void)close(fd);
	fixture_close(&f);
}

/* fault 57 */
static void
assert_split(struct fixture *f, const char *data, size_t len, size_t header)
{
	size_t cut;
	int fd;

	for (cut = 1; cut < len; cut++) {
		fd = proxied_connect(f, data, cut);
		fixture_settle(f);
		proxied_send(fd, data + cut, len - cut);
		assert_echo(f, fd, data + header, len - header);
		(void)close(fd);
		TURN_UNTIL(f, list_empty(&f->services.sessions));
	}
	fd = proxied_connect(f, data, 0);
	for (cut = 0; cut < len; cut++) {
		proxied_send(fd, data + cut, 1);
		fixture_settle(f);
	}
	assert_echo(f, fd, data + header, len - header);
	(void)close(fd);
	TURN_UNTIL(f, list_empty(&f->services.sessions));
}

/* fault 57 */
static void
header_may_be_cut_anywhere(void **state)
{
	struct fixture f;

	(void)state;
	open_echo(&f);
	assert_split(&f, BYTES(HEADER_V1 "payload"), sizeof(HEADER_V1) - 1);
	assert_split(&f, BYTES(HEADER_V2 "payload"), sizeof(HEADER_V2) - 1);
	assert_int_equal(fixture_ended(&f, REASON_PROXY_MISSING), 0);
	fixture_close(&f);
}

/* fault 56: it is the client's. */
static void
second_header_is_payload(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES(HEADER_V1 HEADER_V2 "\1\0\xff"));
	assert_echo(&f, fd, BYTES(HEADER_V2 "\1\0\xff"));
	(void)close(fd);
	fixture_close(&f);
}

static void
payload_may_come_late_and_end_early(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES(HEADER_V1));
	fixture_advance(&f, 10000);
	assert_int_equal(sessions(&f), 1);
	proxied_send(fd, BYTES("late"));
	assert_echo(&f, fd, BYTES("late"));
	(void)close(fd);
	/* The FIN comes with the header. */
	fd = proxied_connect(&f, BYTES(HEADER_V2 "all at once"));
	(void)shutdown(fd, SHUT_WR);
	TURN_UNTIL(&f, sessions(&f) == 2);
	TURN_UNTIL(&f, list_empty(&f.services.sessions));
	(void)close(fd);
	fixture_close(&f);
}

/* fault 55 */
static void
header_without_addresses_leaves_the_sockets_own(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} headers[] = { { BYTES("PROXY UNKNOWN\r\n") },
		{ BYTES("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n") },
		{ BYTES(SIGNATURE_V2 "\x20\0\0\0") },
		{ BYTES(
		    SIGNATURE_V2 "\x20\x11\0\xc\1\2\3\4\5\6\7\x8\0\1\0\2") },
		{ BYTES(SIGNATURE_V2 "\x21\0\0\0") } };
	struct addr local;
	struct fixture f;
	char text[ADDR_STRLEN];
	size_t i;
	int fd;

	(void)state;
	open_echo(&f);
	local = f.services.current->doors[0].endpoint.addr;
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		fd = proxied_connect(&f, headers[i].data, headers[i].len);
		assert_true(is_served(&f, fd));
		assert_string_equal(
		    addr_format_ip(&fixture_session(&f)->entry->client, text,
			sizeof(text)),
		    "127.0.0.1");
		assert_int_equal(
		    addr_compare(&fixture_session(&f)->proxied->dst, &local),
		    0);
		(void)close(fd);
		TURN_UNTIL(&f, list_empty(&f.services.sessions));
	}
	fixture_close(&f);
}

/* faults 54, 55, 56, 58 */
static void
bad_header_is_turned_away(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} headers[] = { { BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n") },
		{ BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n") },
		{ BYTES("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n") },
		{ BYTES("PROXY TCP4 ::1 ::1 1 2\r\n") },
		{ BYTES("PROXY TCP9") }, { BYTES(SIGNATURE_V2 "\x11") },
		{ BYTES(SIGNATURE_V2 "\x22") },
		{ BYTES(SIGNATURE_V2 "\x21\x51") },
		{ BYTES(SIGNATURE_V2 "\x21\x11\0\xb") },
		{ BYTES(SIGNATURE_V2 "\x21\x11\xff\xff") },
		{ BYTES(
		    SIGNATURE_V2 "\x21\x11\0\xd\1\2\3\4\1\2\3\4\0\1\0\2\4") },
		{ BYTES(SIGNATURE_V2 "\x20\0\0\7\3\0\4zzzz") } };
	struct fixture f;
	size_t i;
	int fd;

	(void)state;
	open_echo(&f);
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		fd = proxied_connect(&f, headers[i].data, headers[i].len);
		assert_refused(&f, fd, REASON_PROXY_MISSING);
		assert_int_equal(
		    fixture_ended(&f, REASON_PROXY_MISSING), i + 1);
		assert_int_equal(connections(&f), 0);
	}
	fixture_close(&f);
}

/* fault 58 */
static void
missing_header_is_turned_away(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES("GET / HTTP/1.1\r\n"));
	assert_refused(&f, fd, REASON_PROXY_MISSING);
	fd = proxied_connect(&f, BYTES("\r\n\r\n\1"));
	assert_refused(&f, fd, REASON_PROXY_MISSING);
	/* At the first byte that cannot be. */
	fd = proxied_connect(&f, BYTES("PROX"));
	assert_true(is_waiting(&f, fd));
	proxied_send(fd, BYTES("X"));
	assert_refused(&f, fd, REASON_PROXY_MISSING);
	fixture_close(&f);
}

/* fault 57 */
static void
silent_client_is_turned_away_at_the_timeout(void **state)
{
	struct fixture f;
	int silent, begun;

	(void)state;
	open_echo(&f);
	silent = proxied_connect(&f, "", 0);
	begun = proxied_connect(&f, BYTES("PROXY TCP4 192.0"));
	fixture_advance(&f, 2999);
	assert_true(is_waiting(&f, silent));
	assert_int_equal(connections(&f), 2);
	fixture_advance(&f, 1);
	assert_int_equal(fixture_ended(&f, REASON_PROXY_TIMEOUT), 2);
	assert_refused(&f, silent, REASON_PROXY_TIMEOUT);
	assert_refused(&f, begun, REASON_PROXY_TIMEOUT);
	assert_int_equal(connections(&f), 0);
	fixture_close(&f);
}

/* fault 57: however often it says something. */
static void
timeout_is_for_the_whole_header(void **state)
{
	struct fixture f;
	int fd, i;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, "", 0);
	for (i = 0; i < 3; i++) {
		fixture_advance(&f, 999);
		proxied_send(fd, HEADER_V1 + i, 1);
	}
	fixture_advance(&f, 2);
	assert_int_equal(fixture_ended(&f, REASON_PROXY_TIMEOUT), 0);
	fixture_advance(&f, 1);
	assert_refused(&f, fd, REASON_PROXY_TIMEOUT);
	fixture_close(&f);
}

static void
client_that_leaves_before_its_header_is_gone(void **state)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	(void)close(proxied_connect(&f, "", 0));
	TURN_UNTIL(&f, fixture_ended(&f, REASON_CLIENT_CLOSED) == 1);
	(void)close(proxied_connect(&f, BYTES("PROXY TCP")));
	TURN_UNTIL(&f, fixture_ended(&f, REASON_CLIENT_CLOSED) == 2);
	fd = proxied_connect(&f, BYTES("PROXY TCP"));
	assert_true(is_waiting(&f, fd));
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	(void)close(fd);
	TURN_UNTIL(&f, fixture_ended(&f, REASON_CLIENT_RESET) == 1);
	assert_int_equal(sessions(&f), 0);
	assert_int_equal(connections(&f), 0);
	fixture_close(&f);
}

static void
records_tell_both_addresses(void **state)
{
	struct fixture f;
	const char *line;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES(HEADER_V1));
	assert_true(is_served(&f, fd));
	(void)close(fd);
	line = record_line(&f, "session ended");
	assert_non_null(strstr(line, " client=192.0.2.1:1001 "));
	assert_non_null(strstr(line, " peer=127.0.0.1:"));
	fd = proxied_connect(&f, BYTES("PROXY UNKNOWN\r\n"));
	assert_true(is_served(&f, fd));
	(void)close(fd);
	line = record_line(&f, "session ended");
	assert_non_null(strstr(line, " client=127.0.0.1:"));
	assert_null(strstr(line, " peer="));
	fd = proxied_connect(&f, BYTES("PROXY TCP9"));
	assert_refused(&f, fd, REASON_PROXY_MISSING);
	line = record_line(&f, "client refused");
	assert_non_null(strstr(line, " client=127.0.0.1:"));
	assert_non_null(strstr(line, " reason=proxy_missing "));
	assert_non_null(strstr(
	    line, " detail=\"the protocol is none of TCP4, TCP6, UNKNOWN\""));
	fixture_close(&f);
}

static void
draining_waits_for_a_header_that_is_on_its_way(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES("PROXY TCP4 192.0"));
	assert_true(is_waiting(&f, fd));
	services_drain(&f.services, 60000, false);
	services_close_doors(&f.services);
	fixture_settle(&f);
	assert_false(f.drained);
	proxied_send(fd, BYTES(".2.1 192.0.2.2 1 2\r\n"));
	assert_true(is_served(&f, fd));
	(void)close(fd);
	TURN_UNTIL(&f, f.drained);
	fixture_close(&f);
}

static void
who_tells_while_muxd_drains_is_told_of_it(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	fixture_open(&f,
	    "service \"chargen\" { listen = { \"127.0.0.1:0\" } "
	    "handler = \"chargen\" accept_proxy = \"127.0.0.1/32\" }");
	fd = proxied_connect(&f, BYTES("PROXY TCP4 192.0"));
	assert_true(is_waiting(&f, fd));
	services_drain(&f.services, 60000, false);
	services_close_doors(&f.services);
	proxied_send(fd, BYTES(".2.1 192.0.2.2 1 2\r\n"));
	assert_int_equal(fixture_read_end(&f, fd), 0);
	(void)close(fd);
	TURN_UNTIL(&f, f.drained);
	assert_int_equal(fixture_ended(&f, REASON_DRAINED), 1);
	fixture_close(&f);
}

static void
draining_is_over_when_the_header_is_not_coming(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES("PROXY"));
	assert_true(is_waiting(&f, fd));
	services_drain(&f.services, 60000, false);
	services_close_doors(&f.services);
	fixture_advance(&f, 3000);
	assert_true(f.drained);
	assert_refused(&f, fd, REASON_PROXY_TIMEOUT);
	fixture_close(&f);
}

static void
drain_deadline_ends_it(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES("PROXY"));
	assert_true(is_waiting(&f, fd));
	services_drain(&f.services, 1000, false);
	services_close_doors(&f.services);
	fixture_advance(&f, 999);
	assert_false(f.drained);
	fixture_advance(&f, 1);
	assert_true(f.drained);
	assert_refused(&f, fd, REASON_DRAIN_DEADLINE);
	fixture_close(&f);
}

static void
stop_ends_it(void **state)
{
	struct fixture f;
	int fd;

	(void)state;
	open_echo(&f);
	fd = proxied_connect(&f, BYTES("PROXY"));
	assert_true(is_waiting(&f, fd));
	services_stop(&f.services);
	assert_true(f.drained);
	assert_refused(&f, fd, REASON_STOPPED);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_of_version_1_names_the_client),
		cmocka_unit_test(header_of_version_2_names_the_client),
		cmocka_unit_test(header_may_be_cut_anywhere),
		cmocka_unit_test(second_header_is_payload),
		cmocka_unit_test(payload_may_come_late_and_end_early),
		cmocka_unit_test(
		    header_without_addresses_leaves_the_sockets_own),
		cmocka_unit_test(bad_header_is_turned_away),
		cmocka_unit_test(missing_header_is_turned_away),
		cmocka_unit_test(silent_client_is_turned_away_at_the_timeout),
		cmocka_unit_test(timeout_is_for_the_whole_header),
		cmocka_unit_test(client_that_leaves_before_its_header_is_gone),
		cmocka_unit_test(records_tell_both_addresses),
		cmocka_unit_test(
		    draining_waits_for_a_header_that_is_on_its_way),
		cmocka_unit_test(who_tells_while_muxd_drains_is_told_of_it),
		cmocka_unit_test(
		    draining_is_over_when_the_header_is_not_coming),
		cmocka_unit_test(drain_deadline_ends_it),
		cmocka_unit_test(stop_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
