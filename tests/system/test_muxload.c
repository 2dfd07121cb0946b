/*
 * muxload, the load client: what it tells is what has happened, against muxd
 * and against servers that stall, lose, mix up and answer wrongly.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "capture.h"
#include "client.h"
#include "harness.h"
#include "muxload.h"
#include "process.h"
#include "records.h"
#include "server.h"

#define muxload_test(f) cmocka_unit_test_teardown(f, muxload_teardown)

enum { MESSAGE = 64 };

/* How long the server stands still that does so, and after how many. */
enum { STALL_MS = 300, STALL_AT = 200 };

static struct muxd *
start_echo(void)
{
	return muxd_start("workers = 1\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"unix:@DIR@/e\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n");
}

static void
expect_good(const struct muxload_result *result)
{
	if (result->status != 0)
		test_fail("status %d: %s%s", result->status, result->out,
		    result->err);
	assert_int_equal(muxload_key(result, "errors"), 0);
	assert_int_equal(muxload_key(result, "mismatches"), 0);
	assert_int_equal(muxload_key(result, "connect_errors"), 0);
}

/* ---- servers -------------------------------------------------------------*/

/* Echo messages of one client, calling change with the number of each. */
static void
echo_client(int listener, void (*change)(unsigned nth, char *message))
{
	char message[MESSAGE];
	unsigned nth = 0;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) != -1) {
		while (recv(fd, message, MESSAGE, MSG_WAITALL) == MESSAGE) {
			change(++nth, message);
			if (send(fd, message, MESSAGE, MSG_NOSIGNAL) == -1)
				break;
		}
		(void)close(fd);
	}
}

static void
leave(unsigned nth, char *message)
{
	(void)nth;
	(void)message;
}

static void
serve_rightly(int listener)
{
	echo_client(listener, leave);
}

static void
stall(unsigned nth, char *message)
{
	(void)message;
	if (nth == STALL_AT)
		(void)poll(NULL, 0, STALL_MS);
}

static void
serve_stalling(int listener)
{
	echo_client(listener, stall);
}

static void
spoil_last_byte(unsigned nth, char *message)
{
	if (nth == 50)
		message[MESSAGE - 1] ^= 1;
}

static void
serve_wrongly(int listener)
{
	echo_client(listener, spoil_last_byte);
}

/* Answer every two messages in the wrong order. */
static void
serve_mixed_up(int listener)
{
	char first[MESSAGE], second[MESSAGE];
	int fd = accept(listener, NULL, NULL);

	/* The one of the first round trip. */
	if (recv(fd, first, MESSAGE, MSG_WAITALL) == MESSAGE)
		(void)send(fd, first, MESSAGE, MSG_NOSIGNAL);
	while (recv(fd, first, MESSAGE, MSG_WAITALL) == MESSAGE &&
	    recv(fd, second, MESSAGE, MSG_WAITALL) == MESSAGE) {
		(void)send(fd, second, MESSAGE, MSG_NOSIGNAL);
		(void)send(fd, first, MESSAGE, MSG_NOSIGNAL);
	}
}

/* Answer one request and say that this was all. */
static void
serve_http_once(int listener)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
				     "content-length: 5\r\n\r\nhello";
	char request[1024];
	int fd;

	while ((fd = accept(listener, NULL, NULL)) != -1) {
		if (recv(fd, request, sizeof(request), 0) > 0)
			(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
		(void)close(fd);
	}
}

/* Echo datagrams, but for every tenth. */
static void
serve_losing(int fd)
{
	struct sockaddr_in peer;
	char message[2048];
	unsigned nth = 0;
	socklen_t len;
	ssize_t n;

	for (;;) {
		len = sizeof(peer);
		n = recvfrom(fd, message, sizeof(message), 0,
		    (struct sockaddr *)&peer, &len);
		if (n > 0 && ++nth % 10 != 0)
			(void)sendto(fd, message, (size_t)n, 0,
			    (struct sockaddr *)&peer, len);
	}
}

