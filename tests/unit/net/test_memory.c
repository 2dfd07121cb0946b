/*
 * Memory for bytes that wait: the pool keeps to its ceiling and to its word
 * about the reserve, streams that meet the ceiling wait and lose nothing, and
 * allocations may fail anywhere.
 */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/dgram.h"

#include "owner.h"

void *__real_mem_zalloc(size_t size);
void *__real_mem_array(size_t n, size_t size);
void *__wrap_mem_zalloc(size_t size);
void *__wrap_mem_array(size_t n, size_t size);

/* Allocations that still succeed; -1: all do. */
static long allocations_left = -1;
static unsigned allocations_failed;

static bool
allocation_fails(void)
{
	if (allocations_left == -1)
		return false;
	if (allocations_left > 0) {
		allocations_left--;
		return false;
	}
	allocations_failed++;
	errno = ENOMEM;
	return true;
}

void *
__wrap_mem_zalloc(size_t size)
{
	return allocation_fails() ? NULL : __real_mem_zalloc(size);
}

void *
__wrap_mem_array(size_t n, size_t size)
{
	return allocation_fails() ? NULL : __real_mem_array(n, size);
}

static void
idle_pool_holds_its_reserve_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct bufpool *pool = &f->net.pool;
	unsigned calls;

	assert_int_equal(f->ceiling.taken, 0);
	assert_true(bufpool_ready(pool));
	assert_int_equal(f->ceiling.taken, NET_RESERVE);
	calls = f->ceiling.calls;
	assert_true(bufpool_ready(pool));
	assert_int_equal(f->ceiling.calls, calls);
}

static void
pool_seldom_touches_the_shared_count(void **state)
{
	struct fixture *f = *state;
	struct bufpool *pool = &f->net.pool;
	struct chunk *chunks[8];
	unsigned calls, i, j;

	assert_true(bufpool_ready(pool));
	for (i = 0; i < COUNT(chunks); i++)
		chunks[i] = bufpool_take(pool);
	assert_true(bufpool_ready(pool));
	calls = f->ceiling.calls;
	/* A queue that comes and goes. */
	for (i = 0; i < 1000; i++) {
		for (j = 0; j < COUNT(chunks); j++)
			bufpool_give(pool, chunks[j]);
		assert_true(bufpool_ready(pool));
		for (j = 0; j < COUNT(chunks); j++)
			chunks[j] = bufpool_take(pool);
		assert_true(bufpool_ready(pool));
	}
	assert_true(f->ceiling.calls <= calls + 1);
	for (i = 0; i < COUNT(chunks); i++)
		bufpool_give(pool, chunks[i]);
	assert_int_equal(f->ceiling.taken, pool->granted);
	assert_true(bufpool_has_spare(pool));
	bufpool_trim(pool);
	assert_int_equal(f->ceiling.taken, NET_RESERVE);
}

static void
pool_is_not_ready_at_the_ceiling(void **state)
{
	struct fixture *f = *state;
	struct bufpool *pool = &f->net.pool;
	struct chunk *chunks[NET_RESERVE];
	unsigned i;

	f->ceiling.max = NET_RESERVE + 3;
	assert_true(bufpool_ready(pool));
	for (i = 0; i < 3; i++)
		chunks[i] = bufpool_take(pool);
	assert_true(bufpool_ready(pool));
	assert_int_equal(f->ceiling.taken, f->ceiling.max);
	assert_false(f->ceiling.waiting);
	chunks[3] = bufpool_take(pool);
	assert_false(bufpool_ready(pool));
	assert_true(f->ceiling.waiting);
	/* What was promised is there all the same. */
	for (i = 4; i < NET_RESERVE; i++)
		assert_non_null(chunks[i] = bufpool_take(pool));
	for (i = 0; i < NET_RESERVE; i++)
		bufpool_give(pool, chunks[i]);
	assert_true(bufpool_ready(pool));
}

static void
pool_keeps_no_grant_without_a_chunk(void **state) /* fault 42 */
{
	struct fixture *f = *state;
	struct bufpool *pool = &f->net.pool;
	long n;

	for (n = 0; n < (long)NET_RESERVE; n++) {
		allocations_left = n;
		assert_false(bufpool_ready(pool));
		assert_int_equal(f->ceiling.taken, pool->granted);
		assert_int_equal(pool->granted, pool->nfree);
		allocations_left = -1;
		bufpool_close(pool);
		assert_int_equal(f->ceiling.taken, 0);
	}
	assert_true(bufpool_ready(pool));
}

/* Who has just given back what it could not use would be woken at once, and
 * go round and round. */
static void
failed_allocation_is_not_waited_for_at_the_ceiling(void **state)
{
	struct fixture *f = *state;
	struct bufpool *pool = &f->net.pool;

	allocations_left = 3;
	assert_false(bufpool_ready(pool));
	assert_false(f->ceiling.waiting);
	allocations_left = -1;
	f->ceiling.max = NET_RESERVE - 1;
	assert_false(bufpool_ready(pool));
	assert_true(f->ceiling.waiting);
}

