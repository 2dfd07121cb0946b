/*
 * Names to addresses, on a real loop of each backend, asked at a name server
 * that does what the test says.
 */
#include "monitor/resolver.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns_server.h"
#include "event/backend.h"

#define WATCHDOG_S   300
#define ITEMS_MAX    400
#define TIMEOUT_MS   150
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *backend;

struct fixture {
	struct loop *loop;
	struct dns_server *server;
	struct conf_resolver conf;
	struct endpoint endpoints[2];
	struct resolver *resolver;
	char dir[64];
	char resolv_conf[96];
	/* The last answer. */
	unsigned answers;
	enum resolver_outcome inet4, inet6, outcome;
	char error[160];
	uint32_t ttl;
	size_t n;
	struct addr addresses[ITEMS_MAX];
	struct resolver_service services[16];
	char targets[16][64];
};

static void
take_addresses(void *arg, const struct resolver_addresses *answer)
{
	struct fixture *f = arg;

	f->answers++;
	f->inet4 = answer->inet4;
	f->inet6 = answer->inet6;
	f->ttl = answer->ttl;
	f->n = answer->n;
	assert_true(f->n <= ITEMS_MAX);
	(void)snprintf(f->error, sizeof(f->error), "%s",
	    answer->error != NULL ? answer->error : "");
	for (size_t i = 0; i < f->n; i++)
		f->addresses[i] = answer->items[i];
}

static void
take_services(void *arg, const struct resolver_services *answer)
{
	struct fixture *f = arg;

	f->answers++;
	f->outcome = answer->outcome;
	f->ttl = answer->ttl;
	f->n = answer->n;
	assert_true(f->n <= COUNT(f->services));
	for (size_t i = 0; i < f->n; i++) {
		f->services[i] = answer->items[i];
		(void)snprintf(f->targets[i], sizeof(f->targets[i]), "%s",
		    answer->items[i].target);
	}
}

static void
open_resolver(struct fixture *f, const char *resolv_conf)
{
	const struct resolver_config config = {
		.loop = f->loop, .conf = &f->conf, .resolv_conf = resolv_conf
	};

	resolver_close(f->resolver);
	f->resolver = resolver_open(&config);
	assert_non_null(f->resolver);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *why;
	char text[32];

	assert_non_null(f);
	f->loop = loop_open(backend);
	f->server = dns_server_open();
	assert_non_null(f->loop);
	assert_non_null(f->server);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u",
	    (unsigned)dns_server_port(f->server));
	assert_int_equal(addr_parse(text, &f->endpoints[0].addr, &why), 0);
	f->conf.servers = f->endpoints;
	f->conf.nservers = 1;
	f->conf.timeout = TIMEOUT_MS;
	f->conf.tries = 2;
	(void)strcpy(f->dir, "/tmp/muxd-resolver.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(
	    f->resolv_conf, sizeof(f->resolv_conf), "%s/resolv.conf", f->dir);
	open_resolver(f, NULL);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	resolver_close(f->resolver);
	loop_close(f->loop);
	dns_server_close(f->server);
	(void)unlink(f->resolv_conf);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static void
turn_until_answered(struct fixture *f, unsigned answers)
{
	while (f->answers < answers)
		assert_int_not_equal(loop_turn(f->loop, -1), -1);
}

static void
ask(struct fixture *f, const char *name)
{
	assert_int_equal(
	    resolver_query_addresses(f->resolver, name, take_addresses, f), 0);
	turn_until_answered(f, f->answers + 1);
}

static void
ask_services(struct fixture *f, const char *name)
{
	assert_int_equal(
	    resolver_query_services(f->resolver, name, take_services, f), 0);
	turn_until_answered(f, f->answers + 1);
}

static bool
has(const struct fixture *f, const char *ip)
{
	char text[ADDR_STRLEN];

	for (size_t i = 0; i < f->n; i++) {
		(void)addr_format_ip(&f->addresses[i], text, sizeof(text));
		if (strcmp(text, ip) == 0 && f->addresses[i].port == 0)
			return true;
	}
	return false;
}

