/*
 * SIGHUP: all of muxd takes another configuration, or nothing of it does; and
 * those who are there notice nothing.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "backends.h"
#include "client.h"
#include "harness.h"
#include "load.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"

#define ECHO                               \
	"service \"echo\" {\n"             \
	"  listen = { \"127.0.0.1:0\" }\n" \
	"  handler = \"echo\"\n"           \
	"}\n"

static struct muxd *
start_echo(void)
{
	return muxd_start("workers = 2\n" ECHO);
}

/* With whatever sessions there are. */
static void
stop(struct muxd *muxd)
{
	client_close_all();
	muxd_stop(muxd);
}

/* An address that nobody has at this moment. */
static const char *
free_address(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage ss;
	const char *address;
	int type;
	socklen_t len = address_parse("127.0.0.1:0", &ss, &type);

	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	address = address_of(fd);
	assert_int_equal(close(fd), 0);
	return address;
}

/* fault 5 */
static void
same_configuration_changes_nothing(void **state)
{
	struct muxd *muxd = start_echo();
	const struct load load = {
		.address = muxd_address(muxd, "echo", 0),
		.connections = test_is_instrumented() ? 1000 : 20000,
		.parallel = 10,
	};
	unsigned i, n = test_is_instrumented() ? 20 : 100;
	size_t master, worker, monitor;
	struct load_process *process;
	struct load_result result;
	int idle;

	(void)state;
	worker =
	    procfs_available() ? procfs_descriptors(muxd_worker(muxd, 0)) : 0;
	idle = client_connect(load.address);
	client_echo(idle, "before\n");
	process = load_start(&load);
	reload_apply(muxd);
	master = procfs_descriptors(muxd->pid);
	for (i = 0; i < n; i++)
		reload_apply(muxd);
	result = load_finish(process);
	assert_int_equal(result.refused, 0);
	assert_int_equal(result.lost, 0);
	assert_int_equal(result.served, load.connections);
	client_echo(idle, "after\n");
	client_close(idle);
	assert_int_equal(muxd_worker_starts(muxd, 0), 1);
	assert_int_equal(muxd_worker_starts(muxd, 1), 1);
	if (procfs_available()) {
		assert_int_equal(procfs_descriptors(muxd->pid), master);
		procfs_wait_descriptors(muxd_worker(muxd, 0), worker);
		monitor = procfs_descriptors(muxd_monitor(muxd));
		for (i = 0; i < 3; i++)
			reload_apply(muxd);
		assert_int_equal(
		    procfs_descriptors(muxd_worker(muxd, 0)), worker);
		assert_int_equal(
		    procfs_descriptors(muxd_monitor(muxd)), monitor);
		assert_int_equal(procfs_descriptors(muxd->pid), master);
	}
	stop(muxd);
}

