/*
 * Steering within a SO_REUSEPORT group, with real sockets: connections and
 * datagrams land on the chosen members and nowhere else.
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
#define CLIENTS 200

/* A group of sockets on one free port of the loopback interface. */
struct group {
	int type;
	int fd[MEMBERS];
	unsigned got[MEMBERS];
	struct sockaddr_in sin;
};

static void
open_member(struct group *g, size_t i)
{
	socklen_t len = sizeof(g->sin);
	int on = 1;

	g->fd[i] = compat_socket(AF_INET, g->type, 0);
	assert_int_not_equal(g->fd[i], -1);
	assert_int_equal(
	    setsockopt(g->fd[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	assert_int_equal(
	    bind(g->fd[i], (struct sockaddr *)&g->sin, sizeof(g->sin)), 0);
	assert_int_equal(
	    getsockname(g->fd[i], (struct sockaddr *)&g->sin, &len), 0);
	if (g->type == SOCK_STREAM)
		assert_int_equal(listen(g->fd[i], CLIENTS), 0);
}

static void
open_group(struct group *g, int type)
{
	memset(g, 0, sizeof(*g));
	g->type = type;
	g->sin.sin_family = AF_INET;
	g->sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (size_t i = 0; i < MEMBERS; i++)
		open_member(g, i);
}

static void
close_group(struct group *g)
{
	for (size_t i = 0; i < MEMBERS; i++)
		close(g->fd[i]);
}

/* Take what waits at a member. */
static unsigned
collect(const struct group *g, size_t i)
{
	unsigned n = 0;
	char byte;
	int fd;

	for (;; n++) {
		if (g->type == SOCK_DGRAM) {
			if (recv(g->fd[i], &byte, 1, 0) == -1)
				break;
			continue;
		}
		fd = compat_accept(g->fd[i], NULL, NULL);
		if (fd == -1)
			break;
		close(fd);
	}
	assert_int_equal(errno, EAGAIN);
	return n;
}

/* Let clients come, each from a port of its own, and count where. */
static void
send_clients(struct group *g)
{
	unsigned sum = 0;

	for (int i = 0; i < CLIENTS; i++) {
		int fd = socket(AF_INET, g->type, 0);

		assert_int_not_equal(fd, -1);
		assert_int_equal(
		    connect(fd, (struct sockaddr *)&g->sin, sizeof(g->sin)), 0);
		if (g->type == SOCK_DGRAM)
			assert_int_equal(send(fd, "x", 1, 0), 1);
		close(fd);
	}
	for (size_t i = 0; i < MEMBERS; i++) {
		g->got[i] = collect(g, i);
		sum += g->got[i];
	}
	assert_int_equal(sum, CLIENTS);
}

/* Steer among the members of the mask and look who got something. */
static void
check_steering(struct group *g, unsigned mask)
{
	uint32_t index[MEMBERS];
	size_t n = 0;

	for (uint32_t i = 0; i < MEMBERS; i++)
		if ((mask & 1U << i) != 0)
			index[n++] = i;
	assert_int_equal(compat_reuseport_steer(g->fd[0], index, n), 0);
	send_clients(g);
	for (size_t i = 0; i < MEMBERS; i++)
		assert_int_equal(g->got[i] > 0, (mask >> i & 1) != 0);
}

static void
check_group(int type)
{
	static const unsigned masks[] = { 0x1f, 0x0a, 0x10, 0x01, 0x1d };
	struct group g;

	open_group(&g, type);
	if (compat_reuseport_steer(g.fd[0], NULL, 0) == -1) {
		assert_int_equal(errno, ENOSYS);
		close_group(&g);
		skip();
	}
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		check_steering(&g, masks[i]);
	assert_int_equal(compat_reuseport_steer(g.fd[1], NULL, 0), 0);
	send_clients(&g);
	for (size_t i = 0; i < MEMBERS; i++)
		assert_true(g.got[i] > 0);
	close_group(&g);
}

static void
connections_reach_the_chosen_members_alone(void **state)
{
	(void)state;
	check_group(SOCK_STREAM);
}

static void
datagrams_reach_the_chosen_members_alone(void **state)
{
	(void)state;
	check_group(SOCK_DGRAM);
}

static void
as_many_members_as_there_are_workers(void **state)
{
	uint32_t index[257] = { 0 };
	struct group g;

	(void)state;
	if (!compat_reuseport_balances())
		skip();
	open_group(&g, SOCK_STREAM);
	if (compat_reuseport_steer(g.fd[0], index, 256) == -1) {
		assert_int_equal(errno, ENOSYS);
		close_group(&g);
		skip();
	}
	send_clients(&g);
	assert_int_equal(g.got[0], CLIENTS);
	assert_int_equal(compat_reuseport_steer(g.fd[0], index, 257), -1);
	assert_int_equal(errno, EINVAL);
	close_group(&g);
}

static void
socket_outside_of_a_group_is_refused(void **state)
{
	int fd = compat_socket(AF_INET, SOCK_STREAM, 0);
	uint32_t index = 0;

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(compat_reuseport_steer(fd, &index, 1), -1);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_reach_the_chosen_members_alone),
		cmocka_unit_test(datagrams_reach_the_chosen_members_alone),
		cmocka_unit_test(as_many_members_as_there_are_workers),
		cmocka_unit_test(socket_outside_of_a_group_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
