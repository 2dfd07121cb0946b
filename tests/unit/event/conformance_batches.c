/*
 * Conformance: many descriptors at once, and callbacks that change what the
 * rest of their batch is about.
 */
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conformance.h"

enum { THOUSAND = 1000 };

/* Room for n more descriptors than the first 100; the old limit into old. */
static void
raise_descriptor_limit(struct rlimit *old, rlim_t n)
{
	struct rlimit raised;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, old), 0);
	raised = *old;
	if (raised.rlim_cur < n + 100)
		raised.rlim_cur = n + 100;
	if (setrlimit(RLIMIT_NOFILE, &raised) == -1)
		skip();
}

/* More than fit into one batch of any backend: all are served, each once. */
static void
a_thousand_descriptors_are_served(void **state)
{
	struct conformance *test = *state;
	struct end *ends = test_calloc(THOUSAND, sizeof(*ends));
	int *peers = test_calloc(THOUSAND, sizeof(*peers));
	size_t n, served = 0;
	struct rlimit old;
	int fds[2];

	raise_descriptor_limit(&old, 2 * THOUSAND);
	for (n = 0; n < THOUSAND; n++) {
		unix_pair(fds);
		/* What select(2) cannot hold has a check of its own. */
		if (test->backend->hint != NULL && fds[1] >= FD_SETSIZE) {
			close(fds[0]);
			close(fds[1]);
			break;
		}
		peers[n] = fds[1];
		end_open(&ends[n], test, fds[0], IO_READ, 0);
	}
	assert_true(n > 400);
	assert_int_equal(calls_without_sleeping(test), 0);
	for (unsigned round = 1; round <= 2; round++) {
		for (size_t i = 0; i < n; i++)
			send_bytes(peers[i], "x");
		while (served < n * round) {
			turn(test);
			served = 0;
			for (size_t i = 0; i < n; i++)
				served += ends[i].bytes;
		}
		for (size_t i = 0; i < n; i++)
			assert_int_equal(ends[i].calls, round);
	}
	for (size_t i = 0; i < n; i++) {
		end_close(&ends[i]);
		close(peers[i]);
	}
	setrlimit(RLIMIT_NOFILE, &old);
	test_free(ends);
	test_free(peers);
}

static void
on_nothing(struct io *io)
{
	(void)io;
	assert_true(false);
}

/* A number from FD_SETSIZE up is held, or refused with a hint at what to do
 * and no harm to the others. */
static void
a_high_descriptor_is_held_or_refused(void **state)
{
	struct conformance *test = *state;
	struct end low, high;
	struct rlimit old;
	int fds[2], fd;

	raise_descriptor_limit(&old, FD_SETSIZE + 8);
	unix_pair(fds);
	fd = fcntl(fds[0], F_DUPFD_CLOEXEC, FD_SETSIZE);
	assert_true(fd >= FD_SETSIZE);
	if (test->backend->hint == NULL) {
		end_open(&high, test, fd, IO_READ, 0);
		send_bytes(fds[1], "high");
		turn(test);
		assert_int_equal(high.bytes, 4);
		end_close(&high);
		close(fds[0]);
	} else {
		io_init(&high.io, fd, on_nothing, 0);
		assert_int_equal(io_add(test->loop, &high.io, IO_READ), -1);
		assert_int_equal(errno, EMFILE);
		assert_non_null(loop_error_hint(test->loop, errno));
		assert_non_null(strstr(
		    loop_error_hint(test->loop, EMFILE), "event_backend"));
		end_open(&low, test, fds[0], IO_READ, 0);
		send_bytes(fds[1], "low");
		turn(test);
		assert_int_equal(low.bytes, 3);
		end_close(&low);
		close(fd);
	}
	close(fds[1]);
	setrlimit(RLIMIT_NOFILE, &old);
}

/* What the backend keeps by descriptor shrinks and grows without mixing up
 * who is who. */
static void
descriptors_come_and_go_in_any_order(void **state)
{
	enum { N = 16 };
	struct conformance *test = *state;
	struct end ends[N];
	int peers[N], fds[2];

	for (size_t i = 0; i < N; i++) {
		unix_pair(fds);
		peers[i] = fds[1];
		end_open(&ends[i], test, fds[0], IO_READ, 0);
	}
	for (size_t round = 0; round < 10 * N; round++) {
		size_t victim = round * 7 % N;

		end_close(&ends[victim]);
		close(peers[victim]);
		unix_pair(fds);
		peers[victim] = fds[1];
		end_open(&ends[victim], test, fds[0], IO_READ, 0);
		send_bytes(peers[round * 5 % N], "x");
		ends[round * 5 % N].bytes = 0;
		turn(test);
		assert_int_equal(ends[round * 5 % N].bytes, 1);
	}
	for (size_t i = 0; i < N; i++) {
		end_close(&ends[i]);
		close(peers[i]);
	}
}

/* Whichever is called first closes the other, and gives its number to a new
 * socket, which has no event. */
struct rival {
	struct end end;
	struct rival *other;
	struct end *heir;
	int heir_fds[2];
};

static void
on_rival(struct io *io)
{
	struct rival *self = container_of(io, struct rival, end.io);
	struct end *heir = self->heir;
	int number = self->other->end.io.fd;

	self->end.calls++;
	drain(io->fd);
	io_drained(io, IO_READ);
	if (number == -1)
		return;
	end_close(&self->other->end);
	assert_int_equal(dup2(self->heir_fds[0], number), number);
	close(self->heir_fds[0]);
	end_open(heir, self->end.test, number, IO_READ, 0);
}