/* ---- what goes well ------------------------------------------------------*/

static void
closed_loop_counts_every_request(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;

	(void)state;
	result = muxload_run("--keys", "-c", "10", "-p", "3", "-m", "1000",
	    "-n", "2005", muxd_address(muxd, "echo", 0));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 2005);
	assert_int_equal(muxload_key(&result, "connections"), 10);
	assert_true(muxload_key(&result, "p50_us") >= 1);
	assert_true(
	    muxload_key(&result, "p99_us") <= muxload_key(&result, "max_us"));
	muxd_stop(muxd);
}

static void
messages_larger_than_all_buffers_come_back(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;

	(void)state;
	result = muxload_run("--keys", "-c", "2", "-p", "2", "-m", "8M", "-n",
	    "8", muxd_address(muxd, "echo", 0));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 8);
	muxd_stop(muxd);
}

static void
unix_sockets_work_too(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;

	(void)state;
	result = muxload_run(
	    "--keys", "-c", "5", "-n", "500", muxd_address(muxd, "echo", 1));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 500);
	muxd_stop(muxd);
}

static void
short_mode_connects_for_each_request(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;

	(void)state;
	result = muxload_run("--keys", "-k", "-c", "5", "-n", "100",
	    muxd_address(muxd, "echo", 0));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 100);
	muxd_stop(muxd);
	assert_int_equal(capture_count(muxd->capture, 0,
			     (const char *const[]){ "msg=\"session ended\"",
				 "bytes_in=64", NULL }),
	    100);
}

static void
full_accept_queue_is_waited_for(void **state)
{
	char *path = test_format("unix:%s/e", muxd_new()->dir);
	int listener = server_listen_backlog(path, 0);
	struct muxload_result result;

	(void)state;
	muxload_serve(listener, serve_rightly);
	result = muxload_run("--keys", "-k", "-c", "20", "-n", "100", path);
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 100);
}

static void
open_loop_sends_what_is_due(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;

	(void)state;
	result = muxload_run("--keys", "-c", "3", "-r", "500/s", "-d", "400ms",
	    muxd_address(muxd, "echo", 0));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 200);
	assert_int_equal(muxload_key(&result, "rate"), 500);
	result = muxload_run("--keys", "-k", "-c", "3", "-r", "500/s", "-n",
	    "50", "-w", "50ms", muxd_address(muxd, "echo", 0));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 50);
	muxd_stop(muxd);
}

static void
idle_ones_say_nothing_after_their_first_message(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;

	(void)state;
	result = muxload_run("--keys", "-c", "50", "--idle", "--active", "10%",
	    "-n", "500", "--connect-rate", "1000/s",
	    muxd_address(muxd, "echo", 0));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 500);
	assert_int_equal(muxload_key(&result, "connections"), 50);
	muxd_stop(muxd);
	assert_int_equal(capture_count(muxd->capture, 0,
			     (const char *const[]){ "msg=\"session ended\"",
				 "bytes_in=64", NULL }),
	    45);
}

static void
http_responses_are_checked(void **state)
{
	struct muxd *muxd = muxd_start("service \"h\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"http\"\n"
				       "}\n");
	struct process refuses = { 0 };
	struct muxload_result result;

	(void)state;
	result = muxload_run("--keys", "--http", "/", "-c", "4", "-p", "4",
	    "-n", "1000", muxd_address(muxd, "h", 0));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 1000);
	process_start(&refuses,
	    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
	result = muxload_run(
	    "--keys", "--http", "/", "-k", "-n", "3", refuses.address);
	assert_int_equal(result.status, 1);
	assert_int_equal(muxload_key(&result, "mismatches"), 3);
	assert_int_equal(muxload_key(&result, "requests"), 0);
	assert_non_null(strstr(result.err, "status other than 200"));
	process_kill(&refuses);
	muxd_stop(muxd);
}

