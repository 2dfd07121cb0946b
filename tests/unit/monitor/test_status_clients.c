/*
 * Which connection gives way when all places of the status page are taken.
 */
#include "monitor/status_clients.h"

#include <netinet/in.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

enum { MANY = STATUS_CONNECTIONS + STATUS_LEAVING };

struct clients_test {
	struct loop *loop;
	struct status_clients clients;
	struct status_client *client[MANY];
	int theirs[MANY];
	int ours[MANY];
	unsigned n;
};

static int
setup(void **state)
{
	static struct clients_test t;

	memset(&t, 0, sizeof(t));
	t.loop = loop_open("auto");
	assert_non_null(t.loop);
	status_clients_open(&t.clients, t.loop);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct clients_test *t = *state;
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (t->client[i] != NULL)
			status_clients_end(&t->clients, t->client[i]);
		(void)close(t->ours[i]);
		(void)close(t->theirs[i]);
	}
	assert_int_equal(t->clients.n, 0);
	assert_int_equal(t->clients.nleaving, 0);
	status_clients_close(&t->clients);
	loop_close(t->loop);
	return 0;
}

static void
come(struct clients_test *t, const char *from)
{
	struct sockaddr_storage ss;
	struct addr addr;
	const char *why;
	int fds[2];

	assert_in_range(t->n, 0, MANY - 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(addr_parse(from, &addr, &why), 0);
	assert_true(addr_to_sockaddr(&addr, &ss) > 0);
	t->ours[t->n] = fds[0];
	t->theirs[t->n] = fds[1];
	t->client[t->n] = status_clients_begin(
	    &t->clients, fds[0], (const struct sockaddr *)&ss);
	assert_non_null(t->client[t->n++]);
}

static void
come_often(struct clients_test *t, const char *from, unsigned n)
{
	while (n-- > 0)
		come(t, from);
}

static bool
was_ended(const struct clients_test *t, unsigned i)
{
	char byte;

	return recv(t->theirs[i], &byte, 1, MSG_DONTWAIT) == 0;
}

/* The one that must go, and no other. */
static void
expect_ended(struct clients_test *t, unsigned expected)
{
	unsigned i;

	status_clients_make_room(&t->clients);
	for (i = 0; i < t->n; i++)
		assert_int_equal(
		    t->client[i] != NULL && was_ended(t, i), i == expected);
	status_clients_end(&t->clients, t->client[expected]);
	t->client[expected] = NULL;
}

static void
nobody_leaves_while_there_is_room(void **state)
{
	struct clients_test *t = *state;

	unsigned i;

	come_often(t, "127.0.0.1:1", STATUS_CONNECTIONS - 1);
	status_clients_make_room(&t->clients);
	for (i = 0; i < t->n; i++)
		assert_false(was_ended(t, i));
}

static void
idlest_of_a_source_leaves(void **state)
{
	struct clients_test *t = *state;

	come_often(t, "127.0.0.1:1", STATUS_CONNECTIONS);
	status_clients_served(&t->clients, t->client[0]);
	status_clients_served(&t->clients, t->client[1]);
	expect_ended(t, 2);
	come(t, "127.0.0.1:2");
	expect_ended(t, 3);
}

static void
source_that_has_most_gives_way(void **state)
{
	struct clients_test *t = *state;

	come_often(t, "192.0.2.1:1", STATUS_CONNECTIONS / 2 - 1);
	come_often(t, "192.0.2.2:1", STATUS_CONNECTIONS / 2 + 1);
	expect_ended(t, STATUS_CONNECTIONS / 2 - 1);
	come(t, "192.0.2.3:1");
	expect_ended(t, STATUS_CONNECTIONS / 2);
}

/* Somebody has 2^64 addresses of IPv6, and is one source. */
static void
source_of_ipv6_is_a_prefix(void **state)
{
	struct clients_test *t = *state;
	char from[64];
	unsigned i;

	come(t, "192.0.2.1:1");
	come(t, "192.0.2.1:2");
	for (i = 2; i < STATUS_CONNECTIONS; i++) {
		(void)snprintf(from, sizeof(from), "[2001:db8::%x]:1", i);
		come(t, from);
	}
	expect_ended(t, 2);
}

/* Nobody is ended twice, and not more are let in than there are descriptors
 * for. */
static void
those_that_leave_slowly_are_bounded(void **state)
{
	struct clients_test *t = *state;
	unsigned i;

	come_often(t, "127.0.0.1:1", STATUS_CONNECTIONS);
	for (i = 0; i < STATUS_LEAVING; i++) {
		assert_true(status_clients_have_room(&t->clients));
		status_clients_make_room(&t->clients);
		status_clients_make_room(&t->clients);
		assert_true(was_ended(t, i));
		assert_false(was_ended(t, i + 1));
		come(t, "127.0.0.1:1");
	}
	assert_false(status_clients_have_room(&t->clients));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_leaves_while_there_is_room),
		TEST(idlest_of_a_source_leaves),
		TEST(source_that_has_most_gives_way),
		TEST(source_of_ipv6_is_a_prefix),
		TEST(those_that_leave_slowly_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
