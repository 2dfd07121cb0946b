/*
 * Pipes between two streams: what goes in comes out, whatever the target
 * takes, and every outcome is told apart.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "net/splice.h"

#include "owner.h"

#define STEP   ((size_t)1 << 20)
#define BUDGET ((size_t)1 << 20)

/* Two streams that do not read by themselves, and their peers. */
struct both {
	struct pipes pipes;
	struct pipe *pipe;
	struct owner from;
	struct owner to;
	int source; /* what is written here comes to from */
	int target; /* what to sends is read here */
};

/* Where bytes come from as soon as splice(2) has found nothing; then -1. */
static int late_source = -1;

ssize_t __real_splice(
    int in, off_t *off_in, int out, off_t *off_out, size_t len, unsigned flags);
ssize_t __wrap_splice(
    int in, off_t *off_in, int out, off_t *off_out, size_t len, unsigned flags);

ssize_t
__wrap_splice(
    int in, off_t *off_in, int out, off_t *off_out, size_t len, unsigned flags)
{
	ssize_t n = __real_splice(in, off_in, out, off_out, len, flags);

	if (n == -1 && errno == EAGAIN && late_source != -1) {
		assert_int_equal(send(late_source, "late", 4, MSG_NOSIGNAL), 4);
		late_source = -1;
		errno = EAGAIN;
	}
	return n;
}

static void
ignore(struct stream *stream)
{
	(void)stream;
}

static void
both_open(struct both *both, struct fixture *f, bool small)
{
	static struct stream_ops raw_ops;
	int fds[2];

	memset(both, 0, sizeof(*both));
	raw_ops = owner_ops;
	raw_ops.readable = ignore;
	pipes_init(&both->pipes);
	both->pipe = pipes_lease(&both->pipes);
	if (both->pipe == NULL)
		skip();
	fixture_tcp_pair(fds);
	owner_open(&both->from, f, fds[0]);
	both->from.stream.ops = &raw_ops;
	stream_read_raw(&both->from.stream, true);
	both->source = fds[1];
	fixture_tcp_pair(fds);
	if (small) {
		fixture_small_buffers(fds[0]);
		fixture_small_buffers(fds[1]);
	}
	owner_open(&both->to, f, fds[0]);
	both->target = fds[1];
}

static void
both_close(struct both *both)
{
	pipes_return(&both->pipes, both->pipe);
	pipes_close(&both->pipes);
	stream_close(&both->from.stream);
	stream_close(&both->to.stream);
	if (both->source != -1)
		close(both->source);
	close(both->target);
}

static enum pipe_verdict
move(struct both *both, struct pipe_moved *moved)
{
	return pipe_move(both->pipe, &both->from.stream, &both->to.stream, STEP,
	    BUDGET, moved);
}

static void
bytes_come_out_as_they_went_in(void **state)
{
	struct fixture *f = *state;
	struct pipe_moved moved;
	struct both both;
	char text[16] = "";

	both_open(&both, f, false);
	assert_int_equal(send(both.source, "hello", 5, MSG_NOSIGNAL), 5);
	TURN_UNTIL(f, io_is_ready(&both.from.stream.io, IO_READ));
	assert_int_equal(move(&both, &moved), PIPE_MOVED);
	assert_int_equal(moved.in, 5);
	assert_int_equal(moved.out, 5);
	assert_int_equal(both.pipe->len, 0);
	assert_false(io_is_ready(&both.from.stream.io, IO_READ));
	fixture_wait_readable(both.target);
	assert_int_equal(recv(both.target, text, sizeof(text), 0), 5);
	assert_string_equal(text, "hello");
	both_close(&both);
}

