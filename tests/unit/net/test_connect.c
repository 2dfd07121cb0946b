/*
 * Outgoing connections: options, outcomes, and streams that wait for them.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/connect.h"
#include "net/socket.h"

#include "owner.h"

static const struct connect_options no_options;

static int
option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_not_equal(getsockopt(fd, level, name, &value, &len), -1);
	return value;
}

static struct addr
addr_of(const char *text)
{
	struct addr addr;
	const char *why;

	assert_int_not_equal(addr_parse(text, &addr, &why), -1);
	return addr;
}

/* A port that nobody listens on. */
static struct addr
absent(void)
{
	struct addr addr;

	close(fixture_tcp_listener(&addr));
	return addr;
}

/* An owner that counts connected calls in writables. */
static void
connected(struct stream *stream)
{
	container_of(stream, struct owner, stream)->writables++;
}

static struct stream_ops
connecting_ops(void)
{
	struct stream_ops ops = owner_ops;

	ops.connected = connected;
	return ops;
}

static void
stream_is_told_of_its_connection_and_then_reads(void **state)
{
	struct fixture *f = *state;
	struct stream_ops ops = connecting_ops();
	struct owner owner = { .echo = true };
	struct addr addr;
	int listener = fixture_tcp_listener(&addr), fd, peer;

	assert_int_equal(connect_stream(&addr, NULL, &no_options, &fd, NULL),
	    CONNECT_PROGRESS);
	assert_int_equal(
	    stream_connect(&owner.stream, &f->net, fd, &ops, NET_SCRATCH_SIZE),
	    0);
	TURN_UNTIL(f, owner.writables == 1);
	peer = compat_accept(listener, NULL, NULL);
	assert_int_not_equal(peer, -1);
	assert_int_equal(send(peer, "hello", 5, MSG_NOSIGNAL), 5);
	fixture_expect(f, peer, "hello");
	assert_int_equal(owner.writables, 1);
	assert_int_equal(owner.failures, 0);
	stream_close(&owner.stream);
	close(peer);
	close(listener);
}

static void
what_the_server_said_at_once_is_read(void **state)
{
	struct fixture *f = *state;
	struct stream_ops ops = connecting_ops();
	struct owner owner = { .finish_at_end = true };
	struct addr addr;
	int listener = fixture_tcp_listener(&addr), fd, peer;

	assert_int_equal(connect_stream(&addr, NULL, &no_options, &fd, NULL),
	    CONNECT_PROGRESS);
	fixture_wait_readable(listener);
	peer = compat_accept(listener, NULL, NULL);
	assert_int_equal(send(peer, "220 ready", 9, MSG_NOSIGNAL), 9);
	close(peer);
	fixture_wait_readable(fd);
	assert_int_equal(
	    stream_connect(&owner.stream, &f->net, fd, &ops, NET_SCRATCH_SIZE),
	    0);
	TURN_UNTIL(f, owner.ends == 1);
	assert_int_equal(owner.writables, 1);
	assert_string_equal(owner.text, "220 ready");
	stream_close(&owner.stream);
	close(listener);
}

static void
refused_connection_fails_the_stream(void **state) /* fault 35 */
{
	struct fixture *f = *state;
	struct stream_ops ops = connecting_ops();
	struct owner owner = { .bytes = 0 };
	struct addr addr = absent();
	int fd;

	assert_int_equal(connect_stream(&addr, NULL, &no_options, &fd, NULL),
	    CONNECT_PROGRESS);
	assert_int_equal(
	    stream_connect(&owner.stream, &f->net, fd, &ops, NET_SCRATCH_SIZE),
	    0);
	TURN_UNTIL(f, owner.failures == 1);
	assert_int_equal(owner.error, ECONNREFUSED);
	assert_int_equal(owner.writables, 0);
	stream_close(&owner.stream);
}

static void
options_are_set_on_the_connection(void **state)
{
	struct connect_options options = { .keepalive_ms = 61000,
		.user_timeout_ms = 7000,
		.dscp = 46,
		.nodelay = true };
	struct addr addr;
	int listener = fixture_tcp_listener(&addr), fd;

	(void)state;
	options.source = addr_of("127.0.0.9:0");
	assert_int_not_equal(
	    connect_stream(&addr, NULL, &options, &fd, NULL), CONNECT_FAILED);
	assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option_of(fd, SOL_SOCKET, SO_OOBINLINE), 1);
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
#ifdef TCP_KEEPIDLE
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 61);
#endif
#ifdef TCP_USER_TIMEOUT
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
#endif
	assert_int_equal(option_of(fd, IPPROTO_IP, IP_TOS), 46 << 2);
	assert_int_not_equal(socket_local(fd, &addr), -1);
	assert_int_equal(addr.ip[3], 9);
	close(fd);
	close(listener);
}

