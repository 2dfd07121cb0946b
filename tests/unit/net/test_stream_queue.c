/*
 * What happens to bytes that the kernel does not take: they wait, in bounded
 * memory, and arrive in order, whatever the peer does.
 */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/socket.h"

#include "owner.h"

/* The other end: sends noise, and expects the same noise back. */
struct peer {
	int fd;
	uint64_t total; /* bytes to send */
	uint64_t sent;
	uint64_t received;
	bool ended; /* the stream's FIN was seen */
};

/* Send what the kernel takes; FIN when all is sent. */
static void
peer_send(struct peer *peer)
{
	size_t len;
	ssize_t n;

	while (peer->sent < peer->total) {
		len = FIXTURE_SPAN;
		if (len > peer->total - peer->sent)
			len = (size_t)(peer->total - peer->sent);
		n = send(
		    peer->fd, fixture_noise(peer->sent), len, MSG_NOSIGNAL);
		if (n == -1) {
			assert_int_equal(errno, EAGAIN);
			return;
		}
		peer->sent += (uint64_t)n;
		if (peer->sent == peer->total)
			shutdown(peer->fd, SHUT_WR);
	}
}

/* Read up to max bytes and compare. */
static void
peer_receive(struct peer *peer, size_t max)
{
	static unsigned char got[FIXTURE_SPAN];
	ssize_t n;

	n = recv(peer->fd, got, max < sizeof(got) ? max : sizeof(got), 0);
	if (n == -1) {
		assert_int_equal(errno, EAGAIN);
		return;
	}
	if (n == 0)
		peer->ended = true;
	assert_memory_equal(got, fixture_noise(peer->received), (size_t)n);
	peer->received += (uint64_t)n;
}

/* Write noise until some of it has to wait.  Returns how much was written. */
static uint64_t
fill(struct stream *stream)
{
	uint64_t written = 0;

	while (stream_is_flushed(stream)) {
		assert_int_equal(
		    stream_write(stream, fixture_noise(written), 4000), 0);
		written += 4000;
	}
	return written;
}

