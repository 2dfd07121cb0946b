/*
 * Conformance: what a backend reports of one descriptor, and when it must
 * keep still.
 */
#include <sys/socket.h>
#include <errno.h>
#include <unistd.h>

#include "base/compat.h"
#include "conformance.h"

/* Few enough to tell sleeping from spinning: the timer of the nap can wake
 * the loop once for each ring. */
enum { NAP_TURNS = 12 };

static void
each_arrival_is_one_call(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	unix_pair(fds);
	end_open(&end, test, fds[0], IO_READ, 0);
	assert_int_equal(calls_without_sleeping(test), 0);
	for (unsigned i = 1; i <= 3; i++) {
		send_bytes(fds[1], "hello");
		turn(test);
		assert_int_equal(end.calls, i);
		assert_int_equal(end.bytes, 5 * i);
		assert_int_equal(calls_without_sleeping(test), 0);
	}
	end_close(&end);
	close(fds[1]);
}

static void
what_waited_before_the_add_is_seen(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	tcp_pair(fds);
	send_bytes(fds[1], "early");
	end_open(&end, test, fds[0], IO_READ, 0);
	TURNS_UNTIL(test, end.bytes == 5);
	end_close(&end);
	close(fds[1]);
}

static void
undrained_is_called_again(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	unix_pair(fds);
	end_open(&end, test, fds[0], IO_READ, 0);
	end.max_read = 2;
	send_bytes(fds[1], "12345");
	for (unsigned i = 1; i <= 3; i++) {
		turn(test);
		assert_int_equal(end.calls, i);
	}
	assert_int_equal(end.bytes, 5);
	assert_int_equal(calls_without_sleeping(test), 0);
	end_close(&end);
	close(fds[1]);
}

static void
unwanted_data_neither_calls_nor_spins(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	unix_pair(fds);
	end_open(&end, test, fds[0], 0, 0);
	send_bytes(fds[1], "hello");
	assert_in_range(turns_of_a_nap(test), 1, NAP_TURNS);
	assert_int_equal(end.calls, 0);
	io_want(&end.io, IO_READ);
	turn(test);
	assert_int_equal(end.bytes, 5);
	/* And taken away again while a report is due. */
	send_bytes(fds[1], "again");
	io_want(&end.io, 0);
	assert_in_range(turns_of_a_nap(test), 1, NAP_TURNS);
	assert_int_equal(end.bytes, 5);
	io_want(&end.io, IO_READ);
	turn(test);
	assert_int_equal(end.bytes, 10);
	end_close(&end);
	close(fds[1]);
}

static void
full_socket_is_reported_when_there_is_room(void **state)
{
	struct conformance *test = *state;
	struct end ours, theirs;
	int fds[2];

	tcp_pair(fds);
	end_open(&ours, test, fds[0], IO_READ, 0);
	end_open(&theirs, test, fds[1], IO_READ, 0);
	for (unsigned i = 0; i < 3; i++) {
		fill(fds[0]);
		io_want(&ours.io, IO_BOTH);
		io_drained(&ours.io, IO_WRITE);
		ours.calls = 0;
		TURNS_UNTIL(test, ours.calls > 0);
		assert_true(io_is_ready(&ours.io, IO_WRITE));
		io_want(&ours.io, IO_READ);
	}
	end_close(&ours);
	end_close(&theirs);
}

static void
full_socket_keeps_still(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	unix_pair(fds);
	end_open(&end, test, fds[0], IO_READ, 0);
	fill(fds[0]);
	io_want(&end.io, IO_BOTH);
	io_drained(&end.io, IO_WRITE);
	assert_int_equal(calls_without_sleeping(test), 0);
	drain(fds[1]);
	turn(test);
	assert_true(io_is_ready(&end.io, IO_WRITE));
	end_close(&end);
	close(fds[1]);
}