static void
name_gives_addresses_of_both_families_and_the_least_ttl(void **state)
{
	struct fixture *f = *state;

	dns_server_address(f->server, "web.test", 300, "192.0.2.1");
	dns_server_address(f->server, "web.test", 300, "192.0.2.2");
	dns_server_address(f->server, "web.test", 60, "2001:db8::1");
	ask(f, "web.test");
	assert_int_equal(f->inet4, RESOLVER_FOUND);
	assert_int_equal(f->inet6, RESOLVER_FOUND);
	assert_int_equal(f->n, 3);
	assert_true(has(f, "192.0.2.1"));
	assert_true(has(f, "192.0.2.2"));
	assert_true(has(f, "2001:db8::1"));
	assert_int_equal(f->ttl, 60);
}

static void
alias_lends_its_ttl(void **state)
{
	struct fixture *f = *state;

	dns_server_cname(f->server, "www.test", 5, "web.test");
	dns_server_address(f->server, "web.test", 300, "192.0.2.1");
	ask(f, "www.test");
	assert_int_equal(f->inet4, RESOLVER_FOUND);
	assert_int_equal(f->inet6, RESOLVER_NONE);
	assert_true(has(f, "192.0.2.1"));
	assert_int_equal(f->ttl, 5);
}

static void
name_that_does_not_exist_is_told_from_a_failure(void **state)
{
	struct fixture *f = *state;

	ask(f, "missing.test");
	assert_int_equal(f->inet4, RESOLVER_NONE);
	assert_int_equal(f->inet6, RESOLVER_NONE);
	assert_int_equal(f->n, 0);
	assert_string_not_equal(f->error, "");
	dns_server_set_fault(f->server, "ill.test", DNS_A, DNS_SERVFAIL);
	dns_server_set_fault(f->server, "ill.test", DNS_AAAA, DNS_SERVFAIL);
	ask(f, "ill.test");
	assert_int_equal(f->inet4, RESOLVER_FAILED);
	assert_int_equal(f->inet6, RESOLVER_FAILED);
	assert_string_not_equal(f->error, "");
}

static void
family_that_failed_is_told_from_one_that_is_missing(void **state)
{
	struct fixture *f = *state;

	dns_server_address(f->server, "half.test", 300, "192.0.2.1");
	dns_server_set_fault(f->server, "half.test", DNS_AAAA, DNS_SERVFAIL);
	ask(f, "half.test");
	assert_int_equal(f->inet4, RESOLVER_FOUND);
	assert_int_equal(f->inet6, RESOLVER_FAILED);
	assert_int_equal(f->n, 1);
	dns_server_set_fault(f->server, "half.test", DNS_AAAA, DNS_ANSWERS);
	ask(f, "half.test");
	assert_int_equal(f->inet6, RESOLVER_NONE);
}

static void
silence_fails_after_all_tries(void **state)
{
	struct fixture *f = *state;
	uint64_t began;

	dns_server_set_fault(f->server, "mute.test", DNS_A, DNS_SILENT);
	dns_server_set_fault(f->server, "mute.test", DNS_AAAA, DNS_SILENT);
	loop_update_clock(f->loop);
	began = loop_now(f->loop);
	ask(f, "mute.test");
	assert_int_equal(f->inet4, RESOLVER_FAILED);
	assert_int_equal(f->inet6, RESOLVER_FAILED);
	assert_int_equal(dns_server_asked(f->server, "mute.test", DNS_A), 2);
	assert_true(loop_now(f->loop) - began >= 2 * TIMEOUT_MS);
}

static void
nobody_at_the_port_is_a_failure(void **state)
{
	struct fixture *f = *state;

	/* Nobody has this port but for the moment until it is closed. */
	f->endpoints[0].addr.port = 1;
	open_resolver(f, NULL);
	ask(f, "web.test");
	assert_int_equal(f->inet4, RESOLVER_FAILED);
	assert_int_equal(f->inet6, RESOLVER_FAILED);
}

