/*
 * A reload changes the number of workers: nobody is reset, sessions of workers
 * that are retired go on, limits stay exact.
 */
#include <sys/socket.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "load.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"
#include "server.h"

#define CLIENTS 48

#define ECHO                               \
	"service \"echo\" {\n"             \
	"  listen = { \"127.0.0.1:0\" }\n" \
	"  handler = \"echo\"\n"           \
	"}\n"

/* Somewhere in it, whoever writes how many workers there are. */
static void
set_workers(struct muxd *muxd, unsigned workers, const char *rest)
{
	reload_with(muxd, "workers = %u\n%s", workers, rest);
}

static void
stop(struct muxd *muxd)
{
	client_close_all();
	muxd_stop(muxd);
}

/* The log, from the mark on, has n lines of that kind from the slots between,
 * each. */
static void
wait_workers(struct muxd *muxd, const char *what, unsigned first, unsigned last)
{
	for (; first <= last; first++)
		muxd_wait_log(muxd, test_format("msg=\"worker %s\"", what),
		    test_format("slot=%u", first));
}

static void
connect_all(int *fds, const char *address)
{
	size_t i;

	for (i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(address);
		client_echo(fds[i], "before\n");
	}
}

/* fault 6 */
static void
load_does_not_notice(void **state)
{
	struct muxd *muxd = muxd_start("workers = 4\n" ECHO);
	const struct load load = {
		.address = muxd_address(muxd, "echo", 0),
		.connections = test_is_instrumented() ? 2000 : 40000,
		.parallel = 20,
	};
	struct load_process *process = load_start(&load);
	struct load_result result;

	(void)state;
	load_wait_progress(process, load.connections / 8);
	set_workers(muxd, 2, ECHO);
	wait_workers(muxd, "ended", 2, 3);
	load_wait_progress(process, load.connections / 8 * 3);
	set_workers(muxd, 8, ECHO);
	wait_workers(muxd, "started", 2, 7);
	load_wait_progress(process, load.connections / 8 * 5);
	set_workers(muxd, 1, ECHO);
	wait_workers(muxd, "ended", 1, 7);
	set_workers(muxd, 3, ECHO);
	wait_workers(muxd, "started", 1, 2);
	result = load_finish(process);
	assert_int_equal(result.refused, 0);
	assert_int_equal(result.lost, 0);
	assert_int_equal(result.served, load.connections);
	assert_int_equal(muxd_count_log(muxd, "level=error"), 0);
	stop(muxd);
}

/* Those that came again serve, and the one that has looked after their sockets
 * leaves them alone. */
static void
slot_is_used_again(void **state)
{
	struct muxd *muxd = muxd_start("workers = 3\n" ECHO);
	int fds[CLIENTS];
	size_t n[3] = { 0 }, i;

	(void)state;
	set_workers(muxd, 1, ECHO);
	wait_workers(muxd, "ended", 1, 2);
	connect_all(fds, muxd_address(muxd, "echo", 0));
	client_close_all();
	muxd_wait_logs(
	    muxd, CLIENTS, "msg=\"session ended\"", "service=echo", "worker=0");
	set_workers(muxd, 3, ECHO);
	wait_workers(muxd, "started", 1, 2);
	/* The records are in the order in which they were written. */
	do {
		connect_all(fds, muxd_address(muxd, "echo", 0));
		client_close_all();
		for (i = 0; i < 3; i++)
			n[i] = muxd_count_log(muxd, "msg=\"session ended\"",
			    test_format("worker=%zu", i));
	} while (n[1] < CLIENTS || n[2] < CLIENTS);
	/* A third of all is its share; chance has some say. */
	assert_in_range(n[0], 0, (n[1] + n[2]) * 4 / 5);
	stop(muxd);
}

/* fault 7: a handshake is not over before the client sends something. */
static void
half_open_handshakes_are_served(void **state)
{
	static const char text[] = "service \"echo\" {\n"
				   "  listen = { \"127.0.0.1:0\" }\n"
				   "  handler = \"echo\"\n"
				   "  socket { defer_accept = \"60s\" }\n"
				   "}\n";
	struct muxd *muxd = muxd_start("workers = 4\n%s", text);
	int fds[CLIENTS];
	size_t i;

	(void)state;
	for (i = 0; i < CLIENTS; i++)
		fds[i] = client_connect(muxd_address(muxd, "echo", 0));
	set_workers(muxd, 1, text);
	wait_workers(muxd, "ended", 1, 3);
	for (i = 0; i < CLIENTS / 3; i++)
		client_echo(fds[i], "after the workers\n");
	/* Nor does the end of the one that has taken them over matter. */
	assert_int_equal(kill(muxd_worker(muxd, 0), SIGKILL), 0);
	muxd_wait_logs(muxd, 1, "msg=\"worker started\"", "slot=0");
	for (; i < CLIENTS * 2 / 3; i++)
		client_echo(fds[i], "and after another\n");
	reload_apply(muxd);
	for (; i < CLIENTS; i++)
		client_echo(fds[i], "and after a reload\n");
	stop(muxd);
}