static void
outgoing_connection_is_writable_when_it_stands(void **state)
{
	struct conformance *test = *state;
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int listener = listen_tcp(), fd;
	struct end end;

	fd = compat_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&address, &len), 0);
	if (connect(fd, (struct sockaddr *)&address, len) == -1)
		assert_int_equal(errno, EINPROGRESS);
	end_open(&end, test, fd, IO_WRITE, 0);
	turn(test);
	assert_true(io_is_ready(&end.io, IO_WRITE));
	assert_false(end.io.hangup);
	end_close(&end);
	close(listener);
}

/* fault 23: the end stands behind data that one short read empties. */
static void
check_data_and_end(struct conformance *test, void (*pair)(int *), bool close_it)
{
	struct end end;
	int fds[2];

	for (unsigned before = 0; before < 2; before++) {
		pair(fds);
		if (before == 0)
			end_open(&end, test, fds[0], IO_READ, 0);
		send_bytes(fds[1], "12345");
		if (close_it)
			close(fds[1]);
		else
			shutdown(fds[1], SHUT_WR);
		if (before == 1)
			end_open(&end, test, fds[0], IO_READ, 0);
		TURNS_UNTIL(test, end.ended);
		assert_int_equal(end.bytes, 5);
		assert_int_equal(end.error, 0);
		end_close(&end);
		if (!close_it)
			close(fds[1]);
	}
}

static void
data_and_end_together_are_both_seen(void **state)
{
	check_data_and_end(*state, unix_pair, false);
	check_data_and_end(*state, unix_pair, true);
	check_data_and_end(*state, tcp_pair, false);
	check_data_and_end(*state, tcp_pair, true);
}

static void
end_after_drained_data_is_seen(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	tcp_pair(fds);
	end_open(&end, test, fds[0], IO_READ, 0);
	send_bytes(fds[1], "12345");
	TURNS_UNTIL(test, end.bytes == 5);
	assert_false(end.ended);
	shutdown(fds[1], SHUT_WR);
	TURNS_UNTIL(test, end.ended);
	end_close(&end);
	close(fds[1]);
}

static void
half_closed_goes_on_in_the_other_direction(void **state)
{
	struct conformance *test = *state;
	struct end ours, theirs;
	int fds[2];

	tcp_pair(fds);
	end_open(&ours, test, fds[0], IO_READ, 0);
	end_open(&theirs, test, fds[1], IO_READ, 0);
	/* They end first; we still send, then end too. */
	shutdown(fds[1], SHUT_WR);
	TURNS_UNTIL(test, ours.ended);
	send_bytes(fds[0], "still here");
	TURNS_UNTIL(test, theirs.bytes == 10);
	assert_false(theirs.ended);
	assert_in_range(turns_of_a_nap(test), 1, NAP_TURNS);
	shutdown(fds[0], SHUT_WR);
	TURNS_UNTIL(test, theirs.ended);
	assert_int_equal(ours.error, 0);
	assert_int_equal(theirs.error, 0);
	end_close(&ours);
	end_close(&theirs);
}

/* Our own end of writing is no news. */
static void
own_shutdown_is_no_hang_up(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	unix_pair(fds);
	end_open(&end, test, fds[0], IO_READ, 0);
	fill(fds[0]);
	io_want(&end.io, IO_BOTH);
	io_drained(&end.io, IO_WRITE);
	drain(fds[1]);
	TURNS_UNTIL(test, end.calls > 0);
	io_want(&end.io, IO_READ);
	shutdown(fds[0], SHUT_WR);
	assert_in_range(turns_of_a_nap(test), 1, NAP_TURNS);
	assert_false(end.io.hangup);
	assert_false(end.io.eof);
	send_bytes(fds[1], "reply");
	TURNS_UNTIL(test, end.bytes == 5);
	end_close(&end);
	close(fds[1]);
}