/* fault 8 */
static void
a_configuration_that_cannot_be_is_refused(void **state)
{
	struct muxd *muxd = start_echo();
	int taken = client_connect(muxd_address(muxd, "echo", 0));
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage ss;
	int type, fd;
	socklen_t len = address_parse("127.0.0.1:0", &ss, &type);

	(void)state;
	client_adopt(other);
	assert_int_equal(bind(other, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(listen(other, 1), 0);

	muxd_configure(muxd, "workers = 2\n%s nonsense {", ECHO);
	reload_expect_refused(muxd, "muxd.conf:");
	muxd_configure(muxd,
	    "workers = 2\n%s service \"b\" { handler = \"echo\" "
	    "listen = \"nowhere.invalid:7\" }",
	    ECHO);
	reload_expect_refused(muxd, "nowhere.invalid");
	/* One that could be, behind one that cannot, is undone. */
	muxd_configure(muxd,
	    "workers = 2\n%s service \"b\" { handler = \"echo\" "
	    "listen = { \"unix:@DIR@/b\", \"%s\" } }",
	    ECHO, address_of(other));
	reload_expect_refused(muxd, "cannot listen on");
	assert_int_equal(access(test_format("%s/b", muxd->dir), F_OK), -1);
	muxd_configure(muxd,
	    "workers = 2\nlog { target = \"file:/nowhere/at/all\" }\n%s", ECHO);
	reload_expect_refused(muxd, "cannot open the log");

	client_echo(taken, "I was there\n");
	fd = client_connect(muxd_address(muxd, "echo", 0));
	client_echo(fd, "as before\n");
	/* And the right one goes through after all these. */
	reload_with(muxd, "workers = 2\n" ECHO);
	client_echo(fd, "and after\n");
	stop(muxd);
}

static void
services_come_and_go(void **state)
{
	const char *address = free_address();
	struct muxd *muxd = start_echo();
	int old, fd;

	(void)state;
	old = client_connect(muxd_address(muxd, "echo", 0));
	client_echo(old, "before\n");
	reload_with(muxd,
	    "workers = 2\n%s"
	    "service \"more\" { handler = \"echo\" listen = { \"%s\", "
	    "\"unix:@DIR@/more\" } echo { prefix = \"> \" } }",
	    ECHO, address);
	fd = client_connect(address);
	client_send_text(fd, "hello\n");
	client_expect_text(fd, "> hello\n");
	client_visit(test_format("unix:%s/more", muxd->dir), NULL, "");
	/* The address goes to another service, and nobody is reset. */
	reload_with(muxd,
	    "workers = 2\n%s"
	    "service \"other\" { handler = \"discard\" listen = \"%s\" }",
	    ECHO, address);
	client_send_text(fd, "still\n");
	client_expect_text(fd, "> still\n");
	assert_int_equal(access(test_format("%s/more", muxd->dir), F_OK), -1);
	client_close(fd);
	muxd_wait_log(muxd, "msg=\"session ended\"", "service=more");
	fd = client_connect(address);
	client_send_text(fd, "nothing comes back\n");
	client_half_close(fd);
	client_expect_eof(fd);
	client_echo(old, "after\n");
	stop(muxd);
}

/* The service of start_echo() and another one, at an address that will be
 * gone. */
static struct muxd *
start_with_gone(unsigned workers, const char *address, const char *more)
{
	return muxd_start("workers = %u\n%s service \"gone\" {\n"
			  "handler = \"echo\" listen = \"%s\"\n%s }\n",
	    workers, ECHO, address, more);
}

/* fault 9 */
static void
who_waits_at_a_removed_address_is_served(void **state)
{
	enum { WAITING = 20 };
	const char *address = free_address();
	struct muxd *muxd;
	int fds[WAITING], i;
	pid_t worker;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start_with_gone(1, address, "");
	worker = muxd_worker(muxd, 0);
	muxd_configure(muxd, "workers = 1\n" ECHO);
	muxd_mark_log(muxd);
	/* It cannot accept before it has taken the new configuration, or just
	 * before. */
	procfs_stop(worker);
	for (i = 0; i < WAITING; i++)
		fds[i] = client_connect(address);
	muxd_signal(muxd, SIGHUP);
	assert_int_equal(kill(worker, SIGCONT), 0);
	muxd_wait_log(muxd, "msg=reloaded");
	for (i = 0; i < WAITING; i++)
		client_echo(fds[i], "I was in the queue\n");
	assert_int_equal(client_try_connect(address, NULL), -1);
	for (i = 0; i < WAITING; i++)
		client_echo(fds[i], "and I stay\n");
	stop(muxd);
}

/* faults 9, 70: at a full limit there is nothing to wait for any more, and
 * nobody is left hanging. */
static void
who_waits_for_a_limit_at_a_removed_address_is_refused(void **state)
{
	enum { WAITING = 6 };
	const char *address = free_address();
	struct muxd *muxd;
	int holder, fds[WAITING], i;

	(void)state;
	muxd = start_with_gone(
	    1, address, "limit { connections = 1 wait_timeout = \"1h\" }");
	holder = client_connect(address);
	client_echo(holder, "the only one\n");
	for (i = 0; i < WAITING; i++)
		fds[i] = client_connect(address);
	reload_with(muxd, "workers = 1\n" ECHO);
	for (i = 0; i < WAITING; i++)
		assert_int_not_equal(client_wait_end(fds[i]), CLIENT_DATA);
	client_echo(holder, "and I stay\n");
	stop(muxd);
}

/* fault 9: also where the worker whose queue it was is down at that time. */
static void
another_worker_serves_the_queue_of_one_that_is_down(void **state)
{
	enum { WAITING = 20, DEATHS = 5 };
	const char *address = free_address();
	struct muxd *muxd;
	int fds[WAITING], i;
	pid_t worker;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start_with_gone(2, address, "");
	/* Until its successor does not come at once. */
	for (i = 0; i < DEATHS; i++) {
		worker = muxd_worker(muxd, 0);
		muxd_mark_log(muxd);
		assert_int_equal(kill(worker, SIGKILL), 0);
		muxd_wait_log(muxd, "msg=\"worker started\"", "slot=0");
	}
	muxd_configure(muxd, "workers = 2\n" ECHO);
	worker = muxd_worker(muxd, 0);
	muxd_mark_log(muxd);
	procfs_stop(worker);
	for (i = 0; i < WAITING; i++)
		fds[i] = client_connect(address);
	assert_int_equal(kill(worker, SIGKILL), 0);
	muxd_wait_log(muxd, "msg=\"worker ended\"", "slot=0");
	muxd_signal(muxd, SIGHUP);
	muxd_wait_log(muxd, "msg=reloaded");
	/* It was not there for that. */
	assert_int_equal(
	    muxd_count_log(muxd, "msg=\"worker started\"", "slot=0"), 0);
	/* Those of the other one were served by then. */
	for (i = 0; i < WAITING; i++)
		client_echo(fds[i], "I was in a queue\n");
	assert_int_equal(client_try_connect(address, NULL), -1);
	stop(muxd);
}

/* Under load, with nobody reset while the address is there. */
static void
addresses_come_and_go_under_load(void **state)
{
	struct muxd *muxd = start_echo();
	const struct load load = {
		.address = muxd_address(muxd, "echo", 0),
		.connections = test_is_instrumented() ? 500 : 10000,
		.parallel = 10,
	};
	struct load_process *process = load_start(&load);
	const char *address = free_address();
	struct load_result result;
	unsigned i;

	(void)state;
	for (i = 0; i < 20; i++) {
		reload_with(muxd,
		    "workers = 2\n%s"
		    "service \"more\" { handler = \"echo\" "
		    "listen = { \"%s\", \"udp:%s\" } }",
		    ECHO, address, address);
		client_visit(address, NULL, "hello\n");
		reload_with(muxd, "workers = 2\n" ECHO);
		assert_int_equal(client_try_connect(address, NULL), -1);
	}
	result = load_finish(process);
	assert_int_equal(result.refused + result.lost, 0);
	stop(muxd);
}

/* Whether the connection's socket on muxd's side has a keepalive timer, as
 * /proc/net/tcp tells (proc(5)). */
static bool
has_keepalive(unsigned local, unsigned remote)
{
	FILE *in = fopen("/proc/net/tcp", "r");
	char line[512];
	unsigned from, to, timer;
	bool found = false;

	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "%*s %*x:%x %*x:%x %*x %*x:%*x %x", &from, &to,
			&timer) == 3 &&
		    from == local && to == remote)
			found = timer == 2;
	(void)fclose(in);
	return found;
}