/* One of several clients that read slowly. */
struct client {
	struct owner owner;
	int fd;
	uint64_t sent;
	uint64_t received;
	bool ended;
};

enum { CLIENTS = 6, CLIENT_BYTES = 2 << 20 };

static void
client_open(struct client *client, struct fixture *f)
{
	int fds[2];

	client->owner.echo = true;
	client->owner.finish_at_end = true;
	client->owner.hold_at_full = true;
	fixture_unix_pair(fds);
	fixture_small_buffers(fds[0]);
	client->fd = fds[1];
	owner_open(&client->owner, f, fds[0]);
}

static void
client_send(struct client *client)
{
	size_t len = FIXTURE_SPAN;
	ssize_t n = 0;

	while (n != -1 && client->sent < CLIENT_BYTES) {
		n = send(
		    client->fd, fixture_noise(client->sent), len, MSG_NOSIGNAL);
		client->sent += n == -1 ? 0 : (uint64_t)n;
		if (client->sent >= CLIENT_BYTES)
			shutdown(client->fd, SHUT_WR);
	}
}

static void
client_receive(struct client *client, size_t max)
{
	static unsigned char got[FIXTURE_SPAN];
	ssize_t n = recv(client->fd, got, max, 0);

	if (n == 0)
		client->ended = true;
	if (n <= 0)
		return;
	assert_memory_equal(got, fixture_noise(client->received), (size_t)n);
	client->received += (uint64_t)n;
}

static void
at_the_ceiling_everything_still_arrives(void **state)
{
	struct fixture *f = *state;
	struct client clients[CLIENTS];
	unsigned i, ended = 0;

	memset(clients, 0, sizeof(clients));
	f->ceiling.max = NET_RESERVE + 24;
	for (i = 0; i < CLIENTS; i++)
		client_open(&clients[i], f);
	while (ended < CLIENTS) {
		for (i = 0; i < CLIENTS; i++)
			if (clients[i].sent < CLIENT_BYTES)
				client_send(&clients[i]);
		assert_int_not_equal(loop_turn(f->loop, 0), -1);
		for (i = ended = 0; i < CLIENTS; i++) {
			client_receive(&clients[i], 3000 + 7000 * i);
			ended += clients[i].ended;
		}
	}
	assert_true(f->ceiling.waiting);
	assert_true(f->ceiling.peak <= f->ceiling.max);
	for (i = 0; i < CLIENTS; i++) {
		assert_int_equal(clients[i].received, clients[i].sent);
		stream_close(&clients[i].owner.stream);
		close(clients[i].fd);
	}
}

static void
stream_waits_while_others_hold_the_memory(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .echo = true };
	int fds[2];

	/* Another worker has it all. */
	f->ceiling.taken = f->ceiling.max;
	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	assert_int_equal(send(fds[1], "patience", 8, 0), 8);
	fixture_wait_readable(fds[0]);
	fixture_settle(f);
	assert_int_equal(owner.bytes, 0);
	assert_true(f->ceiling.waiting);
	f->ceiling.taken = 0;
	stream_memory_ready(&f->net);
	fixture_expect(f, fds[1], "patience");
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
stream_that_waits_for_memory_can_be_paused_and_closed(void **state)
{
	struct fixture *f = *state;
	struct owner owners[2] = { { .echo = true }, { .echo = true } };
	int fds[2][2], i;

	f->ceiling.taken = f->ceiling.max;
	for (i = 0; i < 2; i++) {
		fixture_tcp_pair(fds[i]);
		owner_open(&owners[i], f, fds[i][0]);
		assert_int_equal(send(fds[i][1], "x", 1, 0), 1);
		fixture_wait_readable(fds[i][0]);
	}
	fixture_settle(f);
	stream_close(&owners[0].stream);
	fixture_settle(f);
	/* As its owner may do from now on. */
	memset(&owners[0], 0xff, sizeof(owners[0]));
	stream_pause(&owners[1].stream);
	f->ceiling.taken = 0;
	stream_memory_ready(&f->net);
	fixture_settle(f);
	assert_int_equal(owners[1].bytes, 0);
	stream_resume(&owners[1].stream);
	fixture_expect(f, fds[1][1], "x");
	stream_close(&owners[1].stream);
	close(fds[0][1]);
	close(fds[1][1]);
}

static void
closing_one_stream_frees_memory_for_another(void **state)
{
	struct fixture *f = *state;
	struct owner hog = { .bytes = 0 }, owner = { .echo = true };
	int fds[2][2];

	f->ceiling.max = 2 * NET_RESERVE;
	fixture_unix_pair(fds[0]);
	owner_open(&hog, f, fds[0][0]);
	while (f->ceiling.taken < f->ceiling.max)
		assert_int_equal(
		    stream_write(&hog.stream, fixture_noise(0), 4000), 0);
	fixture_tcp_pair(fds[1]);
	owner_open(&owner, f, fds[1][0]);
	assert_int_equal(send(fds[1][1], "now", 3, 0), 3);
	fixture_wait_readable(fds[1][0]);
	fixture_settle(f);
	assert_int_equal(owner.bytes, 0);
	stream_close(&hog.stream);
	fixture_expect(f, fds[1][1], "now");
	stream_close(&owner.stream);
	close(fds[0][1]);
	close(fds[1][1]);
}

