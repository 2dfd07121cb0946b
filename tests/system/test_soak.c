/*
 * fault 44: many connections and reloads, after which muxd has what it had
 * before: descriptors, memory, and no session.
 *
 * In make check it is a short run; "make soak" is a million connections and a
 * hundred reloads (SOAK_CONNECTIONS and SOAK_RELOADS; some minutes), and
 * "make -C build-asan soak" the same under the sanitizers.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "control.h"
#include "harness.h"
#include "load.h"
#include "procfs.h"
#include "records.h"
#include "reload.h"

#define GUESTS  20 /* clients that stay all the time */
#define WORKERS 2

/* Rounds after which allocators have what they need for good. */
#define WARM_UP 4

/* What may come and go without being a leak. */
#define SLACK_KIB 1024

/* What one of muxd's processes has. */
struct holding {
	pid_t pid;
	size_t descriptors;
	uint64_t anonymous_kib;
};

struct soak {
	struct muxd *muxd;
	const char *echo; /* addresses */
	const char *front;
	uint32_t connections; /* of a round */
	unsigned rounds;
	int guests[GUESTS];
	struct holding before[WORKERS + 2];
};

static uint32_t
number_from(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

/* Each round has another configuration: what comes with one goes with the
 * next.  A few write their records. */
static const char *
configuration(unsigned round)
{
	const char *more = "";

	if (round % 2 == 1)
		more =
		    "service \"more\" {\n"
		    "  listen = { \"127.0.0.1:0\", \"udp:127.0.0.1:0\" }\n"
		    "  handler = \"echo\"\n"
		    "}\n"
		    "pool \"none\" { server \"x\" { address = \"[::1]:9\" } }\n"
		    "service \"idle\" {\n"
		    "  listen = { \"127.0.0.1:0\" }\n"
		    "  handler = \"relay\"\n"
		    "  pool = \"none\"\n"
		    "}\n";
	return test_format("workers = %d\n"
			   "log { target = \"stderr\" access = %s }\n"
			   "limits { per_source = %u }\n"
			   "service \"echo\" {\n"
			   "  listen = { \"127.0.0.1:0\" }\n"
			   "  handler = \"echo\"\n"
			   "}\n"
			   "service \"back\" {\n"
			   "  listen = { \"unix:@DIR@/back\" }\n"
			   "  handler = \"echo\"\n"
			   "}\n"
			   "service \"front\" {\n"
			   "  listen = { \"127.0.0.1:0\" }\n"
			   "  handler = \"relay\"\n"
			   "  pool = \"back\"\n"
			   "}\n"
			   "pool \"back\" {\n"
			   "  server \"a\" { address = \"unix:@DIR@/back\" }\n"
			   "  check { type = \"tcp\" interval = \"100ms\" }\n"
			   "}\n"
			   "%s",
	    WORKERS, round % 20 == 7 ? "true" : "false", 1000 + round, more);
}

/* All sessions but those of the guests have ended; a relayed guest has one
 * more at the service behind. */
static void
wait_quiet(const struct soak *soak)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();
	const char *want =
	    test_format("\nmuxd_live_sessions %d\n", GUESTS + GUESTS / 2);
	struct muxd_result result;

	for (;;) {
		result = muxctl_run(soak->muxd, "metrics");
		assert_int_equal(result.status, 0);
		if (strstr(result.out, want) != NULL)
			return;
		if (test_now_ms() > deadline)
			test_fail("sessions are left over: %s",
			    strstr(result.out, "\nmuxd_live_sessions "));
		poll(NULL, 0, 10);
	}
}

static void
measure(const struct soak *soak, struct holding holdings[WORKERS + 2])
{
	unsigned i;

	holdings[0].pid = soak->muxd->pid;
	holdings[1].pid = muxd_monitor(soak->muxd);
	for (i = 0; i < WORKERS; i++)
		holdings[2 + i].pid = muxd_worker(soak->muxd, i);
	for (i = 0; i < WORKERS + 2; i++) {
		holdings[i].descriptors = procfs_descriptors(holdings[i].pid);
		holdings[i].anonymous_kib =
		    procfs_anonymous_kib(holdings[i].pid);
	}
}

