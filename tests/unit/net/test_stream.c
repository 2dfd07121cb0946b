/*
 * Streams as their owners see them, under each backend of the loop.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "event/backend.h"
#include "net/socket.h"

#include "owner.h"

static void
send_all(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void
what_comes_goes_back(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .echo = true };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	send_all(fds[1], "hello");
	fixture_expect(f, fds[1], "hello");
	send_all(fds[1], " again");
	fixture_expect(f, fds[1], " again");
	assert_int_equal(owner.bytes, 11);
	assert_int_equal(owner.failures + owner.ends, 0);
	/* Nothing was refused, so no memory was needed but the reserve. */
	assert_int_equal(f->ceiling.peak, NET_RESERVE);
	stream_close(&owner.stream);
	assert_int_equal(fixture_expect_end(f, fds[1]), 0);
	close(fds[1]);
}

static void
data_and_end_at_once_are_both_told(void **state) /* fault 23 */
{
	struct fixture *f = *state;
	struct owner owner = { .echo = true, .finish_at_end = true };
	int fds[2];

	fixture_tcp_pair(fds);
	send_all(fds[1], "12345");
	shutdown(fds[1], SHUT_WR);
	fixture_wait_readable(fds[0]);
	owner_open(&owner, f, fds[0]);
	fixture_expect(f, fds[1], "12345");
	assert_int_equal(fixture_expect_end(f, fds[1]), 0);
	assert_int_equal(owner.ends, 1);
	assert_int_equal(owner.bytes, 5);
	assert_true(stream_is_finished(&owner.stream));
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
end_after_a_short_read_is_told(void **state) /* fault 23 */
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	send_all(fds[1], "first");
	TURN_UNTIL(f, owner.bytes == 5);
	send_all(fds[1], "last");
	shutdown(fds[1], SHUT_WR);
	TURN_UNTIL(f, owner.ends == 1);
	assert_int_equal(owner.bytes, 9);
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
peer_ends_first_and_still_receives(void **state) /* fault 24 */
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	shutdown(fds[1], SHUT_WR);
	TURN_UNTIL(f, owner.ends == 1);
	assert_int_equal(stream_write(&owner.stream, "late", 4), 0);
	fixture_expect(f, fds[1], "late");
	stream_finish(&owner.stream);
	assert_int_equal(fixture_expect_end(f, fds[1]), 0);
	fixture_settle(f);
	assert_int_equal(owner.ends, 1);
	assert_int_equal(owner.failures, 0);
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
we_end_first_and_still_receive(void **state) /* fault 24 */
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	assert_int_equal(stream_write(&owner.stream, "bye", 3), 0);
	stream_finish(&owner.stream);
	assert_true(stream_is_finished(&owner.stream));
	fixture_expect(f, fds[1], "bye");
	assert_int_equal(fixture_expect_end(f, fds[1]), 0);
	send_all(fds[1], "still here");
	TURN_UNTIL(f, owner.bytes == 10);
	shutdown(fds[1], SHUT_WR);
	TURN_UNTIL(f, owner.ends == 1);
	assert_memory_equal(owner.text, "still here", 10);
	assert_int_equal(owner.failures, 0);
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
nothing_is_written_behind_a_finish(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_unix_pair(fds);
	owner_open(&owner, f, fds[0]);
	stream_finish(&owner.stream);
	assert_int_equal(stream_write(&owner.stream, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(stream_write_some(&owner.stream, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(fixture_expect_end(f, fds[1]), 0);
	fixture_settle(f);
	assert_int_equal(owner.failures, 0);
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
reset_is_told_as_a_failure_and_not_as_an_end(void **state) /* fault 26 */
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	socket_reset(fds[1]);
	TURN_UNTIL(f, owner.failures > 0);
	assert_int_equal(owner.error, ECONNRESET);
	assert_int_equal(owner.ends, 0);
	fixture_settle(f);
	assert_int_equal(owner.failures, 1);
	stream_close(&owner.stream);
}

static void
reset_is_told_to_one_that_does_not_read(void **state) /* fault 26 */
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	if (!f->loop->backend->tells_hangup) {
		stream_close(&owner.stream);
		close(fds[1]);
		return;
	}
	stream_pause(&owner.stream);
	fixture_settle(f);
	socket_reset(fds[1]);
	TURN_UNTIL(f, owner.failures > 0);
	assert_int_equal(owner.error, ECONNRESET);
	stream_close(&owner.stream);
}

static void
write_to_a_reset_peer_fails_later(void **state) /* fault 34 */
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	fixture_settle(f);
	socket_reset(fds[1]);
	assert_int_equal(stream_write(&owner.stream, "x", 1), -1);
	assert_int_equal(errno, ECONNRESET);
	/* Not while the owner is on the stack. */
	assert_int_equal(owner.failures, 0);
	assert_int_equal(stream_write(&owner.stream, "x", 1), -1);
	TURN_UNTIL(f, owner.failures > 0);
	assert_int_equal(owner.error, ECONNRESET);
	fixture_settle(f);
	assert_int_equal(owner.failures, 1);
	stream_close(&owner.stream);
}

static void
write_to_a_closed_unix_peer_raises_no_signal(void **state) /* fault 34 */
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_unix_pair(fds);
	owner_open(&owner, f, fds[0]);
	stream_pause(&owner.stream);
	close(fds[1]);
	assert_int_equal(stream_write(&owner.stream, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	TURN_UNTIL(f, owner.failures > 0);
	assert_int_equal(owner.error, EPIPE);
	stream_close(&owner.stream);
}

static void
failure_is_not_told_after_a_close(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_unix_pair(fds);
	owner_open(&owner, f, fds[0]);
	close(fds[1]);
	assert_int_equal(stream_write(&owner.stream, "x", 1), -1);
	stream_close(&owner.stream);
	fixture_settle(f);
	assert_int_equal(owner.failures, 0);
}

static void
our_reset_reaches_the_peer_as_one(void **state) /* fault 26 */
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	stream_reset(&owner.stream);
	assert_int_equal(fixture_expect_end(f, fds[1]), ECONNRESET);
	close(fds[1]);
}

static void
paused_stream_reads_nothing_until_resumed(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	stream_pause(&owner.stream);
	send_all(fds[1], "wait");
	shutdown(fds[1], SHUT_WR);
	fixture_wait_readable(fds[0]);
	fixture_settle(f);
	assert_int_equal(owner.bytes + owner.ends, 0);
	stream_resume(&owner.stream);
	TURN_UNTIL(f, owner.ends == 1);
	assert_int_equal(owner.bytes, 4);
	stream_close(&owner.stream);
	close(fds[1]);
}

/* Both directions have ended and nobody reads: an event without an error
 * behind it must not be mistaken for one. */
static void
hang_up_without_an_error_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	int fds[2];

	fixture_unix_pair(fds);
	owner_open(&owner, f, fds[0]);
	stream_pause(&owner.stream);
	send_all(fds[1], "will");
	close(fds[1]);
	fixture_settle(f);
	assert_int_equal(owner.failures + owner.bytes, 0);
	stream_resume(&owner.stream);
	TURN_UNTIL(f, owner.ends == 1);
	assert_memory_equal(owner.text, "will", 4);
	assert_int_equal(owner.failures, 0);
	stream_close(&owner.stream);
}

static void
one_turn_reads_no_more_than_the_budget(void **state) /* fault 28 */
{
	struct fixture *f = *state;
	struct owner owner = { .bytes = 0 };
	static const char block[65536];
	size_t sent = 0, before, budget = 8192;
	ssize_t n;
	int fds[2];

	f->net.read_budget = budget;
	fixture_tcp_pair(fds);
	while ((n = send(fds[1], block, sizeof(block), 0)) > 0)
		sent += (size_t)n;
	shutdown(fds[1], SHUT_WR);
	assert_int_equal(
	    stream_open(&owner.stream, &f->net, fds[0], &owner_ops, 1024), 0);
	while (owner.ends == 0) {
		before = owner.bytes;
		assert_int_not_equal(loop_turn(f->loop, 1000), -1);
		assert_true(owner.bytes - before <= budget);
	}
	assert_int_equal(owner.bytes, sent);
	stream_close(&owner.stream);
	close(fds[1]);
}

static void
close_at(struct owner *owner, char event)
{
	if (strchr("dewf", event) != NULL)
		stream_close(&owner->stream);
}

static void
stream_may_be_closed_in_data(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .echo = true, .hook = close_at };
	int fds[2];

	fixture_tcp_pair(fds);
	send_all(fds[1], "x");
	shutdown(fds[1], SHUT_WR);
	fixture_wait_readable(fds[0]);
	owner_open(&owner, f, fds[0]);
	TURN_UNTIL(f, owner.stream.closed);
	fixture_settle(f);
	assert_int_equal(owner.bytes, 1);
	assert_int_equal(owner.ends + owner.writables + owner.failures, 0);
	close(fds[1]);
}

static void
stream_may_be_closed_in_end(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .hook = close_at };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	shutdown(fds[1], SHUT_WR);
	TURN_UNTIL(f, owner.stream.closed);
	fixture_settle(f);
	assert_int_equal(owner.ends, 1);
	assert_int_equal(owner.failures, 0);
	close(fds[1]);
}

