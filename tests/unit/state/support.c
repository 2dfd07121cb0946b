/*
 * See support.h.
 */
#include "support.h"

#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/servers.h"

struct addr
client_number(unsigned n)
{
	return (struct addr){
		.family = ADDR_INET4,
		.port = 40000,
		.ip = { 192, 0, (uint8_t)(2 + n / 256), (uint8_t)n },
	};
}

struct state *
state_small(unsigned workers)
{
	const struct state_shape shape = {
		.workers = workers,
		.services = 1,
		.sessions = 8,
		.sources = 1,
		.pools = 1,
		.servers = 2,
	};
	struct state *state = state_create(&shape);

	assert_non_null(state);
	state->header->seed = 1;
	return state;
}

struct state *
state_copy(const struct state *state)
{
	struct state *copy = state_create(&state->shape);

	assert_non_null(copy);
	state_copy_to(state, copy);
	return copy;
}

void
state_copy_to(const struct state *from, struct state *to)
{
	assert_int_equal(from->size, to->size);
	memcpy(to->header, from->header, from->size);
}

unsigned
count_places(const struct state *state, const struct addr *addr)
{
	uint64_t prefix = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < 8; i++)
		prefix = prefix << 8 | (i < 4 ? addr->ip[i] : 0);
	for (uint32_t i = 0; i < state->shape.sources; i++) {
		const struct source *place = &state->sources[i];

		if (place->tag != 0 && place->prefix == prefix &&
		    tally_word_count(place->tally.word) != TALLY_MARK)
			n++;
	}
	return n;
}

unsigned
count_marks(const struct state *state)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < state->shape.sources; i++) {
		if (tally_word_count(state->sources[i].tally.word) ==
		    TALLY_MARK)
			n++;
	}
	return n;
}

void
assert_all_given_back(const struct state *state)
{
	assert_int_equal(tally_read(&state->total->tally), 0);
	assert_int_equal(tally_read(&state->memory->tally), 0);
	for (uint32_t i = 0; i < state->shape.services; i++)
		assert_int_equal(
		    tally_read(&state->services[i].connections.tally), 0);
	for (uint32_t i = 0; i < state->shape.servers; i++)
		assert_int_equal(
		    tally_read(&state->servers[i].connections.tally), 0);
	for (uint32_t i = 0; i < state->shape.pools; i++)
		assert_int_equal(tally_read(&state->pools[i].queue.tally), 0);
	for (uint32_t i = 0; i < state->shape.sources; i++)
		assert_int_equal(
		    tally_word_count(state->sources[i].tally.word), 0);
	for (uint32_t i = 0; i < state->shape.workers; i++) {
		assert_int_equal(state->workers[i].memory_held, 0);
		assert_int_equal(state->workers[i].sessions, 0);
	}
	for (uint32_t i = 0; i < state->shape.workers * state->shape.sessions;
	     i++) {
		assert_int_equal(state->ledger[i].holds, 0);
		assert_int_equal(state->ledger[i].id, 0);
	}
}

enum source_verdict
source_take_at(struct state *s, unsigned worker, unsigned n, uint32_t max,
    uint64_t now_ms, uint32_t *index)
{
	struct tally_author author = state_author(s, worker);
	struct addr addr = client_number(n);
	_Atomic uint32_t *cell = &s->workers[worker].memory_held;

	return sources_take(s, &author, SOURCE_SCOPE_DAEMON, &addr, max, now_ms,
	    cell, *cell + 1, index);
}

enum source_verdict
source_take(struct state *s, unsigned worker, unsigned n, uint32_t *index)
{
	return source_take_at(s, worker, n, 2, NOW, index);
}

void
source_give(struct state *s, unsigned worker, uint32_t index)
{
	struct tally_author author = state_author(s, worker);
	_Atomic uint32_t *cell = &s->workers[worker].memory_held;

	sources_give(s, &author, index, cell, *cell - 1);
}

enum source_verdict
source_rate(struct state *s, unsigned worker, unsigned n, struct rate r,
    uint64_t now_ms)
{
	struct tally_author author = state_author(s, worker);
	struct addr addr = client_number(n);

	return sources_rate(s, &author, SOURCE_SCOPE_DAEMON, &addr,
	    SOURCE_CONNECTIONS, r, now_ms);
}

uint32_t
source_held(const struct state *s, unsigned n)
{
	struct addr addr = client_number(n);

	return sources_held(s, SOURCE_SCOPE_DAEMON, &addr);
}

pid_t
child_start(void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	return pid;
}

void
child_join(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
