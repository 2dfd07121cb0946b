/*
 * chargen (RFC 864) as its clients see it.
 */
#include <signal.h>
#include <string.h>

#include "backends.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

#define LINE_SIZE 74 /* 72 characters and CR LF */

static struct muxd *
start_chargen(void)
{
	return muxd_start("workers = 1\n"
			  "service \"chargen\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\","
			  "    \"unix:@DIR@/chargen.sock\" }\n"
			  "  handler = \"chargen\"\n"
			  "}\n");
}

/* The character in a column of a line, as the RFC's example shows it. */
static char
pattern_character(size_t line, size_t column)
{
	return (char)(' ' + (line + column) % 95);
}

static void
expect_lines(int fd, size_t first, size_t n)
{
	char line[LINE_SIZE], want[LINE_SIZE];
	size_t i, column;

	for (i = first; i < first + n; i++) {
		for (column = 0; column < 72; column++)
			want[column] = pattern_character(i, column);
		want[72] = '\r';
		want[73] = '\n';
		client_read(fd, line, sizeof(line));
		assert_memory_equal(line, want, sizeof(line));
	}
}

static void
sends_the_pattern_of_the_rfc(void **state)
{
	struct muxd *muxd = start_chargen();
	size_t i;

	(void)state;
	for (i = 0; i < 3; i += 2) {
		int fd = client_connect(muxd_address(muxd, "chargen", i));

		client_send_text(fd, "what is sent is thrown away");
		expect_lines(fd, 0, 10000);
		client_close(fd);
	}
	muxd_stop(muxd);
}

static void
goes_on_for_a_half_closed_client(void **state)
{
	struct muxd *muxd = start_chargen();
	int fd = client_connect(muxd_address(muxd, "chargen", 0));

	(void)state;
	client_half_close(fd);
	expect_lines(fd, 0, 50000);
	client_close(fd);
	muxd_stop(muxd);
}

/* Clients that do not read cost no memory, and find the pattern whole when
 * they do. */
static void
waits_for_clients_that_do_not_read(void **state)
{
	struct muxd *muxd = start_chargen();
	const char *address = muxd_address(muxd, "chargen", 0);
	pid_t worker = muxd_worker(muxd, 0);
	uint64_t before = 0, after, cpu;
	int fds[32], other;
	size_t i;

	(void)state;
	if (procfs_available())
		before = procfs_private_kib(worker);
	for (i = 0; i < 32; i++)
		fds[i] = client_connect(address);
	/* Somebody who reads sees that the others do not hold muxd up, and
	 * passes the time until their queues are full. */
	other = client_connect(address);
	expect_lines(other, 0, 100000);
	if (procfs_available() && !test_is_instrumented()) {
		after = procfs_private_kib(worker);
		assert_in_range(after, 0, before + 1024);
		/* Nor do they cost time: nobody is asked in vain. */
		client_close(other);
		muxd_wait_log(muxd, "msg=\"session ended\"");
		cpu = procfs_cpu_ms(worker);
		muxd_mark_log(muxd);
		other = client_connect(address);
		client_close(other);
		muxd_wait_log(muxd, "msg=\"session ended\"");
		assert_in_range(procfs_cpu_ms(worker) - cpu, 0, 200);
	}
	for (i = 0; i < 32; i++)
		expect_lines(fds[i], 0, 5000);
	muxd_signal(muxd, SIGTERM);
	for (i = 0; i < 32; i++) {
		assert_int_equal(client_wait_end(fds[i]), CLIENT_EOF);
		client_close(fds[i]);
	}
	assert_int_equal(muxd_wait_exit(muxd), 0);
}

/* fault 67: an answer is no longer than what asked for it. */
static void
datagram_is_no_longer_than_the_request(void **state)
{
	static const size_t sizes[] = { 1, 74, 512, 513, 4000 };
	struct muxd *muxd = start_chargen();
	int fd = client_connect(muxd_address(muxd, "chargen", 1));
	char *data = test_alloc(4096);
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(data, 0, 4096);
		client_send(fd, data, sizes[i]);
		len = client_receive(fd, data, 4096);
		assert_in_range(len, 1, sizes[i]);
		assert_in_range(len, 1, 512);
		assert_true(data[0] >= ' ' && data[0] <= '~');
	}
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(sends_the_pattern_of_the_rfc),
		system_test(goes_on_for_a_half_closed_client),
		system_test(waits_for_clients_that_do_not_read),
		system_test(datagram_is_no_longer_than_the_request),
	};

	return run_under_each_backend(tests);
}
