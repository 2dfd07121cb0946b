/*
 * Datagrams within a SO_REUSEPORT group, with real sockets: all of one sender
 * come to one member, and those of members that are well stay with them.
 */
#include "base/compat.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMBERS 5
#define SENDERS 200

/* A group of sockets on one free port of the loopback interface, and senders
 * that keep theirs. */
struct group {
	bool inet6;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd[MEMBERS];
	int senders[SENDERS];
	size_t member[SENDERS]; /* who got what the sender last sent */
};

static void
set_address(struct group *g)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	if (g->inet6)
		memcpy(&g->ss, &sin6, g->len = sizeof(sin6));
	else
		memcpy(&g->ss, &sin, g->len = sizeof(sin));
}

/* False if the host has no such addresses. */
static bool
open_group(struct group *g, bool inet6)
{
	const int on = 1;
	size_t i;

	memset(g, 0, sizeof(*g));
	g->inet6 = inet6;
	set_address(g);
	for (i = 0; i < MEMBERS; i++) {
		g->fd[i] = compat_socket(g->ss.ss_family, SOCK_DGRAM, 0);
		if (g->fd[i] == -1 && inet6)
			return false;
		assert_int_equal(setsockopt(g->fd[i], SOL_SOCKET, SO_REUSEPORT,
				     &on, sizeof(on)),
		    0);
		if (bind(g->fd[i], (struct sockaddr *)&g->ss, g->len) == -1) {
			assert_true(inet6 && i == 0);
			close(g->fd[0]);
			return false;
		}
		assert_int_equal(
		    getsockname(g->fd[i], (struct sockaddr *)&g->ss, &g->len),
		    0);
	}
	for (i = 0; i < SENDERS; i++) {
		g->senders[i] = socket(g->ss.ss_family, SOCK_DGRAM, 0);
		assert_int_not_equal(g->senders[i], -1);
		assert_int_equal(
		    connect(g->senders[i], (struct sockaddr *)&g->ss, g->len),
		    0);
	}
	return true;
}

static void
close_group(struct group *g)
{
	size_t i;

	for (i = 0; i < MEMBERS; i++)
		close(g->fd[i]);
	for (i = 0; i < SENDERS; i++)
		close(g->senders[i]);
}

/* Everybody sends its number; note where it arrives. */
static void
send_all(struct group *g, size_t member[SENDERS])
{
	size_t i, number, n = 0;

	for (i = 0; i < SENDERS; i++)
		assert_int_equal(
		    send(g->senders[i], &i, sizeof(i), 0), sizeof(i));
	for (i = 0; i < MEMBERS; i++) {
		while (recv(g->fd[i], &number, sizeof(number), 0) != -1) {
			member[number] = i;
			n++;
		}
		assert_int_equal(errno, EAGAIN);
	}
	assert_int_equal(n, SENDERS);
}

/* Deal among the members of the mask: nobody else gets anything, and who was
 * with one of them stays. */
static void
check_deal(struct group *g, unsigned mask)
{
	bool well[MEMBERS];
	size_t member[SENDERS], again[SENDERS], got[MEMBERS] = { 0 }, i;

	for (i = 0; i < MEMBERS; i++)
		well[i] = (mask >> i & 1) != 0;
	assert_int_equal(
	    compat_reuseport_deal(g->fd[0], g->inet6, well, MEMBERS, 4711), 0);
	send_all(g, member);
	send_all(g, again);
	for (i = 0; i < SENDERS; i++) {
		assert_int_equal(member[i], again[i]);
		if (mask == 0 || well[g->member[i]])
			assert_int_equal(member[i], g->member[i]);
		got[member[i]]++;
	}
	for (i = 0; i < MEMBERS; i++)
		assert_int_equal(got[i] > 0, mask == 0 || well[i]);
}

static void
check_group(bool inet6)
{
	static const unsigned masks[] = { 0x1f, 0x1e, 0x0a, 0x10, 0x01, 0x1d,
		0x0f, 0x00, 0x1f };
	const bool well[MEMBERS] = { true, true, true, true, true };
	struct group g;
	size_t i;

	if (!compat_reuseport_balances() || !open_group(&g, inet6))
		skip();
	if (compat_reuseport_deal(g.fd[0], inet6, well, MEMBERS, 4711) == -1) {
		assert_int_equal(errno, ENOSYS);
		close_group(&g);
		skip();
	}
	send_all(&g, g.member);
	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		check_deal(&g, masks[i]);
	close_group(&g);
}

static void
senders_stay_with_their_member(void **state)
{
	(void)state;
	check_group(false);
}

static void
senders_of_ipv6_stay_with_their_member(void **state)
{
	(void)state;
	check_group(true);
}

static void
as_many_members_as_there_are_workers(void **state)
{
	bool well[257] = { [255] = true };
	size_t member[SENDERS];
	struct group g;

	(void)state;
	if (!compat_reuseport_balances() || !open_group(&g, false))
		skip();
	/* Of 256, one is well; it is not there, and so the kernel chooses. */
	if (compat_reuseport_deal(g.fd[0], false, well, 256, 1) == -1) {
		assert_int_equal(errno, ENOSYS);
		close_group(&g);
		skip();
	}
	send_all(&g, member);
	assert_int_equal(
	    compat_reuseport_deal(g.fd[0], false, well, 257, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(compat_reuseport_deal(g.fd[0], false, well, 0, 1), -1);
	close_group(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senders_stay_with_their_member),
		cmocka_unit_test(senders_of_ipv6_stay_with_their_member),
		cmocka_unit_test(as_many_members_as_there_are_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
