/*
 * Datagrams: what comes, what goes, from which address, and errors on the
 * way.
 */
#include <sys/socket.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "net/dgram.h"
#include "net/socket.h"

#include "fixture.h"

int __real_dgram_io_receive(int fd, struct dgram_slot *slots, size_t n);
int __wrap_dgram_io_receive(int fd, struct dgram_slot *slots, size_t n);
int __real_dgram_io_send(int fd, struct dgram_slot *slots, size_t n);
int __wrap_dgram_io_send(int fd, struct dgram_slot *slots, size_t n);

/* How the kernel shall behave; zero: as it does. */
static struct {
	size_t room;       /* of each datagram that comes */
	int receive_error; /* once */
	int send_error;    /* once, or of each call if send_always */
	bool send_always;
	size_t send_most; /* datagrams taken by one call */
	unsigned sends;
	unsigned receives;
} kernel;

int
__wrap_dgram_io_receive(int fd, struct dgram_slot *slots, size_t n)
{
	size_t i;

	kernel.receives++;
	if (kernel.receive_error != 0) {
		errno = kernel.receive_error;
		kernel.receive_error = 0;
		return -1;
	}
	for (i = 0; i < n && kernel.room != 0; i++)
		slots[i].msg.msg_iov->iov_len = kernel.room;
	return __real_dgram_io_receive(fd, slots, n);
}

int
__wrap_dgram_io_send(int fd, struct dgram_slot *slots, size_t n)
{
	kernel.sends++;
	if (kernel.send_error != 0) {
		errno = kernel.send_error;
		if (!kernel.send_always)
			kernel.send_error = 0;
		return -1;
	}
	if (kernel.send_most != 0 && n > kernel.send_most)
		n = kernel.send_most;
	return __real_dgram_io_send(fd, slots, n);
}

/* An owner that echoes. */
struct echo {
	struct dgram dgram;
	struct dgram_batch *batch;
	bool silent;
	bool empty; /* answers datagrams of no bytes too */
	bool close_at_once;
	size_t came;
	size_t biggest; /* batch */
	size_t sent;
	size_t bytes;
	size_t unsent;
	unsigned failures;
	int error;
	struct dgram_message last; /* its pointers lead nowhere any more */
};

static void
echo_datagrams(struct dgram *dgram, struct dgram_message *messages, size_t n)
{
	struct echo *echo = dgram->owner;
	size_t i;

	assert_false(dgram->closed);
	assert_true(n > 0);
	if (n > echo->biggest)
		echo->biggest = n;
	for (i = 0; i < n; i++) {
		echo->came++;
		echo->last = messages[i];
		if (echo->silent)
			continue;
		memcpy(messages[i].reply, messages[i].data, messages[i].len);
		messages[i].reply_len = messages[i].len;
		messages[i].reply_empty = echo->empty;
	}
	if (echo->close_at_once)
		dgram_close(dgram);
}

static void
echo_sent(struct dgram *dgram, size_t n, size_t bytes, size_t unsent)
{
	struct echo *echo = dgram->owner;

	echo->sent += n;
	echo->bytes += bytes;
	echo->unsent += unsent;
}

static void
echo_failed(struct dgram *dgram, int error)
{
	struct echo *echo = dgram->owner;

	echo->failures++;
	echo->error = error;
}

static const struct dgram_ops echo_ops = {
	.datagrams = echo_datagrams,
	.sent = echo_sent,
	.failed = echo_failed,
};

/* Open it on any port of the address, which is numeric ("127.0.0.1:0"). */
static bool
echo_open(struct echo *echo, struct fixture *f, const char *address)
{
	static const struct socket_options options = { .backlog = 0 };
	struct endpoint endpoint = { .transport = TRANSPORT_UDP };
	const char *why;
	int fd;

	memset(&kernel, 0, sizeof(kernel));
	assert_int_equal(addr_parse(address, &endpoint.addr, &why), 0);
	fd = socket_bind(&endpoint, &options, NULL);
	if (fd == -1 && errno == EAFNOSUPPORT)
		return false;
	assert_int_not_equal(fd, -1);
	echo->batch = dgram_batch_new();
	assert_non_null(echo->batch);
	assert_int_equal(
	    dgram_open(&echo->dgram, &f->net, fd, echo->batch, &echo_ops, echo),
	    0);
	return true;
}

static void
echo_close(struct echo *echo)
{
	dgram_close(&echo->dgram);
	dgram_batch_free(echo->batch);
}

/* A client's socket, connected to the echo's port at the given address: it
 * gets nothing from any other address. */
