/*
 * What an administrator sees of a muxd that starts, runs and stops.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"

/* Each number of workers gives as many processes, all of which serve. */
static void
as_many_workers_as_configured(void **state)
{
	static const unsigned counts[] = { 1, 2, 4 };
	size_t i, served;
	unsigned slot;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct muxd *muxd = muxd_start("workers = %u\n"
					       "service \"echo\" {\n"
					       "  listen = { "
					       "\"127.0.0.1:0\" }\n"
					       "  handler = \"echo\"\n"
					       "}\n",
		    counts[i]);

		muxd_wait_logs(muxd, counts[i], "msg=\"worker started\"");
		for (served = 0; served < 40; served++) {
			client_visit(
			    muxd_address(muxd, "echo", 0), NULL, "hello\n");
		}
		muxd_wait_logs(muxd, 40, "msg=\"session ended\"");
		for (slot = 0; slot < counts[i]; slot++)
			assert_true(
			    muxd_count_log(muxd, "msg=\"session ended\"",
				test_format("worker=%u", slot)) > 0);
		assert_int_equal(
		    muxd_count_log(muxd, "msg=\"worker started\""), counts[i]);
		muxd_stop(muxd);
	}
}

static void
auto_means_a_worker_for_each_cpu_it_may_use(void **state)
{
	struct muxd *muxd = muxd_start("workers = auto\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	const char *line = muxd_wait_log(muxd, "msg=limits");
	int64_t workers = log_number(line, "workers");
	char allowed[64];
	int64_t slot;

	(void)state;
	/* A quota of CPU time can make it fewer than there are CPUs. */
	assert_in_range(workers, 1, sysconf(_SC_NPROCESSORS_ONLN));
	assert_true(log_number(line, "connections") > 0);
	for (slot = 0; slot < workers; slot++) {
		pid_t pid = muxd_worker(muxd, (unsigned)slot);

		if (workers < sysconf(_SC_NPROCESSORS_ONLN) ||
		    !procfs_status(
			pid, "Cpus_allowed_list", allowed, sizeof(allowed)))
			continue;
		/* Pinned: one number, no list. */
		assert_int_equal(strcspn(allowed, ",-"), strlen(allowed));
	}
	muxd_stop(muxd);
}

static void
titles_tell_the_processes_apart(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n"
				       "service \"echo\" {\n"
				       "  listen = { \"127.0.0.1:0\" }\n"
				       "  handler = \"echo\"\n"
				       "}\n");
	pid_t children[8];
	char title[256];

	(void)state;
	if (!procfs_available() || test_is_wrapped())
		skip();
	procfs_title(muxd->pid, title, sizeof(title));
	assert_string_equal(title, "muxd: master");
	procfs_title(muxd_worker(muxd, 0), title, sizeof(title));
	assert_string_equal(title, "muxd: worker 0");
	procfs_title(muxd_worker(muxd, 1), title, sizeof(title));
	assert_string_equal(title, "muxd: worker 1");
	procfs_title(muxd_monitor(muxd), title, sizeof(title));
	assert_string_equal(title, "muxd: monitor");
	assert_int_equal(procfs_children(muxd->pid, children, 8), 3);
	muxd_stop(muxd);
}

static void
summary_counts_what_each_service_did(void **state)
{
	struct muxd *muxd =
	    muxd_start("workers = 2\n"
		       "service \"one\" {\n"
		       "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }\n"
		       "  handler = \"echo\"\n"
		       "}\n"
		       "service \"two\" {\n"
		       "  listen = { \"127.0.0.1:0\" }\n"
		       "  handler = \"discard\"\n"
		       "}\n");
	char buf[8];
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < 30; i++) {
		client_visit(muxd_address(muxd, "one", 0), NULL, "12345");
		fd = client_connect(muxd_address(muxd, "one", 1));
		client_send_text(fd, "123");
		assert_int_equal(client_receive(fd, buf, sizeof(buf)), 3);
		client_close(fd);
	}
	fd = client_connect(muxd_address(muxd, "two", 0));
	client_send_text(fd, "1234567");
	client_half_close(fd);
	client_expect_eof(fd);
	muxd_stop(muxd);
	muxd_wait_log(muxd, "msg=summary", "service=one", "accepted=30",
	    "sessions=30", "bytes_in=240", "bytes_out=240", "datagrams_in=30",
	    "datagrams_out=30", "client_closed=30");
	muxd_wait_log(muxd, "msg=summary", "service=two", "sessions=1",
	    "bytes_in=7", "client_closed=1");
	assert_int_equal(muxd_count_log(muxd, "msg=summary"), 2);
	muxd_wait_log(muxd, "msg=stopped");
}

/* A start must not depend on who was there before. */
static void
restart_takes_the_same_port(void **state)
{
	struct muxd *first = muxd_start("workers = 2\n"
					"service \"echo\" {\n"
					"  listen = { \"127.0.0.1:0\" }\n"
					"  handler = \"echo\"\n"
					"}\n");
	const char *address = muxd_address(first, "echo", 0);
	struct muxd *second;
	int fds[20];
	size_t i;

	(void)state;
	/* muxd ends them, and so its side stays in TIME_WAIT. */
	for (i = 0; i < 20; i++) {
		fds[i] = client_connect(address);
		client_echo(fds[i], "hello\n");
	}
	muxd_signal(first, SIGTERM);
	muxd_wait_log(first, "msg=\"stopping*");
	muxd_stop(first);
	for (i = 0; i < 20; i++)
		(void)client_wait_end(fds[i]);
	second = muxd_start("workers = 2\n"
			    "service \"echo\" {\n"
			    "  listen = { \"%s\" }\n"
			    "  handler = \"echo\"\n"
			    "}\n",
	    address);
	client_visit(address, NULL, "again\n");
	muxd_stop(second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(as_many_workers_as_configured),
		system_test(auto_means_a_worker_for_each_cpu_it_may_use),
		system_test(titles_tell_the_processes_apart),
		system_test(summary_counts_what_each_service_did),
		system_test(restart_takes_the_same_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