static void
stream_may_be_closed_in_failed(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .hook = close_at };
	int fds[2];

	fixture_tcp_pair(fds);
	owner_open(&owner, f, fds[0]);
	socket_reset(fds[1]);
	TURN_UNTIL(f, owner.stream.closed);
	fixture_settle(f);
	assert_int_equal(owner.failures, 1);
}

static void
stream_may_be_closed_in_writable(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { .hook = close_at };
	int fds[2];

	fixture_unix_pair(fds);
	owner_open(&owner, f, fds[0]);
	stream_produce(&owner.stream, true);
	send_all(fds[1], "never read");
	TURN_UNTIL(f, owner.stream.closed);
	fixture_settle(f);
	assert_int_equal(owner.writables, 1);
	assert_int_equal(owner.bytes, 0);
	close(fds[1]);
}

static void
close_other(struct owner *owner, char event)
{
	(void)event;
	if (owner->other != NULL)
		stream_close(owner->other);
	owner->other = NULL;
}

static void
stream_closed_by_another_hears_no_more(void **state) /* fault 32 */
{
	struct fixture *f = *state;
	struct owner owners[2] = { { .hook = close_other },
		{ .hook = close_other } };
	int fds[2][2], i;

	for (i = 0; i < 2; i++) {
		fixture_tcp_pair(fds[i]);
		owner_open(&owners[i], f, fds[i][0]);
		owners[i].other = &owners[1 - i].stream;
		send_all(fds[i][1], "x");
	}
	for (i = 0; i < 2; i++)
		fixture_wait_readable(fds[i][0]);
	TURN_UNTIL(f, owners[0].bytes + owners[1].bytes > 0);
	fixture_settle(f);
	/* Whoever came first has closed the other. */
	assert_int_equal(owners[0].bytes + owners[1].bytes, 1);
	for (i = 0; i < 2; i++) {
		stream_close(&owners[i].stream);
		close(fds[i][1]);
	}
}