static const char *
compare(const struct holding *before, const struct holding *now)
{
	uint64_t most = before->anonymous_kib + before->anonymous_kib / 8;

	if (now->pid != before->pid)
		return "another process";
	if (now->descriptors != before->descriptors)
		return "descriptors";
	if (!test_is_instrumented() && now->anonymous_kib > most + SLACK_KIB)
		return "memory";
	return NULL;
}

/* What is under way, as a health check, ends soon. */
static void
expect_as_before(const struct soak *soak)
{
	int64_t deadline = test_now_ms() + test_deadline_ms();
	struct holding now[WORKERS + 2];
	const char *what;
	unsigned i;

	for (;;) {
		measure(soak, now);
		for (i = 0, what = NULL; i < WORKERS + 2 && what == NULL; i++)
			what = compare(&soak->before[i], &now[i]);
		if (what == NULL)
			return;
		if (test_now_ms() > deadline)
			break;
		poll(NULL, 0, 10);
	}
	i--;
	test_fail("%s of process %d: %zu descriptors and %llu KiB were %zu and"
		  " %llu",
	    what, (int)now[i].pid, now[i].descriptors,
	    (unsigned long long)now[i].anonymous_kib,
	    soak->before[i].descriptors,
	    (unsigned long long)soak->before[i].anonymous_kib);
}

/* Half of the clients are relayed; in the midst of it is a reload. */
static void
run_round(struct soak *soak, unsigned round)
{
	const char *source = test_format("127.0.0.%u", 2 + round % 200);
	const struct load loads[2] = {
		{ soak->echo, source, soak->connections / 2, 32 },
		{ soak->front, source, soak->connections / 2, 32 },
	};
	struct load_process *processes[2];
	struct load_result result;
	unsigned i;

	for (i = 0; i < 2; i++)
		processes[i] = load_start(&loads[i]);
	load_wait_progress(processes[0], loads[0].connections / 3);
	muxd_mark_log(soak->muxd);
	reload_with(soak->muxd, "%s", configuration(round));
	for (i = 0; i < 2; i++) {
		result = load_finish(processes[i]);
		assert_int_equal(result.refused, 0);
		assert_int_equal(result.lost, 0);
		assert_int_equal(result.served, loads[i].connections);
	}
	for (i = 0; i < GUESTS; i++)
		client_echo(soak->guests[i], "still here\n");
}

static void
nothing_grows(void **state)
{
	bool short_of_time = test_is_instrumented();
	struct soak soak = {
		.rounds = number_from("SOAK_RELOADS", short_of_time ? 4 : 10),
	};
	uint32_t all =
	    number_from("SOAK_CONNECTIONS", short_of_time ? 1000 : 20000);
	unsigned round;
	int i;

	(void)state;
	if (!procfs_available())
		skip();
	/* An even number, so that it ends with what it began with. */
	soak.rounds += soak.rounds % 2;
	soak.connections = all / soak.rounds + 2;
	soak.muxd = muxd_start("%s", configuration(0));
	soak.echo = muxd_address(soak.muxd, "echo", 0);
	soak.front = muxd_address(soak.muxd, "front", 0);
	for (i = 0; i < GUESTS; i++) {
		soak.guests[i] =
		    client_connect(i % 2 == 0 ? soak.echo : soak.front);
		client_echo(soak.guests[i], "here\n");
	}
	for (round = 1; round <= WARM_UP; round++)
		run_round(&soak, round);
	wait_quiet(&soak);
	measure(&soak, soak.before);
	for (round = 1; round <= soak.rounds; round++) {
		run_round(&soak, round);
		if (round % 2 == 0) {
			wait_quiet(&soak);
			expect_as_before(&soak);
		}
		if (soak.rounds >= 100 && round % 10 == 0)
			print_message("%u reloads, %u connections\n", round,
			    round * soak.connections);
	}
	for (i = 0; i < GUESTS; i++)
		client_close(soak.guests[i]);
	muxd_stop(soak.muxd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		system_test(nothing_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
