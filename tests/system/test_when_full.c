/*
 * A full limit: clients wait in the order they came, or are refused at once.
 */
#include "backends.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

static struct muxd *
start_full(const char *limit)
{
	return muxd_start("workers = 1\n"
			  "service \"echo\" {\n"
			  "  listen = { \"127.0.0.1:0\", \"unix:@DIR@/s\" }\n"
			  "  handler = \"echo\"\n"
			  "  limit { %s }\n"
			  "}\n",
	    limit);
}

/* A client with its first line sent. */
static int
ask(const char *address)
{
	int fd = client_connect(address);

	client_send_text(fd, "please\n");
	return fd;
}

static void
clients_wait_and_come_in_in_their_order(void **state)
{
	struct muxd *muxd = start_full("connections = 1 "
				       "when_full = \"wait\" "
				       "wait_timeout = \"1h\"");
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[10];
	size_t i, j;

	(void)state;
	for (i = 0; i < 10; i++)
		fds[i] = ask(address);
	for (i = 0; i < 10; i++) {
		client_expect_text(fds[i], "please\n");
		for (j = i + 1; j < 10; j++)
			assert_int_equal(client_peek(fds[j]), CLIENT_SILENT);
		client_close(fds[i]);
	}
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "service=echo", "sessions=10");
}

/* fault 40 */
static void
waiting_takes_no_cpu_time(void **state)
{
	struct muxd *muxd = start_full("connections = 1 "
				       "when_full = \"wait\" "
				       "wait_timeout = \"1h\"");
	pid_t worker = muxd_worker(muxd, 0);
	int in = ask(muxd_address(muxd, "echo", 0)), fds[20];
	uint64_t cpu;
	size_t i;

	(void)state;
	client_expect_text(in, "please\n");
	for (i = 0; i < 20; i++)
		fds[i] = ask(muxd_address(muxd, "echo", i % 2));
	if (procfs_available() && !test_is_instrumented()) {
		int64_t since = test_now_ms();

		cpu = procfs_cpu_ms(worker);
		assert_true(client_stays_silent(fds[0], 1000));
		cpu = procfs_cpu_ms(worker) - cpu;
		assert_in_range(
		    cpu, 0, (uint64_t)(test_now_ms() - since) / 20 + 10);
	}
	client_echo(in, "busy\n");
	client_close(in);
	for (i = 0; i < 20; i += 2) {
		client_expect_text(fds[i], "please\n");
		client_close(fds[i]);
	}
	for (i = 1; i < 20; i += 2) {
		client_expect_text(fds[i], "please\n");
		client_close(fds[i]);
	}
	muxd_stop(muxd);
}

static void
who_waited_too_long_is_shed(void **state)
{
	struct muxd *muxd = start_full("connections = 1 "
				       "when_full = \"wait\" "
				       "wait_timeout = \"300ms\"");
	const char *address = muxd_address(muxd, "echo", 0);
	int in = ask(address), fds[10], later;
	size_t i, j;

	(void)state;
	client_expect_text(in, "please\n");
	for (i = 0; i < 10; i++)
		fds[i] = ask(address);
	/* In their order: whoever came before is gone already. */
	for (i = 10; i-- > 0;) {
		assert_int_equal(client_wait_end(fds[i]), CLIENT_RESET);
		for (j = 0; j < i; j++)
			assert_int_equal(client_peek(fds[j]), CLIENT_RESET);
		for (j = 0; j < i; j++)
			client_close(fds[j]);
		client_close(fds[i]);
		break;
	}
	client_echo(in, "not me\n");
	client_close(in);
	later = ask(address);
	client_expect_text(later, "please\n");
	client_close(later);
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "service=echo", "sessions=2",
	    "service_full=10");
}

static void
who_may_not_wait_is_refused_at_once(void **state)
{
	struct muxd *muxd = start_full("connections = 2 "
				       "when_full = \"refuse\" "
				       "wait_timeout = \"1h\"");
	int in[2];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		in[i] = ask(muxd_address(muxd, "echo", i));
		client_expect_text(in[i], "please\n");
	}
	for (i = 0; i < 2; i++)
		client_expect_refused(muxd_address(muxd, "echo", i), NULL);
	muxd_wait_log(
	    muxd, "msg=\"client refused\"", "reason=service_full", "by=muxd");
	for (i = 0; i < 2; i++) {
		client_echo(in[i], "still in\n");
		client_close(in[i]);
	}
	muxd_stop(muxd);
}

/* A limit that another worker gives back wakes the one that waits. */
static void
place_freed_by_another_worker_is_taken(void **state)
{
	struct muxd *muxd = muxd_start("workers = 4\n"
				       "limits { connections = 1 }\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "  limit { wait_timeout = \"1h\" }\n"
				       "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[40];
	size_t i, served = 0;

	(void)state;
	for (i = 0; i < 40; i++)
		fds[i] = ask(address);
	while (served < 40) {
		size_t in = 40;

		for (i = 0; i < 40; i++)
			if (fds[i] != -1 &&
			    client_peek(fds[i]) == CLIENT_DATA) {
				assert_int_equal(in, 40);
				in = i;
			}
		if (in == 40)
			continue;
		client_expect_text(fds[in], "please\n");
		client_close(fds[in]);
		fds[in] = -1;
		served++;
	}
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(clients_wait_and_come_in_in_their_order),
		system_test(waiting_takes_no_cpu_time),
		system_test(who_waited_too_long_is_shed),
		system_test(who_may_not_wait_is_refused_at_once),
		system_test(place_freed_by_another_worker_is_taken),
	};

	return run_under_each_backend(tests);
}