static void
full_target_leaves_the_rest_in_the_pipe(void **state)
{
	struct fixture *f = *state;
	struct pipe_moved moved;
	struct both both;
	size_t put = 0, got = 0;
	static unsigned char buffer[FIXTURE_SPAN];
	enum pipe_verdict verdict;
	ssize_t n;

	both_open(&both, f, true);
	do {
		n = send(both.source, fixture_noise(put), FIXTURE_SPAN,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		put += n > 0 ? (size_t)n : 0;
		verdict = move(&both, &moved);
	} while (verdict == PIPE_MOVED);
	assert_int_equal(verdict, PIPE_FULL);
	assert_int_not_equal(both.pipe->len, 0);
	assert_false(io_is_ready(&both.to.stream.io, IO_WRITE));
	close(both.source);
	both.source = -1;
	do {
		n = recv(both.target, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n > 0) {
			assert_memory_equal(
			    buffer, fixture_noise(got), (size_t)n);
			got += (size_t)n;
		}
		verdict = move(&both, &moved);
	} while (verdict != PIPE_ENDED);
	while (
	    (n = recv(both.target, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		assert_memory_equal(buffer, fixture_noise(got), (size_t)n);
		got += (size_t)n;
	}
	assert_int_equal(got, put);
	both_close(&both);
}

static void
broken_target_is_told_without_a_signal(void **state) /* faults 34, 38 */
{
	struct fixture *f = *state;
	struct linger linger = { .l_onoff = 1 };
	struct pipe_moved moved;
	struct both both;
	enum pipe_verdict verdict;

	/* As the daemon does, for splice(2) has no MSG_NOSIGNAL. */
	assert_ptr_not_equal(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	both_open(&both, f, false);
	(void)setsockopt(
	    both.target, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(both.target);
	both.target = dup(both.source);
	TURN_UNTIL(f, both.to.failures > 0);
	assert_int_equal(send(both.source, "x", 1, MSG_NOSIGNAL), 1);
	fixture_wait_readable(both.from.stream.io.fd);
	verdict = move(&both, &moved);
	assert_int_equal(verdict, PIPE_BROKEN);
	assert_true(moved.error == EPIPE || moved.error == ECONNRESET);
	assert_int_equal(moved.in, 1);
	assert_int_equal(moved.out, 0);
	assert_int_equal(both.pipe->len, 1);
	both_close(&both);
}

static void
reset_source_is_told(void **state) /* fault 38 */
{
	struct fixture *f = *state;
	struct linger linger = { .l_onoff = 1 };
	struct pipe_moved moved;
	struct both both;

	both_open(&both, f, false);
	(void)setsockopt(
	    both.source, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(both.source);
	both.source = -1;
	fixture_wait_readable(both.from.stream.io.fd);
	assert_int_equal(move(&both, &moved), PIPE_FAILED);
	assert_int_equal(moved.error, ECONNRESET);
	both_close(&both);
}

static void
what_cannot_be_spliced_to_can_be_taken_out(void **state) /* fault 38 */
{
	struct fixture *f = *state;
	struct pipe_moved moved;
	struct both both;
	char text[16] = "";
	int fd, saved;

	both_open(&both, f, false);
	assert_int_equal(send(both.source, "hello", 5, MSG_NOSIGNAL), 5);
	fixture_wait_readable(both.from.stream.io.fd);
	/* A file in append mode takes no splice. */
	fd = open("/tmp", O_TMPFILE | O_WRONLY | O_APPEND, 0600);
	if (fd == -1)
		fd = open("/dev/null", O_RDONLY);
	saved = both.to.stream.io.fd;
	both.to.stream.io.fd = fd;
	assert_int_equal(move(&both, &moved), PIPE_UNFIT);
	both.to.stream.io.fd = saved;
	close(fd);
	assert_int_equal(pipe_take(both.pipe, text, 3), 3);
	assert_int_equal(pipe_take(both.pipe, text + 3, 13), 2);
	assert_int_equal(pipe_take(both.pipe, text, sizeof(text)), 0);
	assert_string_equal(text, "hello");
	both_close(&both);
}

static void
urgent_data_is_left_to_those_who_read(void **state)
{
	struct fixture *f = *state;
	struct pipe_moved moved;
	struct both both;
	int on = 1;

	both_open(&both, f, false);
	assert_int_not_equal(setsockopt(both.from.stream.io.fd, SOL_SOCKET,
				 SO_OOBINLINE, &on, sizeof(on)),
	    -1);
	assert_int_equal(send(both.source, "ab", 2, MSG_NOSIGNAL), 2);
	assert_int_equal(send(both.source, "c", 1, MSG_NOSIGNAL | MSG_OOB), 1);
	assert_int_equal(send(both.source, "d", 1, MSG_NOSIGNAL), 1);
	TURN_UNTIL(f, io_is_ready(&both.from.stream.io, IO_READ));
	while (move(&both, &moved) == PIPE_MOVED)
		continue;
	assert_int_equal(move(&both, &moved), PIPE_UNFIT);
	TURN_UNTIL(f, io_is_ready(&both.from.stream.io, IO_READ));
	both_close(&both);
}

/* What comes between the EAGAIN and whatever is asked next is no sign that the
 * source cannot be spliced: the loop tells of it. */
static void
bytes_that_come_late_are_spliced_too(void **state)
{
	struct fixture *f = *state;
	struct pipe_moved moved;
	struct both both;

	both_open(&both, f, false);
	late_source = both.source;
	assert_int_equal(move(&both, &moved), PIPE_MOVED);
	assert_int_equal(late_source, -1);
	assert_int_equal(moved.in, 0);
	TURN_UNTIL(f, io_is_ready(&both.from.stream.io, IO_READ));
	assert_int_equal(move(&both, &moved), PIPE_MOVED);
	assert_int_equal(moved.in, 4);
	both_close(&both);
}

static void
budget_ends_a_move(void **state)
{
	struct fixture *f = *state;
	struct pipe_moved moved;
	struct both both;

	both_open(&both, f, false);
	assert_int_equal(send(both.source, "0123456789", 10, MSG_NOSIGNAL), 10);
	TURN_UNTIL(f, io_is_ready(&both.from.stream.io, IO_READ));
	assert_int_equal(pipe_move(both.pipe, &both.from.stream,
			     &both.to.stream, 4, 8, &moved),
	    PIPE_MOVED);
	assert_int_equal(moved.in, 8);
	assert_int_equal(moved.out, 8);
	assert_true(io_is_ready(&both.from.stream.io, IO_READ));
	both_close(&both);
}

static void
pipes_are_kept_up_to_a_bound_and_never_with_bytes(void **state)
{
	struct pipes pipes;
	struct pipe *leased[PIPES_MAX];
	size_t i;

	(void)state;
	pipes_init(&pipes);
	for (i = 0; i < PIPES_MAX; i++) {
		leased[i] = pipes_lease(&pipes);
		if (leased[i] == NULL)
			skip();
	}
	assert_null(pipes_lease(&pipes));
	assert_int_equal(write(leased[0]->fds[1], "x", 1), 1);
	leased[0]->len = 1;
	pipes_return(&pipes, leased[0]);
	assert_int_equal(pipes.nfree, 0);
	for (i = 1; i < PIPES_MAX; i++)
		pipes_return(&pipes, leased[i]);
	assert_int_equal(pipes.nfree, PIPES_KEEP);
	assert_int_equal(pipes.n, PIPES_KEEP);
	pipes_close(&pipes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(bytes_come_out_as_they_went_in),
		FIXTURE_TEST(full_target_leaves_the_rest_in_the_pipe),
		FIXTURE_TEST(broken_target_is_told_without_a_signal),
		FIXTURE_TEST(reset_source_is_told),
		FIXTURE_TEST(what_cannot_be_spliced_to_can_be_taken_out),
		FIXTURE_TEST(urgent_data_is_left_to_those_who_read),
		FIXTURE_TEST(bytes_that_come_late_are_spliced_too),
		FIXTURE_TEST(budget_ends_a_move),
		FIXTURE_TEST(pipes_are_kept_up_to_a_bound_and_never_with_bytes),
	};

	return fixture_run_each_backend("splice", tests, COUNT(tests));
}