static void
second_server_answers_when_the_first_does_not(void **state)
{
	struct fixture *f = *state;

	dns_server_address(f->server, "web.test", 300, "192.0.2.1");
	f->endpoints[1] = f->endpoints[0];
	f->endpoints[0].addr.port = 1;
	f->conf.nservers = 2;
	open_resolver(f, NULL);
	ask(f, "web.test");
	assert_int_equal(f->inet4, RESOLVER_FOUND);
	assert_true(has(f, "192.0.2.1"));
}

static void
truncated_answer_is_fetched_over_tcp(void **state)
{
	struct fixture *f = *state;
	char ip[16];

	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(ip, sizeof(ip), "192.0.2.%u", i);
		dns_server_address(f->server, "many.test", 300, ip);
	}
	dns_server_set_fault(f->server, "many.test", DNS_A, DNS_TRUNCATES);
	ask(f, "many.test");
	assert_int_equal(f->inet4, RESOLVER_FOUND);
	assert_int_equal(f->n, 100);
	assert_int_equal(dns_server_asked_tcp(f->server), 1);
}

static void
malformed_answer_is_a_failure(void **state)
{
	struct fixture *f = *state;

	dns_server_address(f->server, "bad.test", 300, "192.0.2.1");
	dns_server_srv(f->server, "_x._tcp.test", 300, 1, 1, 80, "web.test");
	dns_server_set_fault(f->server, "bad.test", DNS_A, DNS_MALFORMED);
	dns_server_set_fault(f->server, "_x._tcp.test", DNS_SRV, DNS_MALFORMED);
	ask(f, "bad.test");
	assert_int_equal(f->inet4, RESOLVER_FAILED);
	assert_int_equal(f->n, 0);
	ask_services(f, "_x._tcp.test");
	assert_int_equal(f->outcome, RESOLVER_FAILED);
}

static void
services_have_priority_weight_port_and_ttl(void **state)
{
	struct fixture *f = *state;
	const struct resolver_service *s = f->services;

	dns_server_srv(
	    f->server, "_http._tcp.test", 30, 10, 60, 8080, "a.test");
	dns_server_srv(f->server, "_http._tcp.test", 20, 20, 0, 81, "b.test");
	ask_services(f, "_http._tcp.test");
	assert_int_equal(f->outcome, RESOLVER_FOUND);
	assert_int_equal(f->n, 2);
	assert_int_equal(f->ttl, 20);
	assert_int_equal(s[0].priority, 10);
	assert_int_equal(s[0].weight, 60);
	assert_int_equal(s[0].port, 8080);
	assert_string_equal(f->targets[0], "a.test");
	assert_int_equal(s[1].priority, 20);
	assert_int_equal(s[1].weight, 0);
	assert_int_equal(s[1].port, 81);
	assert_string_equal(f->targets[1], "b.test");
}

static void
service_that_is_not_there_has_an_empty_target(void **state)
{
	struct fixture *f = *state;

	dns_server_srv(f->server, "_imap._tcp.test", 30, 0, 0, 0, "");
	ask_services(f, "_imap._tcp.test");
	assert_int_equal(f->outcome, RESOLVER_FOUND);
	assert_int_equal(f->n, 1);
	assert_string_equal(f->targets[0], "");
	ask_services(f, "_pop3._tcp.test");
	assert_int_equal(f->outcome, RESOLVER_NONE);
	assert_int_equal(f->n, 0);
}

static void
hosts_file_comes_first(void **state)
{
	struct fixture *f = *state;

	dns_server_address(f->server, "localhost", 300, "192.0.2.66");
	ask(f, "localhost");
	assert_int_equal(f->inet4, RESOLVER_FOUND);
	assert_true(has(f, "127.0.0.1"));
	assert_false(has(f, "192.0.2.66"));
	assert_int_equal(f->ttl, 0);
	assert_int_equal(dns_server_asked(f->server, "localhost", DNS_A), 0);
}

static void
many_names_are_asked_for_at_once(void **state)
{
	struct fixture *f = *state;
	char name[32];
	unsigned i;

	for (i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "n%u.test", i);
		dns_server_address(f->server, name, 300, "192.0.2.1");
	}
	for (i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "n%u.test", i);
		assert_int_equal(resolver_query_addresses(
				     f->resolver, name, take_addresses, f),
		    0);
	}
	/* Nobody is called from within the question. */
	assert_int_equal(f->answers, 0);
	turn_until_answered(f, 50);
}

