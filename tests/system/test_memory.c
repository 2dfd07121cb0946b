/*
 * limits.memory: what waits for clients that do not read is bounded, and no
 * byte of it is lost.
 */
#include <string.h>

#include "backends.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

#define CLIENTS  40
#define MEBIBYTE 1048576

/* The byte at a place of what a client sends. */
static char
byte_at(size_t client, size_t place)
{
	return (char)(client * 31 + place % 251);
}

/* Send until neither muxd nor the kernel takes more; how much they took. */
static size_t
stuff(int fd, size_t client, size_t sent)
{
	char buf[8192];
	size_t i, n;

	do {
		for (i = 0; i < sizeof(buf); i++)
			buf[i] = byte_at(client, sent + i);
		n = client_send_some(fd, buf, sizeof(buf));
		sent += n;
	} while (n > 0);
	return sent;
}

/* Read what has come to a client, and check it; how much it was. */
static size_t
read_some(int fd, size_t client, size_t got)
{
	char buf[8192];
	enum client_event event;
	size_t i, n;

	event = client_wait(fd, buf, sizeof(buf), &n, 0);
	if (event != CLIENT_DATA && event != CLIENT_SILENT)
		test_fail("client %zu was cut off", client);
	for (i = 0; i < n; i++)
		if (buf[i] != byte_at(client, got + i))
			test_fail(
			    "byte %zu of client %zu is wrong", got + i, client);
	return n;
}

/* Read all that was sent.  At the ceiling who reads may have to wait for
 * somebody else who does, so each has its turn. */
static void
read_all(const int fds[CLIENTS], const size_t sent[CLIENTS])
{
	int64_t deadline = test_now_ms() + test_deadline_ms();
	size_t got[CLIENTS] = { 0 }, i, left = CLIENTS;

	while (left > 0) {
		if (test_now_ms() > deadline)
			test_fail("%zu clients miss something", left);
		left = 0;
		for (i = 0; i < CLIENTS; i++) {
			if (got[i] < sent[i])
				got[i] += read_some(fds[i], i, got[i]);
			left += got[i] < sent[i];
		}
	}
}

static void
ceiling_pauses_clients_and_loses_nothing(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "limits { memory = \"1M\" }\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	pid_t workers[] = { muxd_worker(muxd, 0), muxd_worker(muxd, 1) };
	uint64_t before = 0, after = 0;
	size_t sent[CLIENTS] = { 0 }, total = 0, i, round;
	int fds[CLIENTS];

	(void)state;
	for (i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(address);
		client_echo(fds[i], "hello\n");
	}
	for (i = 0; i < 2 && procfs_available(); i++)
		before += procfs_private_kib(workers[i]);
	for (round = 0; round < 20; round++)
		for (i = 0; i < CLIENTS; i++)
			sent[i] = stuff(fds[i], i, sent[i]);
	for (i = 0; i < CLIENTS; i++)
		total += sent[i];
	/* Far more than the ceiling is on its way. */
	assert_true(total > 8 * MEBIBYTE);
	for (i = 0; i < 2 && procfs_available(); i++)
		after += procfs_private_kib(workers[i]);
	if (!test_is_instrumented())
		assert_in_range(after, 0, before + 2 * 1024);
	read_all(fds, sent);
	for (i = 0; i < CLIENTS; i++) {
		client_echo(fds[i], "all there\n");
		client_close(fds[i]);
	}
	muxd_wait_logs(
	    muxd, CLIENTS, "msg=\"session ended\"", "reason=client_closed");
	muxd_stop(muxd);
}

/* Whoever waited goes on once those leave who hold the memory. */
static void
memory_of_clients_that_leave_is_free_for_others(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "limits { memory = \"1M\" }\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	int greedy[CLIENTS], waiting[CLIENTS];
	size_t i;

	(void)state;
	for (i = 0; i < CLIENTS; i++) {
		greedy[i] = client_connect(address);
		(void)stuff(greedy[i], i, 0);
	}
	for (i = 0; i < CLIENTS; i++) {
		waiting[i] = client_connect(address);
		client_send_text(waiting[i], "I read what I am sent\n");
	}
	for (i = 0; i < CLIENTS; i++)
		client_reset(greedy[i]);
	for (i = 0; i < CLIENTS; i++) {
		client_expect_text(waiting[i], "I read what I am sent\n");
		client_close(waiting[i]);
	}
	muxd_wait_logs(
	    muxd, CLIENTS, "msg=\"session ended\"", "reason=client_reset");
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(ceiling_pauses_clients_and_loses_nothing),
		system_test(memory_of_clients_that_leave_is_free_for_others),
	};

	return run_under_each_backend(tests);
}