static void
http_connection_that_the_server_ends_is_made_anew(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxload_result result;

	(void)state;
	muxload_serve(listener, serve_http_once);
	result = muxload_run("--keys", "--http", "/x", "-p", "2", "-n", "20",
	    address_of(listener));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 20);
}

static void
sources_are_used_in_turn(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;
	unsigned i;

	(void)state;
	result = muxload_run("--keys", "-c", "6", "-n", "6", "-s",
	    "127.0.0.11-127.0.0.12,127.0.0.21", muxd_address(muxd, "echo", 0));
	expect_good(&result);
	muxd_stop(muxd);
	for (i = 0; i < 3; i++) {
		static const char *const clients[] = { "client=127.0.0.11:*",
			"client=127.0.0.12:*", "client=127.0.0.21:*" };

		assert_int_equal(
		    capture_count(muxd->capture, 0,
			(const char *const[]){
			    "msg=\"session ended\"", clients[i], NULL }),
		    2);
	}
}

static void
meter_tells_the_time_of_others(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;
	char *pid = test_format("%ld", (long)muxd_worker(muxd, 0));

	(void)state;
	result = muxload_run("--keys", "-n", "1000", "--meter", pid,
	    muxd_address(muxd, "echo", 0));
	expect_good(&result);
	assert_true(muxload_key(&result, "cpu_ns_per_request") > 100);
	assert_true(muxload_key(&result, "meter_busy") > 0);
	assert_true(muxload_key(&result, "busy") > 0);
	muxd_stop(muxd);
	result = muxload_run("--meter", pid, "127.0.0.1:7");
	assert_int_equal(result.status, 2);
	assert_non_null(strstr(result.err, pid));
}

static void
histogram_file_has_every_request(void **state)
{
	struct muxd *muxd = start_echo();
	char *path = test_format("%s/latency", muxd->dir), *line, *text;
	struct muxload_result result;
	double percent = 0;
	unsigned long count = 0;

	(void)state;
	result = muxload_run("--keys", "-n", "1000", "--histogram", path,
	    muxd_address(muxd, "echo", 0));
	expect_good(&result);
	text = muxd_read_file(muxd, "latency");
	while ((line = strsep(&text, "\n")) != NULL && *line != '\0') {
		if (*line == '#')
			continue;
		(void)strtoul(line, &line, 10);
		percent = strtod(line, &line);
		count += strtoul(line, &line, 10);
	}
	assert_int_equal(count, 1000);
	assert_true(percent == 100);
	muxd_stop(muxd);
}

/* ---- standard input ------------------------------------------------------*/

static void
hold_waits_for_a_line(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;
	struct muxload *muxload;

	(void)state;
	muxload = muxload_start("--keys", "--hold", "-c", "20", "-n", "40",
	    muxd_address(muxd, "echo", 0));
	assert_string_equal(muxload_read_line(muxload), "open 20");
	muxload_input(muxload, "\n");
	result = muxload_end(muxload);
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 40);
	muxd_stop(muxd);
}

static void
interrupt_prints_what_there_is(void **state)
{
	struct muxd *muxd = start_echo();
	struct muxload_result result;
	struct muxload *muxload;

	(void)state;
	muxload = muxload_start(
	    "--keys", "--hold", "-d", "10m", muxd_address(muxd, "echo", 0));
	assert_string_equal(muxload_read_line(muxload), "open 1");
	(void)kill(muxload->pid, SIGINT);
	result = muxload_end(muxload);
	assert_int_equal(result.status, 0);
	assert_int_equal(muxload_key(&result, "connections"), 1);
	muxd_stop(muxd);
}

static void
interrupted_requests_are_no_errors(void **state)
{
	int listener = server_listen("127.0.0.1:0"), fd;
	struct muxload_result result;
	struct muxload *muxload;
	char message[MESSAGE];

	(void)state;
	muxload = muxload_start("--keys", "-d", "10m", address_of(listener));
	fd = server_accept(listener);
	/* The one of the first round trip, and one that is measured. */
	client_read(fd, message, MESSAGE);
	client_send(fd, message, MESSAGE);
	client_read(fd, message, MESSAGE);
	(void)kill(muxload->pid, SIGINT);
	result = muxload_end(muxload);
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 0);
	assert_true(muxload_key(&result, "seconds") < 600);
}

