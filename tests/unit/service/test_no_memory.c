/*
 * Every allocation of the service layer fails once: nobody crashes, nothing
 * that was taken stays taken, and the next client is served.
 */
#include "fixture.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

/* Allocations until the one that fails; -1: none does. */
static long until_failure = -1;
static bool failed;

static bool
fails_now(void)
{
	if (until_failure == -1)
		return false;
	if (until_failure-- > 0)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

static const char *const configuration =
    "service \"echo\" { listen = { \"127.0.0.1:0\" } handler = \"echo\""
    " limit { connections = 10 per_source = 10 } }"
    "service \"web\" { listen = { \"127.0.0.1:0\" } handler = \"http\""
    " http { body = \"hello\" } }"
    "service \"day\" { listen = { \"127.0.0.1:0\" } handler = \"daytime\" }"
    "service \"far\" { listen = { \"127.0.0.1:0\" } handler = \"echo\""
    " accept_proxy = \"127.0.0.1\" }"
    "service \"dns\" { listen = { \"udp:127.0.0.1:0\" } handler = \"relay\""
    " pool = \"nobody\" }"
    "pool \"nobody\" { server \"a\" { address = \"127.0.0.1:1\" }"
    " udp { idle_timeout = \"1ms\" } }";

/* Read until the end, whatever comes, while time passes: who found no memory
 * tries again by a timer. */
static void
read_to_the_end(struct fixture *f, int fd)
{
	char buf[4096];
	ssize_t n;

	do {
		fixture_advance(f, 100);
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	} while (n > 0 || (n == -1 && errno == EAGAIN));
}

/* Say something to a door, in two parts.  The client allocates nothing. */
static void
visit(struct fixture *f, size_t door, const char *first, const char *second)
{
	int fd = fixture_connect(&f->services, door, NULL);

	(void)send(fd, first, strlen(first), MSG_NOSIGNAL);
	fixture_advance(f, 100);
	(void)send(fd, second, strlen(second), MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	read_to_the_end(f, fd);
	(void)close(fd);
	fixture_advance(f, 100);
}

/* A datagram to a door, which nobody answers. */
static void
send_datagram(struct fixture *f, size_t door)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(
	    &f->services.current->doors[door].endpoint.addr, &ss);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(sendto(fd, "?", 1, 0, (struct sockaddr *)&ss, len), 1);
	fixture_advance(f, 100);
	(void)close(fd);
}

static void
visit_all(struct fixture *f)
{
	visit(f, 0, "hello", "again");
	visit(
	    f, 1, "GET / HTTP/1.1\r\nHo", "st: a\r\nConnection: close\r\n\r\n");
	visit(f, 1, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab",
	    "cdGET / HTTP/1.0\r\n\r\n");
	visit(f, 2, "", "");
	visit(f, 3, "PROXY TCP4 192.0.2.1 192.0.2.2 ", "1 2\r\nhello");
	send_datagram(f, 4);
}

/* Nobody is there any more, nor has left anything. */
static void
assert_left(struct fixture *f)
{
	TURN_UNTIL(f,
	    list_empty(&f->services.sessions) &&
		list_empty(&f->services.arrivals));
	assert_int_equal(tally_read(&f->state->total->tally), 0);
}

/* fault 42 */
static void
a_session_may_fail_at_any_allocation(void **state)
{
	struct fixture f;
	long n;

	(void)state;
	for (n = 0;; n++) {
		fixture_open(&f, configuration);
		failed = false;
		until_failure = n;
		visit_all(&f);
		until_failure = -1;
		assert_left(&f);
		visit_all(&f);
		assert_left(&f);
		fixture_close(&f);
		if (!failed)
			break;
	}
	/* It was the sessions that allocated, and each of them. */
	assert_true(n >= 8);
}

static void
ignore_congestion(struct services *services, bool congested)
{
	(void)services;
	(void)congested;
}

static void
ignore_drained(struct services *services)
{
	(void)services;
}

static const struct services_ops ops = {
	.congested = ignore_congestion,
	.drained = ignore_drained,
};

/* fault 42 */
static void
the_set_up_may_fail_at_any_allocation(void **state)
{
	struct fixture f;
	struct services services;
	struct services_config config = { .ops = &ops };
	struct generation_config first = { .number = 1 };
	int result;
	long n;

	(void)state;
	fixture_open(&f, configuration);
	config.loop = f.loop;
	config.log = &f.log;
	config.state = f.state;
	config.worker = 1;
	first.conf = f.conf;
	first.slots = f.slots;
	first.pool_slots = f.pool_slots;
	first.server_places = f.places;
	first.connections_max = 10;
	first.ndoors = 4;
	for (n = 0;; n++) {
		failed = false;
		until_failure = n;
		result = services_open(&services, &config, &first);
		until_failure = -1;
		if (result == 0)
			break;
		assert_true(failed);
		assert_int_equal(errno, ENOMEM);
	}
	assert_true(n >= 4);
	services_close(&services);
	fixture_close(&f);
}

/* A generation is made beside the one that is there, or not at all. */
static void
a_reload_may_fail_at_any_allocation(void **state)
{
	struct generation_config config = { .number = 2, .ndoors = 8 };
	struct door_config doors[8] = { 0 };
	struct generation *generation;
	struct fixture f;
	size_t i;
	long n;

	(void)state;
	fixture_open(&f, configuration);
	config.conf = f.conf;
	config.slots = f.slots;
	config.pool_slots = f.pool_slots;
	config.server_places = f.places;
	config.connections_max = 10;
	for (i = 0; i < f.services.current->ndoors; i++) {
		doors[i].service =
		    (size_t)(f.services.current->doors[i].service -
			f.services.current->items);
		doors[i].endpoint = f.services.current->doors[i].endpoint;
		doors[i].id = (uint32_t)i + 1;
		doors[i].fd = -1;
	}
	/* And one that is new: no allocation may lose its descriptor. */
	for (n = 0;; n++) {
		doors[i] = doors[0];
		doors[i].id = 100;
		doors[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_int_not_equal(doors[i].fd, -1);
		failed = false;
		until_failure = n;
		generation =
		    services_prepare(&f.services, &config, doors, i + 1);
		until_failure = -1;
		if (generation != NULL)
			break;
		assert_true(failed);
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(fcntl(doors[i].fd, F_GETFD), -1);
	}
	assert_true(n >= 4);
	services_abandon(generation);
	fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_may_fail_at_any_allocation),
		cmocka_unit_test(the_set_up_may_fail_at_any_allocation),
		cmocka_unit_test(a_reload_may_fail_at_any_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
