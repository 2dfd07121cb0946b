/*
 * Every allocation of a look-up fails once: whoever asked is told, or was
 * told at once, and the next look-up succeeds.
 */
#include "monitor/resolver.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns_server.h"

#define WATCHDOG_S 120

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
	if (until_failure == -1 || until_failure-- > 0)
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

struct fixture {
	struct dns_server *server;
	struct loop *loop;
	struct endpoint endpoint;
	struct conf_resolver conf;
	struct resolver *resolver;
	unsigned answers;
	enum resolver_outcome inet4, inet6, services;
	size_t n;
};

static int
setup(void **state)
{
	static struct fixture f;
	const char *why;

	f = (struct fixture){ .server = dns_server_open(),
		.loop = loop_open("auto"),
		/* A socket that could not be watched costs a time-out. */
		.conf = { .servers = &f.endpoint,
		    .nservers = 1,
		    .timeout = 50,
		    .tries = 1 } };
	assert_non_null(f.server);
	assert_non_null(f.loop);
	assert_int_equal(addr_parse("127.0.0.1:0", &f.endpoint.addr, &why), 0);
	f.endpoint.addr.port = dns_server_port(f.server);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	loop_close(f->loop);
	dns_server_close(f->server);
	return 0;
}

static void
take_addresses(void *arg, const struct resolver_addresses *answer)
{
	struct fixture *f = arg;

	f->answers++;
	f->inet4 = answer->inet4;
	f->inet6 = answer->inet6;
	f->n = answer->n;
	for (size_t i = 0; i < answer->n; i++)
		assert_int_equal(answer->items[i].family == ADDR_INET4
			? answer->inet4
			: answer->inet6,
		    RESOLVER_FOUND);
}

static void
take_services(void *arg, const struct resolver_services *answer)
{
	struct fixture *f = arg;

	f->answers++;
	f->services = answer->outcome;
	f->n = answer->n;
}

/* Whether an answer will come. */
static bool
open_and_ask(struct fixture *f, const char *name, bool services)
{
	const struct resolver_config config = { .loop = f->loop,
		.conf = &f->conf };

	f->resolver = resolver_open(&config);
	if (f->resolver == NULL)
		return false;
	if (services)
		return resolver_query_services(
			   f->resolver, name, take_services, f) == 0;
	return resolver_query_addresses(f->resolver, name, take_addresses, f) ==
	    0;
}

static void
ask(struct fixture *f, const char *name, bool services)
{
	unsigned before = f->answers;

	f->inet4 = f->inet6 = f->services = RESOLVER_FAILED;
	if (open_and_ask(f, name, services))
		while (f->answers == before)
			assert_int_not_equal(loop_turn(f->loop, -1), -1);
	resolver_close(f->resolver);
	f->resolver = NULL;
}

static void
ask_with_failures(struct fixture *f, const char *name, bool services)
{
	for (long n = 0;; n++) {
		failed = false;
		until_failure = n;
		ask(f, name, services);
		until_failure = -1;
		if (!failed) {
			assert_true(n > 4);
			return;
		}
	}
}

/* fault 42 */
static void
addresses_may_fail_at_any_allocation(void **state)
{
	struct fixture *f = *state;

	dns_server_address(f->server, "w.test", 60, "192.0.2.1");
	dns_server_address(f->server, "w.test", 60, "192.0.2.2");
	dns_server_address(f->server, "w.test", 60, "2001:db8::1");
	ask_with_failures(f, "w.test", false);
	assert_int_equal(f->inet4, RESOLVER_FOUND);
	assert_int_equal(f->inet6, RESOLVER_FOUND);
	assert_int_equal(f->n, 3);
}

/* fault 42 */
static void
hosts_may_fail_at_any_allocation(void **state)
{
	struct fixture *f = *state;

	ask_with_failures(f, "localhost", false);
	assert_int_equal(f->inet4, RESOLVER_FOUND);
}

/* fault 42 */
static void
services_may_fail_at_any_allocation(void **state)
{
	struct fixture *f = *state;

	dns_server_srv(f->server, "_s._tcp.test", 60, 1, 1, 80, "a.test");
	dns_server_srv(f->server, "_s._tcp.test", 60, 1, 1, 80, "b.test");
	ask_with_failures(f, "_s._tcp.test", true);
	assert_int_equal(f->services, RESOLVER_FOUND);
	assert_int_equal(f->n, 2);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(addresses_may_fail_at_any_allocation),
		T(hosts_may_fail_at_any_allocation),
		T(services_may_fail_at_any_allocation),
#undef T
	};

	alarm(WATCHDOG_S);
	return cmocka_run_group_tests_name(
	    "resolver: no memory", tests, NULL, NULL);
}