static void
lines_go_to_all_and_answers_are_shown(void **state)
{
	struct muxd *muxd = start_echo();
	const char *address = muxd_address(muxd, "echo", 0);
	struct muxload_result result;
	struct muxload *muxload;
	unsigned i;

	(void)state;
	muxload = muxload_start("--lines", "-c", "3", address);
	muxload_input(muxload, "one\nt\tw\033o\nthree");
	result = muxload_end(muxload);
	assert_int_equal(result.status, 0);
	for (i = 1; i <= 3; i++) {
		static const char *const forms[] = { "%s#%u connected\n",
			"%s#%u: one\n", "%s#%u: t\\tw\\x1bo\n",
			"%s#%u: three\n", "%s#%u ended\n" };
		char text[128];
		size_t k;

		for (k = 0; k < 5; k++) {
			(void)snprintf(
			    text, sizeof(text), forms[k], address, i);
			assert_non_null(strstr(result.out, text));
		}
	}
	muxd_stop(muxd);
}

static void
lines_to_nobody_fail(void **state)
{
	struct muxload_result result = muxload_run("--lines", server_absent());

	(void)state;
	assert_int_equal(result.status, 1);
	assert_non_null(strstr(result.out, "failed: Connection refused"));
}

/* ---- what goes wrong -----------------------------------------------------*/

static void
stall_is_counted_by_all_who_were_due(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxload_result result;

	(void)state;
	muxload_serve(listener, serve_stalling);
	result = muxload_run(
	    "--keys", "-r", "1000/s", "-n", "1000", address_of(listener));
	expect_good(&result);
	assert_int_equal(muxload_key(&result, "requests"), 1000);
	/* 300 were due meanwhile; a tenth of all more than 200 ms before its
	 * end. */
	assert_true(muxload_key(&result, "max_us") >= 0.99 * STALL_MS * 1000);
	assert_true(muxload_key(&result, "p99_us") >= 250000);
	assert_true(muxload_key(&result, "p90_us") >= 150000);
}

static void
lost_datagrams_are_counted(void **state)
{
	int fd = muxload_bind_udp();
	struct muxload_result result;

	(void)state;
	muxload_serve(fd, serve_losing);
	result = muxload_run("--keys", "-n", "1000", "-p", "16", "--timeout",
	    "300ms", test_format("udp:%s", address_of(fd)));
	expect_good(&result);
	assert_true(muxload_key(&result, "lost") >= 100);
	assert_int_equal(
	    muxload_key(&result, "lost") + muxload_key(&result, "requests"),
	    1000);
}

static void
port_that_nobody_has_is_left_out(void **state)
{
	int fd = muxload_bind_udp(), absent = muxload_bind_udp();
	char *address = test_format("udp:%s", address_of(absent));
	struct muxload_result result;

	(void)state;
	client_close(absent);
	muxload_serve(fd, serve_losing);
	result = muxload_run("--keys", "-c", "2", "-n", "50", "--timeout",
	    "100ms", test_format("udp:%s", address_of(fd)), address);
	assert_int_equal(result.status, 1);
	assert_int_equal(muxload_key(&result, "connect_errors"), 1);
	assert_int_equal(muxload_key(&result, "errors"), 1);
	assert_int_equal(muxload_key(&result, "connections"), 1);
	assert_int_equal(
	    muxload_key(&result, "lost") + muxload_key(&result, "requests"),
	    50);
}

static void
wrong_byte_is_a_mismatch(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxload_result result;

	(void)state;
	muxload_serve(listener, serve_wrongly);
	result = muxload_run("--keys", "-n", "100", address_of(listener));
	assert_int_equal(result.status, 1);
	assert_int_equal(muxload_key(&result, "mismatches"), 1);
	assert_int_equal(muxload_key(&result, "requests"), 99);
}

