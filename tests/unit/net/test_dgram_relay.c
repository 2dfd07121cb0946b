/*
 * Datagrams that pass through: what a listening socket got goes out of
 * connected ones, and what comes back goes to its client.
 */
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/dgram_relay.h"
#include "net/dgram_segment.h"
#include "net/socket.h"

#include "fixture.h"

int __real_dgram_io_receive(int fd, struct dgram_slot *slots, size_t n);
int __wrap_dgram_io_receive(int fd, struct dgram_slot *slots, size_t n);
int __real_dgram_io_send(int fd, struct dgram_slot *slots, size_t n);
int __wrap_dgram_io_send(int fd, struct dgram_slot *slots, size_t n);

/* How the kernel shall behave; zero: as it does. */
static struct {
	size_t room;   /* of each datagram that comes */
	int row_error; /* of each row that is to be cut up */
	int error;     /* of each call */
	unsigned calls;
	unsigned rows; /* of these, with a row in front */
} kernel;

int
__wrap_dgram_io_receive(int fd, struct dgram_slot *slots, size_t n)
{
	size_t i;

	for (i = 0; i < n && kernel.room != 0; i++)
		slots[i].msg.msg_iov->iov_len = kernel.room;
	return __real_dgram_io_receive(fd, slots, n);
}

int
__wrap_dgram_io_send(int fd, struct dgram_slot *slots, size_t n)
{
	bool row = slots[0].msg.msg_iovlen > 2;

	kernel.calls++;
	kernel.rows += row;
	errno = kernel.error != 0 ? kernel.error : row ? kernel.row_error : 0;
	if (errno != 0)
		return -1;
	return __real_dgram_io_send(fd, slots, n);
}

enum { SERVERS = 3, TEXT_MAX = 32 };

/* A listening socket, a client of it, and servers that it is relayed to. */
struct scene {
	struct fixture *f;
	struct dgram door;
	struct dgram_batch *batch;
	struct dgram_relay *relay;
	struct addr client_addr;
	struct addr local; /* the address that the client uses */
	int client;
	int servers[SERVERS];
	int uplinks[SERVERS]; /* connected to them */
	struct dgram_message messages[DGRAM_BATCH];
	struct dgram_sent sent; /* out */
	/* What the listening socket was told. */
	size_t back;
	size_t bytes;
	size_t unsent;
};

static void
scene_datagrams(struct dgram *dgram, struct dgram_message *messages, size_t n)
{
	(void)dgram;
	(void)messages;
	(void)n;
}

static void
scene_sent(struct dgram *dgram, size_t n, size_t bytes, size_t unsent)
{
	struct scene *scene = dgram->owner;

	scene->back += n;
	scene->bytes += bytes;
	scene->unsent += unsent;
}

static void
scene_failed(struct dgram *dgram, int error)
{
	(void)dgram;
	assert_int_equal(error, 0);
}

static const struct dgram_ops scene_ops = {
	.datagrams = scene_datagrams,
	.sent = scene_sent,
	.failed = scene_failed,
};

static int
bound(const char *address, struct addr *addr)
{
	static const struct socket_options options = { .backlog = 0 };
	struct endpoint endpoint = { .transport = TRANSPORT_UDP };
	const char *why;
	int fd;

	assert_int_equal(addr_parse(address, &endpoint.addr, &why), 0);
	fd = socket_bind(&endpoint, &options, NULL);
	assert_int_not_equal(fd, -1);
	assert_int_equal(socket_local(fd, addr), 0);
	return fd;
}