static void
both_of_a_pair_broken_in_one_batch_fail_once(void **state) /* fault 33 */
{
	struct fixture *f = *state;
	struct owner owners[2] = { { .bytes = 0 }, { .bytes = 0 } };
	int fds[2][2], i;

	for (i = 0; i < 2; i++) {
		fixture_tcp_pair(fds[i]);
		owner_open(&owners[i], f, fds[i][0]);
		socket_reset(fds[i][1]);
	}
	/* Each also writes, so each has two ways to learn of it. */
	for (i = 0; i < 2; i++)
		assert_int_equal(stream_write(&owners[i].stream, "x", 1), -1);
	TURN_UNTIL(f, owners[0].failures > 0 && owners[1].failures > 0);
	fixture_settle(f);
	for (i = 0; i < 2; i++) {
		assert_int_equal(owners[i].failures, 1);
		assert_int_equal(owners[i].ends, 0);
		stream_close(&owners[i].stream);
	}
}

/* A read stops short of urgent data, which is no sign of an empty socket. */
static void
urgent_data_holds_nothing_up(void **state)
{
	const int on = 1;
	struct fixture *f = *state;
	struct owner owner = { .echo = true };
	int fds[2];

	fixture_tcp_pair(fds);
	assert_int_equal(
	    setsockopt(fds[0], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)), 0);
	owner_open(&owner, f, fds[0]);
	send_all(fds[1], "before ");
	assert_int_equal(send(fds[1], "!", 1, MSG_OOB), 1);
	send_all(fds[1], " behind");
	fixture_expect(f, fds[1], "before ! behind");
	stream_close(&owner.stream);
	close(fds[1]);
}

