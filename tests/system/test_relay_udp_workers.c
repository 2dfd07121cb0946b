/*
 * Relayed datagrams where there are several workers: a client's come to one
 * of them, and whatever becomes of the others is nothing to it.
 */
#include <sys/socket.h>

#include <poll.h>
#include <signal.h>
#include <string.h>

#include "address.h"
#include "client.h"
#include "harness.h"
#include "procfs.h"
#include "records.h"
#include "server.h"

#define CLIENTS 24

/* Clients, and the address that the server last saw each with. */
struct crowd {
	struct muxd *muxd;
	int server;
	int clients[CLIENTS];
	struct sockaddr_storage seen[CLIENTS];
};

static void
crowd_gather(struct crowd *crowd)
{
	size_t i;

	memset(crowd, 0, sizeof(*crowd));
	crowd->server = server_listen("udp:127.0.0.1:0");
	crowd->muxd = muxd_start("workers = 2\n"
				 "defaults { drain_timeout = \"50ms\" }\n"
				 "pool \"p\" {\n"
				 "  server \"s\" { address = \"%s\" }\n"
				 "  udp { idle_timeout = \"1h\" }\n"
				 "}\n"
				 "service \"relay\" {\n"
				 "  listen = { \"udp:127.0.0.1:0\" }\n"
				 "  handler = \"relay\"\n"
				 "  pool = \"p\"\n"
				 "}\n",
	    address_of(crowd->server));
	for (i = 0; i < CLIENTS; i++)
		crowd->clients[i] =
		    client_connect(muxd_address(crowd->muxd, "relay", 0));
}

/* Serve the client that asks; which it is. */
static size_t
serve_one(struct crowd *crowd)
{
	struct pollfd pollfd = { .fd = crowd->server, .events = POLLIN };
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);
	size_t number;

	if (poll(&pollfd, 1, test_deadline_ms()) != 1)
		test_fail("nobody asks the server");
	assert_int_equal(recvfrom(crowd->server, &number, sizeof(number), 0,
			     (struct sockaddr *)&ss, &len),
	    sizeof(number));
	assert_in_range(number, 0, CLIENTS - 1);
	crowd->seen[number] = ss;
	assert_int_equal(sendto(crowd->server, &number, sizeof(number), 0,
			     (struct sockaddr *)&ss, len),
	    sizeof(number));
	return number;
}

static void
ask(const struct crowd *crowd, size_t i)
{
	client_send(crowd->clients[i], &i, sizeof(i));
}

static void
expect_own_answer(const struct crowd *crowd, size_t i)
{
	size_t number = CLIENTS;

	assert_int_equal(
	    client_receive(crowd->clients[i], &number, sizeof(number)),
	    sizeof(number));
	assert_int_equal(number, i);
}

/* All ask, and each gets its own answer. */
static void
crowd_talk(struct crowd *crowd)
{
	size_t i;

	for (i = 0; i < CLIENTS; i++)
		ask(crowd, i);
	for (i = 0; i < CLIENTS; i++)
		(void)serve_one(crowd);
	for (i = 0; i < CLIENTS; i++)
		expect_own_answer(crowd, i);
}

/* Note in which sessions the clients are no longer those of before. */
static size_t
count_moved(const struct crowd *crowd, const struct sockaddr_storage *before)
{
	size_t i, n = 0;

	for (i = 0; i < CLIENTS; i++)
		n +=
		    memcmp(&crowd->seen[i], &before[i], sizeof(before[i])) != 0;
	return n;
}

/* fault 18, as far as workers that are killed go */
static void
killed_worker_moves_nobody_else(void **state)
{
	struct sockaddr_storage before[CLIENTS];
	struct crowd crowd;
	size_t moved, lost = 0;
	unsigned slot;

	(void)state;
	crowd_gather(&crowd);
	crowd_talk(&crowd);
	for (slot = 0; slot < 2; slot++) {
		memcpy(before, crowd.seen, sizeof(before));
		assert_int_equal(
		    kill(muxd_worker(crowd.muxd, slot), SIGKILL), 0);
		muxd_wait_logs(crowd.muxd, 2, "msg=\"worker started\"",
		    test_format("slot=%u", slot));
		crowd_talk(&crowd);
		moved = count_moved(&crowd, before);
		assert_in_range(moved, 1, CLIENTS - 1);
		lost += moved;
		muxd_wait_logs(crowd.muxd, lost, "reason=worker_died");
	}
	muxd_stop(crowd.muxd);
}

/* faults 4 and 18 */
static void
hanging_worker_moves_its_own_clients_alone(void **state)
{
	struct sockaddr_storage before[CLIENTS];
	struct crowd crowd;
	pid_t sick;
	size_t moved;

	(void)state;
	if (!procfs_available())
		skip();
	crowd_gather(&crowd);
	crowd_talk(&crowd);
	memcpy(before, crowd.seen, sizeof(before));
	sick = muxd_worker(crowd.muxd, 0);
	procfs_stop(sick);
	muxd_wait_log(crowd.muxd, "msg=\"new clients are steered around*");
	crowd_talk(&crowd);
	moved = count_moved(&crowd, before);
	assert_in_range(moved, 1, CLIENTS - 1);
	/* It comes to, and so do its clients find their sessions. */
	assert_int_equal(kill(sick, SIGCONT), 0);
	muxd_wait_log(crowd.muxd, "msg=\"all workers take new clients\"");
	crowd_talk(&crowd);
	assert_int_equal(count_moved(&crowd, before), 0);
	muxd_stop(crowd.muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(killed_worker_moves_nobody_else),
		system_test(hanging_worker_moves_its_own_clients_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