static int
connected(const struct addr *addr)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(addr, &ss);
	int fd = compat_socket(ss.ss_family, SOCK_DGRAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

static void
scene_open(struct scene *scene, struct fixture *f)
{
	struct addr addr;
	const char *why;
	size_t i;
	int fd;

	memset(scene, 0, sizeof(*scene));
	memset(&kernel, 0, sizeof(kernel));
	scene->f = f;
	fd = bound("0.0.0.0:0", &addr);
	scene->batch = dgram_batch_new();
	scene->relay = dgram_relay_new();
	assert_non_null(scene->batch);
	assert_non_null(scene->relay);
	assert_int_equal(dgram_open(&scene->door, &f->net, fd, scene->batch,
			     &scene_ops, scene),
	    0);
	assert_int_equal(addr_parse("127.0.0.5:0", &scene->local, &why), 0);
	scene->local.port = addr.port;
	scene->client = connected(&scene->local);
	assert_int_equal(socket_local(scene->client, &scene->client_addr), 0);
	for (i = 0; i < SERVERS; i++) {
		scene->servers[i] = bound("127.0.0.1:0", &addr);
		scene->uplinks[i] = connected(&addr);
	}
}

static void
scene_close(struct scene *scene)
{
	size_t i;

	dgram_relay_free(scene->relay);
	dgram_close(&scene->door);
	dgram_batch_free(scene->batch);
	close(scene->client);
	for (i = 0; i < SERVERS; i++) {
		if (scene->servers[i] != -1)
			close(scene->servers[i]);
		close(scene->uplinks[i]);
	}
}

/* Send these texts to server i, behind the head. */
static void
forward(struct scene *scene, size_t i, const char *const *texts, size_t n,
    const char *head)
{
	size_t j;

	for (j = 0; j < n; j++) {
		scene->messages[j].data = (const unsigned char *)texts[j];
		scene->messages[j].len = strlen(texts[j]);
	}
	dgram_relay_forward(scene->relay, scene->uplinks[i], scene->messages, n,
	    head, strlen(head), &scene->sent);
}

static void
expect(int fd, const char *text)
{
	char got[TEXT_MAX];

	fixture_wait_readable(fd);
	assert_int_equal(recv(fd, got, sizeof(got), 0), strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void
expect_nothing(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* Server i answers its uplink. */
static void
answer(const struct scene *scene, size_t i, const char *text)
{
	struct sockaddr_storage ss;
	struct addr addr;
	socklen_t len;

	assert_int_equal(socket_local(scene->uplinks[i], &addr), 0);
	len = addr_to_sockaddr(&addr, &ss);
	assert_int_equal(sendto(scene->servers[i], text, strlen(text), 0,
			     (struct sockaddr *)&ss, len),
	    strlen(text));
}

static int
take(struct scene *scene, size_t i, struct dgram_came *came)
{
	const struct dgram_path path = {
		.through = &scene->door,
		.peer = &scene->client_addr,
		.local = &scene->local,
	};

	return dgram_relay_back(scene->relay, scene->uplinks[i], &path, came);
}

static void
datagrams_of_one_client_go_in_one_call(void **state)
{
	static const char *const texts[] = { "first", "other", "third", "end" };
	struct scene scene;
	size_t i;

	scene_open(&scene, *state);
	forward(&scene, 0, texts, COUNT(texts), "");
	assert_int_equal(kernel.calls, 1);
	assert_int_equal(kernel.rows, dgram_segment_works());
	assert_int_equal(scene.sent.n, 4);
	assert_int_equal(scene.sent.bytes, 5 + 5 + 5 + 3);
	assert_int_equal(scene.sent.left + (size_t)scene.sent.error, 0);
	for (i = 0; i < COUNT(texts); i++)
		expect(scene.servers[0], texts[i]);
	expect_nothing(scene.servers[0]);
	scene_close(&scene);
}

static void
boundaries_and_order_are_kept(void **state) /* fault 68 */
{
	static const char *const texts[] = { "", "aa", "bb", "", "c", "dd",
		"eee", "fff", "", "", "gg", "gg", "h" };
	struct scene scene;
	size_t i;

	scene_open(&scene, *state);
	forward(&scene, 0, texts, COUNT(texts), "");
	assert_int_equal(scene.sent.n, COUNT(texts));
	for (i = 0; i < COUNT(texts); i++)
		expect(scene.servers[0], texts[i]);
	expect_nothing(scene.servers[0]);
	scene_close(&scene);
}

static void
each_datagram_is_behind_the_head(void **state)
{
	static const char *const texts[] = { "one", "two", "", "four" };
	struct scene scene;

	scene_open(&scene, *state);
	forward(&scene, 0, texts, COUNT(texts), "head ");
	assert_int_equal(scene.sent.bytes, 3 + 3 + 4);
	expect(scene.servers[0], "head one");
	expect(scene.servers[0], "head two");
	expect(scene.servers[0], "head ");
	expect(scene.servers[0], "head four");
	scene_close(&scene);
}

static void
row_that_is_refused_goes_one_by_one(void **state)
{
	static const int errors[] = { EINVAL, EMSGSIZE, EIO, EOPNOTSUPP };
	static const char *const texts[] = { "aaaa", "bbbb", "cccc" };
	struct scene scene;
	size_t i, j;

	if (!dgram_segment_works())
		skip();
	for (i = 0; i < COUNT(errors); i++) {
		scene_open(&scene, *state);
		kernel.row_error = errors[i];
		forward(&scene, 0, texts, COUNT(texts), "");
		assert_int_equal(kernel.rows, 1);
		assert_int_equal(scene.sent.n, 3);
		assert_int_equal(scene.sent.error, 0);
		/* It is not asked again at once. */
		forward(&scene, 0, texts, COUNT(texts), "");
		assert_int_equal(kernel.rows, 1);
		for (j = 0; j < 6; j++)
			expect(scene.servers[0], texts[j % 3]);
		scene_close(&scene);
	}
}

static void
smaller_rows_are_not_barred_by_larger_ones(void **state)
{
	static const char *const large[] = { "aaaa", "bbbb", "cccc" };
	static const char *const small[] = { "aaa", "bbb", "ccc" };
	struct scene scene;
	int i;

	if (!dgram_segment_works())
		skip();
	scene_open(&scene, *state);
	kernel.row_error = EINVAL;
	forward(&scene, 0, large, COUNT(large), "");
	kernel.row_error = 0;
	forward(&scene, 0, small, COUNT(small), "");
	assert_int_equal(kernel.rows, 2);
	/* And after a while, the large ones are tried again. */
	for (i = 0; i < 5000; i++)
		forward(&scene, 1, large, 1, "");
	kernel.rows = 0;
	forward(&scene, 0, large, COUNT(large), "");
	assert_int_equal(kernel.rows, 1);
	scene_close(&scene);
}

static void
server_that_is_gone_is_told_of(void **state) /* fault 68 */
{
	static const char *const texts[] = { "hello" };
	struct scene scene;

	scene_open(&scene, *state);
	close(scene.servers[0]);
	scene.servers[0] = -1;
	forward(&scene, 0, texts, 1, "");
	assert_int_equal(scene.sent.error, 0);
	fixture_wait_readable(scene.uplinks[0]);
	/* Its ICMP error is told once, and costs no datagram. */
	forward(&scene, 0, texts, 1, "");
	assert_int_equal(scene.sent.error, ECONNREFUSED);
	assert_int_equal(scene.sent.n, 2);
	assert_int_equal(scene.sent.left, 0);
	scene_close(&scene);
}

static void
error_before_a_row_costs_no_datagram(void **state) /* fault 68 */
{
	static const char *const texts[] = { "aaaa", "bbbb", "cccc" };
	struct scene scene;

	scene_open(&scene, *state);
	close(scene.servers[0]);
	scene.servers[0] = -1;
	forward(&scene, 0, texts, 1, "");
	fixture_wait_readable(scene.uplinks[0]);
	memset(&scene.sent, 0, sizeof(scene.sent));
	forward(&scene, 0, texts, COUNT(texts), "");
	assert_int_equal(scene.sent.error, ECONNREFUSED);
	assert_int_equal(scene.sent.n + scene.sent.left, 3);
	scene_close(&scene);
}

static void
full_kernel_is_no_error(void **state)
{
	static const char *const texts[] = { "aaaa", "bbbb", "cccc" };
	struct scene scene;

	scene_open(&scene, *state);
	kernel.error = EAGAIN;
	forward(&scene, 0, texts, COUNT(texts), "");
	assert_int_equal(scene.sent.left, 3);
	assert_int_equal(scene.sent.error, 0);
	assert_int_equal(kernel.calls, 1);
	scene_close(&scene);
}

static void
nothing_waits(void **state)
{
	struct dgram_came came;
	struct scene scene;

	scene_open(&scene, *state);
	assert_int_equal(take(&scene, 0, &came), -1);
	assert_int_equal(errno, EAGAIN);
	dgram_relay_flush(scene.relay);
	assert_int_equal(kernel.calls, 0);
	scene_close(&scene);
}

static void
answers_of_several_servers_leave_in_one_call(void **state)
{
	struct dgram_came came;
	struct scene scene;
	size_t i;

	scene_open(&scene, *state);
	for (i = 0; i < SERVERS; i++)
		answer(&scene, i, i == 1 ? "" : "answer");
	for (i = 0; i < SERVERS; i++) {
		fixture_wait_readable(scene.uplinks[i]);
		assert_int_equal(take(&scene, i, &came), 0);
		assert_int_equal(came.n, 1);
		assert_true(came.drained);
	}
	assert_int_equal(kernel.calls, 0);
	dgram_relay_flush(scene.relay);
	assert_int_equal(kernel.calls, 1);
	assert_int_equal(scene.back, 3);
	assert_int_equal(scene.bytes, 12);
	/* The client is connected to the address that it uses, and so gets
	 * nothing from any other. */
	expect(scene.client, "answer");
	expect(scene.client, "");
	expect(scene.client, "answer");
	scene_close(&scene);
}

static void
more_than_a_batch_comes_through(void **state)
{
	enum { SENT = 3 * DGRAM_BATCH + 5 };
	struct dgram_came came = { .drained = false };
	size_t i, n = 0;
	struct scene scene;

	scene_open(&scene, *state);
	for (i = 0; i < SENT; i++)
		answer(&scene, 0, i % 2 == 0 ? "even" : "odd");
	answer(&scene, 1, "other");
	/* Rooms that others have left over are used too. */
	assert_int_equal(take(&scene, 1, &came), 0);
	came.drained = false;
	while (!came.drained) {
		assert_int_equal(take(&scene, 0, &came), 0);
		n += came.n;
	}
	assert_int_equal(n, SENT);
	dgram_relay_flush(scene.relay);
	assert_int_equal(scene.back, SENT + 1);
	expect(scene.client, "other");
	for (i = 0; i < SENT; i++)
		expect(scene.client, i % 2 == 0 ? "even" : "odd");
	expect_nothing(scene.client);
	scene_close(&scene);
}

static void
answer_larger_than_its_room_is_dropped(void **state) /* fault 67 */
{
	struct dgram_came came;
	struct scene scene;

	scene_open(&scene, *state);
	kernel.room = 4;
	answer(&scene, 0, "fits");
	answer(&scene, 0, "does not");
	answer(&scene, 0, "does");
	fixture_wait_readable(scene.uplinks[0]);
	assert_int_equal(take(&scene, 0, &came), 0);
	assert_int_equal(came.n, 2);
	assert_int_equal(came.bytes, 8);
	assert_int_equal(came.truncated, 1);
	dgram_relay_flush(scene.relay);
	expect(scene.client, "fits");
	expect(scene.client, "does");
	expect_nothing(scene.client);
	scene_close(&scene);
}

static void
answers_through_a_closed_socket_are_told(void **state)
{
	struct dgram_came came;
	struct scene scene;

	scene_open(&scene, *state);
	answer(&scene, 0, "late");
	fixture_wait_readable(scene.uplinks[0]);
	assert_int_equal(take(&scene, 0, &came), 0);
	dgram_close(&scene.door);
	dgram_relay_flush(scene.relay);
	assert_int_equal(scene.unsent, 1);
	assert_int_equal(kernel.calls, 0);
	scene_close(&scene);
}

static void
client_that_is_gone_keeps_no_answer_from_others(void **state) /* fault 68 */
{
	struct dgram_came came;
	struct scene scene;
	int other, i;

	scene_open(&scene, *state);
	for (i = 0; i < 3; i++) {
		/* Two answers in one turn, to a client whose port is closed,
		 * and to one that is there. */
		other = connected(&scene.local);
		assert_int_equal(socket_local(other, &scene.client_addr), 0);
		close(other);
		answer(&scene, 0, "gone");
		fixture_wait_readable(scene.uplinks[0]);
		assert_int_equal(take(&scene, 0, &came), 0);
		assert_int_equal(
		    socket_local(scene.client, &scene.client_addr), 0);
		answer(&scene, 1, "here");
		fixture_wait_readable(scene.uplinks[1]);
		assert_int_equal(take(&scene, 1, &came), 0);
		dgram_relay_flush(scene.relay);
		expect(scene.client, "here");
	}
	assert_int_equal(scene.unsent, 0);
	scene_close(&scene);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(datagrams_of_one_client_go_in_one_call),
		FIXTURE_TEST(boundaries_and_order_are_kept),
		FIXTURE_TEST(each_datagram_is_behind_the_head),
		FIXTURE_TEST(row_that_is_refused_goes_one_by_one),
		FIXTURE_TEST(smaller_rows_are_not_barred_by_larger_ones),
		FIXTURE_TEST(server_that_is_gone_is_told_of),
		FIXTURE_TEST(error_before_a_row_costs_no_datagram),
		FIXTURE_TEST(full_kernel_is_no_error),
		FIXTURE_TEST(nothing_waits),
		FIXTURE_TEST(answers_of_several_servers_leave_in_one_call),
		FIXTURE_TEST(more_than_a_batch_comes_through),
		FIXTURE_TEST(answer_larger_than_its_room_is_dropped),
		FIXTURE_TEST(answers_through_a_closed_socket_are_told),
		FIXTURE_TEST(client_that_is_gone_keeps_no_answer_from_others),
	};

	return fixture_run("dgram_relay", tests, COUNT(tests));
}