/* A hook that takes the reading over at the first bytes. */
static void
take_over(struct owner *owner, char event)
{
	if (event == 'd')
		stream_read_raw(&owner->stream, true);
}

static void
note_readable(struct stream *stream)
{
	container_of(stream, struct owner, stream)->writables++;
	stream_pause(stream);
}

static void
owner_that_takes_the_reading_over_gets_no_byte_more(void **state)
{
	struct fixture *f = *state;
	struct stream_ops ops = owner_ops;
	struct owner owner = { .hook = take_over };
	int fds[2];

	ops.readable = note_readable;
	fixture_tcp_pair(fds);
	send_all(fds[1], "12345678");
	fixture_wait_readable(fds[0]);
	assert_int_equal(
	    stream_open(&owner.stream, &f->net, fds[0], &ops, 4), 0);
	TURN_UNTIL(f, owner.writables == 1);
	assert_int_equal(owner.bytes, 4);
	stream_close(&owner.stream);
	close(fds[1]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(what_comes_goes_back),
		FIXTURE_TEST(data_and_end_at_once_are_both_told),
		FIXTURE_TEST(end_after_a_short_read_is_told),
		FIXTURE_TEST(peer_ends_first_and_still_receives),
		FIXTURE_TEST(we_end_first_and_still_receive),
		FIXTURE_TEST(nothing_is_written_behind_a_finish),
		FIXTURE_TEST(reset_is_told_as_a_failure_and_not_as_an_end),
		FIXTURE_TEST(reset_is_told_to_one_that_does_not_read),
		FIXTURE_TEST(write_to_a_reset_peer_fails_later),
		FIXTURE_TEST(write_to_a_closed_unix_peer_raises_no_signal),
		FIXTURE_TEST(failure_is_not_told_after_a_close),
		FIXTURE_TEST(our_reset_reaches_the_peer_as_one),
		FIXTURE_TEST(paused_stream_reads_nothing_until_resumed),
		FIXTURE_TEST(hang_up_without_an_error_loses_nothing),
		FIXTURE_TEST(one_turn_reads_no_more_than_the_budget),
		FIXTURE_TEST(
		    owner_that_takes_the_reading_over_gets_no_byte_more),
		FIXTURE_TEST(stream_may_be_closed_in_data),
		FIXTURE_TEST(stream_may_be_closed_in_end),
		FIXTURE_TEST(stream_may_be_closed_in_failed),
		FIXTURE_TEST(stream_may_be_closed_in_writable),
		FIXTURE_TEST(urgent_data_holds_nothing_up),
		FIXTURE_TEST(stream_closed_by_another_hears_no_more),
		FIXTURE_TEST(both_of_a_pair_broken_in_one_batch_fail_once),
	};

	return fixture_run_each_backend("stream", tests, COUNT(tests));
}
