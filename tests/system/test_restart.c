/*
 * A service manager keeps the sockets while no muxd runs: who comes meanwhile
 * waits for the next one.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "client.h"
#include "control.h"
#include "load.h"
#include "manager.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"
#include "server.h"
#include "status.h"
#include "upgrade.h"

enum { WORKERS = 4, WAITING = 40, ROUNDS = 3, CONNECTIONS = 4000 };

static const char echo[] = "workers = 4\n"
			   "service \"echo\" {\n"
			   "  listen = { \"127.0.0.1:0\" }\n"
			   "  handler = \"echo\"\n"
			   "}\n";

static struct muxd *
begin(const char *conf)
{
	struct muxd *muxd = muxd_new();

	muxd_configure(muxd, "%s", conf);
	manager_open();
	manager_launch(muxd);
	muxd_wait_ready(muxd);
	return muxd;
}

static void
again(struct muxd *muxd)
{
	manager_launch(muxd);
	muxd_wait_ready(muxd);
}

/* As systemd does it: the master first, then whoever is left. */
static void
kill_all(struct muxd *muxd)
{
	pid_t group = muxd->pid;

	muxd_signal(muxd, SIGKILL);
	(void)kill(-group, SIGKILL);
	(void)muxd_wait_exit(muxd);
}

/* Nobody accepts any more. */
static void
stop_workers(struct muxd *muxd, unsigned n)
{
	unsigned slot;

	for (slot = 0; slot < n; slot++)
		assert_int_equal(kill(muxd_worker(muxd, slot), SIGSTOP), 0);
}

static void
begin_to_wait(const char *address, int fds[WAITING])
{
	int i;

	for (i = 0; i < WAITING; i++) {
		fds[i] = client_connect(address);
		client_send_text(fds[i], "hello\n");
	}
}

static void
expect_served(const int fds[WAITING])
{
	int i;

	for (i = 0; i < WAITING; i++) {
		client_expect_text(fds[i], "hello\n");
		client_close(fds[i]);
	}
}

/* fault 15 */
static void
clients_of_a_killed_master_are_served_by_the_next_one(void **state)
{
	struct muxd *muxd;
	const char *address;
	int fds[WAITING];

	(void)state;
	if (!procfs_available())
		skip();
	muxd = begin(echo);
	address = muxd_address(muxd, "echo", 0);
	manager_wait_count("muxd,tcp,127.0.0.1%3A0,service=echo", WORKERS);
	stop_workers(muxd, WORKERS);
	begin_to_wait(address, fds);
	kill_all(muxd);
	/* Nobody runs, and yet they can come. */
	client_close(client_connect(address));
	again(muxd);
	muxd_wait_log(muxd, "*4 listening sockets were handed over*");
	expect_served(fds);
	assert_string_equal(muxd_address(muxd, "echo", 0), address);
	client_visit(address, NULL, "hello\n");
	muxd_stop(muxd);
}

static void
restart(struct muxd *muxd)
{
	muxd_stop(muxd);
	again(muxd);
}

/* fault 15 */
static void
a_restart_under_load_loses_nobody(void **state)
{
	struct muxd *muxd = begin(echo);
	struct load load = {
		.address = muxd_address(muxd, "echo", 0),
		.connections =
		    test_is_instrumented() ? CONNECTIONS / 10 : CONNECTIONS,
		.parallel = 10,
	};
	struct load_process *processes[ROUNDS];
	struct load_result result;
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		processes[i] = load_start(&load);
		load_wait_progress(processes[i], load.connections / 10);
		restart(muxd);
	}
	for (i = 0; i < ROUNDS; i++) {
		result = load_finish(processes[i]);
		assert_int_equal(result.refused, 0);
		assert_int_equal(result.lost, 0);
		assert_int_equal(result.served, load.connections);
	}
	muxd_stop(muxd);
}

static void
more_and_fewer_workers_after_a_restart(void **state)
{
	static const unsigned numbers[] = { 2, 6, 1, 4 };
	struct muxd *muxd;
	const char *address;
	int fds[WAITING];
	size_t i;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = begin(echo);
	address = muxd_address(muxd, "echo", 0);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		manager_wait_count("muxd,tcp,", WORKERS + (i >= 2 ? 2 : 0));
		stop_workers(muxd, i == 0 ? WORKERS : numbers[i - 1]);
		begin_to_wait(address, fds);
		kill_all(muxd);
		muxd_configure(muxd,
		    "workers = %u\n"
		    "service \"echo\" {\n"
		    "  listen = { \"127.0.0.1:0\" }\n"
		    "  handler = \"echo\"\n"
		    "}\n",
		    numbers[i]);
		again(muxd);
		expect_served(fds);
		begin_to_wait(address, fds);
		expect_served(fds);
	}
	muxd_stop(muxd);
}

