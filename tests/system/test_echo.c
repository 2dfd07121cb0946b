/*
 * echo (RFC 862) as its clients see it, over TCP, UDP and UNIX sockets.
 */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "backends.h"
#include "client.h"
#include "harness.h"
#include "records.h"

#define MEBIBYTE 1048576

/* Bytes whose order shows. */
static char *
pattern(size_t len)
{
	char *data = test_alloc(len);
	uint32_t x = 2463534242U;
	size_t i;

	for (i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		data[i] = (char)x;
	}
	return data;
}

static struct muxd *
start_echo(const char *listen, const char *more)
{
	return muxd_start("workers = 2\n"
			  "service \"echo\" {\n"
			  "  listen = { \"%s\" }\n"
			  "  handler = \"echo\"\n"
			  "  %s\n"
			  "}\n",
	    listen, more);
}

static void
line_comes_back(void **state)
{
	struct muxd *muxd = start_echo("127.0.0.1:0", "");
	int fd = client_connect(muxd_address(muxd, "echo", 0));

	(void)state;
	client_echo(fd, "one line\n");
	client_echo(fd, "x");
	client_half_close(fd);
	client_expect_eof(fd);
	muxd_stop(muxd);
}

static void
megabytes_come_back_whole(void **state)
{
	struct muxd *muxd = start_echo("127.0.0.1:0", "");
	int fd = client_connect(muxd_address(muxd, "echo", 0));

	(void)state;
	client_exchange(fd, pattern(8 * MEBIBYTE), 8 * MEBIBYTE);
	client_half_close(fd);
	client_expect_eof(fd);
	muxd_stop(muxd);
}

/* fault 23: bytes and FIN that arrive together. */
static void
bytes_sent_with_the_end_come_back(void **state)
{
	struct muxd *muxd = start_echo("127.0.0.1:0", "");
	const char *address = muxd_address(muxd, "echo", 0);
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) {
		int fd = client_connect(address);

		client_send_text(fd, "hello");
		client_half_close(fd);
		assert_string_equal(client_read_all(fd, NULL), "hello");
		client_close(fd);
	}
	muxd_stop(muxd);
}

static void
half_closed_client_gets_all_that_waits(void **state)
{
	struct muxd *muxd = start_echo("127.0.0.1:0", "");
	int fd = client_connect(muxd_address(muxd, "echo", 0));
	char *data = pattern(MEBIBYTE), *back;
	size_t sent = 0, n, len;

	(void)state;
	/* Read nothing until muxd's queue and the kernel's are full. */
	do {
		n = client_send_some(fd, data + sent, MEBIBYTE - sent);
		sent += n;
	} while (n > 0 && sent < MEBIBYTE);
	client_half_close(fd);
	back = client_read_all(fd, &len);
	assert_int_equal(len, sent);
	assert_memory_equal(back, data, sent);
	muxd_stop(muxd);
}

static void
each_line_gets_the_prefix(void **state)
{
	struct muxd *muxd =
	    start_echo("127.0.0.1:0", "echo { prefix = \"muxd> \" }");
	int fd = client_connect(muxd_address(muxd, "echo", 0));

	(void)state;
	client_send_text(fd, "one\ntwo\n");
	client_expect_text(fd, "muxd> one\nmuxd> two\n");
	client_send_text(fd, "thr");
	client_expect_text(fd, "muxd> thr");
	client_send_text(fd, "ee\n");
	client_expect_text(fd, "ee\n");
	client_half_close(fd);
	client_expect_eof(fd);
	muxd_stop(muxd);
}

static void
unix_client_is_served(void **state)
{
	struct muxd *muxd = start_echo("unix:@DIR@/echo.sock", "");
	int fd = client_connect(muxd_address(muxd, "echo", 0));

	(void)state;
	client_exchange(fd, pattern(MEBIBYTE), MEBIBYTE);
	client_half_close(fd);
	client_expect_eof(fd);
	muxd_stop(muxd);
}

static void
ipv6_client_is_served(void **state)
{
	struct muxd *muxd;

	(void)state;
	if (!address_has_ipv6())
		skip();
	muxd = start_echo("[::1]:0", "");
	client_visit(muxd_address(muxd, "echo", 0), NULL, "six\n");
	muxd_stop(muxd);
}