/* fault 13 */
static void
retired_worker_ends_with_its_sessions(void **state)
{
	struct muxd *muxd;
	char before[32], after[32];
	int fds[CLIENTS];
	pid_t retired;
	size_t i, mine;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = muxd_start("workers = 2\n" ECHO);
	connect_all(fds, muxd_address(muxd, "echo", 0));
	retired = muxd_worker(muxd, 1);
	set_workers(muxd, 1, ECHO);
	for (i = 0; i < CLIENTS; i++)
		client_echo(fds[i], "after\n");
	/* It hears nothing of who comes now. */
	assert_true(procfs_status(
	    retired, "voluntary_ctxt_switches", before, sizeof(before)));
	for (i = 0; i < 500; i++)
		client_visit(muxd_address(muxd, "echo", 0), NULL, "hello\n");
	assert_true(procfs_status(
	    retired, "voluntary_ctxt_switches", after, sizeof(after)));
	/* Its heartbeat wakes it once a second. */
	assert_in_range(atoi(after) - atoi(before), 0, 30);
	assert_true(procfs_alive(retired));
	muxd_mark_log(muxd);
	for (i = 0; i < CLIENTS; i++)
		client_close(fds[i]);
	muxd_wait_log(muxd, "msg=\"worker ended\"", "slot=1", "status=0");
	procfs_wait_gone(retired);
	mine = muxd_count_log(muxd, "msg=\"session ended\"", "worker=1");
	assert_in_range(mine, 1, CLIENTS - 1);
	stop(muxd);
}

/* fault 13 */
static void
retired_worker_ends_at_the_deadline(void **state)
{
	static const char text[] =
	    "defaults { drain_timeout = \"100ms\" }\n" ECHO;
	struct muxd *muxd = muxd_start("workers = 2\n%s", text);
	int fds[CLIENTS];
	size_t i, ended = 0;

	(void)state;
	connect_all(fds, muxd_address(muxd, "echo", 0));
	set_workers(muxd, 1, text);
	muxd_wait_log(muxd, "msg=\"worker ended\"", "slot=1", "status=0");
	for (i = 0; i < CLIENTS; i++) {
		if (client_peek(fds[i]) != CLIENT_SILENT)
			ended++;
		else
			client_echo(fds[i], "others go on\n");
	}
	assert_in_range(ended, 1, CLIENTS - 1);
	muxd_wait_logs(
	    muxd, ended, "msg=\"session ended\"", "reason=drain_deadline");
	stop(muxd);
}

static void
limit_stays_exact(void **state)
{
	static const char text[] = "limits { connections = 48 }\n"
				   "service \"echo\" {\n"
				   "  listen = { \"127.0.0.1:0\" }\n"
				   "  handler = \"echo\"\n"
				   "  limit { when_full = \"refuse\" }\n"
				   "}\n";
	struct muxd *muxd = muxd_start("workers = 4\n%s", text);
	const char *address = muxd_address(muxd, "echo", 0);
	int fds[CLIENTS];
	unsigned round;
	size_t i;

	(void)state;
	connect_all(fds, address);
	for (round = 0; round < 2; round++) {
		client_expect_refused(address, NULL);
		set_workers(muxd, round == 0 ? 1 : 6, text);
		client_expect_refused(address, NULL);
		muxd_mark_log(muxd);
		for (i = 0; i < CLIENTS; i++)
			client_close(fds[i]);
		muxd_wait_logs(
		    muxd, CLIENTS, "msg=\"session ended\"", "reason=*");
		connect_all(fds, address);
	}
	client_expect_refused(address, NULL);
	stop(muxd);
}

