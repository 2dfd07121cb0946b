/*
 * The platform's gaps, as far as a process can see that they are filled.
 */
#include "base/compat.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

extern char **environ;

static void
assert_flagged(int fd)
{
	assert_int_not_equal(fd, -1);
	assert_int_not_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

/* Whether fn(), run in a child, returns true. */
static void
assert_in_child(bool (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(fn() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
listen_on_loopback(struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);
	int fd = compat_socket(AF_INET, SOCK_STREAM, 0);

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_flagged(fd);
	assert_int_equal(bind(fd, (struct sockaddr *)sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sin, &len), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void
new_descriptors_neither_block_nor_leak(void **state)
{
	struct sockaddr_in sin, peer;
	socklen_t len = sizeof(peer);
	int listener, client, conn, fds[2];

	(void)state;
	assert_int_equal(compat_pipe(fds), 0);
	assert_flagged(fds[0]);
	assert_flagged(fds[1]);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(compat_socketpair(SOCK_STREAM, fds), 0);
	assert_flagged(fds[0]);
	assert_flagged(fds[1]);
	close(fds[0]);
	close(fds[1]);

	listener = listen_on_loopback(&sin);
	assert_int_equal(compat_accept(listener, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
	    connect(client, (struct sockaddr *)&sin, sizeof(sin)), 0);
	conn = compat_accept(listener, (struct sockaddr *)&peer, &len);
	assert_flagged(conn);
	assert_int_equal(len, sizeof(peer));
	assert_int_equal(peer.sin_family, AF_INET);
	close(conn);
	close(client);
	close(listener);
}

static void
failures_are_told(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(compat_accept(-1, NULL, NULL), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(compat_socket(-1, SOCK_STREAM, 0), -1);
	assert_int_equal(compat_socketpair(-1, fds), -1);
	assert_int_equal(compat_shared_memory("x", SIZE_MAX), -1);
	assert_int_equal(errno, EINVAL);
}

static void
pair_takes_several_of_the_largest_log_datagrams(void **state)
{
	static unsigned char data[LOG_BUFFER_SIZE + LOG_RECORD_MAX];
	int fds[2];

	(void)state;
	assert_int_equal(compat_socketpair(SOCK_DGRAM, fds), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(send(fds[0], data, sizeof(data), MSG_DONTWAIT),
		    sizeof(data));
	close(fds[0]);
	close(fds[1]);
}

static void
copy_is_cut_and_terminated(void **state)
{
	char buf[] = "xxxxxxxx";

	(void)state;
	assert_int_equal(compat_strlcpy(buf, "abc", 4), 3);
	assert_string_equal(buf, "abc");
	assert_int_equal(compat_strlcpy(buf, "abcdef", 4), 6);
	assert_string_equal(buf, "abc");
	assert_int_equal(buf[4], 'x');
	assert_int_equal(compat_strlcpy(buf, "z", 0), 1);
	assert_string_equal(buf, "abc");
	assert_int_equal(compat_strlcpy(buf, "", 4), 0);
	assert_string_equal(buf, "");
}

static void
shared_memory_is_shared_sparse_and_zero(void **state)
{
	const size_t size = (size_t)1 << 32;
	unsigned char *a, *b;
	struct stat st;
	int fd;

	(void)state;
	if (sizeof(size_t) < 8)
		skip();
	fd = compat_shared_memory("muxd-test", size);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, size);
	a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(a, MAP_FAILED);
	assert_ptr_not_equal(b, MAP_FAILED);
	assert_int_equal(b[17], 0);
	a[17] = 42;
	assert_int_equal(b[17], 42);
	assert_int_equal(munmap(a, 4096), 0);
	assert_int_equal(munmap(b, 4096), 0);
	close(fd);
}

static void
usable_cpus_are_counted_and_listed(void **state)
{
	unsigned cpus[1024], one[1], n, m;
	size_t ncpus, none;

	(void)state;
	n = compat_usable_cpus(cpus, 1024, &ncpus);
	assert_true(n >= 1);
	assert_true(n <= ncpus);
	for (size_t i = 1; i < ncpus; i++)
		assert_true(cpus[i - 1] < cpus[i]);
	/* A short list does not make the count smaller. */
	m = compat_usable_cpus(one, 1, &none);
	assert_int_equal(m, n);
	assert_int_equal(none, 1);
	assert_int_equal(one[0], cpus[0]);
}

static bool
pinned_process_has_one_cpu(void)
{
	unsigned cpus[1024], after[1024];
	size_t n, nafter;

	(void)compat_usable_cpus(cpus, 1024, &n);
	if (compat_pin_cpu(cpus[n - 1]) == -1)
		return errno == ENOSYS || errno == EPERM;
#ifdef __linux__
	return compat_usable_cpus(after, 1024, &nafter) == 1 && nafter == 1 &&
	    after[0] == cpus[n - 1];
#else
	(void)after;
	(void)nafter;
	return true;
#endif
}

static void
pin_leaves_one_usable_cpu(void **state)
{
	(void)state;
	assert_in_child(pinned_process_has_one_cpu);
}

static void
pin_to_a_cpu_that_is_not_there_is_refused(void **state)
{
	(void)state;
	assert_int_equal(compat_pin_cpu(1000000), -1);
	assert_int_equal(compat_pin_cpu(4095), -1);
}

static bool
nothing_is_open_from_three_up(void)
{
	int high = fcntl(STDERR_FILENO, F_DUPFD, 200);

	if (high == -1 || dup2(STDERR_FILENO, 3) == -1)
		return false;
	compat_closefrom(3);
	return fcntl(3, F_GETFD) == -1 && fcntl(high, F_GETFD) == -1 &&
	    fcntl(STDERR_FILENO, F_GETFD) != -1;
}

static void
closefrom_closes_from_there_up(void **state)
{
	(void)state;
	assert_in_child(nothing_is_open_from_three_up);
}

static void
peer_of_a_unix_socket_is_this_user(void **state)
{
	struct sockaddr_in sin;
	int fds[2], tcp;
	uid_t uid = (uid_t)-1;

	(void)state;
	assert_int_equal(compat_socketpair(SOCK_STREAM, fds), 0);
	assert_int_equal(compat_peer_uid(fds[0], &uid), 0);
	assert_int_equal(uid, geteuid());
	close(fds[0]);
	close(fds[1]);
	tcp = listen_on_loopback(&sin);
	assert_int_equal(compat_peer_uid(tcp, &uid), -1);
	close(tcp);
	assert_int_equal(compat_peer_uid(-1, &uid), -1);
}

static void
silence_of_a_client_grows(void **state)
{
	struct sockaddr_in sin;
	int64_t first, last;
	int listener, client, conn;

	(void)state;
	listener = listen_on_loopback(&sin);
	client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
	    connect(client, (struct sockaddr *)&sin, sizeof(sin)), 0);
	conn = compat_accept(listener, NULL, NULL);
	assert_int_not_equal(conn, -1);
	first = last = compat_tcp_silence_ms(conn);
	if (first == -1) {
		close(conn);
		close(client);
		close(listener);
		skip();
	}
	/* The kernel counts in ticks of up to 10 ms. */
	for (int i = 0; i < 1000 && last <= first; i++) {
		(void)poll(NULL, 0, 1);
		last = compat_tcp_silence_ms(conn);
	}
	assert_true(last > first);
	close(conn);
	close(client);
	close(listener);
	assert_int_equal(compat_tcp_silence_ms(-1), -1);
}

#ifdef __linux__

/* The title as ps(1) reads it. */
static const char *
title_of_self(void)
{
	static char text[4096];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_int_not_equal(fd, -1);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void
title_is_what_ps_shows(void **state)
{
	(void)state;
	compat_title_set("muxd: worker 0");
	assert_string_equal(title_of_self(), "muxd: worker 0");
	compat_title_set("muxd: a title that is longer than the command line "
			 "was, and so needs the place of the environment");
	assert_memory_equal(
	    title_of_self(), "muxd: a title that is longer ", 29);
	compat_title_set("muxd");
	assert_string_equal(title_of_self(), "muxd");
}

#else

static void
title_is_what_ps_shows(void **state)
{
	(void)state;
	skip();
}

#endif

static char **arguments;

static void
arguments_and_environment_outlive_the_title(void **state)
{
	static char long_title[1 << 16];

	(void)state;
	memset(long_title, 'x', sizeof(long_title) - 1);
	compat_title_set(long_title);
	assert_string_equal(arguments[1], "argument");
	assert_string_equal(getenv("MUXD_TEST_TITLE"), "value");
	assert_int_equal(setenv("MUXD_TEST_TITLE", "other", 1), 0);
	assert_string_equal(getenv("MUXD_TEST_TITLE"), "other");
	compat_title_set("muxd");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_descriptors_neither_block_nor_leak),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(
		    pair_takes_several_of_the_largest_log_datagrams),
		cmocka_unit_test(copy_is_cut_and_terminated),
		cmocka_unit_test(shared_memory_is_shared_sparse_and_zero),
		cmocka_unit_test(usable_cpus_are_counted_and_listed),
		cmocka_unit_test(pin_leaves_one_usable_cpu),
		cmocka_unit_test(pin_to_a_cpu_that_is_not_there_is_refused),
		cmocka_unit_test(closefrom_closes_from_there_up),
		cmocka_unit_test(peer_of_a_unix_socket_is_this_user),
		cmocka_unit_test(silence_of_a_client_grows),
		cmocka_unit_test(title_is_what_ps_shows),
		cmocka_unit_test(arguments_and_environment_outlive_the_title),
	};

	/* A known command line and environment need an exec of its own. */
	if (argc == 1) {
		(void)setenv("MUXD_TEST_TITLE", "value", 1);
		(void)execl(argv[0], argv[0], "argument", (char *)NULL);
		perror("exec");
		return 1;
	}
	compat_title_init(argc, argv, environ);
	arguments = argv;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