static bool
is_kept_alive(const char *address, int fd)
{
	return has_keepalive(
	    address_port(address), address_port(address_of(fd)));
}

/* fault 10: none of the options that muxd has needs a new socket. */
static void
options_of_sockets_are_not_inherited_from_before(void **state)
{
	struct muxd *muxd;
	const char *address;
	int old, fd;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = muxd_start("workers = 1\nservice \"echo\" {\n"
			  "listen = \"127.0.0.1:0\" handler = \"echo\"\n"
			  "socket { keepalive = \"0\" } }\n");
	address = muxd_address(muxd, "echo", 0);
	old = client_connect(address);
	client_echo(old, "before\n");
	assert_false(is_kept_alive(address, old));
	reload_with(muxd,
	    "workers = 1\nservice \"echo\" {\n"
	    "listen = \"127.0.0.1:0\" handler = \"echo\"\n"
	    "socket { keepalive = \"1h\" backlog = 7 } }\n");
	fd = client_connect(address);
	client_echo(fd, "after\n");
	assert_true(is_kept_alive(address, fd));
	assert_false(is_kept_alive(address, old));
	reload_with(muxd,
	    "workers = 1\nservice \"echo\" {\n"
	    "listen = \"127.0.0.1:0\" handler = \"echo\"\n"
	    "socket { keepalive = \"0\" } }\n");
	old = client_connect(address);
	client_echo(old, "as at first\n");
	assert_false(is_kept_alive(address, old));
	stop(muxd);
}