static int
client_of(const struct echo *echo, const char *address)
{
	struct sockaddr_storage ss;
	struct addr addr;
	const char *why;
	socklen_t len;
	int fd;

	assert_int_equal(addr_parse(address, &addr, &why), 0);
	addr.port = echo->dgram.local.port;
	len = addr_to_sockaddr(&addr, &ss);
	fd = socket(ss.ss_family, SOCK_DGRAM, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

static void
client_expect(int fd, const char *text)
{
	char got[64];

	fixture_wait_readable(fd);
	assert_int_equal(recv(fd, got, sizeof(got), 0), strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void
client_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

static void
answers_leave_from_the_address_that_was_used(void **state)
{
	static const char *const addresses[] = { "127.0.0.1:1", "127.0.0.2:1",
		"127.255.3.4:1" };
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	struct addr used;
	const char *why;
	size_t i;
	int fd;

	assert_true(echo_open(&echo, f, "0.0.0.0:0"));
	for (i = 0; i < COUNT(addresses); i++) {
		fd = client_of(&echo, addresses[i]);
		client_send(fd, addresses[i]);
		TURN_UNTIL(f, echo.sent == i + 1);
		client_expect(fd, addresses[i]);
		assert_int_equal(addr_parse(addresses[i], &used, &why), 0);
		used.port = echo.dgram.local.port;
		assert_int_equal(addr_compare(&echo.last.local, &used), 0);
		assert_false(echo.last.many);
		close(fd);
	}
	assert_int_equal(echo.unsent + echo.failures, 0);
	echo_close(&echo);
}

static void
broadcasts_are_marked(void **state) /* fault 66 */
{
	const int on = 1;
	struct fixture *f = *state;
	struct echo echo = { .silent = true };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd;

	assert_true(echo_open(&echo, f, "0.0.0.0:0"));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)), 0);
	sin.sin_port = htons(echo.dgram.local.port);
	sin.sin_addr.s_addr = htonl(UINT32_C(0x7fffffff));
	assert_int_equal(
	    sendto(fd, "all", 3, 0, (struct sockaddr *)&sin, sizeof(sin)), 3);
	TURN_UNTIL(f, echo.came == 1);
	assert_true(echo.last.many);
	close(fd);
	echo_close(&echo);
}

static void
answers_leave_from_the_ipv6_address_that_was_used(void **state)
{
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	struct addr peer;
	int fd;

	if (!echo_open(&echo, f, "[::]:0"))
		skip();
	fd = client_of(&echo, "[::1]:1");
	client_send(fd, "six");
	TURN_UNTIL(f, echo.sent == 1);
	client_expect(fd, "six");
	assert_int_equal(socket_local(fd, &peer), 0);
	assert_int_equal(addr_compare(&echo.last.peer, &peer), 0);
	assert_int_equal(echo.last.local.family, ADDR_INET6);
	assert_int_equal(echo.last.local.ip[15], 1);
	close(fd);
	echo_close(&echo);
}

static void
datagrams_are_taken_in_batches(void **state)
{
	enum { SENT = 100 };
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	int fd, i;

	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	fd = client_of(&echo, "127.0.0.1:1");
	for (i = 0; i < SENT; i++)
		client_send(fd, "n");
	TURN_UNTIL(f, echo.came == SENT);
	assert_int_equal(echo.biggest, DGRAM_BATCH);
	assert_int_equal(echo.sent, SENT);
	assert_int_equal(echo.bytes, SENT);
	for (i = 0; i < SENT; i++)
		client_expect(fd, "n");
	close(fd);
	echo_close(&echo);
}

static void
empty_datagrams_are_delivered(void **state) /* fault 68 */
{
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	char byte;
	int fd;

	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	fd = client_of(&echo, "127.0.0.1:1");
	assert_int_equal(send(fd, "", 0, 0), 0);
	TURN_UNTIL(f, echo.came == 1);
	assert_int_equal(echo.last.len, 0);
	assert_int_equal(echo.sent, 0);
	echo.empty = true;
	assert_int_equal(send(fd, "", 0, 0), 0);
	TURN_UNTIL(f, echo.sent == 1);
	fixture_wait_readable(fd);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	close(fd);
	echo_close(&echo);
}

static void
datagram_larger_than_its_room_is_told(void **state) /* fault 67 */
{
	struct fixture *f = *state;
	struct echo echo = { .silent = true };
	int fd;

	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	fd = client_of(&echo, "127.0.0.1:1");
	kernel.room = 8;
	client_send(fd, "12345678");
	TURN_UNTIL(f, echo.came == 1);
	assert_false(echo.last.truncated);
	client_send(fd, "123456789");
	TURN_UNTIL(f, echo.came == 2);
	assert_true(echo.last.truncated);
	assert_int_equal(echo.last.len, 8);
	close(fd);
	echo_close(&echo);
}

static void
largest_datagram_fits(void **state)
{
	enum { LARGEST = 65507 };
	static unsigned char got[LARGEST + 1];
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	int fd;

	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	fd = client_of(&echo, "127.0.0.1:1");
	assert_int_equal(send(fd, fixture_noise(0), LARGEST, 0), LARGEST);
	TURN_UNTIL(f, echo.sent == 1);
	fixture_wait_readable(fd);
	assert_int_equal(recv(fd, got, sizeof(got), 0), LARGEST);
	assert_memory_equal(got, fixture_noise(0), LARGEST);
	close(fd);
	echo_close(&echo);
}

static void
silence_sends_nothing(void **state)
{
	struct fixture *f = *state;
	struct echo echo = { .silent = true };
	int fd;

	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	fd = client_of(&echo, "127.0.0.1:1");
	client_send(fd, "hello?");
	TURN_UNTIL(f, echo.came == 1);
	fixture_settle(f);
	assert_int_equal(kernel.sends, 0);
	assert_int_equal(kernel.receives, 1);
	close(fd);
	echo_close(&echo);
}

static void
pending_errors_do_not_end_receiving(void **state) /* fault 68 */
{
	static const int errors[] = { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH,
		EINTR };
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	size_t i;
	int fd;

	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	fd = client_of(&echo, "127.0.0.1:1");
	for (i = 0; i < COUNT(errors); i++) {
		kernel.receive_error = errors[i];
		client_send(fd, "on");
		TURN_UNTIL(f, echo.came == i + 1);
		client_expect(fd, "on");
	}
	assert_int_equal(echo.failures, 0);
	close(fd);
	echo_close(&echo);
}

static void
client_that_is_gone_disturbs_nobody(void **state) /* fault 68 */
{
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	int fd, i;

	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	for (i = 0; i < 10; i++) {
		/* Its port answers with ICMP. */
		fd = client_of(&echo, "127.0.0.1:1");
		client_send(fd, "gone");
		close(fd);
	}
	fd = client_of(&echo, "127.0.0.1:1");
	client_send(fd, "here");
	TURN_UNTIL(f, echo.came == 11);
	client_expect(fd, "here");
	assert_int_equal(echo.failures, 0);
	close(fd);
	echo_close(&echo);
}

/* The second of three can never be received: msg_namelen is out of range. */
static void
error_that_lasts_ends_a_call_for_several(void **state)
{
	static struct dgram_slot slots[3];
	static struct iovec parts[3];
	static char bytes[3];
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	size_t i;
	const char *wrapper = getenv("MUXD_WRAPPER");
	int fd;

	/* valgrind takes the length that is out of range for a mistake. */
	if (wrapper != NULL && *wrapper != '\0')
		skip();
	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	fd = client_of(&echo, "127.0.0.1:1");
	for (i = 0; i < COUNT(slots); i++) {
		parts[i] = (struct iovec){ &bytes[i], 1 };
		slots[i].msg.msg_iov = &parts[i];
		slots[i].msg.msg_iovlen = 1;
		client_send(fd, "x");
	}
	slots[1].msg.msg_name = bytes;
	slots[1].msg.msg_namelen = (socklen_t)-1;
	assert_int_equal(
	    __real_dgram_io_receive(echo.dgram.io.fd, slots, COUNT(slots)), 1);
	assert_int_equal(slots[0].len, 1);
	close(fd);
	echo_close(&echo);
}

static void
other_errors_are_told_and_outlived(void **state)
{
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	int fd;

	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	fd = client_of(&echo, "127.0.0.1:1");
	kernel.receive_error = ENOMEM;
	client_send(fd, "still");
	TURN_UNTIL(f, echo.failures == 1);
	assert_int_equal(echo.error, ENOMEM);
	assert_int_equal(echo.came, 0);
	TURN_UNTIL(f, echo.came == 1);
	client_expect(fd, "still");
	assert_int_equal(echo.failures, 1);
	close(fd);
	echo_close(&echo);
}

/* Three datagrams wait; let them be served together. */
static int
three_wait(struct echo *echo, struct fixture *f)
{
	int fd, i;

	assert_true(echo_open(echo, f, "127.0.0.1:0"));
	fd = client_of(echo, "127.0.0.1:1");
	for (i = 0; i < 3; i++)
		client_send(fd, i == 0 ? "a" : i == 1 ? "b" : "c");
	return fd;
}

static void
batch_taken_in_parts_is_sent_whole(void **state)
{
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	int fd = three_wait(&echo, f);

	kernel.send_most = 1;
	TURN_UNTIL(f, echo.sent == 3);
	assert_int_equal(echo.unsent, 0);
	client_expect(fd, "a");
	client_expect(fd, "b");
	client_expect(fd, "c");
	close(fd);
	echo_close(&echo);
}

static void
full_kernel_drops_answers_and_counts_them(void **state)
{
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	int fd = three_wait(&echo, f);

	kernel.send_error = EAGAIN;
	TURN_UNTIL(f, echo.came == 3);
	assert_int_equal(echo.sent + echo.unsent, 3);
	assert_int_equal(echo.unsent, 3);
	assert_int_equal(kernel.sends, 1);
	client_send(fd, "next");
	TURN_UNTIL(f, echo.sent == 1);
	client_expect(fd, "next");
	close(fd);
	echo_close(&echo);
}

static void
pending_error_on_sending_costs_no_answer(void **state) /* fault 68 */
{
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	int fd = three_wait(&echo, f);

	kernel.send_error = ECONNREFUSED;
	TURN_UNTIL(f, echo.came == 3);
	assert_int_equal(echo.sent, 3);
	assert_int_equal(echo.unsent, 0);
	close(fd);
	echo_close(&echo);
}

static void
answer_that_cannot_be_sent_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	int fd = three_wait(&echo, f);

	kernel.send_error = EPERM;
	TURN_UNTIL(f, echo.came == 3);
	assert_int_equal(echo.sent, 2);
	assert_int_equal(echo.unsent, 1);
	client_expect(fd, "b");
	client_expect(fd, "c");
	close(fd);
	echo_close(&echo);
}