static void
two_hundred_clients_at_once_are_served(void **state)
{
	struct muxd *muxd = start_echo("127.0.0.1:0", "");
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[200];
	size_t i, round;

	(void)state;
	for (i = 0; i < 200; i++)
		fds[i] = client_connect_from(
		    address, i % 2 == 0 ? "127.0.0.1" : "127.0.0.2");
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 200; i++)
			client_send_text(
			    fds[i], test_format("client %zu\n", i));
		for (i = 0; i < 200; i++)
			client_expect_text(
			    fds[i], test_format("client %zu\n", i));
	}
	for (i = 0; i < 200; i++)
		client_close(fds[i]);
	muxd_stop(muxd);
}

static void
datagram_comes_back(void **state)
{
	static const size_t sizes[] = { 1, 72, 1472, 9000, 65000, 65507 };
	struct muxd *muxd = start_echo("udp:127.0.0.1:0", "");
	int fd = client_connect(muxd_address(muxd, "echo", 0));
	char *data = pattern(65507), *back = test_alloc(65536);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		client_send(fd, data, sizes[i]);
		assert_int_equal(client_receive(fd, back, 65536), sizes[i]);
		assert_memory_equal(back, data, sizes[i]);
	}
	muxd_stop(muxd);
}

static void
datagram_answer_has_the_prefix_and_no_more_bytes(void **state)
{
	struct muxd *muxd =
	    start_echo("udp:127.0.0.1:0", "echo { prefix = \"ab\" }");
	int fd = client_connect(muxd_address(muxd, "echo", 0));
	char back[64];

	(void)state;
	client_send_text(fd, "12345");
	assert_int_equal(client_receive(fd, back, sizeof(back)), 5);
	assert_memory_equal(back, "ab123", 5);
	client_send_text(fd, "1");
	assert_int_equal(client_receive(fd, back, sizeof(back)), 1);
	assert_memory_equal(back, "a", 1);
	muxd_stop(muxd);
}

/* A connected UDP socket takes only what comes from the address that it sent
 * to. */
static void
datagram_answer_comes_from_the_address_used(void **state)
{
	struct muxd *muxd = start_echo("udp:0.0.0.0:0", "");
	unsigned port = address_port(muxd_address(muxd, "echo", 0));
	unsigned i;
	char back[64];

	(void)state;
	for (i = 1; i < 6; i++) {
		int fd =
		    client_connect(test_format("udp:127.0.0.%u:%u", i, port));

		client_send_text(fd, "where from?");
		assert_int_equal(client_receive(fd, back, sizeof(back)), 11);
		client_close(fd);
	}
	muxd_stop(muxd);
}

static void
both_families_are_one_line_of_configuration(void **state)
{
	struct muxd *muxd;
	const char *first;
	char back[8];
	int fd;

	(void)state;
	if (!address_has_ipv6())
		skip();
	muxd = muxd_start("service \"echo\" {\n"
			  "  listen = { \"*:0\", \"udp:*:0\" }\n"
			  "  handler = \"echo\"\n"
			  "}\n");
	first = muxd_address(muxd, "echo", 0);
	assert_int_equal(strncmp(first, "0.0.0.0:", 8), 0);
	client_visit(
	    test_format("127.0.0.1:%u", address_port(first)), NULL, "four\n");
	client_visit(test_format("[::1]:%u",
			 address_port(muxd_address(muxd, "echo", 1))),
	    NULL, "six\n");
	fd = client_connect(test_format(
	    "udp:[::1]:%u", address_port(muxd_address(muxd, "echo", 3))));
	client_send_text(fd, "udp");
	assert_int_equal(client_receive(fd, back, sizeof(back)), 3);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(line_comes_back),
		system_test(megabytes_come_back_whole),
		system_test(bytes_sent_with_the_end_come_back),
		system_test(half_closed_client_gets_all_that_waits),
		system_test(each_line_gets_the_prefix),
		system_test(unix_client_is_served),
		system_test(ipv6_client_is_served),
		system_test(two_hundred_clients_at_once_are_served),
		system_test(datagram_comes_back),
		system_test(datagram_answer_has_the_prefix_and_no_more_bytes),
		system_test(datagram_answer_comes_from_the_address_used),
		system_test(both_families_are_one_line_of_configuration),
	};

	return run_under_each_backend(tests);
}