static void
source_of_the_other_family_is_not_used(void **state)
{
	struct connect_options options = { .dscp = 0 };
	struct addr addr;
	int listener = fixture_tcp_listener(&addr), fd;

	(void)state;
	options.source = addr_of("[::1]:0");
	assert_int_not_equal(
	    connect_stream(&addr, NULL, &options, &fd, NULL), CONNECT_FAILED);
	close(fd);
	close(listener);
}

static void
source_that_is_not_ours_is_an_error_and_leaks_nothing(void **state)
{
	struct connect_options options = { .dscp = 0 };
	struct addr addr;
	int listener = fixture_tcp_listener(&addr), fd, before, after;
	const char *option = "unset";

	(void)state;
	options.source = addr_of("192.0.2.1:0");
	before = dup(listener);
	close(before);
	assert_int_equal(connect_stream(&addr, NULL, &options, &fd, &option),
	    CONNECT_FAILED);
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_null(option);
	after = dup(listener);
	assert_int_equal(after, before);
	close(after);
	close(listener);
}

static void
unix_server_is_connected_at_once(void **state)
{
	char folder[] = "/tmp/muxd-connect-XXXXXX";
	struct endpoint endpoint = { .transport = TRANSPORT_UNIX,
		.addr.family = ADDR_UNIX };
	const struct socket_options listening = { .backlog = 1 };
	const struct socket_file file = { 0700, (uid_t)-1, (gid_t)-1 };
	int listener, fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(endpoint.path, sizeof(endpoint.path), "%s/s", folder);
	listener = socket_bind_unix(&endpoint, &listening, &file);
	assert_int_not_equal(listener, -1);
	assert_int_equal(connect_stream(&endpoint.addr, endpoint.path,
			     &no_options, &fd, NULL),
	    CONNECT_DONE);
	close(fd);
	close(listener);
	assert_int_equal(connect_stream(&endpoint.addr, endpoint.path,
			     &no_options, &fd, NULL),
	    CONNECT_FAILED);
	assert_int_equal(errno, ECONNREFUSED);
	unlink(endpoint.path);
	assert_int_equal(connect_stream(&endpoint.addr, endpoint.path,
			     &no_options, &fd, NULL),
	    CONNECT_FAILED);
	assert_int_equal(errno, ENOENT);
	rmdir(folder);
}

static void
socket_connected_to_itself_is_found_out(void **state) /* fault 37 */
{
	struct addr addr = absent(), other;
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&addr, &ss);
	int listener = fixture_tcp_listener(&other), fd;

	(void)state;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_not_equal(bind(fd, (struct sockaddr *)&ss, len), -1);
	assert_int_not_equal(connect(fd, (struct sockaddr *)&ss, len), -1);
	assert_true(connect_is_self(fd, &addr));
	close(fd);
	fd = fixture_tcp_connect(&other);
	assert_false(connect_is_self(fd, &other));
	close(fd);
	close(listener);
}

static void
datagram_socket_is_connected_at_once(void **state)
{
	struct addr addr = addr_of("127.0.0.1:9"), local;
	int fd;

	(void)state;
	assert_int_equal(
	    connect_datagram(&addr, &no_options, &fd, NULL), CONNECT_DONE);
	assert_int_not_equal(socket_local(fd, &local), -1);
	assert_int_not_equal(local.port, 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(stream_is_told_of_its_connection_and_then_reads),
		FIXTURE_TEST(what_the_server_said_at_once_is_read),
		FIXTURE_TEST(refused_connection_fails_the_stream),
		FIXTURE_TEST(options_are_set_on_the_connection),
		FIXTURE_TEST(source_of_the_other_family_is_not_used),
		FIXTURE_TEST(
		    source_that_is_not_ours_is_an_error_and_leaks_nothing),
		FIXTURE_TEST(unix_server_is_connected_at_once),
		FIXTURE_TEST(socket_connected_to_itself_is_found_out),
		FIXTURE_TEST(datagram_socket_is_connected_at_once),
	};

	return fixture_run_each_backend("connect", tests, COUNT(tests));
}
