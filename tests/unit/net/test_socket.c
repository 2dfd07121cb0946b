/*
 * Making sockets: who may bind what, which options are set by the time it is
 * done, and what becomes of socket files.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "net/socket.h"

#include "fixture.h"

int __real_fchownat(
    int folder, const char *path, uid_t uid, gid_t gid, int flags);
int __wrap_fchownat(
    int folder, const char *path, uid_t uid, gid_t gid, int flags);

/* How a socket file looked before it was given away. */
static struct {
	mode_t mode;
	bool connectable;
} before_chown;

static bool can_connect(const char *path);

int
__wrap_fchownat(int folder, const char *path, uid_t uid, gid_t gid, int flags)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	before_chown.mode = st.st_mode;
	before_chown.connectable = can_connect(path);
	return __real_fchownat(folder, path, uid, gid, flags);
}

static const struct socket_options no_options = { .backlog = 0 };
static const struct socket_file private_file = { 0600, (uid_t)-1, (gid_t)-1 };

static struct endpoint
endpoint_of(enum transport transport, const char *address)
{
	struct endpoint endpoint = { .transport = transport };
	const char *why;

	assert_int_equal(addr_parse(address, &endpoint.addr, &why), 0);
	return endpoint;
}

/* Bind; the endpoint gets the port that was chosen. */
static int
bind_any(struct endpoint *endpoint)
{
	int fd = socket_bind(endpoint, &no_options, NULL);

	assert_int_not_equal(fd, -1);
	assert_int_equal(socket_local(fd, &endpoint->addr), 0);
	return fd;
}

static int
option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void
sockets_are_non_blocking_and_close_on_exec(void **state)
{
	struct endpoint endpoint = endpoint_of(TRANSPORT_TCP, "127.0.0.1:0");
	int fd = bind_any(&endpoint);

	(void)state;
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
}

static void
several_may_bind_one_address(void **state)
{
	static const enum transport transports[] = { TRANSPORT_TCP,
		TRANSPORT_UDP };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(transports); i++) {
		struct endpoint endpoint =
		    endpoint_of(transports[i], "127.0.0.1:0");
		int first = bind_any(&endpoint), second;

		second = socket_bind(&endpoint, &no_options, NULL);
		assert_int_not_equal(second, -1);
		if (transports[i] == TRANSPORT_TCP) {
			assert_int_equal(socket_listen(first, 1), 0);
			assert_int_equal(socket_listen(second, 1), 0);
		}
		close(first);
		close(second);
	}
}