/* Who waits for a limit at a worker that is retired still waits. */
static void
who_waits_at_a_retired_worker_gets_in(void **state)
{
	static const char text[] =
	    "limits { connections = 1 }\n"
	    "service \"echo\" {\n"
	    "  listen = { \"127.0.0.1:0\" }\n"
	    "  handler = \"echo\"\n"
	    "  limit { when_full = \"wait\" wait_timeout = \"1h\" }\n"
	    "}\n";
	struct muxd *muxd = muxd_start("workers = 4\n%s", text);
	const char *address = muxd_address(muxd, "echo", 0);
	int first = client_connect(address), fds[CLIENTS];
	struct pollfd polls[CLIENTS];
	size_t i, served;

	(void)state;
	client_echo(first, "before\n");
	for (i = 0; i < CLIENTS; i++) {
		fds[i] = client_connect(address);
		client_send_text(fds[i], "waiting\n");
		polls[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	}
	set_workers(muxd, 1, text);
	client_echo(first, "after\n");
	client_close(first);
	for (served = 0; served < CLIENTS; served++) {
		assert_true(poll(polls, CLIENTS, test_deadline_ms()) > 0);
		for (i = 0; polls[i].revents == 0;)
			i++;
		client_expect_text(fds[i], "waiting\n");
		client_close(fds[i]);
		polls[i].fd = -1;
		polls[i].revents = 0;
	}
	stop(muxd);
}

static void
master_keeps_no_descriptors(void **state)
{
	struct muxd *muxd;
	size_t n = 0, before;
	unsigned round;

	(void)state;
	if (!procfs_available())
		skip();
	muxd = muxd_start("workers = 2\n" ECHO);
	for (round = 0; round < 4; round++) {
		before = n;
		set_workers(muxd, 6, ECHO);
		wait_workers(muxd, "started", 2, 5);
		set_workers(muxd, 2, ECHO);
		wait_workers(muxd, "ended", 2, 5);
		n = procfs_descriptors(muxd->pid);
		/* The sockets of a slot stay once it has had some. */
		if (round > 0)
			assert_int_equal(n, before);
	}
	stop(muxd);
}

static void
more_than_there_is_room_for_take_a_restart(void **state)
{
	struct muxd *muxd = muxd_start("workers = 2\n" ECHO);

	(void)state;
	muxd_configure(muxd, "workers = 256\n" ECHO);
	reload_expect_refused(muxd, "workers = 256 takes a restart");
	set_workers(muxd, 3, ECHO);
	wait_workers(muxd, "started", 2, 2);
	stop(muxd);
}

/* Relayed datagrams: clients, and whom the server has seen each as. */
struct crowd {
	int server;
	int clients[CLIENTS];
	struct sockaddr_storage seen[CLIENTS];
};

/* All ask, and get their own answer; how many are others for the server than
 * the last time. */
static size_t
crowd_talk(struct crowd *crowd)
{
	struct pollfd pollfd = { .fd = crowd->server, .events = POLLIN };
	struct sockaddr_storage ss;
	size_t i, number, moved = 0;
	socklen_t len;

	for (i = 0; i < CLIENTS; i++) {
		client_send(crowd->clients[i], &i, sizeof(i));
		memset(&ss, 0, sizeof(ss));
		len = sizeof(ss);
		if (poll(&pollfd, 1, test_deadline_ms()) != 1)
			test_fail("client %zu does not come through", i);
		assert_int_equal(
		    recvfrom(crowd->server, &number, sizeof(number), 0,
			(struct sockaddr *)&ss, &len),
		    sizeof(number));
		assert_int_equal(number, i);
		moved += memcmp(&ss, &crowd->seen[i], sizeof(ss)) != 0;
		crowd->seen[i] = ss;
		assert_int_equal(sendto(crowd->server, &number, sizeof(number),
				     0, (struct sockaddr *)&ss, len),
		    sizeof(number));
		number = CLIENTS;
		assert_int_equal(
		    client_receive(crowd->clients[i], &number, sizeof(number)),
		    sizeof(number));
		assert_int_equal(number, i);
	}
	return moved;
}

/* fault 18 */
static void
relayed_datagrams_stay_in_their_sessions(void **state)
{
	struct crowd crowd = { .server = server_listen("udp:127.0.0.1:0") };
	const char *rest = test_format("defaults { drain_timeout = \"1h\" }\n"
				       "pool \"p\" {\n"
				       "  server \"s\" { address = \"%s\" }\n"
				       "  udp { idle_timeout = \"1h\" }\n"
				       "}\n"
				       "service \"relay\" {\n"
				       "  listen = { \"udp:127.0.0.1:0\" }\n"
				       "  handler = \"relay\"\n"
				       "  pool = \"p\"\n"
				       "}\n",
	    address_of(crowd.server));
	static const unsigned workers[] = { 4, 2, 1, 3 };
	struct muxd *muxd;
	size_t i;

	(void)state;
	/* From one, too, where nothing was dealt before. */
	for (i = 0; i < 2; i++) {
		muxd = muxd_start("workers = %zu\n%s", i + 1, rest);
		for (size_t j = 0; j < CLIENTS; j++)
			crowd.clients[j] =
			    client_connect(muxd_address(muxd, "relay", 0));
		(void)crowd_talk(&crowd);
		for (size_t j = 0; j < sizeof(workers) / sizeof(workers[0]);
		     j++) {
			set_workers(muxd, workers[j], rest);
			assert_int_equal(crowd_talk(&crowd), 0);
		}
		muxd_signal(muxd, SIGTERM);
		muxd_wait_log(muxd, "msg=\"stopping: *");
		assert_int_equal(crowd_talk(&crowd), 0);
		muxd_signal(muxd, SIGTERM);
		assert_int_equal(muxd_wait_status(muxd), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(load_does_not_notice),
		system_test(slot_is_used_again),
		system_test(half_open_handshakes_are_served),
		system_test(retired_worker_ends_with_its_sessions),
		system_test(retired_worker_ends_at_the_deadline),
		system_test(limit_stays_exact),
		system_test(who_waits_at_a_retired_worker_gets_in),
		system_test(master_keeps_no_descriptors),
		system_test(more_than_there_is_room_for_take_a_restart),
		system_test(relayed_datagrams_stay_in_their_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