static void
file_of_a_unix_socket_changes_its_mode(void **state)
{
	struct muxd *muxd =
	    muxd_start("service \"echo\" { handler = \"echo\"\n"
		       "listen = \"unix:@DIR@/s\" socket { unix_mode = 0600 } "
		       "}\n");
	const char *path = test_format("%s/s", muxd->dir);
	struct stat before, after;

	(void)state;
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_mode & 0777, 0600);
	reload_with(muxd,
	    "service \"echo\" { handler = \"echo\"\n"
	    "listen = \"unix:@DIR@/s\" socket { unix_mode = 0640 "
	    "} }\n");
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode & 0777, 0640);
	assert_int_equal(after.st_ino, before.st_ino);
	client_visit(test_format("unix:%s", path), NULL, "hello\n");
	stop(muxd);
}

static void
log_moves_to_another_place(void **state)
{
	struct muxd *muxd = start_echo();
	char *text;

	(void)state;
	muxd_write_file(muxd, "log", "");
	assert_int_equal(chmod(test_format("%s/log", muxd->dir), 0666), 0);
	muxd_configure(muxd,
	    "workers = 2\nlog { target = \"file:@DIR@/log\" format = \"json\" "
	    "level = \"debug\" }\n%s",
	    ECHO);
	muxd_signal(muxd, SIGHUP);
	do {
		text = muxd_read_file(muxd, "log");
	} while (strstr(text, "\"msg\":\"reloaded\"") == NULL);
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	do {
		text = muxd_read_file(muxd, "log");
	} while (strstr(text, "\"msg\":\"session ended\"") == NULL);
	/* And back. */
	reload_with(muxd,
	    "workers = 2\nlog { target = \"stderr\" access = false }\n%s",
	    ECHO);
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	stop(muxd);
	assert_int_equal(muxd_count_log(muxd, "msg=\"session ended\""), 0);
}

static void
what_takes_a_restart_is_told_and_the_rest_goes_on(void **state)
{
	struct muxd *muxd = start_echo();
	const char *line;

	(void)state;
	reload_with(muxd,
	    "event_backend = \"poll\"\nworkers = 2\nservice \"more\" {\n"
	    "listen = \"127.0.0.1:0\" handler = \"echo\" }\n%s",
	    ECHO);
	line = muxd_wait_log(muxd, "level=warning", "msg=configuration");
	assert_true(log_has(line, "*event_backend = poll takes a restart*"));
	assert_true(log_has(line, "*muxd.conf:1*"));
	client_visit(muxd_address(muxd, "more", 0), NULL, "hello\n");
	assert_int_equal(muxd_worker_starts(muxd, 1), 1);
	stop(muxd);
}

static void
a_signal_during_a_reload_is_another_reload(void **state)
{
	struct muxd *muxd = start_echo();

	(void)state;
	muxd_mark_log(muxd);
	muxd_signal(muxd, SIGHUP);
	muxd_signal(muxd, SIGHUP);
	muxd_wait_log(muxd, "msg=reloaded");
	muxd_signal(muxd, SIGHUP);
	muxd_wait_logs(muxd, 2, "msg=reloaded");
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	stop(muxd);
}

/* A worker or the monitor that ends before all are prepared takes the reload
 * with it, and nothing else; the next one has its successor. */