/* Both families of one port; false if somebody else has it on IPv6. */
static bool
bind_both_families(void)
{
	struct endpoint four = endpoint_of(TRANSPORT_TCP, "0.0.0.0:0");
	struct endpoint six = endpoint_of(TRANSPORT_TCP, "[::]:0");
	int fd4 = bind_any(&four), fd6;

	assert_int_equal(socket_listen(fd4, 1), 0);
	six.addr.port = four.addr.port;
	if (socket_probe(&six) == -1) {
		assert_int_equal(errno, EADDRINUSE);
		close(fd4);
		return false;
	}
	fd6 = bind_any(&six);
	assert_int_equal(option_of(fd6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	assert_int_equal(socket_listen(fd6, 1), 0);
	close(fd4);
	close(fd6);
	return true;
}

static void
ipv6_sockets_leave_ipv4_to_others(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0), tries = 100;

	(void)state;
	if (fd == -1)
		skip();
	close(fd);
	while (!bind_both_families())
		assert_true(--tries > 0);
}

static void
connections_have_the_options_of_their_listener(void **state)
{
	static const struct socket_options options = {
		.backlog = 16,
		.keepalive_ms = 90500,
		.user_timeout_ms = 12345,
		.nodelay = true,
	};
	struct endpoint endpoint = endpoint_of(TRANSPORT_TCP, "127.0.0.1:0");
	struct addr addr;
	const char *option = "none";
	int fd, client, server;

	(void)state;
	fd = socket_bind(&endpoint, &options, &option);
	assert_int_not_equal(fd, -1);
	assert_null(option);
	assert_int_equal(socket_listen(fd, options.backlog), 0);
	assert_int_equal(socket_local(fd, &addr), 0);
	client = fixture_tcp_connect(&addr);
	fixture_wait_readable(fd);
	server = accept(fd, NULL, NULL);
	assert_int_not_equal(server, -1);
	assert_int_equal(option_of(server, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option_of(server, SOL_SOCKET, SO_KEEPALIVE), 1);
	/* Seconds, and rather more than less. */
	assert_int_equal(option_of(server, IPPROTO_TCP, TCP_KEEPIDLE), 91);
	assert_int_equal(
	    option_of(server, IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
	assert_int_equal(option_of(server, SOL_SOCKET, SO_OOBINLINE), 1);
	close(server);
	close(client);
	close(fd);
}

static void
options_not_asked_for_are_left_alone(void **state)
{
	struct endpoint endpoint = endpoint_of(TRANSPORT_TCP, "127.0.0.1:0");
	int fd = bind_any(&endpoint);

	(void)state;
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
	close(fd);
}

static void
deferred_accept_and_fast_open_are_set(void **state)
{
	static const struct socket_options options = { .defer_accept_ms = 3000,
		.fastopen = 64 };
	struct endpoint endpoint = endpoint_of(TRANSPORT_TCP, "127.0.0.1:0");
	int fd = socket_bind(&endpoint, &options, NULL);

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_true(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) >= 3);
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_FASTOPEN), 64);
	close(fd);
}

static void
option_that_is_refused_is_named(void **state)
{
	/* More than the kernel's largest (MAX_TCP_KEEPIDLE). */
	static const struct socket_options options = { .keepalive_ms =
							   1000000000 };
	struct endpoint endpoint = endpoint_of(TRANSPORT_TCP, "127.0.0.1:0");
	const char *option = NULL;

	(void)state;
	assert_int_equal(socket_bind(&endpoint, &options, &option), -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(option, "TCP_KEEPIDLE");
}

static void
failed_bind_names_no_option(void **state)
{
	/* TEST-NET-1 of RFC 5737: nobody's. */
	struct endpoint endpoint = endpoint_of(TRANSPORT_TCP, "192.0.2.1:0");
	const char *option = "one";

	(void)state;
	assert_int_equal(socket_bind(&endpoint, &no_options, &option), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_null(option);
}

static void
probe_finds_a_listener_that_would_share(void **state) /* fault 12 */
{
	struct endpoint endpoint = endpoint_of(TRANSPORT_TCP, "127.0.0.1:0");
	struct endpoint any;
	int fd = bind_any(&endpoint), second;

	(void)state;
	assert_int_equal(socket_listen(fd, 1), 0);
	/* The silent join that the probe is there for. */
	second = socket_bind(&endpoint, &no_options, NULL);
	assert_int_not_equal(second, -1);
	close(second);
	assert_int_equal(socket_probe(&endpoint), -1);
	assert_int_equal(errno, EADDRINUSE);
	any = endpoint_of(TRANSPORT_TCP, "0.0.0.0:0");
	any.addr.port = endpoint.addr.port;
	assert_int_equal(socket_probe(&any), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	assert_int_equal(socket_probe(&endpoint), 0);
}

static void
probe_finds_a_udp_socket_that_would_share(void **state) /* fault 12 */
{
	struct endpoint endpoint = endpoint_of(TRANSPORT_UDP, "127.0.0.1:0");
	int fd = bind_any(&endpoint);

	(void)state;
	assert_int_equal(socket_probe(&endpoint), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	assert_int_equal(socket_probe(&endpoint), 0);
}

static void
probe_is_not_fooled_by_time_wait(void **state) /* fault 12 */
{
	struct endpoint endpoint = endpoint_of(TRANSPORT_TCP, "127.0.0.1:0");
	struct endpoint plain;
	int fd = bind_any(&endpoint), client, server, other;
	struct sockaddr_storage ss;
	socklen_t len;
	char byte;

	(void)state;
	assert_int_equal(socket_listen(fd, 1), 0);
	client = fixture_tcp_connect(&endpoint.addr);
	fixture_wait_readable(fd);
	server = accept(fd, NULL, NULL);
	assert_int_not_equal(server, -1);
	/* The server's side closes first, so it is the one that lingers. */
	close(server);
	fixture_wait_readable(client);
	assert_int_equal(recv(client, &byte, 1, 0), 0);
	close(client);
	close(fd);
	/* A bind without any option sees it... */
	plain = endpoint;
	len = addr_to_sockaddr(&plain.addr, &ss);
	other = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(other, (struct sockaddr *)&ss, len), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(other);
	/* ... the probe, and the socket itself, do not. */
	assert_int_equal(socket_probe(&endpoint), 0);
	fd = bind_any(&endpoint);
	assert_int_equal(socket_listen(fd, 1), 0);
	close(fd);
}

/* ---- UNIX sockets, in a folder of the test's own ------------------------ */

static int
setup_folder(void **state)
{
	char *folder = strdup("/tmp/muxd-socket.XXXXXX");

	*state = folder;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
teardown_folder(void **state)
{
	char *folder = *state;
	int result = rmdir(folder);

	free(folder);
	return result;
}

static struct endpoint
endpoint_in(const char *folder)
{
	struct endpoint endpoint = { .transport = TRANSPORT_UNIX };

	endpoint.addr.family = ADDR_UNIX;
	snprintf(endpoint.path, sizeof(endpoint.path), "%s/socket", folder);
	return endpoint;
}

/* The descriptor, or -1 with errno. */
static int
connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = compat_socket(AF_UNIX, SOCK_STREAM, 0), error;

	assert_int_not_equal(fd, -1);
	compat_strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool
can_connect(const char *path)
{
	int fd = connect_to(path);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static void
socket_file_has_the_mode_and_owner_asked_for(void **state)
{
	const struct socket_file file = { 0620, geteuid(), getegid() };
	struct endpoint endpoint = endpoint_in(*state);
	mode_t mask = umask(0);
	struct stat st;
	int fd = socket_bind_unix(&endpoint, &no_options, &file);

	assert_int_not_equal(fd, -1);
	/* The process's own mask is as it was. */
	assert_int_equal(umask(mask), 0);
	assert_int_equal(stat(endpoint.path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0620);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(st.st_gid, getegid());
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true(can_connect(endpoint.path));
	close(fd);
	assert_int_equal(unlink(endpoint.path), 0);
}

static void
nobody_slips_in_before_the_mode_is_set(void **state)
{
	const struct socket_file file = { 0666, geteuid(), getegid() };
	struct endpoint endpoint = endpoint_in(*state);
	mode_t mask = umask(0);
	int fd = socket_bind_unix(&endpoint, &no_options, &file);

	umask(mask);
	assert_int_not_equal(fd, -1);
	assert_int_equal(before_chown.mode & 077, 0);
	assert_false(before_chown.connectable);
	close(fd);
	assert_int_equal(unlink(endpoint.path), 0);
}

static void
stale_socket_file_is_replaced(void **state)
{
	struct endpoint endpoint = endpoint_in(*state);
	int fd = socket_bind_unix(&endpoint, &no_options, &private_file);

	assert_int_not_equal(fd, -1);
	/* As a daemon that was killed leaves it. */
	close(fd);
	assert_int_equal(socket_probe(&endpoint), 0);
	fd = socket_bind_unix(&endpoint, &no_options, &private_file);
	assert_int_not_equal(fd, -1);
	assert_true(can_connect(endpoint.path));
	close(fd);
	assert_int_equal(unlink(endpoint.path), 0);
}

static void
expect_in_use(const struct endpoint *endpoint)
{
	assert_int_equal(
	    socket_bind_unix(endpoint, &no_options, &private_file), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(socket_probe(endpoint), -1);
	assert_int_equal(errno, EADDRINUSE);
}

static void
live_socket_file_is_refused_and_left_alone(void **state)
{
	static const struct socket_options options = { .backlog = 4 };
	struct endpoint endpoint = endpoint_in(*state);
	int fd = socket_bind_unix(&endpoint, &options, &private_file);
	int clients[16];
	size_t n = 0;

	assert_int_not_equal(fd, -1);
	expect_in_use(&endpoint);
	/* Also while its queue is full. */
	while ((clients[n] = connect_to(endpoint.path)) != -1)
		assert_true(++n < COUNT(clients));
	assert_int_equal(errno, EAGAIN);
	expect_in_use(&endpoint);
	while (n > 0)
		close(clients[--n]);
	close(fd);
	assert_int_equal(unlink(endpoint.path), 0);
}

static void
datagram_socket_in_its_place_is_refused(void **state)
{
	struct endpoint endpoint = endpoint_in(*state);
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	compat_strlcpy(sun.sun_path, endpoint.path, sizeof(sun.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(
	    socket_bind_unix(&endpoint, &no_options, &private_file), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	assert_int_equal(unlink(endpoint.path), 0);
}

static void
file_that_is_no_socket_is_refused_and_kept(void **state)
{
	struct endpoint endpoint = endpoint_in(*state);
	struct stat st;
	int fd = open(endpoint.path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_int_equal(
	    socket_bind_unix(&endpoint, &no_options, &private_file), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(socket_probe(&endpoint), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(stat(endpoint.path, &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(unlink(endpoint.path), 0);
}

static void
symbolic_link_is_no_socket(void **state)
{
	struct endpoint endpoint = endpoint_in(*state);

	assert_int_equal(symlink("/dev/null", endpoint.path), 0);
	assert_int_equal(
	    socket_bind_unix(&endpoint, &no_options, &private_file), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(unlink(endpoint.path), 0);
}

static void
missing_folder_is_told(void **state)
{
	struct endpoint endpoint = endpoint_in(*state);

	(void)compat_strlcpy(endpoint.path + strlen(endpoint.path), "/deeper",
	    sizeof(endpoint.path) - strlen(endpoint.path));
	assert_int_equal(
	    socket_bind_unix(&endpoint, &no_options, &private_file), -1);
	assert_int_equal(errno, ENOENT);
}

#define FOLDER_TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup_folder, teardown_folder)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_are_non_blocking_and_close_on_exec),
		cmocka_unit_test(several_may_bind_one_address),
		cmocka_unit_test(ipv6_sockets_leave_ipv4_to_others),
		cmocka_unit_test(
		    connections_have_the_options_of_their_listener),
		cmocka_unit_test(options_not_asked_for_are_left_alone),
		cmocka_unit_test(deferred_accept_and_fast_open_are_set),
		cmocka_unit_test(option_that_is_refused_is_named),
		cmocka_unit_test(failed_bind_names_no_option),
		cmocka_unit_test(probe_finds_a_listener_that_would_share),
		cmocka_unit_test(probe_finds_a_udp_socket_that_would_share),
		cmocka_unit_test(probe_is_not_fooled_by_time_wait),
		FOLDER_TEST(socket_file_has_the_mode_and_owner_asked_for),
		FOLDER_TEST(nobody_slips_in_before_the_mode_is_set),
		FOLDER_TEST(stale_socket_file_is_replaced),
		FOLDER_TEST(live_socket_file_is_refused_and_left_alone),
		FOLDER_TEST(datagram_socket_in_its_place_is_refused),
		FOLDER_TEST(file_that_is_no_socket_is_refused_and_kept),
		FOLDER_TEST(symbolic_link_is_no_socket),
		FOLDER_TEST(missing_folder_is_told),
	};

	return fixture_run("socket", tests, COUNT(tests));
}