/* fault 32 */
static void
a_number_used_again_in_the_batch_gets_no_event(void **state)
{
	struct conformance *test = *state;
	struct rival rivals[2];
	int pairs[2][2], heir_fds[2];
	struct end heir;

	unix_pair(heir_fds);
	for (unsigned i = 0; i < 2; i++) {
		unix_pair(pairs[i]);
		end_open(&rivals[i].end, test, pairs[i][0], IO_READ, 0);
		rivals[i].end.io.call = on_rival;
		rivals[i].other = &rivals[!i];
		rivals[i].heir = &heir;
		memcpy(rivals[i].heir_fds, heir_fds, sizeof(heir_fds));
	}
	send_bytes(pairs[0][1], "a");
	send_bytes(pairs[1][1], "b");
	turn(test);
	assert_int_equal(rivals[0].end.calls + rivals[1].end.calls, 1);
	assert_int_equal(calls_without_sleeping(test), 0);
	assert_int_equal(heir.calls, 0);
	/* And it is alive. */
	send_bytes(heir_fds[1], "heir");
	turn(test);
	assert_int_equal(heir.bytes, 4);
	end_close(&heir);
	end_close(&rivals[0].end);
	end_close(&rivals[1].end);
	close(heir_fds[1]);
	close(pairs[0][1]);
	close(pairs[1][1]);
}

static void
a_callback_can_close_another_of_its_batch(void **state)
{
	struct conformance *test = *state;
	int pairs[3][2];
	struct end ends[3];
	unsigned calls = 0;

	for (unsigned i = 0; i < 3; i++) {
		unix_pair(pairs[i]);
		end_open(&ends[i], test, pairs[i][0], IO_READ, 0);
	}
	ends[0].closes = &ends[1];
	ends[1].closes = &ends[0];
	for (unsigned i = 0; i < 3; i++)
		send_bytes(pairs[i][1], "x");
	turn(test);
	for (unsigned i = 0; i < 3; i++)
		calls += ends[i].calls;
	assert_int_equal(calls, 2);
	assert_int_equal(ends[2].bytes, 1);
	assert_int_equal(calls_without_sleeping(test), 0);
	for (unsigned i = 0; i < 3; i++) {
		end_close(&ends[i]);
		close(pairs[i][1]);
	}
}

/* A session with two sides, which ends when either fails. */
struct session {
	struct io sides[2];
	struct loop *loop;
	struct retired retired;
	unsigned *closed;
};

static void
session_free(struct retired *retired)
{
	test_free(container_of(retired, struct session, retired));
}

static void
session_close(struct session *session)
{
	++*session->closed;
	io_close(&session->sides[0]);
	io_close(&session->sides[1]);
	loop_retire(session->loop, &session->retired, session_free);
}

static void
on_client(struct io *io)
{
	session_close(container_of(io, struct session, sides[0]));
}

static void
on_server(struct io *io)
{
	session_close(container_of(io, struct session, sides[1]));
}

/* fault 33 */
static void
both_sides_fail_in_one_batch_and_close_once(void **state)
{
	static void (*const calls[2])(struct io *) = { on_client, on_server };
	struct conformance *test = *state;
	struct session *session = test_calloc(1, sizeof(*session));
	unsigned closed = 0;
	int pairs[2][2];

	session->loop = test->loop;
	session->closed = &closed;
	for (unsigned i = 0; i < 2; i++) {
		tcp_pair(pairs[i]);
		io_init(&session->sides[i], pairs[i][0], calls[i], 0);
		assert_int_equal(
		    io_add(test->loop, &session->sides[i], IO_READ), 0);
	}
	reset_peer(pairs[0][1]);
	reset_peer(pairs[1][1]);
	TURNS_UNTIL(test, closed > 0);
	assert_int_equal(calls_without_sleeping(test), 0);
	assert_int_equal(closed, 1);
}

/* fault 28, as far as the loop goes: one that always has more leaves the
 * others their turns. */
static void
a_firehose_leaves_room_for_a_trickle(void **state)
{
	struct conformance *test = *state;
	struct end hose, trickle;
	int hose_fds[2], fds[2];
	uint64_t asked;

	unix_pair(hose_fds);
	unix_pair(fds);
	end_open(&hose, test, hose_fds[0], IO_READ, 0);
	hose.max_read = 1024;
	end_open(&trickle, test, fds[0], IO_READ, 0);
	for (unsigned i = 1; i <= 100; i++) {
		fill(hose_fds[1]);
		turn(test);
		send_bytes(fds[1], "x");
		asked = test->loop->turns;
		TURNS_UNTIL(test, trickle.bytes == i);
		assert_in_range(test->loop->turns - asked, 1, 2);
	}
	assert_true(hose.bytes >= 100U * 1024);
	end_close(&hose);
	end_close(&trickle);
	close(hose_fds[1]);
	close(fds[1]);
}

static const struct CMUnitTest checks[] = {
	cmocka_unit_test(a_thousand_descriptors_are_served),
	cmocka_unit_test(a_high_descriptor_is_held_or_refused),
	cmocka_unit_test(descriptors_come_and_go_in_any_order),
	cmocka_unit_test(a_number_used_again_in_the_batch_gets_no_event),
	cmocka_unit_test(a_callback_can_close_another_of_its_batch),
	cmocka_unit_test(both_sides_fail_in_one_batch_and_close_once),
	cmocka_unit_test(a_firehose_leaves_room_for_a_trickle),
};

const struct conformance_group conformance_batches = {
	.name = "batches",
	.checks = checks,
	.n = sizeof(checks) / sizeof(checks[0]),
};