static void
a_child_that_dies_before_the_decision_undoes_it(void **state)
{
	struct muxd *muxd;
	size_t others;
	int64_t until;
	pid_t child;
	unsigned i;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start_echo();
	for (i = 0; i < 2; i++) {
		child = i == 0 ? muxd_worker(muxd, 0) : muxd_monitor(muxd);
		others = procfs_descriptors(muxd_worker(muxd, 1));
		muxd_mark_log(muxd);
		procfs_stop(child);
		muxd_configure(muxd,
		    "workers = 2\n%s service \"more\" {\n"
		    "listen = \"127.0.0.1:0\" handler = \"echo\" }\n",
		    ECHO);
		muxd_signal(muxd, SIGHUP);
		/* The last one of all has been told. */
		until = test_now_ms() + test_deadline_ms();
		while (procfs_descriptors(muxd_worker(muxd, 1)) == others)
			assert_true(test_now_ms() < until);
		assert_int_equal(kill(child, SIGKILL), 0);
		muxd_wait_log(muxd, "msg=\"reload refused*");
		muxd_wait_log(
		    muxd, "msg=configuration", "*has ended meanwhile*");
		muxd_wait_log(muxd,
		    i == 0 ? "msg=\"worker started\""
			   : "msg=\"monitor started\"");
	}
	reload_apply(muxd);
	client_visit(muxd_address(muxd, "more", 0), NULL, "hello\n");
	stop(muxd);
}

/* A worker that is killed afterwards has a successor that knows. */
static void
a_successor_has_the_configuration_that_is_in_force(void **state)
{
	struct muxd *muxd;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = muxd_start("workers = 1\n" ECHO);
	reload_with(muxd,
	    "workers = 1\nservice \"echo\" {\n"
	    "listen = \"127.0.0.1:0\" handler = \"echo\"\n"
	    "echo { prefix = \"new \" } }\n"
	    "service \"more\" { listen = \"127.0.0.1:0\"\n"
	    "handler = \"echo\" }\n");
	assert_int_equal(kill(muxd_worker(muxd, 0), SIGKILL), 0);
	muxd_wait_log(muxd, "msg=\"worker started\"");
	client_visit(muxd_address(muxd, "more", 0), NULL, "hello\n");
	{
		int fd = client_connect(muxd_address(muxd, "echo", 0));

		client_send_text(fd, "1\n");
		client_expect_text(fd, "new 1\n");
	}
	reload_apply(muxd);
	client_visit(muxd_address(muxd, "more", 0), NULL, "hello\n");
	stop(muxd);
}

static void
muxd_can_stop_in_the_middle_of_it(void **state)
{
	struct muxd *muxd;
	pid_t worker;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = start_echo();
	worker = muxd_worker(muxd, 0);
	procfs_stop(worker);
	muxd_configure(muxd,
	    "workers = 2\n%s service \"more\" {\n"
	    "listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }\n"
	    "handler = \"echo\" }\n",
	    ECHO);
	muxd_signal(muxd, SIGHUP);
	muxd_signal(muxd, SIGTERM);
	muxd_wait_log(muxd, "msg=\"reload refused*");
	assert_int_equal(kill(worker, SIGCONT), 0);
	assert_int_equal(muxd_wait_exit(muxd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(same_configuration_changes_nothing),
		system_test(a_configuration_that_cannot_be_is_refused),
		system_test(services_come_and_go),
		system_test(who_waits_at_a_removed_address_is_served),
		system_test(
		    who_waits_for_a_limit_at_a_removed_address_is_refused),
		system_test(
		    another_worker_serves_the_queue_of_one_that_is_down),
		system_test(addresses_come_and_go_under_load),
		system_test(options_of_sockets_are_not_inherited_from_before),
		system_test(file_of_a_unix_socket_changes_its_mode),
		system_test(log_moves_to_another_place),
		system_test(what_takes_a_restart_is_told_and_the_rest_goes_on),
		system_test(a_signal_during_a_reload_is_another_reload),
		system_test(a_child_that_dies_before_the_decision_undoes_it),
		system_test(a_successor_has_the_configuration_that_is_in_force),
		system_test(muxd_can_stop_in_the_middle_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
