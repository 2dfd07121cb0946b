/*
 * Workers that take and give as fast as they can, and are killed at any
 * moment, some hundred times a second; their slots are released and filled
 * again while the others go on.  No limit is ever exceeded, and when all are
 * dead and released, nothing is held.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/ledger.h"
#include "state/limit.h"
#include "state/servers.h"
#include "state/sources.h"
#include "support.h"

#define WORKERS     4
#define ALL         ((1U << WORKERS) - 1)
#define SESSIONS    8 /* of state_small() */
#define CLIENTS     12
#define ROUNDS      400 /* of killing some at once: 800 kills */

#define TOTAL_MAX   20
#define SERVICE_MAX 15
#define SOURCE_MAX  4
#define MEMORY_MAX  50
#define SERVERS     2 /* of state_small() */
#define SERVER_MAX  3
#define QUEUE_MAX   2

struct storm {
	struct state *state;
	pid_t pids[WORKERS];
	_Atomic uint64_t rounds[WORKERS];
	_Atomic uint32_t exceeded;
};

struct role {
	struct storm *storm;
	struct ledger ledger;
	struct ledger_entry *entries[SESSIONS];
	unsigned worker;
	unsigned seed;
};

/* As an admission does, up to the first refusal. */
static void
admit(struct role *role, struct ledger_entry *entry)
{
	struct state *s = role->storm->state;
	const struct tally_author *author = &role->ledger.author;

	if (sources_take(s, author, 0, &entry->client, SOURCE_MAX, 0,
		&entry->holds, entry->holds | HOLD_SOURCE,
		&entry->source[0]) != SOURCE_TAKEN)
		return;
	if (sources_take(s, author, 1, &entry->client, SOURCE_MAX, 0,
		&entry->holds, entry->holds | HOLD_SERVICE_SOURCE,
		&entry->source[1]) != SOURCE_TAKEN)
		return;
	if (!limit_take(&s->services[0].connections, author, 1, SERVICE_MAX,
		&entry->holds, entry->holds | HOLD_SERVICE))
		return;
	if (!limit_take(s->total, author, 1, TOTAL_MAX, &entry->holds,
		entry->holds | HOLD_TOTAL))
		return;
	if (!ledger_take_server(&role->ledger, entry,
		role->storm->rounds[role->worker] % SERVERS, SERVER_MAX, false))
		ledger_take_queue(&role->ledger, entry, 0, QUEUE_MAX);
}

/* Go on to the other server, by way of the queue. */
static void
change_server(struct role *role, struct ledger_entry *entry)
{
	unsigned place = entry->server == 0 ? 1 : 0;

	ledger_give_server(&role->ledger, entry);
	if ((entry->holds & HOLD_QUEUE) == 0)
		ledger_take_queue(&role->ledger, entry, 0, QUEUE_MAX);
	if (ledger_take_server(&role->ledger, entry, place, SERVER_MAX, false))
		ledger_give_queue(&role->ledger, entry);
}

static void
use_memory(struct role *role)
{
	struct state *s = role->storm->state;
	_Atomic uint32_t *held = &s->workers[role->worker].memory_held;

	if (*held >= 7)
		limit_give(
		    s, s->memory, &role->ledger.author, 7, held, *held - 7);
	else
		limit_take(s->memory, &role->ledger.author, 3, MEMORY_MAX, held,
		    *held + 3);
}

static void
check_maxima(struct storm *storm)
{
	const struct state *s = storm->state;

	if (tally_read(&s->total->tally) > TOTAL_MAX ||
	    tally_read(&s->services[0].connections.tally) > SERVICE_MAX ||
	    tally_read(&s->memory->tally) > MEMORY_MAX ||
	    tally_read(&s->pools[0].queue.tally) > QUEUE_MAX)
		storm->exceeded++;
	for (unsigned i = 0; i < SERVERS; i++)
		if (tally_read(&s->servers[i].connections.tally) > SERVER_MAX)
			storm->exceeded++;
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct addr addr = client_number(i);

		if (sources_held(s, 0, &addr) > SOURCE_MAX)
			storm->exceeded++;
	}
}

static void
play(struct role *role)
{
	unsigned dice = (unsigned)rand_r(&role->seed);
	struct ledger_entry **entry = &role->entries[dice % SESSIONS];
	struct addr addr = client_number(dice / SESSIONS % CLIENTS);

	if (*entry != NULL && dice % 3 == 0) {
		change_server(role, *entry);
	} else if (*entry != NULL) {
		ledger_end(&role->ledger, *entry);
		*entry = NULL;
	} else {
		*entry = ledger_begin(&role->ledger, 0, &addr, 0);
		admit(role, *entry);
	}
	use_memory(role);
	if (dice % 16 == 0)
		check_maxima(role->storm);
	role->storm->rounds[role->worker]++;
}

static void
fill_slot(struct storm *storm, unsigned worker, unsigned seed)
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		struct role role = {
			.storm = storm, .worker = worker, .seed = seed
		};

		/* Ends with the test, however that ends. */
		alarm(120);
		if (ledger_open(&role.ledger, storm->state, worker) == -1)
			_exit(1);
		for (;;)
			play(&role);
	}
	storm->pids[worker] = pid;
}

/* Kill the workers of the set at once, and only then release them, the first
 * one last or first. */
static void
kill_set(struct storm *storm, unsigned set, bool upwards)
{
	int status;

	for (unsigned i = 0; i < WORKERS; i++) {
		if (set & 1U << i)
			assert_int_equal(kill(storm->pids[i], SIGKILL), 0);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		if ((set & 1U << i) == 0)
			continue;
		assert_int_equal(
		    waitpid(storm->pids[i], &status, 0), storm->pids[i]);
		assert_true(WIFSIGNALED(status));
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		unsigned worker = upwards ? i : WORKERS - 1 - i;

		if (set & 1U << worker)
			state_release_worker(storm->state, worker, NULL, NULL);
	}
}

/* Let a worker do some more rounds, so that every incarnation is killed in
 * the midst of its work. */
static void
wait_rounds(const struct storm *storm, unsigned worker, unsigned n)
{
	uint64_t until = storm->rounds[worker] + n;

	while (storm->rounds[worker] < until)
		sched_yield();
}

/* fault 1, fault 70 */
static void
limits_stay_exact_while_workers_are_killed(void **state)
{
	struct storm *storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned seed = 1, set = ALL;

	(void)state;
	assert_ptr_not_equal(storm, MAP_FAILED);
	storm->state = state_small(WORKERS);
	for (unsigned round = 0; round <= ROUNDS; round++) {
		for (unsigned i = 0; i < WORKERS; i++) {
			if (set & 1U << i)
				fill_slot(storm, i, seed + i);
		}
		set = round == ROUNDS ? ALL : (unsigned)rand_r(&seed) & ALL;
		wait_rounds(storm, round % WORKERS, seed % 20);
		kill_set(storm, set, seed % 2 == 0);
		check_maxima(storm);
		assert_int_equal(storm->exceeded, 0);
		if (set == ALL) {
			assert_all_given_back(storm->state);
			assert_int_equal(count_marks(storm->state), 0);
		}
	}
	state_close(storm->state);
	munmap(storm, sizeof(*storm));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_stay_exact_while_workers_are_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
