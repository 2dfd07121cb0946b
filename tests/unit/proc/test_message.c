/*
 * The channel between the master and a child.
 */
#include <sys/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
};

static void
heard(struct channel *channel, const struct message *message)
{
	struct ends *ends = channel->owner;

	ends->last = *message;
	ends->messages++;
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