static void
idle_resolver_does_not_wake_up(void **state)
{
	struct fixture *f = *state;

	dns_server_address(f->server, "web.test", 300, "192.0.2.1");
	dns_server_address(f->server, "web.test", 300, "2001:db8::1");
	ask(f, "web.test");
	/* The wheel looks once more where a cancelled timer was. */
	while (timer_wheel_wait_ms(&f->loop->wheel, loop_now(f->loop)) != -1)
		assert_int_equal(loop_turn(f->loop, -1), 0);
	assert_int_equal(loop_turn(f->loop, 0), 0);
}

static void
closing_in_the_middle_calls_nobody(void **state)
{
	struct fixture *f = *state;

	dns_server_set_fault(f->server, "mute.test", DNS_A, DNS_SILENT);
	assert_int_equal(resolver_query_addresses(
			     f->resolver, "mute.test", take_addresses, f),
	    0);
	/* One of its answers may have come; and a look-up that is done. */
	(void)loop_turn(f->loop, 20);
	assert_int_equal(resolver_query_addresses(
			     f->resolver, "localhost", take_addresses, f),
	    0);
	resolver_close(f->resolver);
	f->resolver = NULL;
	(void)loop_turn(f->loop, 0);
	(void)loop_turn(f->loop, 0);
	assert_int_equal(f->answers, 0);
}

/* ---- the system's settings ------------------------------------------------------ */

static void
write_resolv_conf(const struct fixture *f, const char *text)
{
	char path[112];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s.new", f->resolv_conf);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(path, f->resolv_conf), 0);
}

static void
unreadable_resolv_conf_is_an_error_that_passes(void **state)
{
	struct fixture *f = *state;

	f->conf.nservers = 0;
	/* Nobody can read a link that leads to itself, root included. */
	assert_int_equal(symlink("resolv.conf", f->resolv_conf), 0);
	open_resolver(f, f->resolv_conf);
	ask(f, "web.test");
	assert_int_equal(f->inet4, RESOLVER_FAILED);
	assert_int_equal(f->inet6, RESOLVER_FAILED);
	assert_non_null(strstr(f->error, "resolv.conf"));
	assert_non_null(strstr(f->error, strerror(ELOOP)));
	ask(f, "localhost");
	assert_int_equal(f->inet4, RESOLVER_FOUND);
	/* 127.0.0.2 is not a name server, but it is looked at. */
	write_resolv_conf(f, "nameserver 127.0.0.2\n");
	ask(f, "web.test");
	assert_int_equal(f->inet4, RESOLVER_FAILED);
	assert_null(strstr(f->error, "resolv.conf"));
}

static const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	T(name_gives_addresses_of_both_families_and_the_least_ttl),
	T(alias_lends_its_ttl),
	T(name_that_does_not_exist_is_told_from_a_failure),
	T(family_that_failed_is_told_from_one_that_is_missing),
	T(silence_fails_after_all_tries),
	T(nobody_at_the_port_is_a_failure),
	T(second_server_answers_when_the_first_does_not),
	T(truncated_answer_is_fetched_over_tcp),
	T(malformed_answer_is_a_failure),
	T(services_have_priority_weight_port_and_ttl),
	T(service_that_is_not_there_has_an_empty_target),
	T(hosts_file_comes_first),
	T(many_names_are_asked_for_at_once),
	T(idle_resolver_does_not_wake_up),
	T(closing_in_the_middle_calls_nobody),
	T(unreadable_resolv_conf_is_an_error_that_passes),
#undef T
};

int
main(void)
{
	int failures = 0;
	char name[64];

	alarm(WATCHDOG_S);
	for (size_t i = 0; event_backends[i] != NULL; i++) {
		backend = event_backends[i]->name;
		(void)snprintf(name, sizeof(name), "resolver on %s", backend);
		failures += _cmocka_run_group_tests(
		    name, tests, COUNT(tests), NULL, NULL);
	}
	return failures;
}
