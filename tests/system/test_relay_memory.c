/*
 * A reader that is slower than its server: what waits for it is bounded by
 * the water marks, whatever the amount, and no byte is lost.
 */
#include <string.h>

#include "address.h"
#include "backends.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "server.h"

#define MEBIBYTE 1048576UL
#define TOTAL    (1024 * MEBIBYTE)
/* Two water marks, what a pipe holds, and what malloc(3) keeps. */
#define GROWTH_KIB 1024

static const unsigned char *
noise(size_t position)
{
	static unsigned char bytes[2 * MEBIBYTE];
	size_t i;

	if (bytes[1] == 0)
		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] =
			    (unsigned char)(i % 1048573 * 2654435761U >> 24);
	return bytes + position % 1048573;
}

/* Send what the kernel takes, up to the total. */
static size_t
feed(int fd, size_t sent)
{
	size_t n = TOTAL - sent;

	return client_send_some(fd, noise(sent), n < MEBIBYTE ? n : MEBIBYTE);
}

/* Read up to size bytes and compare them. */
static size_t
drink(int fd, size_t got, size_t size)
{
	static unsigned char buffer[MEBIBYTE];
	enum client_event event;
	size_t n;

	event = client_wait(fd, buffer, size, &n, 10);
	if (event != CLIENT_DATA && event != CLIENT_SILENT)
		test_fail("the transfer was cut off at %zu", got);
	if (n > 0)
		assert_memory_equal(buffer, noise(got), n);
	return n;
}

static void
transfer(const char *options)
{
	int listener = server_listen("127.0.0.1:0"), client, server;
	struct muxd *muxd =
	    muxd_start("workers = 1\n"
		       "pool \"p\" { server \"s\" { address = \"%s\" } %s }\n"
		       "service \"relay\" { listen = \"127.0.0.1:0\" "
		       "handler = \"relay\" pool = \"p\" }\n",
		address_of(listener), options);
	pid_t worker = muxd_worker(muxd, 0);
	uint64_t before, now, most = 0;
	size_t sent = 0, got = 0, turn = 0;

	client = client_connect(muxd_address(muxd, "relay", 0));
	server = server_accept(listener);
	client_send_text(client, "x");
	client_expect_text(server, "x");
	before = procfs_private_kib(worker);
	while (got < TOTAL) {
		sent += feed(server, sent);
		/* Slow for the first part, at full speed for the rest. */
		got +=
		    drink(client, got, got < 16 * MEBIBYTE ? 4096 : MEBIBYTE);
		if (turn++ % 64 != 0)
			continue;
		now = procfs_private_kib(worker);
		most = now > most ? now : most;
	}
	assert_int_equal(sent, TOTAL);
	if (!test_is_instrumented() && most > before + GROWTH_KIB)
		test_fail("the worker grew from %llu to %llu KiB",
		    (unsigned long long)before, (unsigned long long)most);
	client_half_close(server);
	client_expect_eof(client);
	client_close(client);
	client_expect_eof(server);
	client_close(server);
	assert_int_equal(
	    log_number(
		muxd_wait_log(muxd, "msg=\"session ended\""), "bytes_out"),
	    TOTAL);
	muxd_stop(muxd);
}

/* fault 27 */
static void
slow_reader_of_much_keeps_memory_flat(void **state)
{
	(void)state;
	if (!procfs_available())
		skip();
	transfer("splice = \"off\"");
	transfer("splice = \"auto\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(slow_reader_of_much_keeps_memory_flat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
