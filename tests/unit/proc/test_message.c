/*
 * The channel between the master and a child.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compat.h"
#include "proc/message.h"

struct ends {
	struct loop *loop;
	struct channel channel;
	int peer;
	struct message last;
	unsigned messages;
	unsigned broken;
	bool close_on_message;
	int kept[COMPAT_FDS_MAX]; /* descriptors that came */
	size_t nkept;
	bool leave; /* descriptors in the channel */
};

static void
heard(struct channel *channel, const struct message *message)
{
	struct ends *ends = channel->owner;

	ends->last = *message;
	ends->messages++;
	if (!ends->leave) {
		memcpy(ends->kept, channel->fds,
		    channel->nfds * sizeof(*ends->kept));
		ends->nkept = channel->nfds;
		channel->nfds = 0;
	}
	if (ends->close_on_message)
		channel_close(channel);
}

static void
broke(struct channel *channel)
{
	struct ends *ends = channel->owner;

	ends->broken++;
}

static const struct channel_ops ops = { .message = heard, .broken = broke };

static int
setup(void **state)
{
	static struct ends ends;
	int fds[2];

	ends = (struct ends){ .peer = -1 };
	ends.loop = loop_open("auto");
	if (ends.loop == NULL || compat_socketpair(SOCK_STREAM, fds) == -1 ||
	    channel_open(&ends.channel, ends.loop, fds[0], &ops, &ends) == -1)
		return -1;
	ends.peer = fds[1];
	*state = &ends;
	return 0;
}

static int
teardown(void **state)
{
	struct ends *ends = *state;

	channel_close(&ends->channel);
	if (ends->peer != -1)
		(void)close(ends->peer);
	loop_close(ends->loop);
	return 0;
}

static void
send_bytes(struct ends *ends, const void *data, size_t len)
{
	assert_int_equal(send(ends->peer, data, len, 0), (ssize_t)len);
}

static void
several_messages_in_one_event_are_all_heard(void **state)
{
	struct ends *ends = *state;
	const struct message messages[] = { { MESSAGE_READY, 1 },
		{ MESSAGE_CONGESTED, 0 }, { MESSAGE_DRAIN, 30000 } };

	send_bytes(ends, messages, sizeof(messages));
	assert_int_not_equal(loop_turn(ends->loop, 10000), -1);
	assert_int_equal(ends->messages, 3);
	assert_int_equal(ends->last.type, MESSAGE_DRAIN);
	assert_int_equal(ends->last.value, 30000);
}

static void
a_message_in_pieces_is_heard_once_whole(void **state)
{
	struct ends *ends = *state;
	const struct message message = { MESSAGE_SERVE, 77 };
	const char *bytes = (const char *)&message;
	size_t i;

	for (i = 0; i < sizeof(message); i++) {
		assert_int_equal(ends->messages, 0);
		send_bytes(ends, bytes + i, 1);
		assert_int_not_equal(loop_turn(ends->loop, 10000), -1);
	}
	assert_int_equal(ends->messages, 1);
	assert_int_equal(ends->last.value, 77);
}

static void
the_end_of_the_other_side_is_told_once(void **state)
{
	struct ends *ends = *state;

	(void)close(ends->peer);
	ends->peer = -1;
	while (ends->broken == 0)
		assert_int_not_equal(loop_turn(ends->loop, 10000), -1);
	assert_int_not_equal(loop_turn(ends->loop, 0), -1);
	assert_int_equal(ends->broken, 1);
	assert_int_equal(channel_send(&ends->channel, MESSAGE_STOP, 0), -1);
	assert_int_equal(errno, EPIPE);
}

static void
closing_in_the_callback_ends_it_there(void **state)
{
	struct ends *ends = *state;
	const struct message messages[] = { { MESSAGE_STOP, 0 },
		{ MESSAGE_SERVE, 0 } };

	ends->close_on_message = true;
	send_bytes(ends, messages, sizeof(messages));
	assert_int_not_equal(loop_turn(ends->loop, 10000), -1);
	assert_int_equal(ends->messages, 1);
	assert_int_equal(ends->broken, 0);
}

static void
a_peer_that_does_not_read_never_blocks_the_sender(void **state)
{
	struct ends *ends = *state;
	unsigned i;

	for (i = 0; i < 1000000; i++)
		if (channel_send(&ends->channel, MESSAGE_READY, i) == -1)
			break;
	assert_in_range(i, 1, 999999);
	assert_int_equal(errno, EAGAIN);
}