/* fault 9, fault 15 */
static void
clients_at_an_address_that_is_gone_are_served_and_it_refuses(void **state)
{
	struct muxd *muxd;
	const char *address;
	int fds[WAITING];

	(void)state;
	if (!procfs_available())
		skip();
	muxd = begin("workers = 2\n"
		     "service \"echo\" {\n"
		     "  listen = { \"127.0.0.1:0\", \"127.0.0.2:0\" }\n"
		     "  handler = \"echo\"\n"
		     "}\n");
	address = muxd_address(muxd, "echo", 1);
	manager_wait_count("muxd,tcp,", 4);
	stop_workers(muxd, 2);
	begin_to_wait(address, fds);
	kill_all(muxd);
	muxd_configure(muxd,
	    "workers = 2\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	again(muxd);
	expect_served(fds);
	manager_wait_count("muxd,tcp,", 2);
	assert_int_equal(client_try_connect(address, NULL), -1);
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	muxd_stop(muxd);
}

static void
what_a_reload_removes_is_kept_no_longer(void **state)
{
	struct muxd *muxd = begin(echo);
	const char *address = muxd_address(muxd, "echo", 0);

	(void)state;
	manager_wait_count("muxd,tcp,", WORKERS);
	reload_with(muxd,
	    "workers = 4\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.3:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n");
	manager_wait_count("muxd,tcp,127.0.0.3", WORKERS);
	assert_int_equal(manager_count("muxd,tcp,127.0.0.1"), 0);
	assert_int_equal(client_try_connect(address, NULL), -1);
	restart(muxd);
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	muxd_stop(muxd);
}

/* fault 15 */
static void
descriptors_that_nobody_knows_are_closed(void **state)
{
	struct muxd *muxd = begin(echo);
	int fds[2];

	(void)state;
	manager_wait_count("muxd,tcp,", WORKERS);
	muxd_stop(muxd);
	assert_int_equal(pipe(fds), 0);
	manager_keep(fds[0], "stored");
	manager_keep(fds[1], "muxd,tcp,127.0.0.1%3A0,service=echo,slot=9");
	again(muxd);
	muxd_wait_log(muxd, "level=warning", "*closed: nobody knows*");
	manager_wait_count("stored", 0);
	manager_wait_count("muxd,tcp,", WORKERS);
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	muxd_stop(muxd);
}

/* Who has to wait for a limit waits on, for this muxd or the next one. */
static void
clients_at_a_full_limit_are_not_turned_away(void **state)
{
	struct muxd *muxd = begin("workers = 1\n"
				  "service \"echo\" {\n"
				  "  listen = { \"127.0.0.1:0\" }\n"
				  "  handler = \"echo\"\n"
				  "  limit { connections = 1"
				  " when_full = \"wait\""
				  " wait_timeout = \"1m\" }\n"
				  "}\n");
	const char *address = muxd_address(muxd, "echo", 0);
	int first = client_connect(address), fds[4], i;

	(void)state;
	manager_wait_count("muxd,tcp,", 1);
	client_echo(first, "hello\n");
	for (i = 0; i < 4; i++) {
		fds[i] = client_connect(address);
		client_send_text(fds[i], "hello\n");
	}
	muxd_signal(muxd, SIGTERM);
	muxd_wait_log(muxd, "*stopping: sessions have*");
	client_echo(first, "hello again\n");
	client_close(first);
	/* This one was taken out of the queue already. */
	client_expect_text(fds[0], "hello\n");
	client_close(fds[0]);
	assert_int_equal(muxd_wait_status(muxd), 0);
	again(muxd);
	for (i = 1; i < 4; i++) {
		client_expect_text(fds[i], "hello\n");
		client_close(fds[i]);
	}
	muxd_stop(muxd);
}

static void
what_the_manager_has_bound_itself_is_not_kept(void **state)
{
	struct muxd *muxd = muxd_new();
	struct sockaddr_storage ss;
	socklen_t len = address_parse_inet("127.0.0.1:0", &ss);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	manager_open();
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	manager_keep(fd, "echo");
	muxd_configure(muxd,
	    "workers = 2\n"
	    "service \"echo\" {\n"
	    "  listen = { \"%s\", \"127.0.0.2:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    address_of(fd));
	again(muxd);
	manager_wait_count("muxd,", 2);
	assert_int_equal(manager_count("muxd,tcp,127.0.0.2%3A0"), 2);
	muxd_stop(muxd);
}

/* fault 15 */
static void
files_of_unix_sockets_stay(void **state)
{
	static const char conf[] = "workers = 2\n"
				   "service \"echo\" {\n"
				   "  listen = { \"unix:@DIR@/echo.sock\" }\n"
				   "  handler = \"echo\"\n"
				   "}\n";
	struct muxd *muxd = begin(conf);
	const char *address = muxd_address(muxd, "echo", 0);
	struct stat was, is;
	int fds[WAITING];
	const char *path = test_format("%s/echo.sock", muxd->dir);

	(void)state;
	manager_wait_count("muxd,unix,", 1);
	assert_int_equal(lstat(path, &was), 0);
	muxd_signal(muxd, SIGTERM);
	assert_int_equal(muxd_wait_status(muxd), 0);
	begin_to_wait(address, fds);
	again(muxd);
	expect_served(fds);
	assert_int_equal(lstat(path, &is), 0);
	assert_int_equal(is.st_ino, was.st_ino);
	/* One that nobody finds any more is made anew. */
	muxd_signal(muxd, SIGTERM);
	assert_int_equal(muxd_wait_status(muxd), 0);
	begin_to_wait(address, fds);
	assert_int_equal(unlink(path), 0);
	again(muxd);
	expect_served(fds);
	client_visit(address, NULL, "hello\n");
	muxd_signal(muxd, SIGTERM);
	assert_int_equal(muxd_wait_status(muxd), 0);
	assert_int_equal(unlink(path), 0);
}

static void
the_status_page_stays_where_it_is(void **state)
{
	static const char conf[] = "status { listen = { \"127.0.0.1:0\" } }\n"
				   "service \"echo\" {\n"
				   "  listen = { \"127.0.0.1:0\" }\n"
				   "  handler = \"echo\"\n"
				   "}\n";
	struct muxd *muxd = muxd_new();
	const char *line, *address;

	(void)state;
	muxd_configure(muxd, "%s", conf);
	if (muxd_run(muxd, "-t", "-c", test_format("%s/muxd.conf", muxd->dir))
		.status != 0)
		skip();
	manager_open();
	again(muxd);
	manager_wait_count("muxd,tcp,127.0.0.1%3A0,service=,status=1", 1);
	line = muxd_wait_log(muxd, "msg=\"status page\"");
	address = log_field(line, "address");
	restart(muxd);
	line = muxd_wait_log(muxd, "msg=\"status page\"");
	assert_string_equal(log_field(line, "address"), address);
	client_close(client_connect(address));
	muxd_stop(muxd);
}

/* ---- the shared memory ---- */

static void
counters_bans_and_limits_go_on(void **state)
{
	static const char conf[] = "workers = 2\n"
				   "service \"echo\" {\n"
				   "  listen = { \"127.0.0.1:0\" }\n"
				   "  handler = \"echo\"\n"
				   "  limit { connections = 2"
				   " when_full = \"refuse\" }\n"
				   "}\n";
	struct muxd *muxd = begin(conf);
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[2], i;

	(void)state;
	manager_wait_count("muxd-state", 1);
	(void)control_order(muxd, "ban 127.0.0.9 --for 10m");
	for (i = 0; i < 2; i++) {
		fds[i] = client_connect(address);
		client_echo(fds[i], "hello\n");
	}
	kill_all(muxd);
	again(muxd);
	/* What the dead held is given back, with a record of each. */
	muxd_wait_log(muxd, "reason=worker_died", "service=echo");
	client_visit(address, NULL, "hello\n");
	client_expect_reset(client_connect_from(address, "127.0.0.9"));
	assert_non_null(
	    strstr(control_order(muxd, "show services"), "\"sessions\":3"));
	muxd_stop(muxd);
}

static void
configure_pool(struct muxd *muxd, const char *a, const char *b)
{
	muxd_configure(muxd,
	    "workers = 2\n"
	    "defaults { drain_timeout = \"50ms\" }\n"
	    "pool \"p\" {\n"
	    "  server \"a\" { address = \"%s\" }\n"
	    "  server \"b\" { address = \"%s\" }\n"
	    "}\n"
	    "service \"relay\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"relay\"\n"
	    "  pool = \"p\"\n"
	    "}\n",
	    a, b);
}

/* What was ordered of a server holds; one that is another one now has nothing
 * of it. */
static void
what_was_set_by_hand_goes_on(void **state)
{
	struct muxd *muxd = muxd_new();
	int a = server_listen("127.0.0.1:0"), b = server_listen("127.0.0.1:0");
	int c = server_listen("127.0.0.1:0");
	int listeners[] = { a, b };

	(void)state;
	manager_open();
	configure_pool(muxd, address_of(a), address_of(b));
	again(muxd);
	(void)control_order(muxd, "disable p/a");
	(void)control_order(muxd, "set weight p/b 7");
	restart(muxd);
	server_expect_shares(muxd_address(muxd, "relay", 0), 4, listeners, 0);
	assert_non_null(
	    strstr(control_order(muxd, "show servers"), "\"weight\":7"));
	muxd_stop(muxd);
	configure_pool(muxd, address_of(c), address_of(b));
	again(muxd);
	listeners[0] = c;
	(void)control_order(muxd, "set weight p/b 1");
	server_expect_shares(muxd_address(muxd, "relay", 0), 4, listeners, 2);
	muxd_stop(muxd);
}

static void
memory_that_does_not_fit_is_dropped(void **state)
{
	/* There is room for some times as many workers as there are CPUs, or
	 * as are configured. */
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct muxd *muxd;

	(void)state;
	if (cpus >= 32)
		skip();
	muxd = begin("workers = 1\n"
		     "service \"echo\" {\n"
		     "  listen = { \"127.0.0.1:0\" }\n"
		     "  handler = \"echo\"\n"
		     "}\n");
	manager_wait_count("muxd-state", 1);
	(void)control_order(muxd, "ban 127.0.0.9 --for 10m");
	muxd_stop(muxd);
	muxd_configure(muxd,
	    "workers = %ld\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "}\n",
	    cpus + 1);
	again(muxd);
	muxd_wait_log(muxd, "level=warning", "*so many workers*");
	client_close(
	    client_connect_from(muxd_address(muxd, "echo", 0), "127.0.0.9"));
	assert_int_equal(manager_count("muxd-state"), 1);
	muxd_stop(muxd);
	/* Nor is what is no such memory at all. */
	manager_drop("muxd-state");
	manager_keep(open("/dev/null", O_RDWR | O_CLOEXEC), "muxd-state");
	muxd_configure(muxd, "%s", echo);
	again(muxd);
	muxd_wait_log(muxd, "level=warning", "*begin anew*");
	client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	muxd_stop(muxd);
}

static void
upgrade_keeps_what_is_kept(void **state)
{
	struct muxd *muxd = begin("workers = 2\n"
				  "service \"echo\" {\n"
				  "  listen = { \"127.0.0.1:0\","
				  " \"udp:127.0.0.1:0\" }\n"
				  "  handler = \"echo\"\n"
				  "}\n");
	size_t removals;
	pid_t before;

	(void)state;
	manager_wait_count("muxd,", 4);
	removals = manager_removals();
	before = upgrade_apply(muxd);
	upgrade_wait_left(muxd, before);
	/* It would be told of them in that order. */
	before = upgrade_apply(muxd);
	upgrade_wait_left(muxd, before);
	assert_int_equal(manager_removals(), removals);
	assert_int_equal(manager_count("muxd,"), 4);
	muxd_stop(muxd);
}

static void
page_that_goes_with_an_upgrade_is_not_kept(void **state)
{
	struct muxd *muxd;
	const char *page;
	pid_t before;

	(void)state;
	muxd = begin("status { listen = { \"127.0.0.1:0\" } }\n"
		     "workers = 1\n"
		     "service \"echo\" {\n"
		     "  listen = { \"127.0.0.1:0\" }\n"
		     "  handler = \"echo\"\n"
		     "}\n");
	page = status_address(muxd);
	manager_wait_count("muxd,tcp,", 2);
	muxd_configure(muxd, "%s", echo);
	before = upgrade_apply(muxd);
	upgrade_wait_left(muxd, before);
	manager_wait_count("muxd,tcp,", WORKERS);
	assert_int_equal(client_try_connect(page, NULL), -1);
	muxd_stop(muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		managed_test(
		    clients_of_a_killed_master_are_served_by_the_next_one),
		managed_test(a_restart_under_load_loses_nobody),
		managed_test(upgrade_keeps_what_is_kept),
		managed_test(page_that_goes_with_an_upgrade_is_not_kept),
		managed_test(more_and_fewer_workers_after_a_restart),
		managed_test(
		    clients_at_an_address_that_is_gone_are_served_and_it_refuses),
		managed_test(what_a_reload_removes_is_kept_no_longer),
		managed_test(descriptors_that_nobody_knows_are_closed),
		managed_test(clients_at_a_full_limit_are_not_turned_away),
		managed_test(what_the_manager_has_bound_itself_is_not_kept),
		managed_test(files_of_unix_sockets_stay),
		managed_test(the_status_page_stays_where_it_is),
		managed_test(counters_bans_and_limits_go_on),
		managed_test(what_was_set_by_hand_goes_on),
		managed_test(memory_that_does_not_fit_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