static void
slow_reader_costs_bounded_memory_and_loses_nothing(void **state) /* fault 27 */
{
	struct fixture *f = *state;
	struct owner owner = {
		.echo = true, .finish_at_end = true, .hold_at_full = true
	};
	struct peer peer = { .total = 64 << 20 };
	int fds[2];

	fixture_tcp_pair(fds);
	peer.fd = fds[1];
	owner_open(&owner, f, fds[0]);
	while (!peer.ended) {
		peer_send(&peer);
		assert_int_not_equal(loop_turn(f->loop, 0), -1);
		peer_receive(&peer, 49152);
	}
	assert_int_equal(peer.received, peer.total);
	assert_int_equal(owner.ends, 1);
	assert_true(owner.writables > 0);
	/* The high-water mark, the read that crossed it, the reserve for the
	 * next one, and what is kept at hand. */
	assert_true(f->ceiling.peak * (uint64_t)CHUNK_SIZE < f->net.high_water +
		NET_SCRATCH_SIZE +
		(f->net.pool.keep + 16) * (uint64_t)CHUNK_SIZE);
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
spare_memory_is_handed_back(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	struct peer peer = { .total = 0 };
	uint64_t written;
	int fds[2];

	fixture_unix_pair(fds);
	peer.fd = fds[1];
	owner_open(&owner, f, fds[0]);
	written = fill(&owner.stream);
	while (written < 4 << 20) {
		assert_int_equal(stream_write(&owner.stream,
				     fixture_noise(written), FIXTURE_SPAN),
		    0);
		written += FIXTURE_SPAN;
	}
	assert_true(f->ceiling.taken > 256);
	while (peer.received < written) {
		assert_int_not_equal(loop_turn(f->loop, 0), -1);
		peer_receive(&peer, FIXTURE_SPAN);
	}
	TURN_UNTIL(f, f->ceiling.taken <= NET_RESERVE);
	assert_int_equal(f->net.pool.used, 0);
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
full_is_told_once_when_it_is_over(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	struct peer peer = { .total = 0 };
	uint64_t written;
	int fds[2];

	fixture_unix_pair(fds);
	peer.fd = fds[1];
	owner_open(&owner, f, fds[0]);
	written = fill(&owner.stream);
	assert_false(stream_is_full(&owner.stream));
	while (!stream_is_full(&owner.stream)) {
		assert_int_equal(
		    stream_write(&owner.stream, fixture_noise(written), 1000),
		    0);
		written += 1000;
	}
	assert_true(owner.stream.out.len > f->net.high_water);
	while (owner.stream.out.len > f->net.low_water) {
		assert_int_equal(owner.writables, 0);
		assert_true(stream_is_full(&owner.stream));
		peer_receive(&peer, 4096);
		fixture_settle(f);
	}
	assert_int_equal(owner.writables, 1);
	while (peer.received < written) {
		peer_receive(&peer, 4096);
		fixture_settle(f);
	}
	assert_int_equal(owner.writables, 1);
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
finish_waits_for_the_queue(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	struct peer peer = { .total = 0 };
	uint64_t written;
	int fds[2];

	fixture_tcp_pair(fds);
	peer.fd = fds[1];
	owner_open(&owner, f, fds[0]);
	written = fill(&owner.stream);
	stream_finish(&owner.stream);
	assert_false(stream_is_finished(&owner.stream));
	while (!peer.ended) {
		assert_int_not_equal(loop_turn(f->loop, 0), -1);
		peer_receive(&peer, FIXTURE_SPAN);
	}
	assert_int_equal(peer.received, written);
	assert_true(stream_is_finished(&owner.stream));
	assert_int_equal(owner.writables, 1);
	assert_int_equal(owner.failures, 0);
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
close_finished(struct owner *owner, char event)
{
	assert_int_equal(event, 'w');
	assert_true(stream_is_finished(&owner->stream));
	stream_close(&owner->stream);
}

static void
stream_may_be_closed_once_finished(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .hook = close_finished };
	struct peer peer = { .total = 0 };
	uint64_t written;
	int fds[2];

	fixture_tcp_pair(fds);
	peer.fd = fds[1];
	owner_open(&owner, f, fds[0]);
	written = fill(&owner.stream);
	stream_finish(&owner.stream);
	while (!peer.ended) {
		assert_int_not_equal(loop_turn(f->loop, 0), -1);
		peer_receive(&peer, FIXTURE_SPAN);
	}
	assert_int_equal(peer.received, written);
	assert_true(owner.stream.closed);
	close(fds[1]);
}

static void
reset_with_a_queue_frees_its_memory(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	size_t unsent;
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	(void)fill(&owner.stream);
	unsent = stream_unsent(&owner.stream);
	assert_true(unsent > 0);
	assert_true(f->net.pool.used > 0);
	socket_reset(fds[1]);
	TURN_UNTIL(f, owner.failures > 0);
	assert_int_equal(owner.error, ECONNRESET);
	assert_int_equal(f->net.pool.used, 0);
	/* For the owner's books. */
	assert_int_equal(stream_unsent(&owner.stream), unsent);
	fixture_settle(f);
	assert_int_equal(owner.failures, 1);
	stream_close(&owner.stream);
}

static void
lent_memory_is_not_copied(void **state)
{
	enum { BODY = 8 << 20 };
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	struct peer peer = { .total = 0 };
	unsigned char *body = test_malloc(BODY);
	uint64_t i;
	int fds[2];

	for (i = 0; i < BODY; i += FIXTURE_SPAN)
		memcpy(body + i, fixture_noise(100 + i), FIXTURE_SPAN);
	fixture_tcp_pair(fds);
	peer.fd = fds[1];
	owner_open(&owner, f, fds[0]);
	assert_int_equal(
	    stream_write_lent(&owner.stream, fixture_noise(0), 100, body, BODY),
	    0);
	assert_false(stream_is_flushed(&owner.stream));
	assert_int_equal(f->net.pool.used, 1);
	/* Behind it a copy, and another loan. */
	assert_int_equal(
	    stream_write(&owner.stream, fixture_noise(100 + BODY), 1000), 0);
	stream_finish(&owner.stream);
	while (!peer.ended) {
		assert_int_not_equal(loop_turn(f->loop, 0), -1);
		peer_receive(&peer, FIXTURE_SPAN);
	}
	assert_int_equal(peer.received, 100 + BODY + 1000);
	stream_close(&owner.stream);
	close(fds[1]);
	test_free(body);
}

static void
head_and_loan_behind_a_queue_keep_their_order(void **state)
{
	static const size_t bodies[] = { 30000, 30, 20000, 300 };
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	struct peer peer = { .total = 0 };
	uint64_t at;
	size_t i;
	int fds[2];

	fixture_unix_pair(fds);
	peer.fd = fds[1];
	owner_open(&owner, f, fds[0]);
	at = fill(&owner.stream);
	for (i = 0; i < COUNT(bodies); i++) {
		assert_int_equal(
		    stream_write_lent(&owner.stream, fixture_noise(at), 17,
			fixture_noise(at + 17), bodies[i]),
		    0);
		at += 17 + bodies[i];
	}
	stream_finish(&owner.stream);
	while (!peer.ended) {
		assert_int_not_equal(loop_turn(f->loop, 0), -1);
		peer_receive(&peer, FIXTURE_SPAN);
	}
	assert_int_equal(peer.received, at);
	stream_close(&owner.stream);
	close(fds[1]);
}

/* A producer: makes noise as fast as it is taken. */
struct producer {
	struct owner owner;
	uint64_t made;
};

static void
produce(struct owner *owner, char event)
{
	struct producer *producer = container_of(owner, struct producer, owner);
	ssize_t n;

	if (event != 'w')
		return;
	n = stream_write_some(
	    &owner->stream, fixture_noise(producer->made), 20000);
	assert_true(n >= 0);
	producer->made += (uint64_t)n;
}

static void
producer_goes_as_fast_as_the_peer_reads(void **state)
{
	struct fixture *f = *state;
	struct producer producer = { .owner.hook = produce };
	struct peer peer = { .total = 0 };
	uint64_t made;
	unsigned writables;
	int fds[2];

	fixture_tcp_pair(fds);
	peer.fd = fds[1];
	owner_open(&producer.owner, f, fds[0]);
	stream_produce(&producer.owner.stream, true);
	fixture_settle(f);
	made = producer.made;
	writables = producer.owner.writables;
	assert_true(made > 0);
	/* The kernel is full: nobody is asked to produce. */
	fixture_settle(f);
	assert_int_equal(producer.owner.writables, writables);
	assert_int_equal(f->net.pool.used, 0);
	while (peer.received < 8 << 20) {
		peer_receive(&peer, FIXTURE_SPAN);
		assert_int_not_equal(loop_turn(f->loop, 0), -1);
	}
	stream_finish(&producer.owner.stream);
	while (!peer.ended) {
		peer_receive(&peer, FIXTURE_SPAN);
		assert_int_not_equal(loop_turn(f->loop, 0), -1);
	}
	assert_int_equal(peer.received, producer.made);
	stream_close(&producer.owner.stream);
	close(fds[1]);
}

static void
producer_stops_when_told_to(void **state)
{
	struct fixture *f = *state;
	struct producer producer = { .owner.hook = produce };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&producer.owner, f, fds[0]);
	stream_produce(&producer.owner.stream, true);
	TURN_UNTIL(f, producer.made > 0);
	stream_produce(&producer.owner.stream, false);
	producer.made = 0;
	fixture_settle(f);
	assert_int_equal(producer.made, 0);
	stream_close(&producer.owner.stream);
	close(fds[1]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(
		    slow_reader_costs_bounded_memory_and_loses_nothing),
		FIXTURE_TEST(spare_memory_is_handed_back),
		FIXTURE_TEST(full_is_told_once_when_it_is_over),
		FIXTURE_TEST(finish_waits_for_the_queue),
		FIXTURE_TEST(stream_may_be_closed_once_finished),
		FIXTURE_TEST(reset_with_a_queue_frees_its_memory),
		FIXTURE_TEST(lent_memory_is_not_copied),
		FIXTURE_TEST(head_and_loan_behind_a_queue_keep_their_order),
		FIXTURE_TEST(producer_goes_as_fast_as_the_peer_reads),
		FIXTURE_TEST(producer_stops_when_told_to),
	};

	return fixture_run_each_backend("stream queue", tests, COUNT(tests));
}