static void
reset_is_seen_as_an_error(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	tcp_pair(fds);
	end_open(&end, test, fds[0], IO_READ, 0);
	reset_peer(fds[1]);
	TURNS_UNTIL(test, end.error != 0 || end.ended);
	assert_int_equal(end.error, ECONNRESET);
	assert_in_range(turns_of_a_nap(test), 1, NAP_TURNS);
	end_close(&end);
}

static void
hang_up_is_told_once_to_an_owner_that_wants_nothing(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	tcp_pair(fds);
	end_open(&end, test, fds[0], 0, 0);
	reset_peer(fds[1]);
	if (test->backend->tells_hangup) {
		TURNS_UNTIL(test, end.calls > 0);
		assert_true(end.io.hangup);
		assert_int_equal(end.calls, 1);
	}
	assert_in_range(turns_of_a_nap(test), 1, NAP_TURNS);
	assert_int_equal(end.calls, test->backend->tells_hangup);
	/* It is still there for who asks. */
	io_want(&end.io, IO_READ);
	TURNS_UNTIL(test, end.error != 0);
	assert_int_equal(end.error, ECONNRESET);
	end_close(&end);
}

static void
removed_reports_nothing_and_can_come_back(void **state)
{
	struct conformance *test = *state;
	struct end end;
	int fds[2];

	unix_pair(fds);
	end_open(&end, test, fds[0], IO_READ, 0);
	io_remove(&end.io);
	send_bytes(fds[1], "hello");
	assert_int_equal(calls_without_sleeping(test), 0);
	assert_in_range(turns_of_a_nap(test), 1, NAP_TURNS);
	assert_int_equal(io_add(test->loop, &end.io, IO_READ), 0);
	turn(test);
	assert_int_equal(end.bytes, 5);
	/* A backend that has forgotten it does not object to another one. */
	io_remove(&end.io);
	end_open(&end, test, fds[0], IO_BOTH, 0);
	turn(test);
	end_close(&end);
	close(fds[1]);
}

static void
pipes_tell_data_and_end(void **state)
{
	struct conformance *test = *state;
	char buffer[16];
	struct end end;
	int fds[2];

	assert_int_equal(compat_pipe(fds), 0);
	end_open(&end, test, fds[0], IO_READ, 0);
	end.deaf = true;
	assert_int_equal(write(fds[1], "12345", 5), 5);
	turn(test);
	assert_int_equal(read(fds[0], buffer, sizeof(buffer)), 5);
	io_drained(&end.io, IO_READ);
	assert_int_equal(calls_without_sleeping(test), 0);
	close(fds[1]);
	turn(test);
	assert_int_equal(read(fds[0], buffer, sizeof(buffer)), 0);
	end_close(&end);
}

static const struct CMUnitTest checks[] = {
	cmocka_unit_test(each_arrival_is_one_call),
	cmocka_unit_test(what_waited_before_the_add_is_seen),
	cmocka_unit_test(undrained_is_called_again),
	cmocka_unit_test(unwanted_data_neither_calls_nor_spins),
	cmocka_unit_test(full_socket_is_reported_when_there_is_room),
	cmocka_unit_test(full_socket_keeps_still),
	cmocka_unit_test(outgoing_connection_is_writable_when_it_stands),
	cmocka_unit_test(data_and_end_together_are_both_seen),
	cmocka_unit_test(end_after_drained_data_is_seen),
	cmocka_unit_test(half_closed_goes_on_in_the_other_direction),
	cmocka_unit_test(own_shutdown_is_no_hang_up),
	cmocka_unit_test(reset_is_seen_as_an_error),
	cmocka_unit_test(hang_up_is_told_once_to_an_owner_that_wants_nothing),
	cmocka_unit_test(removed_reports_nothing_and_can_come_back),
	cmocka_unit_test(pipes_tell_data_and_end),
};

const struct conformance_group conformance_edges = {
	.name = "edges",
	.checks = checks,
	.n = sizeof(checks) / sizeof(checks[0]),
};