static void
never(struct io *io)
{
	(void)io;
	fail();
}

/* Send more descriptors than compat_send_fds() would. */
static void
send_many(int peer, size_t n)
{
	unsigned char room[CMSG_SPACE(2 * COMPAT_FDS_MAX * sizeof(int))];
	struct message message = { MESSAGE_SOCKETS, 0 };
	struct iovec iov = { &message, sizeof(message) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *header;
	size_t i;

	memset(room, 0, sizeof(room));
	header = CMSG_FIRSTHDR(&msg);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (i = 0; i < n; i++)
		memcpy(
		    CMSG_DATA(header) + i * sizeof(int), &peer, sizeof(peer));
	assert_int_equal(sendmsg(peer, &msg, 0), (ssize_t)sizeof(message));
}

/* The lowest number that is free. */
static int
next_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	assert_int_not_equal(fd, -1);
	(void)close(fd);
	return fd;
}

/* fault 21 */
static void
descriptors_come_with_their_message_and_close_on_exec(void **state)
{
	struct ends *ends = *state;
	struct channel sender = { 0 };
	int ends_of_pipe[2], i;
	char byte;

	io_init(&sender.io, ends->peer, never, 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pipe(ends_of_pipe), 0);
		assert_int_equal(channel_send_fds(&sender, MESSAGE_SOCKETS, 7,
				     ends_of_pipe, 2),
		    0);
		assert_int_not_equal(loop_turn(ends->loop, 10000), -1);
		assert_int_equal(ends->last.value, 7);
		assert_int_equal(ends->nkept, 2);
		assert_int_not_equal(
		    fcntl(ends->kept[0], F_GETFD) & FD_CLOEXEC, 0);
		assert_int_equal(write(ends->kept[1], "x", 1), 1);
		assert_int_equal(read(ends_of_pipe[0], &byte, 1), 1);
		(void)close(ends->kept[0]);
		(void)close(ends->kept[1]);
		(void)close(ends_of_pipe[0]);
		(void)close(ends_of_pipe[1]);
	}
	assert_int_equal(ends->messages, 2);
}

/* fault 21 */
static void
descriptors_that_nobody_takes_are_closed(void **state)
{
	struct ends *ends = *state;
	int next = next_descriptor();

	ends->leave = true;
	send_many(ends->peer, 3);
	assert_int_not_equal(loop_turn(ends->loop, 10000), -1);
	assert_int_equal(ends->messages, 1);
	assert_int_equal(next_descriptor(), next);
}

/* fault 21 */
static void
too_many_descriptors_break_the_channel_and_none_is_kept(void **state)
{
	struct ends *ends = *state;
	int next = next_descriptor();

	send_many(ends->peer, COMPAT_FDS_MAX + 1);
	while (ends->broken == 0)
		assert_int_not_equal(loop_turn(ends->loop, 10000), -1);
	assert_int_equal(ends->messages, 0);
	/* The channel's own is free too by now. */
	assert_true(next_descriptor() <= next);
}

/* fault 21: MSG_CTRUNC.  What is short of descriptors must not lose its
 * lifeline for it. */
static void
descriptors_that_find_no_room_are_left_out(void **state)
{
	struct ends *ends = *state;
	struct rlimit limit, less;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	less = limit;
	less.rlim_cur = (rlim_t)next_descriptor() + 1;
	send_many(ends->peer, 3);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
	while (ends->messages == 0 && ends->broken == 0)
		assert_int_not_equal(loop_turn(ends->loop, 10000), -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(ends->messages, 1);
	assert_int_equal(ends->broken, 0);
	assert_int_equal(ends->nkept, 0);
	assert_true(next_descriptor() < (int)less.rlim_cur);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    several_messages_in_one_event_are_all_heard, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_message_in_pieces_is_heard_once_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_end_of_the_other_side_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    closing_in_the_callback_ends_it_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_peer_that_does_not_read_never_blocks_the_sender, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    descriptors_come_with_their_message_and_close_on_exec,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    descriptors_that_nobody_takes_are_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    too_many_descriptors_break_the_channel_and_none_is_kept,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    descriptors_that_find_no_room_are_left_out, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