static void
error_that_lasts_ends_the_batch_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct echo echo = { .came = 0 };
	int fd = three_wait(&echo, f);

	kernel.send_error = ENETUNREACH;
	kernel.send_always = true;
	TURN_UNTIL(f, echo.came == 3);
	assert_int_equal(echo.unsent, 3);
	kernel.send_error = 0;
	client_send(fd, "back");
	TURN_UNTIL(f, echo.sent == 1);
	client_expect(fd, "back");
	close(fd);
	echo_close(&echo);
}

static void
dgram_may_be_closed_in_datagrams(void **state)
{
	struct fixture *f = *state;
	struct echo echo = { .close_at_once = true };
	int fd = three_wait(&echo, f);

	TURN_UNTIL(f, echo.dgram.closed);
	fixture_settle(f);
	assert_int_equal(kernel.sends, 0);
	close(fd);
	echo_close(&echo);
}

static void
drain_takes_all_that_waits(void **state)
{
	enum { SENT = 3 * DGRAM_BATCH + 1 };
	struct fixture *f = *state;
	struct echo echo = { .silent = true };
	int fd, i;

	assert_true(echo_open(&echo, f, "127.0.0.1:0"));
	fd = client_of(&echo, "127.0.0.1:1");
	for (i = 0; i < SENT; i++)
		client_send(fd, "x");
	dgram_drain(&echo.dgram);
	assert_int_equal(echo.came, SENT);
	close(fd);
	echo_close(&echo);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(answers_leave_from_the_address_that_was_used),
		FIXTURE_TEST(broadcasts_are_marked),
		FIXTURE_TEST(answers_leave_from_the_ipv6_address_that_was_used),
		FIXTURE_TEST(datagrams_are_taken_in_batches),
		FIXTURE_TEST(empty_datagrams_are_delivered),
		FIXTURE_TEST(datagram_larger_than_its_room_is_told),
		FIXTURE_TEST(largest_datagram_fits),
		FIXTURE_TEST(silence_sends_nothing),
		FIXTURE_TEST(pending_errors_do_not_end_receiving),
		FIXTURE_TEST(client_that_is_gone_disturbs_nobody),
		FIXTURE_TEST(error_that_lasts_ends_a_call_for_several),
		FIXTURE_TEST(other_errors_are_told_and_outlived),
		FIXTURE_TEST(batch_taken_in_parts_is_sent_whole),
		FIXTURE_TEST(full_kernel_drops_answers_and_counts_them),
		FIXTURE_TEST(pending_error_on_sending_costs_no_answer),
		FIXTURE_TEST(answer_that_cannot_be_sent_is_left_out),
		FIXTURE_TEST(error_that_lasts_ends_the_batch_and_no_more),
		FIXTURE_TEST(dgram_may_be_closed_in_datagrams),
		FIXTURE_TEST(drain_takes_all_that_waits),
	};

	return fixture_run_each_backend("dgram", tests, COUNT(tests));
}