static void
failed_allocation_delays_a_read_and_loses_nothing(void **state) /* fault 42 */
{
	struct fixture *f = *state;
	struct owner owner = { .echo = true };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	assert_int_equal(send(fds[1], "later", 5, 0), 5);
	fixture_wait_readable(fds[0]);
	allocations_left = 5;
	fixture_settle(f);
	allocations_left = -1;
	assert_int_equal(owner.bytes, 0);
	fixture_expect(f, fds[1], "later");
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
more_than_memory_allows_breaks_the_stream(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	static unsigned char got[FIXTURE_SPAN];
	size_t written = 0;
	ssize_t n;
	int fds[2], result = 0;

	f->ceiling.max = NET_RESERVE;
	fixture_unix_pair(fds);
	owner_open(&owner, f, fds[0]);
	while (result == 0) {
		result =
		    stream_write(&owner.stream, fixture_noise(0), FIXTURE_SPAN);
		written += FIXTURE_SPAN;
	}
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(stream_write(&owner.stream, "more", 4), -1);
	assert_int_equal(owner.failures, 0);
	TURN_UNTIL(f, owner.failures > 0);
	assert_int_equal(owner.error, ENOMEM);
	assert_int_equal(f->net.pool.used, 0);
	/* It knows to the byte what the peer can still get. */
	while ((n = recv(fds[1], got, sizeof(got), 0)) > 0)
		written -= (size_t)n;
	assert_int_equal(stream_unsent(&owner.stream), written + 4);
	stream_close(&owner.stream);
	close(fds[1]);
}

/* A whole life: reads, copies, loans, a queue, its end. */
static void
live(struct fixture *f)
{
	struct owner owner = { .echo = true };
	static unsigned char got[FIXTURE_SPAN];
	ssize_t n;
	int fds[2], i;

	fixture_unix_pair(fds);
	owner_open(&owner, f, fds[0]);
	assert_int_equal(send(fds[1], "x", 1, 0), 1);
	fixture_settle(f);
	for (i = 0; i < 8 && !owner.stream.failed; i++) {
		(void)stream_write(
		    &owner.stream, fixture_noise(0), FIXTURE_SPAN);
		(void)stream_write_lent(
		    &owner.stream, "head", 4, fixture_noise(7), FIXTURE_SPAN);
	}
	stream_finish(&owner.stream);
	do {
		fixture_settle(f);
		n = recv(fds[1], got, sizeof(got), 0);
	} while (n > 0);
	fixture_settle(f);
	/* It has either ended well, or said why not. */
	if (owner.stream.failed) {
		assert_int_equal(owner.failures, 1);
		assert_int_equal(owner.error, ENOMEM);
	} else {
		assert_int_equal(n, 0);
	}
	stream_close(&owner.stream);
	assert_int_equal(f->net.pool.used, 0);
	assert_int_equal(f->ceiling.taken, f->net.pool.granted);
	close(fds[1]);
}

static void
each_allocation_may_fail(void **state) /* fault 42 */
{
	struct fixture *f = *state;
	long n;

	for (n = 0; n == 0 || allocations_failed > 0; n++) {
		allocations_left = n;
		allocations_failed = 0;
		live(f);
		allocations_left = -1;
		bufpool_close(&f->net.pool);
	}
	assert_true(n > 100);
}

static void
setting_up_may_fail(void **state) /* fault 42 */
{
	struct fixture *f = *state;
	struct net net;
	long n;

	allocations_left = 0;
	assert_int_equal(net_open(&net, f->loop, &f->net.pool.grant), -1);
	assert_int_equal(errno, ENOMEM);
	for (n = 0; n < 3; n++) {
		allocations_left = n;
		assert_null(dgram_batch_new());
		assert_int_equal(errno, ENOMEM);
	}
	allocations_left = -1;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(idle_pool_holds_its_reserve_and_no_more),
		FIXTURE_TEST(pool_seldom_touches_the_shared_count),
		FIXTURE_TEST(pool_is_not_ready_at_the_ceiling),
		FIXTURE_TEST(pool_keeps_no_grant_without_a_chunk),
		FIXTURE_TEST(
		    failed_allocation_is_not_waited_for_at_the_ceiling),
		FIXTURE_TEST(at_the_ceiling_everything_still_arrives),
		FIXTURE_TEST(stream_waits_while_others_hold_the_memory),
		FIXTURE_TEST(
		    stream_that_waits_for_memory_can_be_paused_and_closed),
		FIXTURE_TEST(closing_one_stream_frees_memory_for_another),
		FIXTURE_TEST(failed_allocation_delays_a_read_and_loses_nothing),
		FIXTURE_TEST(more_than_memory_allows_breaks_the_stream),
		FIXTURE_TEST(each_allocation_may_fail),
		FIXTURE_TEST(setting_up_may_fail),
	};

	return fixture_run_each_backend("memory", tests, COUNT(tests));
}