static void
answers_in_the_wrong_order_are_a_mismatch(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxload_result result;

	(void)state;
	muxload_serve(listener, serve_mixed_up);
	result = muxload_run("--keys", "-n", "2", "-p", "2", "--timeout",
	    "200ms", address_of(listener));
	assert_int_equal(result.status, 1);
	assert_int_equal(muxload_key(&result, "mismatches"), 1);
	assert_int_equal(muxload_key(&result, "requests"), 0);
}

static void
refused_connections_fail(void **state)
{
	const char *address = server_absent();
	struct muxload_result result;

	(void)state;
	result = muxload_run("--keys", "-c", "3", "-d", "1m", address);
	assert_int_equal(result.status, 1);
	assert_int_equal(muxload_key(&result, "connect_errors"), 3);
	assert_non_null(strstr(result.err, "Connection refused"));
	result = muxload_run("--keys", "-k", "-c", "3", "-n", "6", address);
	assert_int_equal(result.status, 1);
	assert_int_equal(muxload_key(&result, "connect_errors"), 6);
}

static void
silence_is_an_error(void **state)
{
	int listener = server_listen("127.0.0.1:0");
	struct muxload_result result;

	(void)state;
	result = muxload_run(
	    "--keys", "--timeout", "100ms", "-c", "2", address_of(listener));
	assert_int_equal(result.status, 1);
	assert_int_equal(muxload_key(&result, "errors"), 2);
	assert_non_null(strstr(result.err, "no answer in time"));
}

static void
bad_options_are_told(void **state)
{
	static const struct {
		const char *option;
		const char *value;
		const char *why;
	} rows[] = {
		{ "-c", "0", "--connections" },
		{ "-d", "10", "unit" },
		{ "-r", "5", "--rate" },
		{ "--nonsense", "x", "--nonsense" },
		{ "--active", "5", "--idle" },
		{ "-s", "127.0.0.9-127.0.0.1", "--source" },
		{ "-d", "1s", "address" },
	};
	struct muxload_result result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* The last one lacks its address. */
		result = muxload_run(rows[i].option, rows[i].value,
		    i + 1 < sizeof(rows) / sizeof(rows[0]) ? "127.0.0.1:7"
							   : NULL);
		assert_int_equal(result.status, 2);
		assert_string_equal(result.out, "");
		assert_non_null(strstr(result.err, rows[i].why));
	}
	result = muxload_run("--help");
	assert_int_equal(result.status, 0);
	assert_non_null(strstr(result.out, "--connections"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		muxload_test(closed_loop_counts_every_request),
		muxload_test(messages_larger_than_all_buffers_come_back),
		muxload_test(unix_sockets_work_too),
		muxload_test(short_mode_connects_for_each_request),
		muxload_test(full_accept_queue_is_waited_for),
		muxload_test(open_loop_sends_what_is_due),
		muxload_test(idle_ones_say_nothing_after_their_first_message),
		muxload_test(http_responses_are_checked),
		muxload_test(http_connection_that_the_server_ends_is_made_anew),
		muxload_test(sources_are_used_in_turn),
		muxload_test(meter_tells_the_time_of_others),
		muxload_test(histogram_file_has_every_request),
		muxload_test(hold_waits_for_a_line),
		muxload_test(interrupt_prints_what_there_is),
		muxload_test(interrupted_requests_are_no_errors),
		muxload_test(lines_go_to_all_and_answers_are_shown),
		muxload_test(lines_to_nobody_fail),
		muxload_test(stall_is_counted_by_all_who_were_due),
		muxload_test(lost_datagrams_are_counted),
		muxload_test(port_that_nobody_has_is_left_out),
		muxload_test(wrong_byte_is_a_mismatch),
		muxload_test(answers_in_the_wrong_order_are_a_mismatch),
		muxload_test(refused_connections_fail),
		muxload_test(silence_is_an_error),
		muxload_test(bad_options_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
