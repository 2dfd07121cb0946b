/*
 * Which addresses are this machine's own.
 */
#include "net/local.h"

#include <sys/ioctl.h>
#include <sys/wait.h>

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct addr
parsed(const char *text)
{
	struct addr addr;
	const char *why;

	assert_int_equal(addr_parse(text, &addr, &why), 0);
	return addr;
}

static bool
is_local(const char *text)
{
	struct addr addr = parsed(text);

	return local_has_address(&addr);
}

static void
loopback_is_local(void **state)
{
	(void)state;
	assert_true(is_local("127.0.0.1:80"));
	assert_true(is_local("127.9.9.9:80"));
}

static void
address_of_another_machine_is_not(void **state)
{
	(void)state;
	assert_false(is_local("198.51.100.7:80"));
	assert_false(is_local("[2001:db8:7::1]:80"));
}

static void
what_is_no_address_is_not(void **state)
{
	struct addr addr = { .family = ADDR_UNIX };

	(void)state;
	assert_false(local_has_address(&addr));
	addr.family = ADDR_NONE;
	assert_false(local_has_address(&addr));
}

/* ---- where everybody can bind to everything --------------------------------- */

#ifdef __linux__
/* A network of its own, whose only interface has one more address, and that
 * allows it.  False where that cannot be had. */
static bool
make_network(void)
{
	struct ifreq ifreq = { .ifr_name = "lo" };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	FILE *file;
	int fd;
	bool made;

	if (unshare(CLONE_NEWNET) == -1)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifreq.ifr_flags = IFF_UP;
	made = ioctl(fd, SIOCSIFFLAGS, &ifreq) == 0;
	(void)strcpy(ifreq.ifr_name, "lo:1");
	sin.sin_addr.s_addr = htonl(0x0a090909);
	memcpy(&ifreq.ifr_addr, &sin, sizeof(sin));
	made = made && ioctl(fd, SIOCSIFADDR, &ifreq) == 0;
	(void)close(fd);
	file = fopen("/proc/sys/net/ipv4/ip_nonlocal_bind", "w");
	if (file == NULL)
		return false;
	made = fputs("1\n", file) >= 0 && made;
	return fclose(file) == 0 && made;
}

/* Exit statuses of the child. */
enum { ALL_RIGHT, WRONG, NO_NETWORK };

static void
binding_says_nothing_where_all_can_be_bound_to(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (!make_network())
			_exit(NO_NETWORK);
		_exit(is_local("10.9.9.9:80") && is_local("127.0.0.2:80") &&
			    !is_local("198.51.100.7:80")
			? ALL_RIGHT
			: WRONG);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NETWORK)
		skip();
	assert_int_equal(WEXITSTATUS(status), ALL_RIGHT);
}

#endif

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(loopback_is_local),
		cmocka_unit_test(address_of_another_machine_is_not),
		cmocka_unit_test(what_is_no_address_is_not),
#ifdef __linux__
		cmocka_unit_test(
		    binding_says_nothing_where_all_can_be_bound_to),
#endif
	};

	return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
